package integration

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"

	"shardproxy/admin"
)

// testPause pauses the database through one peer while clients of all work.
func testPause(t *testing.T, all peers) {
	do(t, all[0].connect(), "CREATE TABLE paused (user_id int PRIMARY KEY, n int)")
	setFlag(t, all[0], "hold_budget", "3s")
	t.Run("nothing is open and all wait", func(t *testing.T) { testNothingIsOpen(t, all.within(t)) })
	t.Run("an open transaction", func(t *testing.T) { testOpenTransaction(t, all.within(t)) })
	t.Run("those who wait may leave", func(t *testing.T) { testWaitersLeave(t, all.within(t)) })
}

func setFlag(t testing.TB, p *proxy, name, value string) {
	t.Helper()
	if _, err := p.api().SetFlag(t.Context(), name, value); err != nil {
		t.Fatal(err)
	}
}

func setPool(t testing.TB, p *proxy, pool *admin.PoolDocument) {
	t.Helper()
	document := admin.Document{Databases: map[string]admin.DatabaseDocument{"app": {Pool: pool}}}
	shown, err := p.api().Apply(t.Context(), admin.ApplyRequest{Document: document, DryRun: true})
	if err == nil {
		_, err = p.api().Apply(t.Context(), admin.ApplyRequest{Document: document, Epoch: shown.Epoch})
	}
	if err != nil {
		t.Fatal(err)
	}
}

func pause(t testing.TB, p *proxy) {
	t.Helper()
	if _, err := p.api().Pause(t.Context(), "app"); err != nil {
		t.Fatalf("pause at %s: %v", p.id, err)
	}
}

func unpause(t testing.TB, p *proxy) {
	t.Helper()
	if _, err := p.api().Unpause(t.Context(), "app"); err != nil {
		t.Fatalf("unpause at %s: %v", p.id, err)
	}
}

// rows are what the nodes have in a table, all together.
func (all peers) rows(table string) int { return total(all[0].countOn(table, "")) }

func testNothingIsOpen(t *testing.T, all peers) {
	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	defer group.Wait()
	defer stop()
	var retried atomic.Int64
	next := make([]atomic.Int64, len(all)) // by peer, the number of the next row
	for i, p := range all {
		conn := p.connect()
		group.Go(func() {
			for ctx.Err() == nil {
				key := int(next[i].Load())*10 + i
				tx, err := conn.Begin(ctx)
				if err == nil {
					_, err = tx.Exec(ctx, "INSERT INTO paused VALUES ($1, $1)", key)
				}
				if err == nil {
					err = tx.Commit(ctx)
				}
				e, _ := asPgError(err)
				switch {
				case err == nil:
					next[i].Add(1)
				case ctx.Err() != nil:
					return
				case e != nil && e.Code == "40001": // it waited for a new connection
					_ = tx.Rollback(ctx)
					retried.Add(1)
				default:
					t.Errorf("%s: %v", p.id, err)
					return
				}
			}
		})
	}
	for round := range 3 {
		before := next[round].Load()
		within(t, 10*time.Second, "they write", func() bool { return next[round].Load() > before+5 })
		pause(t, all[round])
		stands := all.rows("paused")
		if open := all.openTransactions(t); len(open) > 0 {
			t.Errorf("transactions are open in a paused database: %q", open)
		}
		time.Sleep(500 * time.Millisecond) // nothing happens meanwhile
		if now := all.rows("paused"); now != stands {
			t.Errorf("%d rows were written to a paused database", now-stands)
		}
		if s, _ := all[(round+2)%3].api().Status(t.Context()); s == nil || !s.Databases[0].Paused {
			t.Error("the status of another peer does not say that the database is paused")
		}
		unpause(t, all[(round+1)%3])
	}
	for i := range all {
		before := next[i].Load()
		within(t, 10*time.Second, "they write", func() bool { return next[i].Load() > before })
	}
	if n := retried.Load(); n > 3 {
		t.Errorf("%d transactions had to be tried again", n)
	}
}

