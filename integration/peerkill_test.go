package integration

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// load is what clients of one peer do meanwhile: transfers between the rows of a
// key in transactions, and reads.
type load struct {
	p          *proxy
	down       atomic.Bool // the peer may fail its clients
	statements atomic.Int64
}

// run works until ctx ends. An error of a peer that is up fails the test.
func (l *load) run(ctx context.Context, t testing.TB, key int) {
	for ctx.Err() == nil {
		err := l.work(ctx, key)
		if err != nil && ctx.Err() == nil && !l.down.Load() {
			t.Errorf("peer %s failed its client: %v", l.p.address, err)
			return
		}
	}
}

// work works with one connection, until that breaks.
func (l *load) work(ctx context.Context, key int) error {
	conn, err := pgx.Connect(ctx, l.p.dsn())
	if err != nil {
		return l.excused(ctx, err)
	}
	defer closeNow(conn)
	for n := 0; ctx.Err() == nil; n++ {
		if err := l.transfer(ctx, conn, key); err != nil {
			return l.excused(ctx, err)
		}
		l.statements.Add(4)
	}
	return nil
}

// excused waits a moment where the peer was just killed: its clients see the end
// of the connection ahead of the test's note.
func (l *load) excused(ctx context.Context, err error) error {
	for range 50 {
		if l.down.Load() || ctx.Err() != nil {
			err = nil
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	return err
}

func (l *load) transfer(ctx context.Context, conn *pgx.Conn, key int) error {
	tx, err := conn.Begin(ctx)
	if err != nil {
		return err
	}
	for _, sql := range []string{
		"UPDATE accounts SET amount = amount - 1 WHERE user_id = $1 AND name = 'a'",
		"UPDATE accounts SET amount = amount + 1 WHERE user_id = $1 AND name = 'b'",
	} {
		if tag, err := tx.Exec(ctx, sql, key); err != nil || tag.RowsAffected() != 1 {
			_ = tx.Rollback(ctx)
			return errors.Join(err, fmt.Errorf("%s: %s", sql, tag))
		}
	}
	var sum int
	if err := tx.QueryRow(ctx, "SELECT sum(amount) FROM accounts WHERE user_id = $1", key).Scan(&sum); err != nil || sum != 0 {
		_ = tx.Rollback(ctx)
		return errors.Join(err, fmt.Errorf("the sum is %d", sum))
	}
	return tx.Commit(ctx)
}

// TestLeaderKilledTenTimes: the loss of a peer is noticed by its own clients only,
// another leader is there within 5 s, and what was killed comes back to the same
// topology.
func TestLeaderKilledTenTimes(t *testing.T) {
	t.Parallel()
	all := startPeers(t, 3, options{pool: 4})
	conn := all[0].connect()
	must(t, conn, "CREATE TABLE accounts (user_id int, name text, amount int, PRIMARY KEY (user_id, name))")
	const clients = 2
	for key := range len(all) * clients {
		must(t, conn, fmt.Sprintf("INSERT INTO accounts VALUES (%d, 'a', 0)", key))
		must(t, conn, fmt.Sprintf("INSERT INTO accounts VALUES (%d, 'b', 0)", key))
	}
	closeNow(conn)

	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	defer group.Wait()
	defer stop()
	loads := make(map[*proxy]*load)
	for i, p := range all {
		l := &load{p: p}
		loads[p] = l
		for c := range clients {
			group.Go(func() { l.run(ctx, t, i*clients+c) })
		}
	}
	for round := range 10 {
		leader := all.leader(t)
		other := all[0]
		if other == leader {
			other = all[1]
		}
		loads[leader].down.Store(true)
		leader.kill()
		var refused error
		began := time.Now()
		for refused = errors.New("not asked"); refused != nil && time.Since(began) < 5*time.Second; {
			refused = other.setFlag("hold_budget", fmt.Sprintf("%ds", 2+round))
		}
		took := time.Since(began)
		if refused != nil {
			t.Fatalf("no change is made within 5 s after the leader was killed: %v", refused)
		}
		t.Logf("round %d: changes went on %s after the leader was killed", round, took.Round(time.Millisecond))
		leader.restart()
		leader.waitReady()
		loads[leader].down.Store(false)
		before := loads[leader].statements.Load()
		within(t, 10*time.Second, "the restarted peer serves", func() bool { return loads[leader].statements.Load() > before })
	}
	all.converged(t)
	stop()
	group.Wait()
	for p, l := range loads {
		t.Logf("peer %s served %d statements", p.address, l.statements.Load())
	}
}

// converged waits until all peers serve with the same topology.
func (all peers) converged(t testing.TB) {
	t.Helper()
	within(t, 10*time.Second, "all peers have one topology", func() bool {
		first, ok := all[0].topology()
		for _, p := range all[1:] {
			s, answers := p.topology()
			ok = ok && answers && s == first && s.Hash != ""
		}
		return ok
	})
}

func must(t testing.TB, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}
