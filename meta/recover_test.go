package meta_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"

	"shardproxy/meta"
	"shardproxy/meta/topology"
)

// TestRecover: one of three peers goes on alone with all that it had, far ahead
// of what the lost ones may have served, and others can join it.
func TestRecover(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	last := c.propose(c.leader(), user("ada"))
	before := c.converge(last)
	for _, p := range c.peers {
		c.kill(p)
	}
	p := c.peers[2]
	value, err := meta.Recover(meta.RecoverOptions{ID: p.options.ID, DataDir: p.options.DataDir, Raft: p.options.Listen.Address})
	if err != nil {
		t.Fatal(err)
	}
	if value.Epoch < before.Epoch+1_000_000 || len(value.Peers) != 1 || value.Users["ada"] == nil {
		t.Errorf("recovered epoch %d with %d peers and users %v", value.Epoch, len(value.Peers), value.Users)
	}
	stray := c.peers[0]
	c.peers = []*peer{p}
	c.start(p)
	if got := p.Current(); got == nil || got.Epoch < before.Epoch {
		t.Errorf("it starts with %v, and has served epoch %d", got, before.Epoch)
	}
	if epoch := c.propose(p, user("bob")); epoch <= value.Epoch {
		t.Errorf("epoch %d after %d", epoch, value.Epoch)
	}
	files(t, p.options.DataDir)
	fresh := c.newPeer()
	fresh.options.ID, fresh.options.DataDir = "p9", t.TempDir()
	c.start(fresh)
	c.join(fresh)
	c.converge(c.propose(fresh, user("cyd")))

	// A lost peer comes back under another name. For Raft its log is the same.
	lost := c.newPeer()
	lost.options.ID, lost.options.DataDir = "p8", stray.options.DataDir
	c.start(lost)
	old := lost.Current()
	if _, err := p.Join(c.ctx(), meta.JoinRequest{Peer: lost.Self(), Nonvoter: true}); !errors.Is(err, topology.ErrInUse) {
		t.Errorf("it joins: %v", err)
	}
	if _, err := p.Join(c.ctx(), meta.JoinRequest{Peer: lost.Self(), Nonvoter: true, New: true}); err != nil {
		t.Fatal(err) // it says that it was new
	}
	c.propose(p, user("dan"))
	if got := lost.Current(); got != old || lost.State().Epoch != 0 {
		t.Errorf("it publishes epoch %d", got.Epoch)
	}
}

// TestLostMajorityComesBack: the peers that were lost go on among themselves, and
// the one that was recovered does not listen to them.
func TestLostMajorityComesBack(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	c.converge(c.propose(c.leader(), user("ada")))
	for _, p := range c.peers {
		c.kill(p)
	}
	alone, back := c.peers[2], c.peers[:2]
	if _, err := meta.Recover(meta.RecoverOptions{ID: alone.options.ID, DataDir: alone.options.DataDir, Raft: alone.options.Listen.Address}); err != nil {
		t.Fatal(err)
	}
	c.start(alone)
	own := c.propose(alone, user("mine"))
	for _, p := range back {
		c.start(p)
	}
	c.leader(back...)
	for i := range 3 {
		c.propose(back[i%2], user(fmt.Sprintf("theirs-%d", i)))
		own = c.propose(alone, user(fmt.Sprintf("mine-%d", i)))
	}
	if err := alone.Err(); err != nil || alone.Current().Users["theirs-0"] != nil || alone.Current().Epoch < own {
		t.Errorf("%v, users %v", err, alone.Current().Users)
	}
	if back[0].State().Users["mine-0"] != nil {
		t.Error("the others hear of what it does")
	}
}

// TestRecoverKeepsToServed: a log that has lost what the peer has served does
// not bring it back behind that.
func TestRecoverKeepsToServed(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	p := c.peers[0]
	served := c.propose(p, user("ada"))
	c.kill(p)
	// The log of a peer that was bootstrapped alike and never got that far.
	other := emptyCluster(t)
	short := other.newPeer()
	short.options.Bootstrap = true
	other.start(short)
	if _, err := short.Propose(c.ctx(), first(short.Self()), 0); err != nil {
		t.Fatal(err)
	}
	other.kill(short)
	copyFile(t, filepath.Join(short.options.DataDir, "raft.db"), filepath.Join(p.options.DataDir, "raft.db"))
	value, err := meta.Recover(meta.RecoverOptions{ID: p.options.ID, DataDir: p.options.DataDir})
	if err != nil {
		t.Fatal(err)
	}
	if value.Epoch <= served || value.Users["ada"] == nil {
		t.Errorf("epoch %d with users %v, served was %d with ada", value.Epoch, value.Users, served)
	}
}

func TestRecoverRefuses(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	p := c.peers[0]
	c.kill(p)
	if _, err := meta.Recover(meta.RecoverOptions{ID: "other", DataDir: p.options.DataDir}); !errors.Is(err, topology.ErrNotFound) {
		t.Errorf("another id: %v", err)
	}
	if _, err := meta.Recover(meta.RecoverOptions{ID: "p1", DataDir: t.TempDir()}); err == nil {
		t.Error("an empty directory")
	}
	if _, err := meta.Recover(meta.RecoverOptions{ID: "p1"}); err == nil {
		t.Error("no directory")
	}
	c.start(p)
	c.propose(p, user("ada"))
}
