package main

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"shardproxy/internal/pgserver/pgservertest"
)

// TestDDLThatFailsOnOneNode: it says which nodes have the change, and what is
// known of the tables follows.
func TestDDLThatFailsOnOneNode(t *testing.T) {
	t.Parallel()
	c := newSettings(t)
	s := c.serve(t)
	conn := s.connect()
	must(t, conn, "CREATE TABLE users (id bigint PRIMARY KEY)")
	node, err := pgx.Connect(t.Context(), c.nodes[1])
	if err != nil {
		t.Fatal(err)
	}
	defer closeNow(node)
	must(t, node, "ALTER TABLE users ADD COLUMN name text") // behind the proxy's back

	_, err = conn.Exec(t.Context(), "ALTER TABLE users ADD COLUMN name text, ADD COLUMN age int")
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || pg.Code != "55000" || !strings.Contains(pg.Message, `node "pg-2"`) || !strings.Contains(pg.Detail, "pg-1") {
		t.Fatalf("error %v, want 55000 that names pg-2, and pg-1 in the detail", err)
	}
	if _, err := conn.Exec(t.Context(), "INSERT INTO users (id) VALUES (1)"); sqlState(err) != "0A000" {
		t.Errorf("a write while the nodes differ: %v, want 0A000", err)
	}
	if _, body := c.get(t, "/v1/tables"); !strings.Contains(body, `"placement":"refused"`) {
		t.Errorf("the table is not refused: %s", body)
	}
	must(t, node, "ALTER TABLE users DROP COLUMN name")
	must(t, conn, "ALTER TABLE users ADD COLUMN IF NOT EXISTS name text, ADD COLUMN IF NOT EXISTS age int")
	must(t, conn, "INSERT INTO users (id, age) VALUES (1, 2)")
	if n := count(t, conn, "SELECT sum(age) FROM users"); n != 2 {
		t.Errorf("sum %d, want 2", n)
	}
}

// TestDDLWhileANodeIsDown: no node has the change, and everything else goes on.
func TestDDLWhileANodeIsDown(t *testing.T) {
	t.Parallel()
	servers := pgservertest.StartN(t, 2)
	c := newSettings(t)
	c.nodes = []string{servers[0].DSN(), servers[1].DSN()}
	s := c.serve(t)
	conn := s.connect()
	must(t, conn, "CREATE TABLE users (id bigint PRIMARY KEY, name text)")
	const rows = 8
	for id := range rows {
		must(t, conn, "INSERT INTO users (id) VALUES ($1)", id)
	}
	if err := servers[1].Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Exec(t.Context(), "ALTER TABLE users DROP COLUMN name"); sqlState(err) != "08001" {
		t.Errorf("error %v, want 08001", err)
	}
	if status, body := c.get(t, "/readyz"); status != http.StatusOK {
		t.Errorf("/readyz: %s", body)
	}
	served := int64(0)
	for id := range rows {
		switch _, err := conn.Exec(t.Context(), "UPDATE users SET name = 'x' WHERE id = $1", id); sqlState(err) {
		case "08001":
		case "":
			served++
		default:
			t.Errorf("id %d: %v", id, err)
		}
	}
	node, err := pgx.Connect(t.Context(), c.nodes[0])
	if err != nil {
		t.Fatal(err)
	}
	defer closeNow(node)
	if n := count(t, node, "SELECT count(*) FROM users WHERE name = 'x'"); served == 0 || n != served {
		t.Errorf("%d of %d statements were served, and %d rows changed", served, rows, n)
	}
	if err := servers[1].Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) { // until the pool tries again
		_, err := conn.Exec(t.Context(), "ALTER TABLE users DROP COLUMN name")
		if err == nil {
			break
		}
		if sqlState(err) != "08001" || time.Now().After(deadline) {
			t.Fatalf("after the restart: %v", err)
		}
	}
}
