package meta_test

import (
	"errors"
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
	if _, err := p.Join(c.ctx(), meta.JoinRequest{Peer: lost.Self(), Nonvoter: true}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it finds out", func() bool { return lost.Err() != nil && !errors.Is(lost.Err(), meta.ErrRemoved) })
	if got := lost.Current(); got != old {
		t.Errorf("it publishes epoch %d", got.Epoch)
	}
	c.propose(p, user("dan"))
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
