package integration

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// The statements that make the types, in orders that give each node other OIDs.
var typeOrders = [][]string{
	{makeMood, makeGrade, makePair, makeSwing},
	{"CREATE TYPE filler AS (a int)", makeGrade, makeMood, makeSwing, makePair},
	{"CREATE TYPE filler AS (a int); CREATE TYPE another AS (a int); CREATE TYPE third AS (a int)", makeMood, makeSwing, makePair, makeGrade},
}

const (
	makeMood  = "CREATE TYPE mood AS ENUM ('sad', 'ok', 'happy')"
	makeGrade = "CREATE DOMAIN grade AS int CHECK (value BETWEEN 1 AND 5)"
	makePair  = "CREATE TYPE pair AS (m mood, n int)"
	makeSwing = "CREATE TYPE swing AS RANGE (subtype = mood)"
)

// TestUserTypes: types whose OIDs differ between the nodes.
func TestUserTypes(t *testing.T) {
	p := withTypes(t, options{pool: 1})
	for name, test := range map[string]func(*testing.T, *typed){
		"enum with pgx":       enumWithPgx,
		"OIDs":                typeOIDs,
		"results":             binaryValues,
		"parameters":          binaryParameters,
		"without table":       binaryValuesWithoutTable,
		"described late":      describedLate,
		"drawn keys":          binaryWithDrawnKeys,
		"temporary tables":    binaryOfTemporaryTables,
		"transactions":        binaryInTransactions,
		"cursors and COPY":    binaryCursorsAndCopy,
		"look-ups of drivers": typeLookups,
	} {
		p.reset(t)
		t.Run(name, func(t *testing.T) {
			own := *p.proxy // its connections end with the subtest
			own.t = t
			test(t, &typed{&own, p.home, p.keys, p.oids})
		})
	}
}

// typed is a proxy in front of nodes whose type OIDs differ, with a row of user
// keys[i] on node i.
type typed struct {
	*proxy
	home int
	keys []int64
	oids []map[string]uint32 // by node, as the node says
}

func withTypes(t *testing.T, o options) *typed {
	t.Helper()
	o.before = func(node int, conn *pgx.Conn) {
		for _, sql := range typeOrders[node] {
			do(t, conn, sql)
		}
	}
	p := &typed{proxy: withSchema(t, o), home: -1}
	conn := p.connect()
	do(t, conn, `CREATE TABLE feelings (user_id bigint PRIMARY KEY, m mood, g grade, p pair, ms mood[], s swing, ns int[])`)
	for i := range p.nodes {
		p.oids = append(p.oids, oidsOf(t, p.node(i)))
	}
	seen := oidsOf(t, conn)
	for i, oids := range p.oids {
		if cmp.Equal(oids, seen) {
			p.home = i
		}
		if other := p.oids[(i+1)%len(p.nodes)]; oids["mood"] == other["mood"] || oids["_mood"] == other["_mood"] {
			t.Fatalf("the types have the same OIDs on two nodes: %v %v", oids, other)
		}
	}
	if p.home < 0 {
		t.Fatalf("the catalog says %v, the nodes %v", seen, p.oids)
	}
	for _, ids := range p.proxy.keys(1) {
		p.keys = append(p.keys, ids[0])
	}
	return p
}

// reset makes the rows what they were.
func (p *typed) reset(t *testing.T) {
	t.Helper()
	conn := p.connect()
	defer closeNow(conn)
	for _, key := range p.keys {
		do(t, conn, fmt.Sprintf("DELETE FROM feelings WHERE user_id = %d", key))
		do(t, conn, fmt.Sprintf(`INSERT INTO feelings VALUES (%d, 'ok', 3, '(sad,7)', '{ok,sad}', '[sad,ok]', '{1}')`, key))
	}
}

