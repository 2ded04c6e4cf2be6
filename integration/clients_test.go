package integration

import (
	"encoding/binary"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"
)

// Conversations of drivers and tools in other languages, message by message, as
// seen on the wire (docs/clients.md names the versions).

// extended are the messages of one statement, as most drivers send them: Parse,
// Bind, Describe, Execute, Sync.
func extended(sql string, parameters ...string) []pgproto3.FrontendMessage {
	bind := &pgproto3.Bind{}
	for _, p := range parameters {
		bind.Parameters = append(bind.Parameters, []byte(p))
	}
	return []pgproto3.FrontendMessage{
		&pgproto3.Parse{Query: sql}, bind, &pgproto3.Describe{ObjectType: 'P'}, &pgproto3.Execute{}, &pgproto3.Sync{},
	}
}

// wantMessages compares what was received.
func wantMessages(t *testing.T, got []string, want ...string) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// pgjdbc sends SET SESSION CHARACTERISTICS as a prepared statement, in and out of
// transactions; HikariCP does so for each connection it makes.
func TestCharacteristicsAsStatement(t *testing.T) {
	p := withSchema(t, options{pool: 1})
	a := p.keys(1)[0][0]
	w := p.wire()
	set := "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE"
	w.send(extended(set)...)
	wantMessages(t, w.until("Z"), "1", "2", "n", "C SET", "Z I")
	wantMessages(t, w.simple("SHOW default_transaction_isolation"), "T default_transaction_isolation", "D serializable", "C SHOW", "Z I")

	w.simple("BEGIN")
	w.simple(selectTitle(a))
	w.send(extended("SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY")...)
	wantMessages(t, w.until("Z"), "1", "2", "n", "C SET", "S default_transaction_read_only=on", "Z T")
	w.simple("COMMIT")
	if got := errorsIn(w.simple(insertTitle(a, "x"))); !slices.Equal(got, []string{"25006"}) {
		t.Errorf("a write in a read-only session: %v", got)
	}
	if got := w.simple("SET SESSION CHARACTERISTICS AS TRANSACTION READ WRITE"); !slices.Contains(got, "S default_transaction_read_only=off") {
		t.Errorf("the client was not told: %q", got)
	}
	if got := errorsIn(p.wire().simple(insertTitle(a, "x"))); got != nil {
		t.Errorf("the same by another client: %v", got)
	}
}

// asyncpg's pool sends this text whenever a connection is given back.
func TestResetOfPools(t *testing.T) {
	p := withSchema(t, options{pool: 1})
	keys := p.keys(1)
	reset := &pgproto3.Query{String: "SELECT pg_advisory_unlock_all();\nCLOSE ALL;\nUNLISTEN *;\nRESET ALL;"}
	w := p.wire("application_name=pool")
	for range 2 {
		for _, of := range keys { // nothing ties the session to a node
			w.simple(selectTitle(of[0]))
			w.simple("SET statement_timeout = '9s'")
			w.simple("SELECT pg_advisory_lock(7)")
			w.send(reset)
			wantMessages(t, w.until("Z"), "T pg_advisory_unlock_all", "D ", "C SELECT 1", "C CLOSE CURSOR ALL", "C UNLISTEN", "C RESET", "Z I")
			wantMessages(t, w.simple("SHOW statement_timeout"), "T statement_timeout", "D 0", "C SHOW", "Z I")
			wantMessages(t, w.simple("SHOW application_name"), "T application_name", "D pool", "C SHOW", "Z I")
		}
	}
	// What was held is free again, also with the pool's only connection.
	wantMessages(t, p.wire().simple("SELECT pg_try_advisory_lock(7)"), "T pg_try_advisory_lock", "D t", "C SELECT 1", "Z I")
}

