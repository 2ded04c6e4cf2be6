package integration

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"shardproxy/admin"
)

// TestPeersKilled kills peers in the middle of changes.
func TestPeersKilled(t *testing.T) {
	t.Parallel()
	all := startPeers(t, 3, options{pool: 4})
	do(t, all[0].connect(), "CREATE TABLE parts (user_id int PRIMARY KEY, n int)")
	t.Run("the leader while DDL runs", func(t *testing.T) { testLeaderKilledInDDL(t, all) })
	t.Run("the peer that runs DDL", func(t *testing.T) { testPeerKilledInDDL(t, all) })
	t.Run("the leader of a paused cluster", func(t *testing.T) { testLeaderKilledInPause(t, all) })
	t.Run("the leader of a pause on its way", func(t *testing.T) { testLeaderKilledArmed(t, all) })
	t.Run("two of three", func(t *testing.T) { testTwoKilled(t, all) })
	t.Run("a peer from before a change, without a majority", func(t *testing.T) { testBehindWithoutMajority(t, all) })
}

// nodesWith counts the nodes that have a table, or a column of one.
func (p *proxy) nodesWith(t testing.TB, table string) (n int) {
	t.Helper()
	for i := range p.nodes {
		conn := p.node(i)
		n += len(query(t, conn, "SELECT 1 FROM pg_class WHERE relname = '"+table+"' AND relkind = 'r'"))
		closeNow(conn)
	}
	return n
}

// testLeaderKilledInDDL kills the leader at different moments of DDL that runs
// through another peer. Then all peers know the table, or none does and it can be
// made again.
func testLeaderKilledInDDL(t *testing.T, all peers) {
	for round := range 4 {
		table := fmt.Sprintf("leaderless_%d", round)
		leader := all.leader(t)
		at := all.others(leader)[round%2]
		ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
		conn := at.connect()
		answered := make(chan error, 1)
		go func() {
			_, err := conn.Exec(ctx, "CREATE TABLE "+table+" (user_id int PRIMARY KEY, n int)")
			answered <- err
		}()
		// Different moments, from before the first node to after the last one.
		time.Sleep(time.Duration(round*60) * time.Millisecond)
		leader.kill()
		began := time.Now()
		err := <-answered
		t.Logf("round %d: DDL was answered %s after the leader was killed: %v", round, time.Since(began), err)
		if ctx.Err() != nil {
			t.Errorf("DDL was not answered within 20 s after the leader was killed")
		}
		stop()
		alive := all.others(leader)
		if err == nil {
			for i, p := range alive {
				do(t, p.connect(), fmt.Sprintf("INSERT INTO %s VALUES (%d, 1)", table, i))
			}
		}
		alive.settleOn(t, table)
		leader.restart()
		leader.waitReady()
		all.converged(t)
		do(t, leader.connect(), fmt.Sprintf("INSERT INTO %s VALUES (10, 1)", table))
	}
}

// settleOn waits until the peers say the same of a table as the nodes do. A table
// that no node has, or not every one, is made.
func (all peers) settleOn(t testing.TB, table string) {
	t.Helper()
	if n := all[0].nodesWith(t, table); n < len(all[0].nodes) {
		_, err := all[0].connect().Exec(t.Context(), "CREATE TABLE IF NOT EXISTS "+table+" (user_id int PRIMARY KEY, n int)")
		t.Logf("%s was on %d nodes, made again: %v", table, n, err)
	}
	for _, p := range all {
		conn := p.connect()
		var last error
		began := time.Now()
		for time.Since(began) < 10*time.Second {
			if _, last = conn.Exec(t.Context(), "SELECT n FROM "+table+" WHERE user_id = 5"); last == nil {
				break
			}
			time.Sleep(50 * time.Millisecond)
		}
		if last != nil {
			t.Errorf("%s does not know %s 10 s later, which %d nodes have: %v", p.id, table, p.nodesWith(t, table), last)
		}
		closeNow(conn)
	}
}

