package integration

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"shardproxy/internal/pgserver"
	"shardproxy/internal/pgserver/pgservertest"
)

// reset closes a client's connection with a TCP reset.
func (w *wire) reset() {
	w.t.Helper()
	if err := w.conn.(*net.TCPConn).SetLinger(0); err != nil {
		w.t.Fatal(err)
	}
	_ = w.conn.Close()
}

// A client dies in the middle of something: within a second another one gets the
// only connection, and nothing is left of the first.
func TestClientDies(t *testing.T) {
	p := withSchema(t, options{pool: 1})
	a := p.keys(1)[0][0]
	setup := p.connect()
	for range 100 {
		do(t, setup, insertTitle(a, "kept"))
	}
	lock := fmt.Sprintf("UPDATE documents SET title = 'lost' WHERE user_id = %d", a)
	tests := map[string]func(w *wire){
		"in a transaction": func(w *wire) {
			w.simple("BEGIN")
			w.simple(lock)
		},
		"in a failed transaction": func(w *wire) {
			w.simple("BEGIN")
			w.simple(lock)
			w.simple("SELECT 1/0")
		},
		"in a portal": func(w *wire) {
			w.simple("BEGIN")
			w.simple(lock)
			w.send(&pgproto3.Parse{Query: selectTitle(a)}, &pgproto3.Bind{}, &pgproto3.Execute{MaxRows: 1}, &pgproto3.Flush{})
			w.until("s")
		},
		"in COPY": func(w *wire) {
			w.send(&pgproto3.Query{String: "COPY documents (user_id, title) FROM STDIN"})
			w.until("G")
			w.send(&pgproto3.CopyData{Data: fmt.Appendf(nil, "%d\tlost\n", a)})
		},
		"in COPY TO": func(w *wire) {
			w.send(&pgproto3.Query{String: fmt.Sprintf(
				"COPY (SELECT title, pg_sleep(0.1) FROM documents WHERE user_id = %d) TO STDOUT", a)})
			w.until("H")
		},
		"in a pipeline": func(w *wire) {
			w.send(append(group(lock), &pgproto3.Flush{})...)
			w.until("C")
			w.send(group(lock)...)
		},
		"in a long statement": func(w *wire) {
			w.simple("BEGIN")
			w.simple(lock)
			w.send(&pgproto3.Query{String: fmt.Sprintf("SELECT pg_sleep(30) FROM documents WHERE user_id = %d", a)})
		},
		"while it waits for a connection": func(w *wire) {
			w.simple("BEGIN")
			w.simple(lock)
			second := p.wire()
			second.send(&pgproto3.Query{String: selectTitle(a)})
			time.Sleep(100 * time.Millisecond) // in the queue by now, most likely
			second.reset()
		},
	}
	for name, until := range tests {
		t.Run(name, func(t *testing.T) {
			w := p.wire()
			w.simple("SET work_mem = '9MB'")
			until(w)
			w.reset()
			died := time.Now()
			other := p.wire()
			got := other.simple(fmt.Sprintf("UPDATE documents SET n = n + 1 WHERE user_id = %d AND title = 'kept'", a))
			if diff := time.Since(died); diff > time.Second {
				t.Errorf("the next client waited %s", diff)
			}
			if got[0] != "C UPDATE 100" {
				t.Errorf("the next client got %q", got)
			}
			if got := other.simple("SHOW work_mem"); got[1] == "D 9MB" {
				t.Error("a setting of the dead client is in force")
			}
		})
	}
}

// A node's backend is killed in the middle of a statement: one error, and the
// session goes on.
func TestBackendIsKilled(t *testing.T) {
	p := withSchema(t, options{pool: 2})
	keys := p.keys(1)
	a, b := keys[0][0], keys[1][0]
	do(t, p.connect(), insertTitle(a, "x"))
	victim, other := p.wire(), p.wire()
	victim.send(&pgproto3.Query{String: fmt.Sprintf("SELECT pg_sleep(30) FROM documents WHERE user_id = %d", a)})
	admin := p.node(0)
	eventually(t, "the statement runs and its backend is killed", func() bool {
		var n int
		err := admin.QueryRow(t.Context(), `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
			WHERE query LIKE 'SELECT pg_sleep(30)%' AND datname = current_database()`).Scan(&n)
		return err == nil && n == 1
	})
	got := victim.until("Z")
	if errors := errorsIn(got); len(errors) != 1 || got[len(got)-1] != "Z I" {
		t.Errorf("the victim got %q, want one error", got)
	}
	for _, w := range []*wire{victim, other} {
		for _, id := range []int64{a, b} {
			if got := w.simple(selectTitle(id)); len(errorsIn(got)) > 0 {
				t.Errorf("afterwards: %q", got)
			}
		}
	}
}

