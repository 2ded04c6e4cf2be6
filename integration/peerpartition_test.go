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
	"github.com/jackc/pgx/v5/pgconn"

	"shardproxy/admin"
)

// TestPeersPartitioned cuts the ways between three peers.
func TestPeersPartitioned(t *testing.T) {
	t.Parallel()
	n := newNetwork(t)
	all := startPeers(t, 3, options{pool: 4, network: n})
	do(t, all[0].connect(), "CREATE TABLE parts (user_id int PRIMARY KEY, n int)")
	for _, c := range []struct {
		name string
		run  func(*testing.T, peers, *network)
	}{
		{"leader alone", testLeaderAlone},
		{"follower alone", testFollowerAlone},
		{"one way", testOneWay},
		{"flapping", testFlapping},
	} {
		t.Run(c.name, func(t *testing.T) {
			defer n.heal(false)
			c.run(t, all.within(t), n)
		})
	}
}

// recovered waits until all peers have one topology again and changes are made.
func (all peers) recovered(t testing.TB) {
	t.Helper()
	all.leader(t)
	within(t, 10*time.Second, "changes are made", func() bool { return all[0].setFlag("max_voters", "5") == nil })
	all.converged(t)
	for i, p := range all {
		conn := p.connect()
		within(t, 10*time.Second, "the peer serves", func() bool {
			_, err := conn.Exec(t.Context(), "SELECT n FROM parts WHERE user_id = $1", i)
			return err == nil
		})
		closeNow(conn)
	}
	all.agree(t, "parts", "user_id", 100)
}

// servesAlone checks that a peer without a majority reads, writes and says that it
// can change nothing.
func (p *proxy) servesAlone(t testing.TB, conn *pgx.Conn, key int) {
	t.Helper()
	within(t, 10*time.Second, "the peer knows of no leader", func() bool {
		s, ok := p.status()
		return ok && s.Leader == ""
	})
	do(t, conn, "INSERT INTO parts VALUES ($1, 1)", key)
	do(t, conn, "UPDATE parts SET n = n + 1 WHERE user_id = $1", key)
	if got := query(t, conn, "SELECT n FROM parts WHERE user_id = $1", key); len(got) != 1 || got[0] != "2" {
		t.Errorf("%s reads %q", p.id, got)
	}
	if got := query(t, conn, "SELECT count(*) FROM parts"); len(got) != 1 {
		t.Errorf("%s reads %q", p.id, got)
	}
	fresh := p.connect() // new clients are let in
	do(t, fresh, "DELETE FROM parts WHERE user_id = $1", key)
	closeNow(fresh)
	p.refusesChanges(t, conn)
}

// refusesChanges checks that a peer without a leader says so, in time.
func (p *proxy) refusesChanges(t testing.TB, conn *pgx.Conn) {
	t.Helper()
	ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
	defer stop()
	began := time.Now()
	var group sync.WaitGroup
	defer group.Wait()
	group.Go(func() {
		_, err := p.api().SetFlag(ctx, "max_voters", "7")
		if codeOf(err) != admin.CodeNoLeader {
			t.Errorf("a flag set at %s: %v after %s", p.id, err, time.Since(began))
		}
	})
	group.Go(func() {
		_, err := p.api().Pause(ctx, "app")
		if codeOf(err) != admin.CodeNoLeader {
			t.Errorf("a pause at %s: %v after %s", p.id, err, time.Since(began))
		}
	})
	_, err := conn.Exec(ctx, "CREATE TABLE refused (user_id int PRIMARY KEY)")
	if e, ok := errors.AsType[*pgconn.PgError](err); !ok || e.Code != "57P03" || e.Hint == "" {
		t.Errorf("DDL at %s: %v after %s", p.id, err, time.Since(began))
	}
	for i := range p.nodes {
		node := p.node(i)
		if got := query(t, node, "SELECT count(*) FROM pg_class WHERE relname = 'refused'"); got[0] != "0" {
			t.Errorf("refused DDL is on node %d", i+1)
		}
		closeNow(node)
	}
}

