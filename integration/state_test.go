package integration

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Whatever one client leaves behind, the next one sees defaults. With one
// connection per node every leak shows.
func TestSettingsDoNotLeak(t *testing.T) {
	p := withSchema(t, options{pool: 1})
	a := p.keys(1)[0][0]
	show := func(w *wire, name string) string {
		return strings.TrimPrefix(w.simple("SHOW " + name)[1], "D ")
	}
	names := []string{"search_path", "statement_timeout", "application_name", "DateStyle", "TimeZone", "work_mem"}
	fresh := p.wire()
	defaults := map[string]string{}
	for _, name := range names {
		defaults[name] = show(fresh, name)
	}
	dirty := p.wire()
	for _, sql := range []string{
		"SET search_path TO pg_catalog, public", "SET statement_timeout = '12345ms'", "SET application_name = 'dirty'",
		"SET DateStyle = 'SQL, DMY'", "SET TIME ZONE 'Asia/Tokyo'", "SET work_mem = '5MB'", "SET app.tenant = '7'",
		selectTitle(a),
	} {
		if got := dirty.simple(sql); len(errorsIn(got)) > 0 {
			t.Fatalf("%s: %q", sql, got)
		}
	}
	want := map[string]string{
		"search_path": "pg_catalog, public", "statement_timeout": "12345ms", "application_name": "dirty",
		"DateStyle": "SQL, DMY", "TimeZone": "Asia/Tokyo", "work_mem": "5MB",
	}
	for range 3 {
		for _, name := range names {
			if got := show(dirty, name); got != want[name] {
				t.Errorf("own setting %s: %q, want %q", name, got, want[name])
			}
			if got := show(fresh, name); got != defaults[name] {
				t.Errorf("%s leaked: %q, want %q", name, got, defaults[name])
			}
		}
	}
	if got := dirty.simple("SELECT current_setting('app.tenant')"); got[1] != "D 7" {
		t.Errorf("own app.tenant: %q", got)
	}
	if got := fresh.simple("SELECT current_setting('app.tenant', true)"); got[1] != "D NULL" {
		t.Errorf("app.tenant leaked: %q", got)
	}
	dirty.simple("RESET ALL")
	for _, name := range names {
		if got := show(dirty, name); got != defaults[name] {
			t.Errorf("%s after RESET ALL: %q, want %q", name, got, defaults[name])
		}
	}
}

// An invalid SET fails on that SET; a rolled back one is undone; SET LOCAL ends
// with its transaction.
func TestSettingsInTransactions(t *testing.T) {
	p := withSchema(t, options{pool: 1})
	a := p.keys(1)[0][0]
	bind := selectTitle(a)
	steps := []struct{ sql, want string }{
		{"SET statement_timeout = 'nonsense'", "E 22023|Z I"},
		{"SET no_such_setting = 1", "E 42704|Z I"},
		{"SET client_encoding = 'SJIS'", "E 0A000|Z I"},
		{"SHOW statement_timeout", "T statement_timeout|D 0|C SHOW|Z I"},

		{"BEGIN", "C BEGIN|Z T"},
		{"SET statement_timeout = '1s'", "C SET|Z T"},
		{bind, "T title|C SELECT 0|Z T"},
		{"SHOW statement_timeout", "T statement_timeout|D 1s|C SHOW|Z T"},
		{"ROLLBACK", "C ROLLBACK|Z I"},
		{"SHOW statement_timeout", "T statement_timeout|D 0|C SHOW|Z I"},

		{"BEGIN", "C BEGIN|Z T"},
		{bind, "T title|C SELECT 0|Z T"},
		{"SET work_mem = '3MB'", "C SET|Z T"},
		{"SAVEPOINT s", "C SAVEPOINT|Z T"},
		{"SET work_mem = '4MB'", "C SET|Z T"},
		{"ROLLBACK TO s", "C ROLLBACK|Z T"},
		{"SHOW work_mem", "T work_mem|D 3MB|C SHOW|Z T"},
		{"COMMIT", "C COMMIT|Z I"},
		{"SHOW work_mem", "T work_mem|D 3MB|C SHOW|Z I"},
		{"RESET work_mem", "C RESET|Z I"},

		{"BEGIN", "C BEGIN|Z T"},
		{"SET LOCAL statement_timeout = '2s'", "C SET|Z T"},
		{"SAVEPOINT x", "C SAVEPOINT|Z T"},
		{"SET LOCAL statement_timeout = '3s'", "C SET|Z T"},
		{"ROLLBACK TO SAVEPOINT x", "C ROLLBACK|Z T"},
		{bind, "T title|C SELECT 0|Z T"},
		{"SHOW statement_timeout", "T statement_timeout|D 2s|C SHOW|Z T"},
		{"COMMIT", "C COMMIT|Z I"},
		{"SHOW statement_timeout", "T statement_timeout|D 0|C SHOW|Z I"},

		{"BEGIN", "C BEGIN|Z T"},
		{"SET LOCAL work_mem = 'nonsense'", "E 22023|Z E"},
		{bind, "E 25P02|Z E"},
		{"ROLLBACK", "C ROLLBACK|Z I"},

		{"ROLLBACK", "N there is no transaction in progress|C ROLLBACK|Z I"},
		{"BEGIN", "C BEGIN|Z T"},
		{"BEGIN", "N there is already a transaction in progress|C BEGIN|Z T"},
		{"RELEASE nope", "E 3B001|Z E"},
		{"ROLLBACK", "C ROLLBACK|Z I"},
	}
	w := p.wire()
	for i, step := range steps {
		if got := strings.Join(w.simple(step.sql), "|"); got != step.want {
			t.Fatalf("step %d: %s\n got %s\nwant %s", i, step.sql, got, step.want)
		}
	}
}

