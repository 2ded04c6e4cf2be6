package integration

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
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
