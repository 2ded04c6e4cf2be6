package backend

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shardproxy/internal/pgserver"
	"shardproxy/internal/pgserver/pgservertest"
	"shardproxy/protocol/sqlerr"
)

// TestServerComesAndGoes uses one server that is restarted, killed and made a
// standby, encrypted and not.
func TestServerComesAndGoes(t *testing.T) {
	server := pgservertest.Start(t, pgserver.Options{
		Files:    selfSigned(t),
		Settings: map[string]string{"ssl": "on"},
	})
	for _, mode := range []string{"disable", "require"} {
		dsn := withParams(t, server.DSN(), map[string]string{"sslmode": mode})
		t.Run("sslmode="+mode, func(t *testing.T) {
			t.Run("restart", func(t *testing.T) { testRestart(t, server, dsn) })
			t.Run("crash", func(t *testing.T) { testCrash(t, server, dsn) })
			t.Run("terminated", func(t *testing.T) { testTerminated(t, server, dsn) })
			t.Run("async", func(t *testing.T) { testAsync(t, server, dsn) })
			t.Run("cancel", func(t *testing.T) { testCancel(t, dsn) })
		})
	}
	t.Run("encrypted cancel", func(t *testing.T) { testEncryptedCancel(t, server) })
	t.Run("down", func(t *testing.T) { testDown(t, server) })
	t.Run("standby", func(t *testing.T) { testStandby(t, server) })
}

// idle opens n connections and releases them.
func idle(t *testing.T, p *Pool, n int) []*Conn {
	t.Helper()
	conns := make([]*Conn, n)
	for i := range conns {
		conns[i] = acquire(t, p)
	}
	for _, c := range conns {
		p.Release(c)
	}
	return conns
}

// After a restart the next statement of every client succeeds.
func testRestart(t *testing.T, server *pgserver.Server, dsn string) {
	p := pgPool(t, dsn, PoolOptions{Max: 4})
	idle(t, p, 4)
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 8 {
		c := acquire(t, p)
		queryOne(t, c, "SELECT 1")
		p.Release(c)
	}
	if s := p.Stats(); s.Dials > 8 || s.Closed != 4 {
		t.Errorf("%+v", s)
	}
}

// A statement that runs when its server crashes gets one error, and nothing
// else is touched by it.
func testCrash(t *testing.T, server *pgserver.Server, dsn string) {
	p := pgPool(t, dsn, PoolOptions{Max: 4, QueueTimeout: time.Minute})
	idle(t, p, 2)
	c := acquire(t, p)
	time.AfterFunc(100*time.Millisecond, func() {
		if err := server.Kill(); err != nil {
			t.Error(err)
		}
	})
	if _, err := Exec(t.Context(), c, "SELECT pg_sleep(60)"); !errors.Is(err, ErrBroken) {
		t.Errorf("error %v", err)
	}
	p.Release(c)
	eventually(t, "the end of the server", func() bool { return !server.Running() })
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	c = acquire(t, p)
	queryOne(t, c, "SELECT 1")
	p.Release(c)
}

func testTerminated(t *testing.T, server *pgserver.Server, dsn string) {
	const terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'shardproxy'"
	p := pgPool(t, dsn, PoolOptions{Max: 1})
	old := idle(t, p, 1)[0]
	admin(t, server.AdminDSN(), terminate)
	awaitMessage(t, old)
	c := acquire(t, p)
	if c == old {
		t.Error("got a connection that the server had ended")
	}
	queryOne(t, c, "SELECT 1")

	// While it runs a statement the holder learns why it ended.
	killer := dial(t, DialOptions{DSN: server.AdminDSN(), ApplicationName: "killer"})
	var group sync.WaitGroup
	group.Go(func() {
		for {
			r, err := Exec(context.Background(), killer, terminate+" AND query LIKE '%pg_sleep%' AND state = 'active'")
			if err != nil || len(r.Rows) > 0 {
				if err != nil {
					t.Error(err)
				}
				return
			}
			time.Sleep(10 * time.Millisecond)
		}
	})
	_, err := Exec(t.Context(), c, "SELECT pg_sleep(60)")
	group.Wait()
	if !errors.Is(err, ErrBroken) || sqlstate(err) != "57P01" {
		t.Errorf("error %v", err)
	}
	p.Release(c)

	// The maintenance notices it too.
	idle(t, p, 1)
	admin(t, server.AdminDSN(), terminate)
	eventually(t, "the dead connection is gone", func() bool {
		p.Maintain()
		return p.Stats().Idle == 0
	})
}

