package integration

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"
)

// extended runs statements with the extended protocol up to one Sync and returns
// the answer.
func (w *wire) extended(texts ...string) []string {
	w.t.Helper()
	var messages []pgproto3.FrontendMessage
	for _, sql := range texts {
		messages = append(messages, group(sql)...)
	}
	w.send(append(messages, &pgproto3.Sync{})...)
	return w.until("Z")
}

// show is the value of a setting, as a transaction on the node of a user sees it.
func (w *wire) show(user int64, name string) string {
	w.t.Helper()
	got := w.simple("BEGIN; " + selectTitle(user) + "; SHOW " + name + "; COMMIT")
	for i, m := range got {
		if m == "T "+name {
			return strings.TrimPrefix(got[i+1], "D ")
		}
	}
	return strings.Join(got, "|")
}

// Settings that a client changes in a pipeline or by the extended protocol are its
// own: they hold for it, and for nobody else.
func TestSettingsOfPipelines(t *testing.T) {
	p := withSchema(t, options{pool: 1})
	a := p.keys(1)[0][0]
	other := p.wire()
	tests := []struct {
		name string
		run  func(w *wire) []string
		want string // of work_mem afterwards
	}{
		{"in a transaction", func(w *wire) []string {
			w.simple("BEGIN")
			w.simple(selectTitle(a))
			got := w.extended("SET work_mem = '7MB'")
			return append(got, w.simple("COMMIT")...)
		}, "7MB"},
		{"in a transaction rolled back", func(w *wire) []string {
			w.simple("BEGIN")
			w.simple(selectTitle(a))
			got := w.extended("SET work_mem = '7MB'")
			return append(got, w.simple("ROLLBACK")...)
		}, "4MB"},
		{"behind a statement", func(w *wire) []string { return w.extended(selectTitle(a), "SET work_mem = '8MB'") }, "8MB"},
		{"ahead of a failure", func(w *wire) []string { return w.extended("SET work_mem = '9MB'", "SELECT 1/0") }, "4MB"},
		{"behind a statement, ahead of a failure", func(w *wire) []string {
			return w.extended(selectTitle(a), "SET work_mem = '9MB'", "SELECT 1/0")
		}, "4MB"},
		{"in a text that fails", func(w *wire) []string { return w.simple("SET work_mem = '9MB'; SELECT 1/0") }, "4MB"},
		{"SET LOCAL in a text", func(w *wire) []string {
			got := w.simple("SET LOCAL work_mem = '6MB'; SELECT current_setting('work_mem') FROM generate_series(1, 1)")
			if !strings.Contains(strings.Join(got, "|"), "D 6MB") {
				t.Errorf("SET LOCAL: %q", got)
			}
			return got
		}, "4MB"},
		{"by function, in a text", func(w *wire) []string {
			return w.simple(selectTitle(a) + "; SELECT set_config('work_mem', '9MB', false)")
		}, "9MB"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			w := p.wire()
			got := tt.run(w)
			for range 2 {
				if now := w.show(a, "work_mem"); now != tt.want {
					t.Errorf("own setting is %s, want %s, after %q", now, tt.want, got)
				}
				if now := other.show(a, "work_mem"); now != "4MB" {
					t.Fatalf("another client has %s, after %q", now, got)
				}
			}
			_ = w.conn.Close()
		})
	}
}

// What drivers and pools send to a connection of theirs, as texts and in
// pipelines, does not touch the statements of others.
func TestResetsOfDrivers(t *testing.T) {
	p := withSchema(t, options{pool: 1})
	a := p.keys(1)[0][0]
	w, other := p.wire(), p.wire()
	use := func(w *wire) []string {
		w.send(&pgproto3.Bind{PreparedStatement: "s"}, &pgproto3.Execute{}, &pgproto3.Sync{})
		return w.until("Z")
	}
	for _, c := range []*wire{w, other} {
		c.send(&pgproto3.Parse{Name: "s", Query: selectTitle(a)}, &pgproto3.Sync{})
		c.until("Z")
	}
	for _, tt := range []struct {
		run  func(string) []string
		sql  string
		want string // the error, if any
	}{
		{w.simple, "SELECT pg_advisory_unlock_all();\nCLOSE ALL;\nUNLISTEN *;\nRESET ALL;", ""}, // asyncpg
		{w.simple, "SELECT pg_advisory_lock(5);\nSELECT pg_advisory_unlock_all();\nCLOSE ALL;\nUNLISTEN *;\nRESET ALL;", ""},
		{w.simple, "CLOSE ALL", ""},
		{w.simple, "UNLISTEN *", ""},
		{w.simple, "RESET SESSION AUTHORIZATION", ""}, // Npgsql
		{w.simple, "DISCARD SEQUENCES", ""},
		{w.simple, "DISCARD TEMP", ""},
		{func(sql string) []string { return w.extended(selectTitle(a), sql) }, "DISCARD ALL", "25001"},
		{func(sql string) []string { return w.extended(selectTitle(a), sql) }, "LISTEN x", "0A000"},
		{func(sql string) []string { return w.extended(selectTitle(a), sql) }, "DEALLOCATE s", ""}, // psycopg
		{func(sql string) []string { return w.extended(selectTitle(a), sql) }, "DEALLOCATE s", "26000"},
		{func(sql string) []string { return w.extended(selectTitle(a), sql) }, "DEALLOCATE ALL", ""},
		{w.simple, "DISCARD ALL", ""},
	} {
		got := tt.run(tt.sql)
		if code := strings.Join(errorsIn(got), " "); code != tt.want {
			t.Errorf("%s: %q", tt.sql, got)
		}
		if diff := cmp.Diff([]string{"2", "C SELECT 0", "Z I"}, use(other)); diff != "" {
			t.Fatalf("%s, another client (-want +got):\n%s", tt.sql, diff)
		}
	}
	if diff := cmp.Diff([]string{"E 26000", "Z I"}, use(w)); diff != "" {
		t.Errorf("a statement that was discarded (-want +got):\n%s", diff)
	}
}

