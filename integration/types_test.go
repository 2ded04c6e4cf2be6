package integration

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
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

// Values that hold OIDs in binary form pass at home only; others pass everywhere,
// byte for byte.
func binaryValues(t *testing.T, p *typed) {
	tests := []struct {
		column  string
		refused bool
	}{
		{"m", false},
		{"g", false},
		{"s", false},
		{"ns", false},
		{"multirange(s)", false},
		{"p", true},
		{"ms", true},
		{"ROW(m)", true},
		{"ROW(1)", true},
		{"array_agg(m)", true},
		{"feelings", true},
		{"array_agg(feelings)", true},
	}
	conn := p.connect()
	for _, tt := range tests {
		truth := send(p.node(p.home), "SELECT "+tt.column+" FROM feelings", pgx.BinaryFormatCode)
		if truth.Err != nil {
			t.Fatal(truth.Err)
		}
		for node, key := range p.keys {
			sql := fmt.Sprintf("SELECT %s FROM feelings WHERE user_id = %d", tt.column, key)
			r := send(conn, sql, pgx.BinaryFormatCode)
			if text := send(conn, sql, pgx.TextFormatCode); text.Err != nil || len(text.Rows) != 1 {
				t.Errorf("node %d: %s as text: %v", node+1, tt.column, text.Err)
			}
			if tt.refused && node != p.home {
				wantRefused(t, fmt.Sprint("node ", node+1, ": ", tt.column), r.Err)
				continue
			}
			if tt.column == "feelings" || tt.column == "array_agg(feelings)" {
				continue // of another user
			}
			if r.Err != nil || len(r.Rows) != 1 || !bytes.Equal(truth.Rows[0][0], r.Rows[0][0]) {
				t.Errorf("node %d: %s: %v, %v; at home %x", node+1, tt.column, r.Rows, r.Err, truth.Rows)
			}
		}
		all := send(conn, "SELECT "+tt.column+" FROM feelings", pgx.BinaryFormatCode)
		switch {
		case tt.refused && !strings.Contains(tt.column, "agg"):
			wantRefused(t, "over all nodes: "+tt.column, all.Err)
		case !tt.refused && (all.Err != nil || len(all.Rows) != len(p.keys)):
			t.Errorf("over all nodes: %s: %v", tt.column, all.Err)
		}
	}
}

func wantRefused(t *testing.T, what string, err error) {
	t.Helper()
	var pg *pgconn.PgError
	if !errors.As(err, &pg) || pg.Code != "0A000" || !strings.Contains(pg.Message, "in binary format") || !strings.Contains(pg.Hint, "text format") {
		t.Errorf("%s: got %v, want a refusal of the binary format", what, err)
	}
}

