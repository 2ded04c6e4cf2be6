package main

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// TestAdoptedDatabase: rows that were on one server stay there, ids go on above
// them, and the schema can be changed although the other servers are empty.
func TestAdoptedDatabase(t *testing.T) {
	t.Parallel()
	c := newSettings(t)
	node, err := pgx.Connect(t.Context(), c.nodes[1])
	if err != nil {
		t.Fatal(err)
	}
	defer closeNow(node)
	must(t, node, "CREATE TABLE users (id bigserial PRIMARY KEY, name text)")
	must(t, node, "INSERT INTO users (name) SELECT 'user ' || n FROM generate_series(1, 100) AS n")
	s := c.serve(t)
	s.await("seeded=adopted .*home=pg-2")

	var warnings []string
	config, err := pgx.ParseConfig(s.dsn("app", "secret"))
	if err != nil {
		t.Fatal(err)
	}
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) { warnings = append(warnings, n.Message) }
	conn, err := pgx.ConnectConfig(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	defer closeNow(conn)
	if n := count(t, conn, "SELECT count(*) FROM users"); n != 100 {
		t.Errorf("%d users, want 100", n)
	}
	if id := count(t, conn, "INSERT INTO users (name) VALUES ('new') RETURNING id"); id != 101 {
		t.Errorf("id %d, want 101", id)
	}
	must(t, conn, "ALTER TABLE users ADD COLUMN age int DEFAULT 7")
	if all := strings.Join(warnings, "\n"); strings.Count(all, "which owns no partitions, refused the statement") != 2 {
		t.Errorf("want a warning for each of the two empty nodes, got:\n%s", all)
	}
	for i := range 10 { // each text is prepared anew
		sql := fmt.Sprintf("SELECT age FROM users AS u%d WHERE id = $1", i)
		if n := count(t, conn, sql, 101); n != 7 {
			t.Errorf("age %d, want 7", n)
		}
	}
}