// Migration tools hold an advisory lock while they work: golang-migrate, sqlx and
// Prisma on the connection that also runs the DDL.
func TestWorkUnderAdvisoryLock(t *testing.T) {
	p := withSchema(t, options{pool: 2})
	keys := p.keys(1)
	one, two := p.wire(), p.wire()
	for _, unlock := range []string{"SELECT pg_advisory_unlock_all()", "DISCARD ALL", "BEGIN; SELECT pg_advisory_unlock_all(); COMMIT"} {
		if got := errorsIn(one.simple("SELECT pg_advisory_lock(11)")); got != nil {
			t.Fatalf("lock: %v", got)
		}
		for _, of := range keys {
			if got := errorsIn(one.simple(insertTitle(of[0], "locked"))); got != nil {
				t.Errorf("a row of another node: %v", got)
			}
		}
		if got := errorsIn(one.simple("SELECT count(*) FROM documents")); got != nil {
			t.Errorf("a read over all nodes: %v", got)
		}
		if got := errorsIn(one.simple("CREATE TABLE under_lock (id int PRIMARY KEY)")); got != nil {
			t.Errorf("DDL: %v", got)
		}
		one.simple("DROP TABLE under_lock")
		wantMessages(t, two.simple("SELECT pg_try_advisory_lock(11)"), "T pg_try_advisory_lock", "D f", "C SELECT 1", "Z I")
		one.simple(unlock)
		eventually(t, "the lock is free after "+unlock, func() bool {
			return slices.Contains(two.simple("SELECT pg_try_advisory_lock(11)"), "D t")
		})
		two.simple("SELECT pg_advisory_unlock_all()")
		eventually(t, "and free again", func() bool {
			free := slices.Contains(one.simple("SELECT pg_try_advisory_lock(11)"), "D t")
			one.simple("SELECT pg_advisory_unlock(11)")
			return free
		})
	}
	// One by one, in the extended protocol.
	one.send(extended("SELECT pg_advisory_lock(12)")...)
	one.until("Z")
	one.send(extended("SELECT pg_advisory_unlock(12)")...)
	wantMessages(t, one.until("Z"), "1", "2", "T pg_advisory_unlock", "D t", "C SELECT 1", "Z I")
	one.send(extended("SELECT pg_advisory_unlock_all()")...)
	wantMessages(t, one.until("Z"), "1", "2", "T pg_advisory_unlock_all", "D ", "C SELECT 1", "Z I")
}

// asyncpg sends Flush behind Parse and Describe, and one limit or none with
// Execute; pgjdbc's setMaxRows is such a limit, too.
func TestStatementForSeveralNodes(t *testing.T) {
	p := withSchema(t, options{pool: 1})
	keys := p.keys(2)
	conn := p.connect()
	for _, of := range keys {
		do(t, conn, insertTitle(of[0], "same"))
		do(t, conn, insertTitle(of[1], "same"))
	}
	closeNow(conn)
	w := p.wire()
	ask := func(sql string, limit uint32, more ...pgproto3.FrontendMessage) []string {
		w.send(&pgproto3.Parse{Name: "s", Query: sql}, &pgproto3.Describe{ObjectType: 'S', Name: "s"}, &pgproto3.Flush{})
		w.until("T")
		w.send(append([]pgproto3.FrontendMessage{&pgproto3.Bind{PreparedStatement: "s"}, &pgproto3.Execute{MaxRows: limit}}, more...)...)
		w.send(&pgproto3.Sync{})
		got := w.until("Z")
		w.send(&pgproto3.Close{ObjectType: 'S', Name: "s"}, &pgproto3.Sync{})
		w.until("Z")
		return got
	}
	all, some := "SELECT title FROM documents", "SELECT title FROM documents WHERE title = 'other'"
	row := "D same"
	for _, begin := range []string{"", "BEGIN"} {
		ready := "Z I"
		if begin != "" {
			ready = "Z T"
		}
		w.simple(begin)
		wantMessages(t, ask(all, 0), "2", row, row, row, row, row, row, "C SELECT 6", ready)
		wantMessages(t, ask(all, 5), "2", row, row, row, row, row, "s", ready)
		wantMessages(t, ask(all, 6), "2", row, row, row, row, row, row, "s", ready)
		wantMessages(t, ask(all, 7), "2", row, row, row, row, row, row, "C SELECT 6", ready)
		wantMessages(t, ask(some, 0), "2", "C SELECT 0", ready)
		wantMessages(t, ask("SELECT count(*) FROM documents", 0), "2", "D 6", "C SELECT 1", ready)
		wantMessages(t, ask("SELECT count(*) FROM documents", 1), "2", "D 6", "s", ready)
		// sqlx closes the portal in the same batch.
		wantMessages(t, ask(all, 1, &pgproto3.Close{ObjectType: 'P'}), "2", row, "s", "3", ready)
		w.simple("COMMIT")
	}
	// No server has the portal: it cannot be read on.
	w.simple("BEGIN")
	w.send(&pgproto3.Parse{Query: all}, &pgproto3.Bind{}, &pgproto3.Execute{MaxRows: 1}, &pgproto3.Sync{})
	wantMessages(t, w.until("Z"), "1", "2", row, "s", "Z T")
	w.send(&pgproto3.Execute{}, &pgproto3.Sync{})
	wantMessages(t, w.until("Z"), "E 34000", "Z E")
}