// A temporary table ties its client to one connection; nobody else sees it.
func TestTemporaryTable(t *testing.T) {
	p := withSchema(t, options{pool: 1})
	keys := p.keys(1)
	w := p.wire()
	for _, step := range []struct{ sql, want string }{
		{"CREATE TEMP TABLE scratch (x int)", "C CREATE TABLE|Z I"},
		{"INSERT INTO scratch VALUES (1), (2)", "C INSERT 0 2|Z I"},
		{"SELECT sum(x) FROM scratch", "T sum|D 3|C SELECT 1|Z I"},
	} {
		if got := strings.Join(w.simple(step.sql), "|"); got != step.want {
			t.Errorf("%s: %s, want %s", step.sql, got, step.want)
		}
	}
	refused := 0
	for _, ids := range keys {
		if got := w.simple(selectTitle(ids[0])); len(errorsIn(got)) == 1 {
			refused++
		}
	}
	if refused != len(keys)-1 {
		t.Errorf("statements for %d nodes were refused, want %d", refused, len(keys)-1)
	}
	if got := w.simple("DISCARD ALL"); got[len(got)-1] != "Z I" || len(errorsIn(got)) > 0 {
		t.Fatalf("DISCARD ALL: %q", got)
	}
	other := p.wire()
	for _, who := range []*wire{w, other} {
		if got := errorsIn(who.simple("SELECT * FROM scratch")); len(got) != 1 || got[0] != "42P01" {
			t.Errorf("after DISCARD ALL: %q, want 42P01", got)
		}
		for _, ids := range keys {
			if got := who.simple(selectTitle(ids[0])); len(errorsIn(got)) > 0 {
				t.Errorf("%q", got)
			}
		}
	}
}

// A session-level advisory lock stays with its client and ends with it.
func TestAdvisoryLock(t *testing.T) {
	p := withSchema(t, options{pool: 2})
	w := p.wire()
	if got := w.simple("SELECT pg_advisory_lock(42)"); len(errorsIn(got)) > 0 {
		t.Fatalf("pg_advisory_lock: %q", got)
	}
	locks := func() int {
		n := 0
		for i := range p.nodes {
			conn := p.node(i)
			var k int
			if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 42").Scan(&k); err != nil {
				t.Fatal(err)
			}
			n += k
		}
		return n
	}
	if locks() != 1 {
		t.Fatalf("%d locks, want 1", locks())
	}
	_ = w.conn.Close()
	eventually(t, "the lock is gone", func() bool { return locks() == 0 })
}