// testPeerKilledInDDL kills the peer that runs DDL. The others find out what the
// nodes have.
func testPeerKilledInDDL(t *testing.T, all peers) {
	for round, who := range []string{"follower", "leader"} {
		table := fmt.Sprintf("orphan_%d", round)
		at := all.leader(t)
		if who == "follower" {
			at = all.others(at)[0]
		}
		// The last of the nodes waits for a lock, so that the peer is in the
		// middle for sure.
		last := all[0].node(at.lastForDDL(t))
		tx, err := last.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), "CREATE TABLE "+table+" (user_id int PRIMARY KEY)"); err != nil {
			t.Fatal(err)
		}
		conn := at.connect()
		answered := make(chan error, 1)
		go func() {
			_, err := conn.Exec(t.Context(), "CREATE TABLE IF NOT EXISTS "+table+" (user_id int PRIMARY KEY, n int)")
			answered <- err
		}()
		within(t, 5*time.Second, "DDL is in the middle", func() bool { return at.nodesWith(t, table) == len(at.nodes)-1 })
		at.kill()
		<-answered
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
		closeNow(last)
		alive := all.others(at)
		alive.leader(t)
		for _, p := range alive {
			p.knows(t, table, 10*time.Second)
		}
		at.restart()
		at.waitReady()
		at.knows(t, table, 10*time.Second)
		all.converged(t)
	}
}

// lastForDDL is the node on which DDL runs at the end: the home node is the first.
func (p *proxy) lastForDDL(t testing.TB) int {
	t.Helper()
	nodes, err := p.api().Nodes(t.Context(), "app")
	if err != nil {
		t.Fatal(err)
	}
	last := len(nodes.Nodes) - 1
	if nodes.Nodes[last].Home {
		last--
	}
	return last
}