// What a server says to idle connections on its own does not confuse anybody.
func testAsync(t *testing.T, server *pgserver.Server, dsn string) {
	p := pgPool(t, dsn, PoolOptions{Max: 1})
	c := acquire(t, p)
	if _, err := Exec(t.Context(), c, "LISTEN news"); err != nil {
		t.Fatal(err)
	}
	p.Release(c)
	admin(t, server.DSN(), "NOTIFY news, 'one'")
	awaitMessage(t, c)
	p.Maintain()
	admin(t, server.AdminDSN(), "NOTIFY news, 'two'", "ALTER SYSTEM SET TimeZone = 'Asia/Tokyo'")
	if err := server.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	awaitMessage(t, c)
	if got := acquire(t, p); got != c {
		t.Fatal("a good connection was replaced")
	}
	eventually(t, "the new time zone", func() bool {
		r, err := Exec(t.Context(), c, "SELECT 1")
		if err != nil || len(r.Rows) != 1 {
			t.Fatalf("result %v, error %v", r, err)
		}
		return r.Parameters["TimeZone"] == "Asia/Tokyo"
	})
	if zone := c.Parameters["TimeZone"]; zone == "Asia/Tokyo" {
		t.Errorf("the parameters at login have changed: %s", zone)
	}
	p.Release(c)

	// Behind such a message the end of the connection is still seen.
	admin(t, server.DSN(), "NOTIFY news, 'three'")
	awaitMessage(t, c)
	admin(t, server.AdminDSN(), "ALTER SYSTEM RESET TimeZone")
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := acquire(t, p); got == c {
		t.Error("got a connection that the server had ended")
	} else {
		queryOne(t, got, "SELECT 1")
		p.Release(got)
	}
}

func testCancel(t *testing.T, dsn string) {
	p := pgPool(t, dsn, PoolOptions{Max: 1})
	c := acquire(t, p)
	k, ended := c.Canceler(), make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() { // until it arrives after the statement has begun
		for {
			select {
			case <-time.After(50 * time.Millisecond):
			case <-ended:
				return
			}
			if err := k.Cancel(context.Background()); err != nil {
				t.Error(err)
			}
		}
	})
	if _, err := Exec(t.Context(), c, "SELECT pg_sleep(60)"); sqlstate(err) != "57014" || errors.Is(err, ErrBroken) {
		t.Errorf("error %v", err)
	}
	close(ended)
	group.Wait()
	queryOne(t, c, "SELECT 1")
	p.Release(c)
	if s := p.Stats(); s.Closed != 0 {
		t.Errorf("the connection was closed: %+v", s)
	}
}

// The cancel key of an encrypted connection does not travel in the clear.
func testEncryptedCancel(t *testing.T, server *pgserver.Server) {
	dsn, proxy := proxied(t, withParams(t, server.DSN(), map[string]string{"sslmode": "require"}))
	c := dial(t, DialOptions{DSN: dsn})
	if !c.Encrypted() {
		t.Error("the connection is not encrypted")
	}
	if err := c.Cancel(t.Context()); err != nil {
		t.Error(err)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	proxy.mu.Lock()
	defer proxy.mu.Unlock()
	if diff := cmp.Diff([]uint32{sslRequestCode, sslRequestCode}, proxy.mu.codes); diff != "" {
		t.Error(diff)
	}
}

// A server that is down makes clients fail at once, and serves them when it is
// back.
func testDown(t *testing.T, server *pgserver.Server) {
	p := pgPool(t, server.DSN(), PoolOptions{Max: 4})
	if err := server.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		start := time.Now()
		_, err := p.Acquire(t.Context())
		e, ok := errors.AsType[*sqlerr.Error](err)
		if !ok || e.SQLState != "08001" || !errors.Is(err, syscall.ECONNREFUSED) || time.Since(start) > 5*time.Second {
			t.Errorf("error %v after %s", err, time.Since(start))
		}
	}
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a connection", func() bool {
		c, err := p.Acquire(t.Context())
		if err == nil {
			p.Release(c)
		}
		return err == nil
	})
}

func testStandby(t *testing.T, server *pgserver.Server) {
	if err := server.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(server.DataDir(), "standby.signal"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	p := pgPool(t, server.DSN(), PoolOptions{})
	_, err := p.Acquire(t.Context())
	if e, ok := errors.AsType[*sqlerr.Error](err); !ok || !errors.Is(err, ErrStandby) || e.SQLState != "08004" {
		t.Errorf("error %v", err)
	}
	// Given another host, the primary is found.
	both := anyDatabase(t)
	c, err := DialPostgres(t.Context(), DialOptions{DSN: bothHosts(t, server.DSN(), both)})
	if err != nil {
		t.Fatal(err)
	}
	if got := queryOne(t, c, "SELECT pg_is_in_recovery()"); got != "f" {
		t.Error("connected to the standby")
	}
	_ = c.Close()
	c, err = DialPostgres(t.Context(), DialOptions{DSN: server.DSN(), AllowStandby: true})
	if err != nil {
		t.Fatal(err)
	}
	_ = c.Close()
}