// psycopg has a named cursor described as the portal that it is for the server.
func TestDescribeCursor(t *testing.T) {
	p := withSchema(t, options{pool: 1})
	a := p.keys(1)[0][0]
	w := p.wire()
	w.simple(insertTitle(a, "one"))
	describe := &pgproto3.Describe{ObjectType: 'P', Name: "c"}
	w.simple("BEGIN")
	w.send(extended("DECLARE c CURSOR FOR SELECT title FROM documents WHERE user_id = $1", fmt.Sprint(a))...)
	wantMessages(t, w.until("Z"), "1", "2", "n", "C DECLARE CURSOR", "Z T")
	w.send(describe, &pgproto3.Sync{})
	wantMessages(t, w.until("Z"), "T title", "Z T")
	wantMessages(t, w.simple("FETCH FORWARD 3 FROM c"), "T title", "D one", "C FETCH 1", "Z T")
	w.send(&pgproto3.Close{ObjectType: 'P', Name: "c"}, &pgproto3.Sync{})
	wantMessages(t, w.until("Z"), "3", "Z T")
	w.send(describe, &pgproto3.Sync{})
	wantMessages(t, w.until("Z"), "E 34000", "Z E")
	w.simple("ROLLBACK")
	for _, begin := range []string{"", "BEGIN"} { // no node has it
		w.simple(begin)
		w.send(describe, &pgproto3.Sync{})
		if got := errorsIn(w.until("Z")); !slices.Equal(got, []string{"34000"}) {
			t.Errorf("%q: %v", begin, got)
		}
	}
}

// pg-cursor closes the portal of a cursor that failed behind its Sync, and the
// next Query follows without another.
func TestQueryBehindClose(t *testing.T) {
	p := withSchema(t, options{pool: 1})
	a := p.keys(1)[0][0]
	w := p.wire()
	w.send(&pgproto3.Parse{Query: "SELECT title FROM documents ORDER BY title"}, &pgproto3.Bind{DestinationPortal: "C_1"},
		&pgproto3.Describe{ObjectType: 'P', Name: "C_1"}, &pgproto3.Flush{}, &pgproto3.Execute{Portal: "C_1", MaxRows: 10}, &pgproto3.Flush{})
	w.until("E 0A000")
	w.send(&pgproto3.Sync{}, &pgproto3.Close{ObjectType: 'P', Name: "C_1"})
	w.until("Z")
	w.send(&pgproto3.Query{String: "SELECT 1 AS one"})
	wantMessages(t, w.until("Z"), "3", "T one", "D 1", "C SELECT 1", "Z I")

	// Prepared and described on a node: so is what follows.
	w.send(&pgproto3.Parse{Name: "s", Query: selectTitle(a)}, &pgproto3.Flush{})
	wantMessages(t, []string{w.next()}, "1")
	w.send(&pgproto3.Query{String: "SELECT 2 AS two"})
	wantMessages(t, w.until("Z"), "T two", "D 2", "C SELECT 1", "Z I")
	w.send(&pgproto3.Bind{PreparedStatement: "s"}, &pgproto3.Execute{}, &pgproto3.Sync{})
	wantMessages(t, w.until("Z"), "2", "C SELECT 0", "Z I")

	// After an error all is skipped up to Sync.
	w.send(&pgproto3.Parse{Query: "SELEC"}, &pgproto3.Query{String: "SELECT 3"})
	wantMessages(t, []string{w.next()}, "E 42601")
	w.send(&pgproto3.Query{String: "SELECT 4"}, &pgproto3.Sync{})
	wantMessages(t, w.until("Z"), "Z I")

	// A statement and a Query would be one transaction: refused.
	w.send(&pgproto3.Parse{Query: insertTitle(a, "lost")}, &pgproto3.Bind{}, &pgproto3.Execute{}, &pgproto3.Query{String: "SELECT 5"})
	wantMessages(t, []string{w.next()}, "E 08P01")
	if got := p.wire().simple(selectTitle(a)); len(got) != 3 {
		t.Errorf("the statement was executed: %q", got)
	}
}

