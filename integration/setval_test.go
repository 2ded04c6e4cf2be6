package integration

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

// counterOf reads a sequence on each node: the next number and the step.
func (p *proxy) counterOf(sequence string) (next []int64, step int64) {
	p.t.Helper()
	for i := range p.nodes {
		conn := p.node(i)
		var last int64
		var called bool
		if err := conn.QueryRow(p.t.Context(), "SELECT last_value, is_called FROM "+sequence).Scan(&last, &called); err != nil {
			p.t.Fatal(err)
		}
		if err := conn.QueryRow(p.t.Context(), "SELECT seqincrement FROM pg_sequence WHERE seqrelid = $1::text::regclass", sequence).Scan(&step); err != nil {
			p.t.Fatal(err)
		}
		if called {
			last += step
		}
		next = append(next, last)
		closeNow(conn)
	}
	return next, step
}

// setval() is answered as by a plain server, and the ids that follow are above the
// value and unique, whatever node makes them.
func TestSetval(t *testing.T) {
	t.Parallel()
	s := newCopySides(t)
	const more = `CREATE TABLE "Odd Things" (id serial, user_id bigint NOT NULL, PRIMARY KEY (user_id, id)); CREATE SEQUENCE loose MINVALUE 5 MAXVALUE 1000`
	for sql := range strings.SplitSeq(more, ";") {
		do(t, connect(t, s.plain), sql)
		do(t, s.connect(), sql)
	}
	rows := []string{"INSERT INTO documents (id, user_id) VALUES (70, {a}), (60, {b})", "INSERT INTO documents (id, user_id) VALUES (90, {x})"}
	conversations := map[string][]string{}
	for name, sql := range map[string]string{
		"plainly":            "SELECT setval('documents_id_seq', 42)",
		"as pg_dump does":    "SELECT pg_catalog.setval('public.documents_id_seq', 4200, true);",
		"to be next":         "SELECT setval('documents_id_seq', 2048, false)",
		"as Rails does":      `SELECT setval('"public"."documents_id_seq"', 5000, false)`,
		"as Django does":     `SELECT setval(pg_get_serial_sequence('"documents"','id'), coalesce(max("id"), 1), max("id") IS NOT null) FROM "documents"`,
		"as everybody does":  "SELECT setval('documents_id_seq', (SELECT max(id) FROM documents))",
		"with a default":     "SELECT setval('documents_id_seq', COALESCE((SELECT MAX(id)+1 FROM documents), 1), false)",
		"of no rows":         "SELECT setval('documents_id_seq', (SELECT max(id) FROM \"Odd Things\"))",
		"of no rows, Django": `SELECT setval(pg_get_serial_sequence('"Odd Things"','id'), coalesce(max("id"), 1), max("id") IS NOT null) FROM "Odd Things"`,
		"of one user's":      "SELECT setval('documents_id_seq', (SELECT max(id) FROM documents WHERE user_id = {a}))",
		"by its column":      "SELECT setval(pg_get_serial_sequence('documents', 'id'), 77)",
		"with a cast":        "SELECT setval('documents_id_seq'::regclass, 78::bigint, 't'::boolean)",
		"computed":           "select /* a */ SETVAL ( 'documents_id_seq' , 5 + (select max(id) from documents) * 2 ) -- the end",
		"NULL":               "SELECT setval('documents_id_seq', NULL)",
		"named":              "SELECT setval('documents_id_seq', 42) AS number",
		"too small":          "SELECT setval('documents_id_seq', 0)",
		"too large":          "SELECT setval('loose', 1001)",
		"no number":          "SELECT setval('documents_id_seq', 1.5)",
		"no such sequence":   "SELECT setval('nowhere', 1)",
		"a table":            "SELECT setval('documents', 1)",
		"no such column":     "SELECT setval('documents_id_seq', (SELECT max(nope) FROM documents))",
		"a loose one":        "SELECT setval('loose', 77)",
		"two rows":           "SELECT setval('documents_id_seq', 50); SELECT setval('loose', 51)",
	} {
		conversations[name] = append(slices.Clone(prefixAll("Q ", rows)), "Q "+sql, "Q DELETE FROM documents WHERE user_id = {a}", "Q DELETE FROM documents WHERE user_id = {b}", "Q DELETE FROM documents WHERE user_id = {x}")
		if !strings.Contains(sql, ";") {
			conversations[name+", extended"] = []string{"P c|" + sql, "d c", "S", "B |c", "D ", "X ", "S"}
			conversations[name+", in one batch"] = []string{"P |" + sql, "B |", "D ", "X ", "S", "Q SELECT 1"}
		}
		conversations[name+", in a block"] = []string{"Q BEGIN", "Q " + sql, "Q SELECT 1", "Q ROLLBACK"}
		conversations[name+", in a read-only block"] = []string{"Q BEGIN READ ONLY", "Q " + sql, "Q SELECT 1", "Q ROLLBACK"}
		if !strings.Contains(sql, "FROM") && !strings.Contains(sql, "from") {
			conversations[name+", in a block on a node"] = []string{"Q BEGIN", "Q SELECT title FROM documents WHERE user_id = {x}", "Q " + sql, "Q SELECT 1", "Q ROLLBACK"}
		}
	}
	s.alike(t, conversations)
}