// Parameters alike, declared or not, prepared or not; and writes leave nothing
// behind.
func binaryParameters(t *testing.T, p *typed) {
	conn := p.connect()
	oids := p.seen()
	home := p.node(p.home)
	inBinary := func(value string) []byte {
		r := send(home, "SELECT "+value, pgx.BinaryFormatCode)
		if r.Err != nil {
			t.Fatal(r.Err)
		}
		return r.Rows[0][0]
	}
	tests := []struct {
		column, typ, value string
		refused            bool
	}{
		{"m", "mood", "'happy'::mood", false},
		{"g", "grade", "4::grade", false},
		{"s", "swing", "'[ok,happy]'::swing", false},
		{"ms", "_mood", "'{happy}'::mood[]", true},
		{"ms", "_mood", "'{}'::mood[]", true},
		{"p", "pair", "'(ok,1)'::pair", true},
	}
	for i, tt := range tests {
		for node, key := range p.keys {
			for _, declared := range []uint32{0, oids[tt.typ]} {
				what := fmt.Sprintf("node %d: %s as %d", node+1, tt.value, declared)
				value := param{inBinary(tt.value), declared, pgx.BinaryFormatCode}
				sql := fmt.Sprintf("UPDATE feelings SET %s = $1 WHERE user_id = %d AND %d = %[3]d", tt.column, key, i)
				r := send(conn, sql, pgx.TextFormatCode, value)
				p.checkWrite(t, what, tt.refused && node != p.home, r)
				name := fmt.Sprint("w", i, node, declared)
				if _, err := conn.PgConn().Prepare(t.Context(), name, sql+" ", []uint32{declared}); err != nil {
					t.Fatal(err)
				}
				r = conn.PgConn().ExecPrepared(t.Context(), name, [][]byte{value.value}, []int16{1}, nil).Read()
				p.checkWrite(t, what+", prepared", tt.refused && node != p.home, r)
			}
			if tt.refused && node != p.home {
				got := query(t, p.node(node), fmt.Sprintf("SELECT %s = %s FROM feelings WHERE user_id = %d", tt.column, tt.value, key))
				if got[0] != "false" {
					t.Errorf("node %d: a refused write took effect", node+1)
				}
			}
		}
	}
	for node, key := range p.keys { // a write that would return what is refused
		before := query(t, conn, fmt.Sprintf("SELECT g FROM feelings WHERE user_id = %d", key))
		r := send(conn, fmt.Sprintf("UPDATE feelings SET g = 5 - g WHERE user_id = %d RETURNING ms", key), pgx.BinaryFormatCode)
		if node == p.home {
			p.checkWrite(t, "RETURNING at home", false, r)
			continue
		}
		wantRefused(t, "RETURNING", r.Err)
		if diff := cmp.Diff(before, query(t, conn, fmt.Sprintf("SELECT g FROM feelings WHERE user_id = %d", key))); diff != "" {
			t.Errorf("node %d: a refused write took effect: %s", node+1, diff)
		}
	}
}

func (p *typed) checkWrite(t *testing.T, what string, refused bool, r *pgconn.Result) {
	t.Helper()
	switch {
	case refused:
		wantRefused(t, what, r.Err)
	case r.Err != nil || r.CommandTag.String() != "UPDATE 1":
		t.Errorf("%s: %v %v", what, r.CommandTag, r.Err)
	}
}

// What may run on any node runs at home where it must.
func binaryValuesWithoutTable(t *testing.T, p *typed) {
	conn := p.connect()
	oids := p.seen()
	other := (p.home + 1) % len(p.nodes)
	for i := range 8 {
		r := send(conn, fmt.Sprintf("SELECT '{ok}'::mood[], ROW(%d)", i), pgx.BinaryFormatCode)
		if r.Err != nil || !bytes.Contains(r.Rows[0][0], []byte{byte(oids["mood"] >> 8), byte(oids["mood"])}) {
			t.Fatalf("%x %v", r.Rows, r.Err)
		}
	}
	do(t, conn, "BEGIN")
	do(t, conn, fmt.Sprintf("UPDATE feelings SET g = 1 WHERE user_id = %d", p.keys[other]))
	r := send(conn, "SELECT '{ok}'::mood[]", pgx.BinaryFormatCode)
	wantRefused(t, "in a transaction elsewhere", r.Err)
	if _, err := conn.Exec(t.Context(), "SELECT 1"); code(err) != "25P02" {
		t.Errorf("the transaction goes on: %v", err)
	}
	do(t, conn, "ROLLBACK")

	// A pipeline: the whole of it fails before anything is sent.
	w := p.wire()
	w.send(&pgproto3.Parse{Query: fmt.Sprintf("UPDATE feelings SET g = 1 WHERE user_id = %d", p.keys[other])},
		&pgproto3.Bind{}, &pgproto3.Execute{},
		&pgproto3.Parse{Query: "SELECT '{ok}'::mood[]"}, &pgproto3.Bind{ResultFormatCodes: []int16{1}}, &pgproto3.Execute{}, &pgproto3.Sync{})
	if got := w.until("Z"); !slices.Contains(got, "E 0A000") || got[len(got)-1] != "Z I" {
		t.Errorf("in a pipeline elsewhere: %q", got)
	}
	if got := query(t, conn, fmt.Sprintf("SELECT g FROM feelings WHERE user_id = %d", p.keys[other])); got[0] != "3" {
		t.Errorf("a refused pipeline took effect: %q", got)
	}
	w.send(&pgproto3.Parse{Query: "SELECT '{ok}'::mood[]"}, &pgproto3.Bind{ResultFormatCodes: []int16{1}}, &pgproto3.Execute{},
		&pgproto3.Parse{Query: fmt.Sprintf("SELECT g FROM feelings WHERE user_id = %d", p.keys[other])}, &pgproto3.Bind{}, &pgproto3.Execute{}, &pgproto3.Sync{})
	if got := w.until("Z"); !slices.Contains(got, "E 0A000") || slices.Contains(got, "D 3") {
		t.Errorf("in a pipeline before another node's: %q", got)
	}
}