// asyncpg turns jit off around its look-up of types, Django sets the time zone,
// pg_dump the search path, PostgREST what row security asks for: all with
// set_config().
func TestSetConfig(t *testing.T) {
	p := withSchema(t, options{pool: 1})
	keys := p.keys(1)
	conn := p.connect()
	for _, of := range keys {
		do(t, conn, insertTitle(of[0], "row"))
	}
	closeNow(conn)
	one, two := p.wire(), p.wire()
	settingAt := func(w *wire, name string, user int64) string {
		got := w.simple(fmt.Sprintf("SELECT current_setting('%s') FROM documents WHERE user_id = %d", name, user))
		return got[min(1, len(got)-1)]
	}
	everywhere := func(name, own, others string) {
		t.Helper()
		for _, of := range keys {
			if got := settingAt(one, name, of[0]); got != "D "+own {
				t.Errorf("%s is %q, want %s", name, got, own)
			}
			if got := settingAt(two, name, of[0]); got != "D "+others && got != others {
				t.Errorf("another's %s is %q, want %s", name, got, others)
			}
		}
	}
	for _, begin := range []string{"", "BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ"} {
		ready := "Z I"
		if begin != "" {
			ready = "Z T"
		}
		one.simple(begin)
		one.send(&pgproto3.Parse{Query: "SELECT current_setting('jit') AS cur, set_config('jit', 'off', false) AS new"},
			&pgproto3.Describe{ObjectType: 'S'}, &pgproto3.Flush{})
		one.until("T")
		one.send(&pgproto3.Bind{}, &pgproto3.Execute{}, &pgproto3.Sync{})
		wantMessages(t, one.until("Z"), "2", "D on,off", "C SELECT 1", ready)
		one.simple("COMMIT")
		everywhere("jit", "off", "on")
		one.send(extended("SELECT set_config('jit', $1, $2)", "on", "false")...)
		wantMessages(t, one.until("Z"), "1", "2", "T set_config", "D on", "C SELECT 1", "Z I")
		everywhere("jit", "on", "on")
	}
	// In a transaction, which may have no node yet, and undone with it.
	for i, of := range keys {
		for _, end := range []string{"COMMIT", "ROLLBACK"} {
			one.simple("BEGIN")
			if i == 0 { // the transaction has its node
				one.simple(selectTitle(of[0]))
			}
			wantMessages(t, one.simple("SELECT set_config('lock_timeout', '7000', true), set_config('work_mem', '2MB', false)"),
				"T set_config,set_config", "D 7s,2MB", "C SELECT 1", "Z T")
			for name, want := range map[string]string{"lock_timeout": "D 7s", "work_mem": "D 2MB"} {
				if got := settingAt(one, name, of[0]); got != want {
					t.Errorf("%s in the transaction: %q", name, got)
				}
			}
			one.simple(end)
			everywhere("lock_timeout", "0", "0")
			everywhere("work_mem", map[string]string{"COMMIT": "2MB", "ROLLBACK": "4MB"}[end], "4MB")
			one.simple("RESET work_mem")
		}
	}
	wantMessages(t, one.simple("SELECT pg_catalog.set_config('TimeZone', 'Europe/Paris', false)"),
		"T set_config", "D Europe/Paris", "C SELECT 1", "S TimeZone=Europe/Paris", "Z I")
	one.simple("SELECT set_config('app.tenant', '5', false)")
	everywhere("app.tenant", "5", "E 42704")
	one.simple("DISCARD ALL")
	one.simple("BEGIN")
	one.simple("SELECT set_config('app.tenant', '6', true)")
	if got := settingAt(one, "app.tenant", keys[1][0]); got != "D 6" {
		t.Errorf("app.tenant in the transaction: %q", got)
	}
	one.simple("ROLLBACK")

	one.simple("SELECT set_config('search_path', 'pg_temp, public', false)")
	wantMessages(t, one.simple("SHOW search_path"), "T search_path", "D pg_temp, public", "C SHOW", "Z I")
	one.simple("SELECT pg_catalog.set_config('search_path', '', false)")
	if got := errorsIn(one.simple(selectTitle(keys[0][0]))); !slices.Equal(got, []string{"42P01"}) {
		t.Errorf("a name without a schema: %v", got)
	}
	one.simple("RESET ALL")
	for _, sql := range []string{
		"SELECT length(set_config('jit', 'off', false))",
		"SELECT set_config('jit', 'o' || 'ff', false)",
		"SELECT set_config('jit', NULL, false)",
		"SELECT set_config('jit', 'off', 1 > 0)",
		"SELECT set_config('jit', 'off', false) WHERE false",
		fmt.Sprintf("SELECT set_config('jit', title, false) FROM documents WHERE user_id = %d", keys[0][0]),
		"EXPLAIN ANALYZE SELECT set_config('jit', 'off', false)",
		"SELECT set_config('client_encoding', 'LATIN1', false)",
		"SELECT set_config('shardproxy.notice', 'on', false)",
		"SELECT set_config('transaction_read_only', 'on', false)",
	} {
		if got := errorsIn(one.simple(sql)); !slices.Equal(got, []string{"0A000"}) {
			t.Errorf("%s: %v", sql, got)
		}
	}
	everywhere("jit", "on", "on")
	if got := errorsIn(one.simple("SELECT set_config('jit', 'perhaps', false)")); !slices.Equal(got, []string{"22023"}) {
		t.Errorf("a wrong value: %v", got)
	}
	everywhere("jit", "on", "on")
}