func prefixAll(prefix string, list []string) []string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = prefix + s
	}
	return out
}

// After a setval() every node is in its class, above the value.
func TestSetvalKeepsClasses(t *testing.T) {
	t.Parallel()
	s := newCopySides(t)
	conn := s.connect()
	_, stride := s.counterOf("documents_id_seq")
	before, _ := s.counterOf("documents_id_seq")
	slots := make([]int64, len(before))
	for i, n := range before {
		slots[i] = n % stride
	}
	check := func(sql string, least int64) {
		t.Helper()
		next, step := s.counterOf("documents_id_seq")
		for i, n := range next {
			if n < least || n >= least+stride || n%stride != slots[i] || step != stride {
				t.Errorf("%s: node %d goes on with %d, want the first from %d on that is %d modulo %d", sql, i+1, n, least, slots[i], stride)
			}
		}
	}
	var answer int64
	for value, least := range map[int64]int64{1: 2, 42: 43, stride - 1: stride, stride: stride + 1, 5*stride + 1: 5*stride + 2} {
		sql := fmt.Sprintf("SELECT setval('documents_id_seq', %d)", value)
		if err := conn.QueryRow(t.Context(), sql, pgx.QueryExecModeSimpleProtocol).Scan(&answer); err != nil || answer != value {
			t.Errorf("%s: %d, %v", sql, answer, err)
		}
		check(sql, least)
		if err := conn.QueryRow(t.Context(), "SELECT setval($1, $2, $3)", "documents_id_seq", value, false).Scan(&answer); err != nil || answer != value {
			t.Errorf("with parameters: %d, %v", answer, err)
		}
		check("with parameters", value)
	}
	// What was restored is not made again.
	for i, user := range []int64{s.a, s.b, s.x} {
		do(t, conn, "INSERT INTO documents (id, user_id) VALUES ($1, $2)", 100_000+i, user)
	}
	query(t, conn, "SELECT setval('documents_id_seq', (SELECT max(id) FROM documents))")
	check("max(id)", 100_003)
	seen := map[string]bool{}
	for range 3 {
		for _, user := range []int64{s.a, s.b, s.x} {
			id := query(t, conn, "INSERT INTO documents (user_id) VALUES ($1) RETURNING id", user)[0]
			if seen[id] || id < "100003" {
				t.Errorf("id %s", id)
			}
			seen[id] = true
		}
	}
	// Keys that the proxy draws go on behind the value, too.
	do(t, conn, "CREATE TABLE projects (id bigserial PRIMARY KEY, name text)")
	do(t, conn, "INSERT INTO projects (name) VALUES ('drawn')")
	query(t, conn, "SELECT setval('projects_id_seq', 5000)")
	if got := query(t, conn, "INSERT INTO projects (name) VALUES ('behind') RETURNING id"); !cmp.Equal(got, []string{"5001"}) {
		t.Errorf("the key behind setval: %q, want 5001", got)
	}
	for _, sql := range []string{
		"SELECT setval('documents_id_seq', 1) + 1", "SELECT setval('documents_id_seq', id) FROM documents WHERE user_id = " + fmt.Sprint(s.a),
		"SELECT setval('documents_id_seq', 1), setval('projects_id_seq', 1)", "SELECT setval('documents_id_seq', count(*)) FROM documents",
		"/* shardproxy: key=user:1 */ SELECT setval('documents_id_seq', 1) + 1", "INSERT INTO users VALUES (1, setval('documents_id_seq', 1)::text)",
		"WITH x AS (SELECT setval('documents_id_seq', 1)) SELECT * FROM x", "EXPLAIN SELECT setval('documents_id_seq', 1)",
		"ALTER SEQUENCE documents_id_seq RESTART WITH 1", "SELECT setval('documents_id_seq', nextval('documents_id_seq'))",
	} {
		before, _ := s.counterOf("documents_id_seq")
		if _, err := queryErr(t.Context(), conn, sql, pgx.QueryExecModeSimpleProtocol); err == nil || !strings.Contains(err.Error(), "0A000") {
			t.Errorf("%s: %v, want a refusal", sql, err)
		}
		if after, _ := s.counterOf("documents_id_seq"); !slices.Equal(before, after) {
			t.Errorf("%s: the counters were %d and are %d", sql, before, after)
		}
	}
}