// openTransactions are those of the peers' connections to the nodes.
func (all peers) openTransactions(t testing.TB) (open []string) {
	t.Helper()
	for i := range all[0].nodes {
		conn := all[0].node(i)
		open = append(open, query(t, conn, `SELECT a.query FROM pg_stat_activity a JOIN shardproxy.session s ON s.pid = a.pid
			WHERE a.datname = current_database() AND a.state <> 'idle'`)...)
		closeNow(conn)
	}
	return open
}

// A transaction that does not end: the pause is given up in time, and everybody
// goes on.
func testOpenTransaction(t *testing.T, all peers) {
	holder := all[2].connect()
	do(t, holder, "BEGIN")
	do(t, holder, "INSERT INTO paused VALUES (-1, 0)")
	before, ok := all[0].topology()
	if !ok {
		t.Fatal("no answer")
	}
	waits := make(chan error, 1)
	other := all[1].connect()
	began := time.Now()
	refused := make(chan error, 1)
	go func() {
		_, err := all[0].api().Pause(t.Context(), "app")
		refused <- err
	}()
	within(t, 3*time.Second, "the pause is armed", func() bool {
		s, err := all[1].api().Status(t.Context())
		return err == nil && s.Databases[0].Armed != nil
	})
	go func() {
		_, err := other.Exec(t.Context(), "INSERT INTO paused VALUES (-2, 0)")
		waits <- err
	}()
	err := <-refused
	took := time.Since(began)
	if codeOf(err) != admin.CodeRefused || took > 10*time.Second {
		t.Errorf("pause with an open transaction: %v after %s", err, took)
	} else if !strings.Contains(err.Error(), "proxy-3") {
		t.Errorf("the refusal does not say which peer has a transaction open: %v", err)
	}
	if err := <-waits; err != nil {
		t.Errorf("a statement that waited for a pause that was given up: %v", err)
	}
	do(t, other, "INSERT INTO paused VALUES (-3, 0)")
	do(t, holder, "COMMIT")
	s, err := all[1].api().Status(t.Context())
	if err != nil || s.Databases[0].Paused || s.Databases[0].Armed != nil {
		t.Errorf("after a refused pause: %+v, %v", s, err)
	}
	all.converged(t)
	if after, _ := all[0].topology(); after.Epoch <= before.Epoch {
		t.Errorf("epoch %d, it was %d", after.Epoch, before.Epoch)
	}

	// One that ends in time: the pause is made, and who began to wait while it was
	// not sure yet waits on for as long as it takes.
	do(t, holder, "BEGIN")
	do(t, holder, "INSERT INTO paused VALUES (-4, 0)")
	go func() {
		_, err := all[0].api().Pause(t.Context(), "app")
		refused <- err
	}()
	within(t, 3*time.Second, "the pause is armed", func() bool {
		s, err := all[1].api().Status(t.Context())
		return err == nil && s.Databases[0].Armed != nil
	})
	go func() {
		_, err := other.Exec(t.Context(), "INSERT INTO paused VALUES (-5, 0)")
		waits <- err
	}()
	all[1].hasRead()
	do(t, holder, "COMMIT")
	if err := <-refused; err != nil {
		t.Fatalf("pause: %v", err)
	}
	select {
	case err := <-waits:
		t.Errorf("a statement that waits for the end of a pause: %v", err)
		waits <- nil
	case <-time.After(500 * time.Millisecond):
	}
	unpause(t, all[1])
	if err := <-waits; err != nil {
		t.Errorf("a statement that waited for the end of a pause: %v", err)
	}
}