// asyncpg, pgx and pgjdbc go by the description of a statement until they close
// it. When its columns change they have to be told as servers tell them.
func TestColumnsChangeUnderStatement(t *testing.T) {
	p := withSchema(t, options{pool: 2})
	keys := p.keys(1)
	w, other := p.wire(), p.wire()
	all := "SELECT * FROM changing"
	other.simple("CREATE TABLE changing (user_id bigint PRIMARY KEY, a int)")
	bind := func(name string, parameters ...string) []pgproto3.FrontendMessage {
		b := &pgproto3.Bind{PreparedStatement: name}
		for _, p := range parameters {
			b.Parameters = append(b.Parameters, []byte(p))
		}
		return []pgproto3.FrontendMessage{b, &pgproto3.Execute{}, &pgproto3.Sync{}}
	}
	describe := func(name, sql string) {
		w.send(&pgproto3.Parse{Name: name, Query: sql}, &pgproto3.Describe{ObjectType: 'S', Name: name}, &pgproto3.Sync{})
		if got := errorsIn(w.until("Z")); got != nil {
			t.Fatalf("%s: %v", sql, got)
		}
	}
	key := func(i int) string { return fmt.Sprint(keys[i][0]) }
	describe("star", all+" WHERE user_id = $1")
	describe("everywhere", all)
	describe("named", "SELECT a FROM changing WHERE user_id = $1")
	describe("makes", "INSERT INTO changing (user_id, a) VALUES ($1, 1) RETURNING *")
	// pgjdbc describes the portal, once.
	w.send(&pgproto3.Parse{Name: "portal", Query: all + " WHERE user_id = $1"},
		&pgproto3.Bind{PreparedStatement: "portal", Parameters: [][]byte{[]byte(key(0))}},
		&pgproto3.Describe{ObjectType: 'P'}, &pgproto3.Execute{}, &pgproto3.Sync{})
	w.until("Z")

	for range 2 {
		w.send(bind("star", key(0))...)
		wantMessages(t, w.until("Z"), "2", "C SELECT 0", "Z I")
		// A change of other things changes nothing.
		other.simple("CREATE TABLE unrelated (id int PRIMARY KEY)")
		w.send(bind("star", key(1))...)
		wantMessages(t, w.until("Z"), "2", "C SELECT 0", "Z I")
		other.simple("DROP TABLE unrelated")
	}
	other.simple("ALTER TABLE changing ADD b int")
	for i := range keys {
		for _, name := range []string{"star", "portal", "makes"} {
			w.send(bind(name, key(i))...)
			m, err := w.Receive()
			if err != nil {
				t.Fatal(err)
			}
			e, ok := m.(*pgproto3.ErrorResponse)
			if !ok || e.Code != "0A000" || e.Message != "cached plan must not change result type" || e.Routine != "RevalidateCachedQuery" {
				t.Errorf("%s: %+v", name, m)
			}
			w.until("Z")
		}
		w.send(bind("named", key(i))...)
		wantMessages(t, w.until("Z"), "2", "C SELECT 0", "Z I")
	}
	w.send(bind("everywhere")...)
	wantMessages(t, w.until("Z"), "E 0A000", "Z I")
	w.simple("BEGIN")
	w.simple(fmt.Sprintf("INSERT INTO changing VALUES (%s, 7, 8)", key(0)))
	w.send(bind("star", key(0))...)
	wantMessages(t, w.until("Z"), "E 0A000", "Z E")
	w.simple("COMMIT")
	if got := other.simple(all); len(got) != 3 {
		t.Errorf("rows after the refusals: %q", got)
	}
	// Who asks again is told again: psycopg does with every execution.
	w.send(&pgproto3.Bind{PreparedStatement: "star", Parameters: [][]byte{[]byte(key(0))}},
		&pgproto3.Describe{ObjectType: 'P'}, &pgproto3.Execute{}, &pgproto3.Sync{})
	wantMessages(t, w.until("Z"), "2", "T user_id,a,b", "C SELECT 0", "Z I")
	w.send(bind("star", key(1))...)
	wantMessages(t, w.until("Z"), "2", "C SELECT 0", "Z I")
	w.send(&pgproto3.Close{ObjectType: 'S', Name: "makes"}, &pgproto3.Sync{})
	w.until("Z")
	describe("makes", "INSERT INTO changing (user_id, a) VALUES ($1, 1) RETURNING *")
	w.send(bind("makes", key(0))...)
	wantMessages(t, w.until("Z"), "2", "D "+key(0)+",1,NULL", "C INSERT 0 1", "Z I")
}

// psycopg2 and SQLAlchemy declare named cursors WITH HOLD on request. Such a
// cursor would stay on its connection, where the next client could read it.
func TestCursorWithHold(t *testing.T) {
	p := withSchema(t, options{pool: 1})
	a := p.keys(1)[0][0]
	declare := "DECLARE c CURSOR WITH HOLD FOR " + selectTitle(a)
	for _, begin := range []string{"", "BEGIN"} {
		w := p.wire()
		w.simple(begin)
		if got := errorsIn(w.simple(declare)); !slices.Equal(got, []string{"0A000"}) {
			t.Errorf("%q: %v", begin, got)
		}
		w.simple("ROLLBACK")
		w.send(extended(declare)...)
		if got := errorsIn(w.until("Z")); !slices.Equal(got, []string{"0A000"}) {
			t.Errorf("%q: %v", begin, got)
		}
	}
	w := p.wire()
	for range 2 {
		w.simple("BEGIN")
		if got := errorsIn(w.simple(fmt.Sprintf("DECLARE c CURSOR FOR %s", selectTitle(a)))); got != nil {
			t.Errorf("an ordinary cursor: %v", got)
		}
		w.simple("COMMIT")
	}
}

