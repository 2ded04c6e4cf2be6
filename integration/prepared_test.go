package integration

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgproto3"
)

// Two clients use one name for different texts; names are checked as a server
// would.
func TestStatementNames(t *testing.T) {
	p := withSchema(t, options{pool: 1})
	a := p.keys(1)[0][0]
	one, two := p.wire(), p.wire()
	one.send(&pgproto3.Parse{Name: "s", Query: "SELECT 'one'"}, &pgproto3.Sync{})
	one.until("Z")
	two.send(&pgproto3.Parse{Name: "s", Query: fmt.Sprintf("SELECT count(*) FROM documents WHERE user_id = %d", a)}, &pgproto3.Sync{})
	two.until("Z")
	for range 3 {
		for w, want := range map[*wire]string{one: "D one", two: "D 0"} {
			w.send(&pgproto3.Bind{PreparedStatement: "s"}, &pgproto3.Execute{}, &pgproto3.Sync{})
			if diff := cmp.Diff([]string{"2", want, "C SELECT 1", "Z I"}, w.until("Z")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		}
	}
	one.send(&pgproto3.Parse{Name: "s", Query: "SELECT 2"}, &pgproto3.Sync{})
	if diff := cmp.Diff([]string{"E 42P05", "Z I"}, one.until("Z")); diff != "" {
		t.Errorf("the name is taken (-want +got):\n%s", diff)
	}
	one.send(&pgproto3.Close{ObjectType: 'S', Name: "s"}, &pgproto3.Parse{Name: "s", Query: "SELECT 2"}, &pgproto3.Sync{})
	if diff := cmp.Diff([]string{"3", "1", "Z I"}, one.until("Z")); diff != "" {
		t.Errorf("after Close (-want +got):\n%s", diff)
	}
	two.simple("DEALLOCATE s")
	two.send(&pgproto3.Bind{PreparedStatement: "s"}, &pgproto3.Sync{})
	if diff := cmp.Diff([]string{"E 26000", "Z I"}, two.until("Z")); diff != "" {
		t.Errorf("after DEALLOCATE (-want +got):\n%s", diff)
	}
}

// One prepared statement serves keys of all nodes, over connections that have
// not seen it.
func TestPreparedStatementOverNodes(t *testing.T) {
	p := withSchema(t, options{pool: 2})
	keys := p.keys(3)
	conn := p.connect()
	for _, ids := range keys {
		for _, id := range ids {
			do(t, conn, "INSERT INTO documents (user_id, title) VALUES ($1, $2)", id, fmt.Sprint("of ", id))
		}
	}
	for range 3 {
		for _, ids := range keys {
			for _, id := range ids {
				got := query(t, conn, "SELECT title FROM documents WHERE user_id = $1", id)
				if diff := cmp.Diff([]string{fmt.Sprint("of ", id)}, got); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
			}
		}
	}
}

// DDL under a cached SELECT *: at most one error, never a loop.
func TestDDLUnderPreparedStatement(t *testing.T) {
	p := withSchema(t, options{pool: 1})
	a := p.keys(1)[0][0]
	do(t, p.connect(), insertTitle(a, "x"))
	w := p.wire()
	w.send(&pgproto3.Parse{Name: "s", Query: fmt.Sprintf("SELECT * FROM documents WHERE user_id = %d", a)}, &pgproto3.Sync{})
	w.until("Z")
	run := func() []string {
		w.send(&pgproto3.Bind{PreparedStatement: "s"}, &pgproto3.Execute{}, &pgproto3.Sync{})
		return w.until("Z")
	}
	if got := run(); len(errorsIn(got)) > 0 {
		t.Fatalf("before: %q", got)
	}
	t.Run("through the proxy", func(t *testing.T) {
		do(t, p.connect(), "ALTER TABLE documents ADD COLUMN extra text DEFAULT 'e'")
		errors := 0
		for range 3 {
			errors += len(errorsIn(run()))
		}
		if errors > 1 {
			t.Errorf("%d errors", errors)
		}
	})
	t.Run("behind its back", func(t *testing.T) {
		for i := range p.nodes {
			do(t, p.node(i), "ALTER TABLE documents ADD COLUMN more text")
		}
		errors := 0
		for range 3 {
			errors += len(errorsIn(run()))
		}
		if errors > 1 {
			t.Errorf("%d errors", errors)
		}
	})
}

// Statements of drivers that BEGIN and COMMIT in the extended protocol.
func TestTransactionInExtendedProtocol(t *testing.T) {
	p := withSchema(t, options{pool: 1})
	a := p.keys(1)[0][0]
	w := p.wire()
	messages := append(group("BEGIN"), group(insertTitle(a, "x"))...)
	w.send(append(messages, &pgproto3.Sync{})...)
	if diff := cmp.Diff([]string{"1", "2", "C BEGIN", "1", "2", "C INSERT 0 1", "Z T"}, w.until("Z")); diff != "" {
		t.Errorf("BEGIN and INSERT (-want +got):\n%s", diff)
	}
	if n := total(p.countOn("documents", "")); n != 0 {
		t.Errorf("%d rows before COMMIT", n)
	}
	w.send(append(group("COMMIT"), &pgproto3.Sync{})...)
	if diff := cmp.Diff([]string{"1", "2", "C COMMIT", "Z I"}, w.until("Z")); diff != "" {
		t.Errorf("COMMIT (-want +got):\n%s", diff)
	}
	if n := total(p.countOn("documents", "")); n != 1 {
		t.Errorf("%d rows after COMMIT", n)
	}
	messages = append(group("BEGIN"), group(insertTitle(a, "y"))...)
	messages = append(messages, group("SAVEPOINT s")...)
	messages = append(messages, group("ROLLBACK")...)
	w.send(append(messages, &pgproto3.Sync{})...)
	if got := w.until("Z"); got[len(got)-1] != "Z I" || len(errorsIn(got)) > 0 {
		t.Errorf("BEGIN, INSERT, SAVEPOINT, ROLLBACK: %q", got)
	}
	if n := total(p.countOn("documents", "")); n != 1 {
		t.Errorf("%d rows after ROLLBACK", n)
	}
	for range 2 {
		w.send(append(group("SET statement_timeout = '7s'"), &pgproto3.Sync{})...)
		if diff := cmp.Diff([]string{"1", "2", "C SET", "Z I"}, w.until("Z")); diff != "" {
			t.Errorf("SET (-want +got):\n%s", diff)
		}
		w.send(append(group("SHOW statement_timeout"), &pgproto3.Sync{})...)
		if diff := cmp.Diff([]string{"1", "2", "D 7s", "C SHOW", "Z I"}, w.until("Z")); diff != "" {
			t.Errorf("SHOW (-want +got):\n%s", diff)
		}
	}
}