// Statements that are bound long after they were parsed, and never described.
func describedLate(t *testing.T, p *typed) {
	other := (p.home + 1) % len(p.nodes)
	key := [][]byte{{0, 0, 0, 0, 0, 0, byte(p.keys[other] >> 8), byte(p.keys[other])}}
	for _, ending := range []pgproto3.FrontendMessage{&pgproto3.Sync{}, &pgproto3.Flush{}} {
		w := p.wire()
		for i, tt := range []struct {
			column string
			format int16
			want   []string
		}{
			{"g", 0, []string{"2", "D 3", "C SELECT 1", "Z I"}},
			{"m", 1, []string{"2", "D ok", "C SELECT 1", "Z I"}},
			{"ms", 0, []string{"2", "D {ok,sad}", "C SELECT 1", "Z I"}},
			{"ms", 1, []string{"E 0A000", "Z I"}},
		} {
			name := fmt.Sprint("late", i)
			w.send(&pgproto3.Parse{Name: name, Query: "SELECT " + tt.column + " FROM feelings WHERE user_id = $1"}, ending)
			w.until("1")
			w.send(&pgproto3.Bind{
				PreparedStatement: name, ParameterFormatCodes: []int16{1}, ResultFormatCodes: []int16{tt.format}, Parameters: key,
			}, &pgproto3.Execute{}, &pgproto3.Sync{})
			got := w.until("Z")
			if len(got) == 1 { // of the first Sync
				got = w.until("Z")
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("%T: %s, format %d (-want +got):\n%s", ending, tt.column, tt.format, diff)
			}
		}
	}
}

// The node is known only when the key of the new row was drawn.
func binaryWithDrawnKeys(t *testing.T, p *typed) {
	conn := p.connect()
	do(t, conn, "CREATE TABLE diary (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, m mood, ms mood[])")
	kept, refused := 0, 0
	for i := range 40 {
		sql := fmt.Sprintf("INSERT INTO diary (m, ms) VALUES ('sad', '{ok}') RETURNING m, ms, %d", i%5)
		if r := send(conn, sql, pgx.BinaryFormatCode); r.Err == nil {
			kept++
		} else {
			wantRefused(t, "RETURNING", r.Err)
			refused++
		}
	}
	counts := p.countOn("diary", "")
	if kept == 0 || refused == 0 || total(counts) != kept || counts[p.home] != kept {
		t.Errorf("%d rows were accepted and %d refused; the nodes have %v", kept, refused, counts)
	}
}