// knows waits until a peer has a table that some nodes have.
func (p *proxy) knows(t testing.TB, table string, d time.Duration) {
	t.Helper()
	began := time.Now()
	for time.Since(began) < d {
		tables, err := p.api().Tables(t.Context(), "app")
		if err == nil && slices.ContainsFunc(tables.Tables, func(e admin.Table) bool { return strings.HasSuffix(e.Name, table) }) {
			t.Logf("%s knows of %s after %s", p.id, table, time.Since(began))
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Errorf("%s does not know of %s after %s, which %d nodes have", p.id, table, d, p.nodesWith(t, table))
}

// A cluster that is paused stays so when its leader is lost.
func testLeaderKilledInPause(t *testing.T, all peers) {
	leader := all.leader(t)
	others := all.others(leader)
	pause(t, others[0])
	waits := make(chan error, 1)
	conn := others[1].connect()
	go func() {
		_, err := conn.Exec(t.Context(), "INSERT INTO parts VALUES (1, 1)")
		waits <- err
	}()
	leader.kill()
	others.leader(t)
	for _, p := range others {
		if s, err := p.api().Status(t.Context()); err != nil || !s.Databases[0].Paused {
			t.Errorf("%s is not paused after the leader was lost: %+v, %v", p.id, s, err)
		}
	}
	select {
	case err := <-waits:
		t.Fatalf("a statement in a paused database: %v", err)
	case <-time.After(500 * time.Millisecond):
	}
	leader.restart()
	within(t, 20*time.Second, "the restarted peer is paused", func() bool {
		s, ok := leader.status()
		if !ok || !s.Ready {
			return false
		}
		full, err := leader.api().Status(t.Context())
		return err == nil && full.Databases[0].Paused
	})
	back := leader.connect()
	also := make(chan error, 1)
	go func() {
		_, err := back.Exec(t.Context(), "INSERT INTO parts VALUES (2, 1)")
		also <- err
	}()
	select {
	case err := <-also:
		t.Errorf("a statement at a peer that started in a pause: %v", err)
		also <- err
	case <-time.After(500 * time.Millisecond):
	}
	unpause(t, leader)
	for _, c := range []chan error{waits, also} {
		if err := <-c; err != nil {
			t.Errorf("a statement that waited: %v", err)
		}
	}
	all.converged(t)
}

// A leader is lost that waited for a transaction to end: its change is given up,
// and everybody goes on.
func testLeaderKilledArmed(t *testing.T, all peers) {
	setFlag(t, all[0], "hold_budget", "20s")
	leader := all.leader(t)
	others := all.others(leader)
	holder, waits := others[0].connect(), others[1].connect()
	do(t, holder, "BEGIN")
	do(t, holder, "INSERT INTO parts VALUES (50, 1)")
	asked := make(chan error, 1)
	go func() {
		_, err := others[1].api().Pause(t.Context(), "app")
		asked <- err
	}()
	within(t, 5*time.Second, "the pause is armed", func() bool {
		s, err := others[1].api().Status(t.Context())
		return err == nil && s.Databases[0].Armed != nil
	})
	answered := make(chan error, 1)
	go func() {
		_, err := waits.Exec(t.Context(), "INSERT INTO parts VALUES (51, 1)")
		answered <- err
	}()
	leader.kill()
	began := time.Now()
	if err := <-answered; err != nil {
		t.Errorf("a statement that waited for a change whose leader was lost: %v", err)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("statements were held for %s after the leader was lost", took)
	}
	if err := <-asked; err == nil || codeOf(err) != admin.CodeOutcomeUnknown {
		t.Errorf("who asked for the pause was told: %v", err)
	}
	do(t, holder, "COMMIT") // what was open goes on, too
	leader.restart()
	leader.waitReady()
	all.converged(t)
	for _, p := range all {
		if s, err := p.api().Status(t.Context()); err != nil || s.Databases[0].Paused || s.Databases[0].Armed != nil {
			t.Errorf("%s: %+v, %v", p.id, s, err)
		}
	}
	setFlag(t, all[0], "hold_budget", "5s")
	if n := len(query(t, leader.connect(), "SELECT n FROM parts WHERE user_id IN (50, 51)")); n != 2 {
		t.Errorf("%d rows, want 2", n)
	}
}

// A peer without the two others serves on, and comes back with them.
func testTwoKilled(t *testing.T, all peers) {
	last := all.leader(t)
	conn := last.connect()
	killed := all.others(last)
	for _, p := range killed {
		p.kill()
	}
	last.servesAlone(t, conn, 4000)
	before, ok := last.topology()
	if !ok {
		t.Fatal("no answer")
	}
	// It serves the same when it is started again.
	last.kill()
	last.restart()
	last.waitReady()
	if after, ok := last.topology(); !ok || after != before {
		t.Errorf("restarted without a majority it serves %+v, it was %+v", after, before)
	}
	last.servesAlone(t, last.connect(), 4001)
	for _, p := range killed {
		p.restart()
	}
	for _, p := range killed {
		p.waitReady()
	}
	all.leader(t)
	setFlag(t, last, "hold_budget", "5s")
	all.converged(t)
}

// A peer that was down while a change was made starts without the others: it
// serves its last topology, and the nodes do not accept it.
func testBehindWithoutMajority(t *testing.T, all peers) {
	behind := all.others(all.leader(t))[0]
	others := all.others(behind)
	behind.kill()
	do(t, others[0].connect(), "CREATE TABLE later (user_id int PRIMARY KEY)")
	do(t, others[0].connect(), "INSERT INTO later VALUES (1)")
	for _, p := range others {
		p.kill()
	}
	behind.restart()
	within(t, 20*time.Second, "it answers", func() bool { _, ok := behind.status(); return ok })
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	var err error
	began := time.Now()
	within(t, 20*time.Second, "it lets clients in or refuses them", func() bool {
		var conn *pgx.Conn
		conn, err = pgx.Connect(ctx, behind.dsn())
		if err == nil {
			_, err = conn.Exec(ctx, "SELECT n FROM parts WHERE user_id = 1")
			closeNow(conn)
			return true
		}
		_, answered := asPgError(err)
		return answered
	})
	t.Logf("after %s: %v", time.Since(began), err)
	if e, ok := asPgError(err); !ok {
		t.Errorf("a peer with an old topology: %v", err)
	} else if !strings.Contains(e.Message+e.Detail, "epoch") {
		t.Errorf("the error does not say why: %+v", e)
	}
	for _, p := range others {
		p.restart()
	}
	for _, p := range all {
		p.waitReady()
	}
	all.converged(t)
	if got := query(t, behind.connect(), "SELECT user_id FROM later WHERE user_id = 1"); len(got) != 1 {
		t.Errorf("it reads %q", got)
	}
}