// Texts of several statements: what a server makes of them.
func TestTexts(t *testing.T) {
	p := withSchema(t, options{pool: 1})
	a := p.keys(1)[0][0]
	conn := p.connect()
	do(t, conn, "CREATE SCHEMA other")
	do(t, conn, "CREATE TABLE other.documents (project_id bigint, title text)")
	w := p.wire()
	for _, tt := range []struct{ sql, want string }{
		{
			"BEGIN; " + insertTitle(a, "one") + "; COMMIT; " + insertTitle(a, "two") + "; SELECT 1/0",
			"C BEGIN|C INSERT 0 1|C COMMIT|C INSERT 0 1|E 22012|Z I",
		},
		{selectTitle(a), "T title|D one|C SELECT 1|Z I"},
		{ // planned with the search_path that is in force then
			fmt.Sprintf("SET search_path TO other; INSERT INTO documents (project_id, title) VALUES (%d, 'x'); SELECT title FROM documents WHERE project_id = %[1]d", a),
			"C SET|C INSERT 0 1|T title|D x|C SELECT 1|Z I",
		},
		{"RESET ALL", "C RESET|Z I"},
		{"SET TRANSACTION ISOLATION LEVEL SERIALIZABLE; " + selectTitle(a) + "; SHOW transaction_isolation", "C SET|T title|D one|C SELECT 1|T transaction_isolation|D serializable|C SHOW|Z I"},
		{"BEGIN", "C BEGIN|Z T"},
		{"SAVEPOINT s -- mine", "C SAVEPOINT|Z T"},
		{"SET LOCAL work_mem = '7MB' -- enough", "C SET|Z T"},
		{"SET LOCAL lock_timeout = '7s'", "C SET|Z T"},
		{selectTitle(a), "T title|D one|C SELECT 1|Z T"},
		{"SHOW work_mem", "T work_mem|D 7MB|C SHOW|Z T"},
		{"SHOW lock_timeout", "T lock_timeout|D 7s|C SHOW|Z T"},
		{"ROLLBACK TO s", "C ROLLBACK|Z T"},
		{"ROLLBACK", "C ROLLBACK|Z I"},
		{"BEGIN", "C BEGIN|Z T"},
		{"SET LOCAL work_mem = '6MB'", "C SET|Z T"},
		{"SELECT DISTINCT current_setting('work_mem') FROM documents WHERE user_id = " + fmt.Sprint(a), "T current_setting|D 6MB|C SELECT 1|Z T"},
		{"ROLLBACK", "C ROLLBACK|Z I"},
		{"BEGIN", "C BEGIN|Z T"},
		{"SET LOCAL work_mem = '6MB'", "C SET|Z T"},
		{"SELECT current_setting('work_mem') FROM documents", "T current_setting|D 6MB|C SELECT 1|Z T"}, // of all nodes
		{"COMMIT", "C COMMIT|Z I"},
		{"SHOW work_mem", "T work_mem|D 4MB|C SHOW|Z I"},
	} {
		if got := strings.Join(w.simple(tt.sql), "|"); got != tt.want {
			t.Errorf("%s\n got %s\nwant %s", tt.sql, got, tt.want)
		}
	}
}