// clients is how many are connected to a peer.
func (p *proxy) clients(t testing.TB) (n int) {
	t.Helper()
	response, err := http.Get(p.admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	const name = `shardproxy_client_connections{database="app"} `
	for lines := bufio.NewScanner(response.Body); lines.Scan(); {
		if text, ok := strings.CutPrefix(lines.Text(), name); ok {
			if n, err = strconv.Atoi(text); err != nil {
				t.Fatal(err)
			}
			return n
		}
	}
	t.Fatal("the metrics have no " + name)
	return 0
}

// hasRead gives a peer the time to read what a client has sent. The tests that use
// it hold, and show less, when it was too short.
func (p *proxy) hasRead() { time.Sleep(100 * time.Millisecond) }

func testWaitersLeave(t *testing.T, all peers) {
	pause(t, all[0])
	unpaused := false
	defer func() {
		if !unpaused {
			unpause(t, all[0])
		}
	}()
	canceled, leaves, stays := all[1].connect(), all[2].wire(), all[2].connect()
	ended := make(chan error, 1)
	go func() {
		_, err := canceled.Exec(t.Context(), "INSERT INTO paused VALUES (-11, 0)")
		ended <- err
	}()
	leaves.send(&pgproto3.Query{String: "INSERT INTO paused VALUES (-12, 0)"})
	stayed := make(chan error, 1)
	go func() {
		_, err := stays.Exec(t.Context(), "INSERT INTO paused VALUES (-13, 0)")
		stayed <- err
	}()
	all[1].hasRead()
	sendCancel(t, all[0].address, canceled.PgConn().PID(), canceled.PgConn().SecretKey())
	if e, ok := errors.AsType[*pgconn.PgError](<-ended); !ok || e.Code != "57014" {
		t.Errorf("a statement that was cancelled while it waited: %v", e)
	}
	clients := all[2].clients(t)
	leaves.reset()
	within(t, 10*time.Second, "the peer sees that a client that waits has left", func() bool { return all[2].clients(t) == clients-1 })
	fresh := all[0].connect() // logins go on
	unpause(t, all[0])
	unpaused = true
	if err := <-stayed; err != nil {
		t.Errorf("a statement that waited: %v", err)
	}
	do(t, fresh, "INSERT INTO paused VALUES (-14, 0)")
	do(t, canceled, "INSERT INTO paused VALUES (-15, 0)")
	got := query(t, all[0].connect(), "SELECT user_id FROM paused WHERE user_id IN (-11, -12, -13, -14, -15)")
	slices.Sort(got)
	if strings.Join(got, " ") != "-13 -14 -15" { // not of those that left
		t.Errorf("rows %q are there", got)
	}
}

// DDL runs while the database is paused and unpaused: each statement waits or is
// done, and none fails.
func testDDLAndPauses(t *testing.T, all peers) {
	var ended atomic.Bool
	var group sync.WaitGroup
	var made atomic.Int64
	conn := all[1].connect()
	group.Go(func() {
		for n := 0; !ended.Load(); n++ {
			for _, sql := range []string{"CREATE TABLE between_%d (user_id int PRIMARY KEY)", "DROP TABLE between_%d"} {
				if _, err := conn.Exec(t.Context(), fmt.Sprintf(sql, n)); err != nil {
					t.Errorf("DDL around a pause: %v", err)
					return
				}
				made.Add(1)
			}
		}
	})
	paused := 0
	for round := range 8 {
		before := made.Load()
		within(t, 10*time.Second, "DDL runs", func() bool { return made.Load() > before || t.Failed() })
		if _, err := all[round%3].api().Pause(t.Context(), "app"); err != nil {
			t.Logf("pause: %v", err) // DDL may be under way for long
			continue
		}
		paused++
		unpause(t, all[(round+1)%3])
	}
	if paused == 0 {
		t.Error("the database was never paused")
	}
	ended.Store(true)
	group.Wait()
	all.converged(t)
	within(t, 5*time.Second, "all peers are ready", func() bool {
		for _, p := range all {
			if s, ok := p.status(); !ok || !s.Ready {
				return false
			}
		}
		return true
	})
}