// ParameterStatus comes after the client's own SET, and never from what the
// proxy does to carry settings.
func TestParameterStatus(t *testing.T) {
	p := withSchema(t, options{pool: 1})
	a := p.keys(1)[0][0]
	one, two := p.wire(), p.wire()
	for range 2 { // asked for first, then known
		got := one.simple("SET DateStyle = 'German'")
		if diff := cmp.Diff([]string{"S DateStyle=German, DMY", "C SET", "Z I"}, sortedStatus(got)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		for _, w := range []*wire{two, one, two} {
			for _, m := range w.simple(selectTitle(a)) {
				if strings.HasPrefix(m, "S ") {
					t.Errorf("a ParameterStatus out of the blue: %s", m)
				}
			}
		}
		got = one.simple("RESET DateStyle")
		if diff := cmp.Diff([]string{"S DateStyle=ISO, MDY", "C RESET", "Z I"}, sortedStatus(got)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}

// sortedStatus puts ParameterStatus first: a server may send it before or after
// CommandComplete.
func sortedStatus(messages []string) []string {
	var status, rest []string
	for _, m := range messages {
		if strings.HasPrefix(m, "S ") {
			status = append(status, m)
		} else {
			rest = append(rest, m)
		}
	}
	return append(status, rest...)
}

// Notices come in order, before CommandComplete.
func TestNoticesInOrder(t *testing.T) {
	p := withSchema(t, options{database: "functions: {say: pure}"})
	do(t, p.connect(), `CREATE FUNCTION say(i bigint) RETURNS bigint LANGUAGE plpgsql AS
		$$ BEGIN RAISE NOTICE 'n%', i; RETURN i; END $$`)
	a := p.keys(1)[0][0]
	conn := p.connect()
	for range 3 {
		do(t, conn, insertTitle(a, "x"))
	}
	got := p.wire().simple(fmt.Sprintf("SELECT say(n) FROM documents WHERE user_id = %d", a))
	want := []string{"T say", "N n0", "D 0", "N n0", "D 0", "N n0", "D 0", "C SELECT 3", "Z I"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The defaults of transactions are settings like others.
func TestSessionCharacteristics(t *testing.T) {
	p := withSchema(t, options{pool: 1})
	a := p.keys(1)[0][0]
	w, other := p.wire(), p.wire()
	steps := []struct{ sql, want string }{
		{"SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY", "S default_transaction_read_only=on|C SET|Z I"},
		{"SHOW default_transaction_isolation", "T default_transaction_isolation|D repeatable read|C SHOW|Z I"},
		{insertTitle(a, "x"), "E 25006|Z I"},
		{"BEGIN READ WRITE", "C BEGIN|Z T"},
		{insertTitle(a, "x"), "C INSERT 0 1|Z T"},
		{"SHOW transaction_isolation", "T transaction_isolation|D repeatable read|C SHOW|Z T"},
		{"COMMIT", "C COMMIT|Z I"},
	}
	for _, step := range steps {
		if got := strings.Join(sortedStatus(w.simple(step.sql)), "|"); got != step.want {
			t.Errorf("%s: %s, want %s", step.sql, got, step.want)
		}
	}
	if got := other.simple(insertTitle(a, "y")); got[0] != "C INSERT 0 1" {
		t.Errorf("another client: %q", got)
	}
	steps = []struct{ sql, want string }{
		{"BEGIN ISOLATION LEVEL SERIALIZABLE", "C BEGIN|Z T"},
		{"SHOW transaction_isolation", "T transaction_isolation|D serializable|C SHOW|Z T"},
		{"SET LOCAL statement_timeout = '4s'", "C SET|Z T"},
		{"SHOW statement_timeout", "T statement_timeout|D 4s|C SHOW|Z T"},
		{selectTitle(a), "T title|D x|D y|C SELECT 2|Z T"},
		{"SHOW transaction_isolation", "T transaction_isolation|D serializable|C SHOW|Z T"},
		{"ROLLBACK", "C ROLLBACK|Z I"},
	}
	for _, step := range steps {
		if got := strings.Join(other.simple(step.sql), "|"); got != step.want {
			t.Errorf("%s: %s, want %s", step.sql, got, step.want)
		}
	}
}