// asyncpg's copy_records_to_table learns the types of the columns from a query
// over all nodes that it only describes; so do psql's \gdesc and pgjdbc's
// PreparedStatement.getMetaData.
func TestDescribeOfWhatIsRefused(t *testing.T) {
	p := withSchema(t, options{pool: 1})
	a := p.keys(1)[0][0]
	w := p.wire()
	for _, begin := range []string{"", "BEGIN"} {
		ready := "Z I"
		if begin != "" {
			w.simple(begin)
			ready = "Z T"
		}
		w.send(&pgproto3.Parse{Name: "s", Query: `SELECT "user_id", "title" FROM "documents" LIMIT 1`},
			&pgproto3.Describe{ObjectType: 'S', Name: "s"}, &pgproto3.Sync{})
		wantMessages(t, w.until("Z"), "1", "t[]", "T user_id,title", ready)
		w.send(&pgproto3.Query{String: `COPY "documents"("user_id", "title") FROM STDIN WITH (FORMAT binary)`})
		w.until("G")
		w.send(&pgproto3.CopyData{Data: binaryCopy(a, "copied")}, &pgproto3.CopyDone{})
		wantMessages(t, w.until("Z"), "C COPY 1", ready)
		w.send(&pgproto3.Bind{PreparedStatement: "s"}, &pgproto3.Execute{}, &pgproto3.Sync{})
		if got := errorsIn(w.until("Z")); !slices.Equal(got, []string{"0A000"}) {
			t.Errorf("run: %v", got)
		}
		w.simple("ROLLBACK")
		w.send(&pgproto3.Close{ObjectType: 'S', Name: "s"}, &pgproto3.Sync{})
		wantMessages(t, w.until("Z"), "3", "Z I")
	}
	wantMessages(t, w.simple(selectTitle(a)), "T title", "D copied", "C SELECT 1", "Z I")
	// What no node may run is not prepared either.
	w.send(&pgproto3.Parse{Query: "UPDATE documents SET title = 'x'"}, &pgproto3.Describe{ObjectType: 'S'}, &pgproto3.Sync{})
	if got := errorsIn(w.until("Z")); !slices.Equal(got, []string{"0A000"}) {
		t.Errorf("a write: %v", got)
	}
}

// binaryCopy is COPY data of one row: an int8 and a text.
func binaryCopy(key int64, text string) []byte {
	b := append([]byte("PGCOPY\n\377\r\n\000"), make([]byte, 8)...)
	b = binary.BigEndian.AppendUint16(b, 2)
	b = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(b, 8), uint64(key))
	b = append(binary.BigEndian.AppendUint32(b, uint32(len(text))), text...)
	return binary.BigEndian.AppendUint16(b, 0xffff)
}

// psql's \dt+ asks for the sizes of tables beside the catalogs, GUI tools do
// likewise.
func TestSizesInCatalogs(t *testing.T) {
	p := withSchema(t, options{pool: 1})
	sql := `SELECT c.relname as "Name", pg_catalog.pg_size_pretty(pg_catalog.pg_table_size(c.oid)) as "Size"
FROM pg_catalog.pg_class c LEFT JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r','p','') AND n.nspname !~ '^pg_toast' AND pg_catalog.pg_table_is_visible(c.oid) AND c.relname = 'users' ORDER BY 1`
	w := p.wire()
	warning := "N the sizes are those on node pg-1 alone"
	wantMessages(t, w.simple(sql), warning, "T Name,Size", "D users,8192 bytes", "C SELECT 1", "Z I")
	w.send(extended(sql)...)
	wantMessages(t, w.until("Z"), warning, "1", "2", "T Name,Size", "D users,8192 bytes", "C SELECT 1", "Z I")
}

// A client whose advisory locks are gone, because the server ended the connection
// that held them, must not go on as if it had them: on a server its own connection
// would be gone.
func TestLostAdvisoryLocks(t *testing.T) {
	p := withSchema(t, options{pool: 2})
	keys := p.keys(1)
	home := p.node(0)
	end := "SELECT count(pg_terminate_backend(pid)) FROM pg_locks WHERE locktype = 'advisory'"
	for _, next := range []string{"SELECT count(*) FROM pg_class WHERE relname = 'users'", selectTitle(keys[0][0])} {
		w := p.wire()
		// A setting of the application's own spoils a connection for others only.
		w.simple("SET app.tenant = '7'")
		w.simple("SELECT pg_advisory_lock(21)")
		w.simple("SELECT set_config('app.tenant', '8', false)")
		w.simple(selectTitle(keys[0][0]))
		if got := query(t, home, end); !slices.Equal(got, []string{"1"}) {
			t.Fatalf("%v connections hold a lock, want 1", got)
		}
		w.simple(selectTitle(keys[1][0])) // on another node: not noticed
		got := w.simple(next)
		if !slices.Equal(errorsIn(got), []string{"08006"}) {
			t.Errorf("%s: %q", next, got)
		}
		wantMessages(t, []string{w.next()}, "E 08006")
		if _, err := w.conn.Read(make([]byte, 1)); err == nil {
			t.Error("the session goes on")
		}
	}
}