// A session tied to a node asks that node, which alone knows its tables.
func binaryOfTemporaryTables(t *testing.T, p *typed) {
	key := p.keys[(p.home+1)%len(p.nodes)]
	conn := p.connect()
	do(t, conn, "BEGIN")
	do(t, conn, fmt.Sprintf("SELECT FROM feelings WHERE user_id = %d", key))
	do(t, conn, "CREATE TEMP TABLE scratch AS SELECT 'sad'::mood AS m, '{sad}'::mood[] AS ms", pgx.QueryExecModeSimpleProtocol)
	for _, when := range []string{"in the transaction", "after it"} {
		for column, refused := range map[string]bool{"m": false, "ms": true} {
			if when == "in the transaction" {
				do(t, conn, "SAVEPOINT s", pgx.QueryExecModeSimpleProtocol)
			}
			r := send(conn, "SELECT "+column+" FROM scratch", pgx.BinaryFormatCode)
			switch {
			case refused:
				wantRefused(t, when+": "+column, r.Err)
			case r.Err != nil || string(r.Rows[0][0]) != "sad":
				t.Errorf("%s: %s: %q %v", when, column, r.Rows, r.Err)
			}
			if when == "in the transaction" {
				do(t, conn, "ROLLBACK TO s", pgx.QueryExecModeSimpleProtocol)
			}
		}
		do(t, conn, "COMMIT", pgx.QueryExecModeSimpleProtocol)
	}
	for column, refused := range map[string]bool{"m": false, "ms": true} {
		_, err := conn.PgConn().CopyTo(t.Context(), new(bytes.Buffer), "COPY (SELECT "+column+" FROM scratch) TO STDOUT (FORMAT binary)")
		if refused {
			wantRefused(t, "COPY of "+column, err)
		} else if err != nil {
			t.Errorf("COPY of %s: %v", column, err)
		}
	}

	closeNow(conn)

	// The same name, another type: what was learned of the first does not count.
	w := p.wire()
	create := func(value string) {
		t.Helper()
		got := w.simple(fmt.Sprintf("BEGIN; SELECT FROM feelings WHERE user_id = %d; CREATE TEMP TABLE brief ON COMMIT DROP AS SELECT %s AS m", key, value))
		if len(errorsIn(got)) > 0 {
			t.Fatalf("%q", got)
		}
	}
	create("'sad'::mood")
	w.send(&pgproto3.Parse{Name: "s", Query: "SELECT m FROM brief"}, &pgproto3.Describe{ObjectType: 'S', Name: "s"},
		&pgproto3.Bind{PreparedStatement: "s", ResultFormatCodes: []int16{1}}, &pgproto3.Execute{}, &pgproto3.Sync{})
	if got := w.until("Z"); !slices.Contains(got, "D sad") {
		t.Errorf("%q", got)
	}
	w.simple("COMMIT")
	create("'{sad}'::mood[]")
	w.send(&pgproto3.Bind{PreparedStatement: "s", ResultFormatCodes: []int16{1}}, &pgproto3.Execute{}, &pgproto3.Sync{})
	if got := w.until("Z"); len(errorsIn(got)) != 1 || slices.ContainsFunc(got, func(m string) bool { return strings.HasPrefix(m, "D") }) {
		t.Errorf("a table that was made anew: %q", got)
	}
}