func oidsOf(t *testing.T, conn *pgx.Conn) map[string]uint32 {
	t.Helper()
	rows, err := conn.Query(t.Context(), `SELECT typname, oid FROM pg_type WHERE typname IN ('mood', '_mood', 'grade', 'pair', 'swing')`)
	if err != nil {
		t.Fatal(err)
	}
	oids := make(map[string]uint32)
	var name string
	var oid uint32
	if _, err := pgx.ForEachRow(rows, []any{&name, &oid}, func() error {
		oids[name] = oid
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return oids
}

// seen are the OIDs that clients know.
func (p *typed) seen() map[string]uint32 { return p.oids[p.home] }

// send executes a statement as libpq does, all results in one format.
func send(conn *pgx.Conn, sql string, format int16, params ...param) *pgconn.Result {
	var values [][]byte
	var oids []uint32
	var formats []int16
	for _, p := range params {
		values, oids, formats = append(values, p.value), append(oids, p.oid), append(formats, p.format)
	}
	return conn.PgConn().ExecParams(context.Background(), sql, values, oids, formats, []int16{format}).Read()
}

type param struct {
	value  []byte
	oid    uint32
	format int16
}

// code is the SQLSTATE of an error, "" of none.
func code(err error) string {
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		return pg.Code
	}
	return fmt.Sprint(err)
}

// pgx writes and reads an enum that it loaded, in every mode.
func enumWithPgx(t *testing.T, p *typed) {
	modes := []pgx.QueryExecMode{
		pgx.QueryExecModeCacheStatement, pgx.QueryExecModeCacheDescribe, pgx.QueryExecModeDescribeExec,
		pgx.QueryExecModeExec, pgx.QueryExecModeSimpleProtocol,
	}
	for _, mode := range modes {
		t.Run(mode.String(), func(t *testing.T) {
			conn := p.connect("default_query_exec_mode=" + strings.ReplaceAll(mode.String(), " ", "_"))
			loaded, err := conn.LoadType(t.Context(), "mood")
			if err != nil {
				t.Fatal(err)
			}
			if loaded.OID != p.seen()["mood"] {
				t.Errorf("mood has the OID %d, at home %d", loaded.OID, p.seen()["mood"])
			}
			conn.TypeMap().RegisterType(loaded)
			for node, key := range p.keys {
				do(t, conn, "UPDATE feelings SET m = $2 WHERE user_id = $1", key, "happy")
				for _, format := range []int16{pgx.TextFormatCode, pgx.BinaryFormatCode} {
					args := []any{key, "happy"}
					if mode != pgx.QueryExecModeSimpleProtocol {
						args = append([]any{pgx.QueryResultFormats{format}}, args...)
					}
					got, err := queryErr(t.Context(), conn, "SELECT m, g FROM feelings WHERE user_id = $1 AND m = $2", args...)
					if diff := cmp.Diff([]string{"happy|3"}, got); err != nil || diff != "" {
						t.Errorf("node %d, format %d: %v %s", node+1, format, err, diff)
					}
				}
			}
			if got := query(t, conn, "SELECT count(*) FROM feelings WHERE m = $1", "happy"); got[0] != fmt.Sprint(len(p.keys)) {
				t.Errorf("over all nodes: %q", got)
			}
			do(t, conn, "DELETE FROM feelings WHERE user_id = 1000000")
		})
	}
	conn := p.connect()
	loaded, err := conn.LoadType(t.Context(), "mood")
	if err != nil {
		t.Fatal(err)
	}
	conn.TypeMap().RegisterType(loaded)
	for node, key := range p.keys {
		do(t, conn, "DELETE FROM feelings WHERE user_id = $1", key)
		n, err := conn.CopyFrom(t.Context(), pgx.Identifier{"feelings"}, []string{"user_id", "m", "g"}, pgx.CopyFromRows([][]any{{key, "sad", 2}}))
		if err != nil || n != 1 {
			t.Errorf("node %d: binary COPY: %d rows, %v", node+1, n, err)
		}
		if got := query(t, conn, "SELECT m, g FROM feelings WHERE user_id = $1", key); got[0] != "sad|2" {
			t.Errorf("node %d: %q", node+1, got)
		}
	}
}

// Whatever node describes or runs a statement, clients see the home node's OIDs.
func typeOIDs(t *testing.T, p *typed) {
	conn := p.connect().PgConn()
	oids := p.seen()
	want := []uint32{oids["mood"], 23, oids["pair"], oids["_mood"], oids["swing"], 1007} // a domain shows as its base
	const columns = "SELECT m, g, p, ms, s, ns FROM feelings WHERE m = $1 AND ms = $2 AND g = $3"
	typesOf := func(fields []pgconn.FieldDescription) (list []uint32) {
		for _, f := range fields {
			list = append(list, f.DataTypeOID)
		}
		return list
	}
	for i := range 12 { // each on any node
		for _, declared := range [][]uint32{nil, {oids["mood"], oids["_mood"], oids["grade"]}} {
			sql := fmt.Sprintf("%s AND %d = %[2]d", columns, i)
			d, err := conn.Prepare(t.Context(), fmt.Sprint("s", i, len(declared)), sql, declared)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, typesOf(d.Fields)); diff != "" {
				t.Errorf("described columns (-want +got):\n%s", diff)
			}
			wantParams := []uint32{oids["mood"], oids["_mood"], 23}
			if declared != nil {
				wantParams = declared
			}
			if diff := cmp.Diff(wantParams, d.ParamOIDs); diff != "" {
				t.Errorf("described parameters (-want +got):\n%s", diff)
			}
			for _, where := range p.places() {
				text := fmt.Sprintf("%s AND %s", columns, where)
				values := [][]byte{[]byte("ok"), []byte("{ok,sad}"), []byte("3")}
				r := conn.ExecParams(t.Context(), text, values, declared, nil, nil).Read()
				if r.Err != nil || len(r.Rows) == 0 {
					t.Fatalf("%s: %d rows, %v", where, len(r.Rows), r.Err)
				}
				if diff := cmp.Diff(want, typesOf(r.FieldDescriptions)); diff != "" {
					t.Errorf("%s: columns (-want +got):\n%s", where, diff)
				}
				if _, err := conn.Prepare(t.Context(), "again", text, declared); err != nil {
					t.Fatal(err)
				}
				r = conn.ExecPrepared(t.Context(), "again", values, nil, nil).Read()
				if r.Err != nil || len(r.Rows) == 0 || !cmp.Equal(want, typesOf(r.FieldDescriptions)) {
					t.Errorf("%s: prepared: %d rows of %v, %v", where, len(r.Rows), typesOf(r.FieldDescriptions), r.Err)
				}
				if err := conn.Deallocate(t.Context(), "again"); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	for _, where := range p.places() {
		results, err := conn.Exec(t.Context(), "SELECT m, g, p, ms, s, ns FROM feelings WHERE "+where).ReadAll()
		if err != nil || len(results) != 1 || !cmp.Equal(want, typesOf(results[0].FieldDescriptions)) {
			t.Errorf("%s: simple query: %v, %v", where, typesOf(results[0].FieldDescriptions), err)
		}
	}
}

// places are conditions for one node each, and one for all.
func (p *typed) places() []string {
	var list []string
	for _, key := range p.keys {
		list = append(list, fmt.Sprintf("user_id = %d", key))
	}
	return append(list, "user_id > 0")
}

// What drivers ask of the catalog when they meet a type is answered by the home
// node or refused, never by another node.
func typeLookups(t *testing.T, p *typed) {
	lookups := map[string]string{
		"pgx":     "SELECT $1::text::regtype::oid",
		"psycopg": "SELECT t.oid FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE t.oid = to_regtype($1)",
		"JDBC": "SELECT t.oid FROM pg_catalog.pg_type t LEFT JOIN (SELECT ns.oid AS nspoid, ns.nspname, r.r FROM pg_namespace AS ns " +
			"JOIN (SELECT s.r, (current_schemas(false))[s.r] AS nspname FROM generate_series(1, array_upper(current_schemas(false), 1)) AS s(r)) AS r USING (nspname)) AS sp " +
			"ON sp.nspoid = typnamespace WHERE typname = $1 ORDER BY sp.r, t.oid DESC LIMIT 1",
	}
	conn := p.connect()
	for driver, sql := range lookups {
		for i := range 4 {
			if got := query(t, conn, sql, "mood"); got[0] != fmt.Sprint(p.seen()["mood"]) {
				t.Errorf("%s, %d: %q, at home %d", driver, i, got, p.seen()["mood"])
			}
		}
		for node, key := range p.keys {
			do(t, conn, "BEGIN")
			if got := query(t, conn, sql, "mood"); got[0] != fmt.Sprint(p.seen()["mood"]) {
				t.Errorf("%s, in a transaction without a node: %q", driver, got)
			}
			do(t, conn, "ROLLBACK")
			do(t, conn, "BEGIN")
			do(t, conn, fmt.Sprintf("UPDATE feelings SET g = 1 WHERE user_id = %d", key))
			got, err := queryErr(t.Context(), conn, sql, "mood")
			if code(err) != "0A000" && (err != nil || got[0] != fmt.Sprint(p.seen()["mood"])) {
				t.Errorf("%s, in a transaction on node %d: %q, %v", driver, node+1, got, err)
			}
			do(t, conn, "ROLLBACK")
		}
	}
}