// Sequelize sets the time zone of each connection by an offset, whatever it is.
func TestTimeZoneByOffset(t *testing.T) {
	p := withSchema(t, options{pool: 1})
	w := p.wire()
	for value, zone := range map[string]string{
		"INTERVAL '+00:00' HOUR TO MINUTE": "<+00>-00",
		"INTERVAL '+05:30' HOUR TO MINUTE": "<+05:30>-05:30",
		"INTERVAL '-08:00' HOUR TO MINUTE": "<-08>+08",
		"INTERVAL '-3' HOUR":               "<-03>+03",
		"INTERVAL '+02:00'":                "<+02>-02",
	} {
		set := "SET client_min_messages TO warning;SET TIME ZONE " + value
		wantMessages(t, w.simple(set), "C SET", "S TimeZone="+zone, "C SET", "Z I")
		for _, of := range p.keys(1) {
			do(t, p.connect(), insertTitle(of[0], "x"))
			got := w.simple(fmt.Sprintf("SELECT current_setting('TimeZone') FROM documents WHERE user_id = %d LIMIT 1", of[0]))
			wantMessages(t, got, "T current_setting", "D "+zone, "C SELECT 1", "Z I")
		}
		w.simple("BEGIN")
		if got := w.simple("SET LOCAL TIME ZONE " + value + "; SHOW TimeZone"); !slices.Contains(got, "D "+zone) {
			t.Errorf("SET LOCAL TIME ZONE %s: %q", value, got)
		}
		w.simple("COMMIT")
		w.simple("RESET ALL")
	}
	for _, sql := range []string{"SET TIME ZONE INTERVAL '1' DAY", "SET TIME ZONE INTERVAL '1 day'", "SET TIME ZONE INTERVAL 'x' HOUR TO MINUTE"} {
		if got := errorsIn(w.simple(sql)); len(got) != 1 {
			t.Errorf("%s: %v", sql, got)
		}
	}
}

// Hibernate and Doctrine draw the ids of new rows from a sequence in the
// transaction that inserts them, on whatever node these are. A server does not
// undo that either, so it runs beside the transaction, at home.
func TestSequenceInTransaction(t *testing.T) {
	p := withSchema(t, options{pool: 1})
	keys := p.keys(2)
	do(t, p.connect(), "CREATE SEQUENCE hibernate_sequence START 1 INCREMENT 50")
	drawn := 1
	draw := func(w *wire, extended bool, ready string) {
		t.Helper()
		sql := "select nextval('hibernate_sequence')"
		want := []string{"T nextval", fmt.Sprintf("D %d", drawn), "C SELECT 1", ready}
		if extended {
			w.send(&pgproto3.Parse{Query: sql}, &pgproto3.Bind{}, &pgproto3.Describe{ObjectType: 'P'}, &pgproto3.Execute{}, &pgproto3.Sync{})
			want = append([]string{"1", "2"}, want...)
			wantMessages(t, w.until("Z"), want...)
		} else {
			wantMessages(t, w.simple(sql), want...)
		}
		drawn += 50
	}
	for _, of := range keys {
		for _, extended := range []bool{false, true} {
			for _, end := range []string{"COMMIT", "ROLLBACK"} {
				w := p.wire()
				w.simple("BEGIN")
				draw(w, extended, "Z T") // nothing has chosen a node yet
				if got := errorsIn(w.simple(insertTitle(of[0], "x"))); got != nil {
					t.Errorf("INSERT on another node: %v", got)
				}
				draw(w, extended, "Z T")
				if got := errorsIn(w.simple("SELECT lastval()")); !slices.Equal(got, []string{"0A000"}) {
					t.Errorf("lastval(): %v", got)
				}
				w.simple(end)
				_ = w.conn.Close()
			}
		}
	}
	w := p.wire()
	w.simple("BEGIN READ ONLY")
	if got := errorsIn(w.simple("select nextval('hibernate_sequence')")); !slices.Equal(got, []string{"25006"}) {
		t.Errorf("in a read-only transaction: %v", got)
	}
	w.simple("ROLLBACK")
	w.simple("BEGIN")
	w.simple(selectTitle(keys[2][0]))
	if got := errorsIn(w.simple("select nextval('nothing')")); !slices.Equal(got, []string{"42P01"}) {
		t.Errorf("of no sequence: %v", got)
	}
	wantMessages(t, w.simple("COMMIT"), "C ROLLBACK", "Z I")
	// What one client drew is not the lastval() of the next on its connection.
	draw(w, false, "Z I")
	other := p.wire()
	other.simple("BEGIN")
	other.simple(fmt.Sprintf("UPDATE users SET name = 'x' WHERE id = %d", keys[0][0]))
	if got := errorsIn(other.simple("SELECT lastval()")); !slices.Equal(got, []string{"55000"}) {
		t.Errorf("lastval() of another client: %v", got)
	}
}