// Names are looked up as in the transaction that the statement is part of, and a
// failed one can be ended in the same batch.
func binaryInTransactions(t *testing.T, p *typed) {
	conn := p.connect()
	key := p.keys[(p.home+1)%len(p.nodes)]
	do(t, conn, "CREATE SCHEMA private")
	do(t, conn, "CREATE TABLE private.notes (user_id bigint PRIMARY KEY, note mood[])")
	do(t, conn, "CREATE TABLE notes (user_id bigint PRIMARY KEY, note mood)")
	do(t, conn, fmt.Sprintf("INSERT INTO private.notes VALUES (%d, '{ok}')", key))
	do(t, conn, fmt.Sprintf("INSERT INTO notes VALUES (%d, 'ok')", key))
	sql := fmt.Sprintf("SELECT note FROM notes WHERE user_id = %d", key)
	for range 2 {
		if r := send(conn, sql, pgx.BinaryFormatCode); r.Err != nil || string(r.Rows[0][0]) != "ok" {
			t.Errorf("%q %v", r.Rows, r.Err)
		}
		do(t, conn, "BEGIN")
		do(t, conn, "SET LOCAL search_path = private")
		wantRefused(t, "with another search_path", send(conn, sql, pgx.BinaryFormatCode).Err)
		do(t, conn, "ROLLBACK")
	}
	w := p.wire()
	w.simple(fmt.Sprintf("BEGIN; UPDATE notes SET note = 'sad' WHERE user_id = %d; SELECT 1 / 0", key))
	w.send(append(group("ROLLBACK"), &pgproto3.Parse{Query: sql + " "},
		&pgproto3.Bind{ResultFormatCodes: []int16{1}}, &pgproto3.Execute{}, &pgproto3.Sync{})...)
	if diff := cmp.Diff([]string{"1", "2", "C ROLLBACK", "1", "2", "D ok", "C SELECT 1", "Z I"}, w.until("Z")); diff != "" {
		t.Errorf("behind ROLLBACK (-want +got):\n%s", diff)
	}
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

// Cursors and COPY return binary values in ways of their own.
func binaryCursorsAndCopy(t *testing.T, p *typed) {
	values := send(p.node(p.home), "SELECT m, ms FROM feelings", pgx.BinaryFormatCode)
	if values.Err != nil {
		t.Fatal(values.Err)
	}
	for node, key := range p.keys {
		t.Run(fmt.Sprint("node ", node+1), func(t *testing.T) {
			refused := node != p.home
			conn := p.connect()
			fetch := func(columns, cursor string, format int16) error {
				do(t, conn, "BEGIN")
				defer do(t, conn, "ROLLBACK")
				do(t, conn, fmt.Sprintf("DECLARE c %s FOR SELECT %s FROM feelings WHERE user_id = %d", cursor, columns, key), pgx.QueryExecModeSimpleProtocol)
				if format == pgx.TextFormatCode {
					_, err := conn.PgConn().Exec(t.Context(), "FETCH 1 FROM c").ReadAll()
					return err
				}
				r := send(conn, "FETCH 1 FROM c", format)
				if r.Err == nil && len(r.Rows) != 1 {
					t.Errorf("%d rows", len(r.Rows))
				}
				return r.Err
			}
			check := func(what string, refused bool, err error) {
				t.Helper()
				if refused {
					wantRefused(t, what, err)
				} else if err != nil {
					t.Errorf("%s: %v", what, err)
				}
			}
			check("FETCH of an enum", false, fetch("m, s", "CURSOR", pgx.BinaryFormatCode))
			check("FETCH of an array", refused, fetch("ms", "CURSOR", pgx.BinaryFormatCode))
			check("FETCH of an array as text", false, fetch("ms", "CURSOR", pgx.TextFormatCode))
			check("a binary cursor of an enum", false, fetch("m, s", "BINARY CURSOR", pgx.TextFormatCode))
			check("a binary cursor of an array", refused, fetch("ms", "BINARY CURSOR", pgx.TextFormatCode))

			copyTo := func(what string) error {
				_, err := conn.PgConn().CopyTo(t.Context(), new(bytes.Buffer), "COPY "+what+" TO STDOUT (FORMAT binary)")
				return err
			}
			one := fmt.Sprint(" FROM feelings WHERE user_id = ", key)
			check("COPY of an enum", false, copyTo("(SELECT m, s, ns, ')'"+one+")"))
			check("COPY of an array", refused, copyTo("(SELECT ms"+one+")"))
			copyFrom := func(column string, value []byte) error {
				data := append([]byte("PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x00\x00\x08\x00\x00\x00\x00\x00\x00"), byte(key>>8), byte(key))
				data = append(data, 0, 0, 0, byte(len(value)))
				data = append(append(data, value...), 0xff, 0xff)
				_, err := conn.PgConn().CopyFrom(t.Context(), bytes.NewReader(data), "COPY feelings (user_id, "+column+") FROM STDIN (FORMAT binary)")
				return err
			}
			do(t, conn, fmt.Sprintf("DELETE FROM feelings WHERE user_id = %d", key))
			check("COPY FROM of an array", refused, copyFrom("ms", values.Rows[0][1]))
			do(t, conn, fmt.Sprintf("DELETE FROM feelings WHERE user_id = %d", key))
			check("COPY FROM of an enum", false, copyFrom("m", values.Rows[0][0]))
			if got := query(t, conn, "SELECT m"+one); len(got) != 1 || got[0] != "ok" {
				t.Errorf("copied %q", got)
			}
			do(t, conn, fmt.Sprintf(`UPDATE feelings SET ms = '{ok}' WHERE user_id = %d`, key))
		})
	}
}