// A transaction whose node dies can only be rolled back.
func TestNodeDiesInTransaction(t *testing.T) {
	p := withSchema(t, options{pool: 2})
	a := p.keys(1)[0][0]
	w := p.wire()
	w.simple("BEGIN")
	w.simple(insertTitle(a, "before"))
	w.simple("SAVEPOINT s")
	admin := p.node(0)
	do(t, admin, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'idle in transaction'`)
	steps := []struct{ sql, want string }{
		{insertTitle(a, "after"), "E 08006|Z E"},
		{insertTitle(a, "after"), "E 25P02|Z E"},
		{"ROLLBACK TO s", "E 3B001|Z E"},
		{"COMMIT", "C ROLLBACK|Z I"},
		{fmt.Sprintf("SELECT count(*) FROM documents WHERE user_id = %d", a), "T count|D 0|C SELECT 1|Z I"},
	}
	for _, step := range steps {
		if got := strings.Join(w.simple(step.sql), "|"); got != step.want {
			t.Errorf("%s: %s, want %s", step.sql, got, step.want)
		}
	}
}

// Servers restart while the pools are idle: the next statement of every client
// succeeds.
func TestServerRestarts(t *testing.T) {
	server := pgservertest.Start(t, pgserver.Options{})
	p := withSchema(t, options{nodes: []string{server.DSN()}})
	var clients []*wire
	for range 4 {
		w := p.wire()
		w.simple(insertTitle(1, "x"))
		clients = append(clients, w)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := server.Restart(ctx); err != nil {
		t.Fatal(err)
	}
	for i, w := range clients {
		if got := w.simple(insertTitle(1, "y")); got[0] != "C INSERT 0 1" {
			t.Errorf("client %d: %q", i, got)
		}
	}
}

// A node that is down: one error per statement, and only for its keys.
func TestNodeIsDown(t *testing.T) {
	servers := []*pgserver.Server{pgservertest.Start(t, pgserver.Options{}), pgservertest.Start(t, pgserver.Options{})}
	p := withSchema(t, options{nodes: []string{servers[0].DSN(), servers[1].DSN()}})
	keys := p.keys(1)
	a, b := keys[0][0], keys[1][0]
	w := p.wire()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := servers[1].Stop(ctx); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		began := time.Now()
		got := w.simple(selectTitle(b))
		if errors := errorsIn(got); len(errors) != 1 || !strings.HasPrefix(errors[0], "08") || time.Since(began) > 5*time.Second {
			t.Errorf("the node that is down: %q after %s", got, time.Since(began))
		}
		if got := w.simple(selectTitle(a)); len(errorsIn(got)) > 0 {
			t.Errorf("the other node: %q", got)
		}
	}
}

// Cancel: a running statement, a client in the queue, a wrong key, and never the
// next client's statement.
func TestCancel(t *testing.T) {
	p := withSchema(t, options{pool: 1})
	a := p.keys(1)[0][0]
	do(t, p.connect(), insertTitle(a, "x"))
	sleep := fmt.Sprintf("SELECT pg_sleep(20) FROM documents WHERE user_id = %d", a)

	runner, waiter := p.connect(), p.connect()
	running := background(func() error { _, err := runner.PgConn().Exec(t.Context(), sleep).ReadAll(); return err })
	admin := p.node(0)
	eventually(t, "the statement runs", func() bool {
		var n int
		err := admin.QueryRow(t.Context(), `SELECT count(*) FROM pg_stat_activity
			WHERE query LIKE 'SELECT pg_sleep(20)%' AND state = 'active' AND datname = current_database()`).Scan(&n)
		return err == nil && n == 1
	})
	waiting := background(func() error { _, err := waiter.PgConn().Exec(t.Context(), sleep).ReadAll(); return err })
	time.Sleep(200 * time.Millisecond) // in the queue by now, most likely
	if err := waiter.PgConn().CancelRequest(t.Context()); err != nil {
		t.Fatal(err)
	}
	expectCanceled(t, "the waiting client", waiting)

	cancelWith(t, p, runner.PgConn().PID(), []byte{1, 2, 3, 4})
	select {
	case err := <-running:
		t.Fatalf("a wrong key ended the statement: %v", err)
	case <-time.After(300 * time.Millisecond):
	}
	if err := runner.PgConn().CancelRequest(t.Context()); err != nil {
		t.Fatal(err)
	}
	expectCanceled(t, "the running client", running)

	// A cancel after the end of the statement hits nobody.
	for range 20 {
		if err := runner.PgConn().CancelRequest(t.Context()); err != nil {
			t.Fatal(err)
		}
		if _, err := waiter.Exec(t.Context(), selectTitle(a)); err != nil {
			t.Fatalf("the next client's statement: %v", err)
		}
	}
}

func background(f func() error) <-chan error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	return done
}

func expectCanceled(t *testing.T, who string, done <-chan error) {
	t.Helper()
	select {
	case err := <-done:
		if pg, ok := err.(*pgconn.PgError); !ok || pg.Code != "57014" {
			t.Errorf("%s: %v, want 57014", who, err)
		}
	case <-time.After(5 * time.Second):
		t.Errorf("%s was not canceled", who)
	}
}

// cancelWith sends a CancelRequest with any key.
func cancelWith(t *testing.T, p *proxy, pid uint32, secret []byte) {
	t.Helper()
	conn, err := net.Dial("tcp", p.address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	message, err := (&pgproto3.CancelRequest{ProcessID: pid, SecretKey: secret}).Encode(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Write(message); err != nil {
		t.Fatal(err)
	}
	_ = conn.SetReadDeadline(time.Now().Add(5 * time.Second))
	if n, err := conn.Read(make([]byte, 1)); err == nil {
		t.Errorf("a CancelRequest was answered with %d bytes", n)
	}
}