// What a text leaves behind in its session is seen, wherever it stands there.
func TestSessionEffectsInTexts(t *testing.T) {
	p := withSchema(t, options{pool: 1})
	a := p.keys(1)[0][0]
	for _, sql := range []string{"SELECT pg_advisory_lock(77)", "CREATE TEMP TABLE scratch (x int)"} {
		for _, text := range []string{selectTitle(a) + "; " + sql, sql + "; SELECT 1"} {
			w := p.wire()
			if got := w.simple(text); len(errorsIn(got)) > 0 {
				t.Errorf("%s: %q", text, got)
			}
			_ = w.conn.Close()
			eventually(t, "nothing of "+text+" is left", func() bool {
				return p.nowhere("SELECT (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory') + (SELECT count(*) FROM pg_class WHERE relname = 'scratch')")
			})
		}
	}
}

// Keys that the proxy makes: many in a pipeline, with odd names and declared
// types, in a transaction that has the only connection to the node that makes
// them.
func TestDrawnKeysInPipelines(t *testing.T) {
	p := start(t, options{pool: 1})
	conn := p.connect()
	do(t, conn, `CREATE TABLE users (id bigserial PRIMARY KEY, name text, "a$9" text, b$7 text)`)
	w := p.wire()
	for _, sql := range []string{
		"INSERT INTO users (name) VALUES ($1)", `INSERT INTO users ("a$9") VALUES ($1)`, "INSERT INTO users (b$7) VALUES ($1)",
	} {
		for _, m := range []struct {
			oids   []uint32
			params [][]byte
		}{{nil, [][]byte{[]byte("x")}}, {[]uint32{25, 25, 25}, [][]byte{[]byte("x"), nil, nil}}} {
			w.send(&pgproto3.Parse{Query: sql, ParameterOIDs: m.oids}, &pgproto3.Bind{Parameters: m.params}, &pgproto3.Execute{}, &pgproto3.Sync{})
			if diff := cmp.Diff([]string{"1", "2", "C INSERT 0 1", "Z I"}, w.until("Z")); diff != "" {
				t.Errorf("%s, types %v (-want +got):\n%s", sql, m.oids, diff)
			}
		}
	}
	began := time.Now()
	for range 60 { // more than are fetched at once
		got := w.simple("BEGIN; INSERT INTO users (id, name) VALUES (1000000, 'x'); INSERT INTO users (name) VALUES ('y'); ROLLBACK")
		if e := errorsIn(got); len(e) > 0 && e[0] != "0A000" { // the key is of another node
			t.Fatalf("%q", got)
		}
		w.simple("ROLLBACK")
		if time.Since(began) > 8*time.Second {
			t.Fatal("a transaction waits for a second connection to its own node")
		}
	}
	if got := w.extended("BEGIN", "INSERT INTO users (name) VALUES ('z')", "SELECT lastval()"); errorsIn(got)[0] != "0A000" {
		t.Errorf("lastval() of a key that the node has not made: %q", got)
	}
}

// nowhere reports whether a count is 0 on all nodes.
func (p *proxy) nowhere(sql string) bool {
	for i := range p.nodes {
		n := p.node(i)
		got := query(p.t, n, sql)
		closeNow(n)
		if got[0] != "0" {
			return false
		}
	}
	return true
}

// A login that fails gives everything back.
func TestFailedLoginsHoldNothing(t *testing.T) {
	p := withSchema(t, options{pool: 1, user: "session_pooling: true"})
	for range 5 {
		if conn, err := pgx.Connect(t.Context(), p.dsn("work_mem=5MB", "lock_timeout=nonsense")); err == nil {
			closeNow(conn)
			t.Fatal("an invalid parameter was accepted")
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	conn, err := pgx.Connect(ctx, p.dsn())
	if err != nil {
		t.Fatal(err)
	}
	defer closeNow(conn)
	if _, err := conn.Exec(ctx, "SELECT count(*) FROM documents"); err != nil {
		t.Fatal(err)
	}
}

// A client that says good-bye and leaves takes its statement with it, and so does
// a cancel that ends a statement on several nodes.
func TestStatementsEndWithTheirClient(t *testing.T) {
	p := withSchema(t, options{pool: 1})
	keys := p.keys(1)
	conn := p.connect()
	for _, ids := range keys {
		do(t, conn, insertTitle(ids[0], "x"))
	}
	idle := func() bool {
		return p.nowhere("SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()")
	}
	w := p.wire()
	w.send(&pgproto3.Query{String: fmt.Sprintf("SELECT pg_sleep(30) FROM documents WHERE user_id = %d", keys[0][0])})
	time.Sleep(300 * time.Millisecond)
	w.send(&pgproto3.Terminate{})
	_ = w.conn.Close()
	eventually(t, "the statement has ended on all nodes", idle)

	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := queryErr(ctx, conn, "SELECT pg_sleep(30) FROM documents"); err == nil {
		t.Error("the statement was not canceled")
	}
	eventually(t, "the statement has ended on all nodes", idle)
}