// The leader reaches nobody: the others find a new one, and changes go on there.
// The old one serves on, until a change needs it and cuts it off from the nodes.
func testLeaderAlone(t *testing.T, all peers, n *network) {
	old := all.leader(t)
	others := all.others(old)
	conn, other := old.connect(), others[0].connect()
	n.isolate(old, others...)
	others.leader(t)
	setFlag(t, others[0], "hold_budget", "4s")
	old.servesAlone(t, conn, 1000)
	was, _ := old.topology()
	do(t, other, "CREATE TABLE elsewhere (user_id int PRIMARY KEY)")
	do(t, other, "INSERT INTO elsewhere VALUES (1)")
	do(t, others[1].connect(), "INSERT INTO elsewhere VALUES (2)")
	// It is cut off now: it says so, and shows no rows of a topology it has not.
	_, err := conn.Exec(t.Context(), "SELECT n FROM parts WHERE user_id = 1")
	if err == nil {
		t.Errorf("%s reads after it was cut off", old.id)
	}
	began := time.Now()
	fresh, err := pgx.Connect(t.Context(), old.dsn())
	if err == nil {
		_, err = fresh.Exec(t.Context(), "SELECT n FROM parts WHERE user_id = 1")
		closeNow(fresh)
	}
	t.Logf("a client of a peer that was cut off, after %s: %v", time.Since(began), err)
	if e, ok := errors.AsType[*pgconn.PgError](err); !ok || e.Detail == "" && e.Hint == "" {
		t.Errorf("a client of a peer that was cut off: %v", err)
	}
	if is, ok := old.topology(); !ok || is != was {
		t.Errorf("%s alone went from %+v to %+v", old.id, was, is)
	}
	n.heal(true)
	all.recovered(t)
	do(t, old.connect(), "DROP TABLE elsewhere")
}

// A follower reaches nobody: the leader stays, and the follower does not disturb it
// when it is back.
func testFollowerAlone(t *testing.T, all peers, n *network) {
	leader := all.leader(t)
	lone := all.others(leader)[0]
	before, err := leader.api().Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	conn := lone.connect()
	n.isolate(lone, all.others(lone)...)
	setFlag(t, leader, "hold_budget", "5s")
	lone.servesAlone(t, conn, 2000)
	n.heal(false)
	all.recovered(t)
	after, err := leader.api().Status(t.Context())
	if err != nil || after.Term != before.Term || after.Leader != before.Leader {
		t.Errorf("a follower that came back made an election: term %d, leader %s; it was term %d, leader %s; %v",
			after.Term, after.Leader, before.Term, before.Leader, err)
	}
}

// Only one direction is cut: a leader that nobody hears steps back, a follower
// that nobody hears does no harm.
func testOneWay(t *testing.T, all peers, n *network) {
	for round := range 2 {
		leader := all.leader(t)
		mute := leader
		if round == 1 {
			mute = all.others(leader)[0]
		}
		others := all.others(mute)
		n.silence(mute, others...)
		began := time.Now()
		within(t, 10*time.Second, fmt.Sprintf("changes are made while nobody hears %s", mute.id), func() bool {
			return others[0].setFlag("hold_budget", fmt.Sprintf("%ds", 6+round)) == nil
		})
		t.Logf("round %d: a change was made after %s", round, time.Since(began))
		conn := mute.connect()
		do(t, conn, "INSERT INTO parts VALUES ($1, 1)", 3000+round)
		do(t, others[0].connect(), "DELETE FROM parts WHERE user_id = $1", 3000+round)
		n.heal(round == 0)
		all.recovered(t)
	}
}

// The ways to one peer after the other are cut and heal quickly while clients
// work, and changes are made wherever that is possible.
func testFlapping(t *testing.T, all peers, n *network) {
	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	defer group.Wait()
	defer stop()
	var done [3]atomic.Int64
	for i, p := range all {
		conn := p.connect()
		group.Go(func() {
			for k := 0; ctx.Err() == nil; k++ {
				key := 10000 + 3*k + i
				_, err := conn.Exec(ctx, "INSERT INTO parts VALUES ($1, $1)", key)
				if err == nil {
					_, err = conn.Exec(ctx, "DELETE FROM parts WHERE user_id = $1", key)
				}
				if err != nil && ctx.Err() == nil {
					t.Errorf("%s: %v", p.id, err) // no change needed it
					return
				}
				done[i].Add(1)
			}
		})
	}
	changes := 0
	n.slow(5 * time.Millisecond)
	for round := range 12 {
		one := all[round%3]
		n.isolate(one, all.others(one)...)
		short, cancel := context.WithTimeout(ctx, time.Duration(300+100*(round%4))*time.Millisecond)
		if _, err := all[(round+1)%3].api().SetFlag(short, "hold_budget", fmt.Sprintf("%ds", 10+round)); err == nil {
			changes++
		}
		<-short.Done()
		cancel()
		n.heal(round%2 == 0)
	}
	n.slow(0)
	all.recovered(t)
	stop()
	group.Wait()
	t.Logf("%d changes were made", changes)
	for i := range done {
		if done[i].Load() == 0 {
			t.Errorf("%s served nothing", all[i].id)
		}
	}
}