// pgAdmin and pg_dump set what the server may not know.
func TestSetConfigOfKnownSetting(t *testing.T) {
	p := withSchema(t, options{pool: 1})
	keys := p.keys(1)
	w, other := p.wire(), p.wire()
	at := func(w *wire, key int64) string {
		t.Helper()
		got := w.simple(fmt.Sprintf("SELECT current_setting('bytea_output') FROM users WHERE id = %d UNION ALL SELECT current_setting('bytea_output')", key))
		return got[1]
	}
	for _, sql := range []string{
		"SELECT set_config('bytea_output','escape',false) FROM pg_show_all_settings() WHERE name = 'bytea_output'",
		"SELECT set_config(name, 'escape', false) FROM pg_settings WHERE name = 'bytea_output'",
		"SELECT pg_catalog.set_config(name, 'escape', false) FROM pg_catalog.pg_settings WHERE name = 'bytea_output'",
	} {
		for _, begin := range []string{"", "BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ"} {
			w.simple(begin)
			w.send(extended(sql)...)
			got := w.until("Z")
			wantMessages(t, got[:len(got)-1], "1", "2", "T set_config", "D escape", "C SELECT 1")
			w.simple("COMMIT")
			for _, of := range keys {
				if own, others := at(w, of[0]), at(other, of[0]); own != "D escape" || others != "D hex" {
					t.Errorf("%s %s: %s, and %s for another client", begin, sql, own, others)
				}
			}
			w.simple("RESET ALL")
			wantMessages(t, w.simple(sql), "T set_config", "D escape", "C SELECT 1", "Z I")
			w.simple("RESET ALL")
		}
	}
	wantMessages(t, w.simple("SELECT set_config(name, 'x', false) FROM pg_settings WHERE name = 'restrict_nothing'"), "T set_config", "C SELECT 0", "Z I")
	wantMessages(t, w.simple("SHOW bytea_output"), "T bytea_output", "D hex", "C SHOW", "Z I")
	// Beside a transaction on another node it would be set for somebody else.
	sql := "SELECT set_config(name, 'escape', false) FROM pg_settings WHERE name = 'bytea_output'"
	for _, simple := range []bool{true, false} {
		w.simple("BEGIN")
		w.simple(selectTitle(keys[1][0]))
		if simple {
			w.send(&pgproto3.Query{String: sql})
		} else {
			w.send(extended(sql)...)
		}
		if got := errorsIn(w.until("Z")); !slices.Equal(got, []string{"0A000"}) {
			t.Errorf("in a transaction on another node: %v", got)
		}
		w.simple("ROLLBACK")
		for _, of := range keys {
			if got := at(other, of[0]); got != "D hex" {
				t.Errorf("another client has %s", got)
			}
		}
	}
	for _, sql := range []string{
		"SELECT set_config(name, 'escape', false) FROM pg_settings",
		"SELECT set_config(name, 'escape', false) FROM pg_settings WHERE name LIKE 'bytea_%'",
		"SELECT set_config(name, 'escape', false) FROM pg_settings WHERE name = 'bytea_output' AND setting = 'hex'",
		"SELECT set_config(name, 'escape', false) FROM pg_settings WHERE name = 'bytea_output' LIMIT 0",
		"SELECT set_config(name, 'escape', false) FROM pg_settings, pg_class WHERE name = 'bytea_output'",
	} {
		if got := errorsIn(w.simple(sql)); !slices.Equal(got, []string{"0A000"}) {
			t.Errorf("%s: %v", sql, got)
		}
	}
}

// pgjdbc and PDO look up by its OID which table a column belongs to. Where the OIDs
// differ, they are told of none rather than of another.
func TestTablesOfColumns(t *testing.T) {
	p := withTypes(t, options{pool: 1})
	conn := p.connect()
	table := query(t, conn, "SELECT oid FROM pg_class WHERE relname = 'feelings'")[0]
	for i, key := range p.keys {
		rows, err := conn.Query(t.Context(), "SELECT ns FROM feelings WHERE user_id = $1", pgx.QueryExecModeSimpleProtocol, key)
		if err != nil {
			t.Fatal(err)
		}
		field := rows.FieldDescriptions()[0]
		rows.Close()
		want := "0 false"
		if i == p.home {
			want = table + " true"
		}
		if got := fmt.Sprint(field.TableOID, field.TableAttributeNumber > 0); got != want {
			t.Errorf("node %d: table and column %v, want %v", i+1, got, want)
		}
	}
}
