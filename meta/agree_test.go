package meta_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"shardproxy/meta"
	"shardproxy/meta/topology"
)

func TestAlone(t *testing.T) {
	prepared := 0
	s, err := meta.Open(meta.Options{Preparers: []meta.Preparer{func(*topology.Topology) { prepared++ }}})
	if err != nil {
		t.Fatal(err)
	}
	if s.Current() != nil || !s.IsNew() {
		t.Errorf("Current is %v before there is a topology, IsNew %v", s.Current(), s.IsNew())
	}
	ctx := within(t, patience)
	epoch, err := s.Propose(ctx, first(s.Self()), 0)
	if err != nil || epoch != 1 {
		t.Fatalf("epoch %d, %v", epoch, err)
	}
	if epoch, err = s.Propose(ctx, user("ada"), epoch); err != nil || epoch != 2 {
		t.Fatalf("epoch %d, %v", epoch, err)
	}
	if s.Current().Users["ada"] == nil || prepared != 2 || s.Err() != nil || !s.Member() {
		t.Errorf("users %v, %d prepared, Err %v, member %v", s.Current().Users, prepared, s.Err(), s.Member())
	}
	if err := s.Close(ctx); err != nil {
		t.Error(err)
	}
	if s.Current().Epoch != 2 {
		t.Error("Current is gone after Close")
	}
	if _, err := s.Propose(within(t, 50*time.Millisecond), user("bob"), 0); !errors.Is(err, meta.ErrNoLeader) {
		t.Errorf("Propose after Close: %v", err)
	}
}

// TestThreePeers: changes through any peer, and every refusal the same on each.
func TestThreePeers(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	var last topology.Epoch
	for i, p := range c.peers {
		last = c.propose(p, user(fmt.Sprintf("user-%d", i)))
	}
	top := c.converge(last)
	if len(top.Users) != 3 || len(top.Peers) != 3 {
		t.Errorf("%d users and %d peers, want 3 and 3", len(top.Users), len(top.Peers))
	}
	for _, p := range c.peers {
		_, err := p.Propose(c.ctx(), user("late"), last-1)
		var conflict *topology.Conflict
		if !errors.As(err, &conflict) || conflict.Decided != last-1 || conflict.Current != last || !errors.Is(err, meta.ErrRefused) {
			t.Errorf("through %s: %v, want a conflict of epoch %d with %d", p.name(), err, last-1, last)
		}
		_, err = p.Propose(c.ctx(), topology.RemoveUser{Name: "nobody"}, 0)
		if !errors.Is(err, topology.ErrNotFound) || !errors.Is(err, meta.ErrRefused) || errors.Is(err, topology.ErrInUse) {
			t.Errorf("through %s: %v, want ErrNotFound", p.name(), err)
		}
		if got := p.Current().Epoch; got != last {
			t.Errorf("%s is at epoch %d after refusals, want %d", p.name(), got, last)
		}
	}
}

// TestLeaderKilled kills one leader after the other while changes go on through
// the peers that are left. What was answered is there at the end, once.
func TestLeaderKilled(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	const rounds = 3
	made := make(map[string]bool)
	for round := range rounds {
		leader := c.leader()
		left := c.others(leader)
		var group sync.WaitGroup
		var mu sync.Mutex
		for i, p := range left {
			group.Go(func() {
				for k := range 5 {
					name := fmt.Sprintf("user-%d-%d-%d", round, i, k)
					if _, err := p.Propose(c.ctx(), user(name), 0); err != nil {
						t.Errorf("through %s: %v", p.name(), err)
						return
					}
					mu.Lock()
					made[name] = true
					mu.Unlock()
				}
			})
		}
		start := time.Now()
		c.kill(leader)
		group.Wait()
		t.Logf("round %d: changes had been made %v after the leader was killed", round, time.Since(start))
		c.start(leader)
	}
	last := c.propose(c.follower(), user("end"))
	top := c.converge(last)
	if len(top.Users) != len(made)+1 || len(made) != rounds*2*5 {
		t.Errorf("%d users, %d answered", len(top.Users), len(made))
	}
	for _, p := range c.peers {
		if err := p.Err(); err != nil {
			t.Errorf("%s: %v", p.name(), err)
		}
	}
}

// TestRepeatedProposal: each change is applied once, though the peer that sent
// it has lost its connections meanwhile and sends it again: RemoveUser a second
// time would fail.
func TestRepeatedProposal(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	follower := c.follower()
	others := names(c.others(follower))
	for i := range 12 {
		name := fmt.Sprintf("user-%d", i)
		c.propose(follower, user(name))
		var group sync.WaitGroup
		done := make(chan struct{})
		group.Go(func() {
			for range 3 {
				c.links.cut(follower.name(), others...)
				c.links.mend(follower.name(), others...)
				select {
				case <-done:
				case <-time.After(time.Millisecond):
				}
			}
		})
		_, err := follower.Propose(c.ctx(), topology.RemoveUser{Name: name}, 0)
		close(done)
		group.Wait()
		if err != nil {
			t.Fatalf("round %d: %v", i, err)
		}
	}
}

func TestPartition(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	epoch := c.propose(c.peers[0], user("before"))
	c.converge(epoch)
	old := c.leader()
	rest := c.others(old)
	c.links.cut(old.name(), names(rest)...)
	leader := c.leader(rest...)
	if leader == old {
		t.Fatal("the peer that was cut off leads")
	}
	after := c.propose(rest[0], user("after"))
	eventually(t, "the old leader steps down", func() bool { return !old.IsLeader() })
	if _, err := old.Propose(within(t, time.Second), user("minority"), 0); !errors.Is(err, meta.ErrNoLeader) {
		t.Errorf("a change without majority: %v", err)
	}
	if got := old.Current().Epoch; got != epoch {
		t.Errorf("the peer without majority serves epoch %d, want %d as before", got, epoch)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Millisecond)
	defer cancel()
	if err := old.Wait(ctx, after); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Wait for an epoch that cannot come: %v", err)
	}
	c.links.mend(old.name(), names(rest)...)
	if err := old.Wait(c.ctx(), after); err != nil {
		t.Error(err)
	}
	top := c.converge(after)
	if top.Users["minority"] != nil || top.Users["after"] == nil {
		t.Errorf("users %v", top.Users)
	}
}

// TestCloseHandsOver: after a leader was closed in order there is another one
// without an election's wait.
func TestCloseHandsOver(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	old := c.leader()
	left := c.others(old)
	old.running = false
	if err := old.Close(c.ctx()); err != nil {
		t.Fatal(err)
	}
	if leader := c.leader(left...); leader == old {
		t.Error("it still leads")
	}
	c.propose(left[0], user("ada"))
}
