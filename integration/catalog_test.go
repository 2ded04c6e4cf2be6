package integration

import (
	"fmt"
	"strings"
	"testing"
)

// Drivers look types up in the middle of transactions: that neither binds the
// transaction to the home node nor fails one that is elsewhere.
func TestCatalogLookupsInTransactions(t *testing.T) {
	p := withSchema(t, options{pool: 1})
	keys := p.keys(1)
	conn := p.connect()
	const lookup = "SELECT typname FROM pg_catalog.pg_type WHERE oid = 23"
	for node, ids := range keys {
		w := p.wire()
		for _, step := range []struct{ sql, want string }{
			{"BEGIN", "C BEGIN|Z T"},
			{lookup, "T typname|D int4|C SELECT 1|Z T"},
			{insertTitle(ids[0], "x"), "C INSERT 0 1|Z T"},
			{lookup, "T typname|D int4|C SELECT 1|Z T"},
			{"SELECT typname FROM pg_catalog.pg_type WHERE oid = 1/0", "E 22012|Z E"},
			{lookup, "E 25P02|Z E"},
			{"COMMIT", "C ROLLBACK|Z I"},
		} {
			if got := strings.Join(w.simple(step.sql), "|"); got != step.want {
				t.Errorf("node %d: %s: %s, want %s", node+1, step.sql, got, step.want)
			}
		}
		tx, err := conn.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for i := range 3 { // prepared, over and over
			if _, err := tx.Exec(t.Context(), "INSERT INTO documents (user_id, title) VALUES ($1, $2)", ids[0], fmt.Sprint(i)); err != nil {
				t.Fatal(err)
			}
			var name string
			if err := tx.QueryRow(t.Context(), "SELECT typname FROM pg_catalog.pg_type WHERE oid = $1", 23).Scan(&name); err != nil || name != "int4" {
				t.Fatalf("node %d: look-up in a transaction: %q, %v", node+1, name, err)
			}
		}
		if err := tx.Commit(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if n := total(p.countOn("documents", "")); n != 9 {
		t.Errorf("%d rows, want 9", n)
	}
}
