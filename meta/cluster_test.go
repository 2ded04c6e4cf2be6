package meta_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"shardproxy/meta"
	"shardproxy/meta/topology"
)

// patience bounds every wait for a condition. Nothing waits that long unless it
// fails.
const patience = 30 * time.Second

// peer is one peer of a test's cluster.
type peer struct {
	*meta.Store
	options meta.Options
	running bool
}

func (p *peer) name() string { return string(p.options.ID) }

// cluster is some peers in this process, on loopback.
type cluster struct {
	t     *testing.T
	data  string // the peers' directories are below
	links *links
	peers []*peer
	tls   func(name string) *meta.TLSFiles
}

// timing is fast, and slow enough for a busy machine with the race detector.
func timing() meta.Timing {
	return meta.Timing{
		Heartbeat: 400 * time.Millisecond, Election: 400 * time.Millisecond, LeaderLease: 400 * time.Millisecond,
		Report: 50 * time.Millisecond, Call: 2 * time.Second,
	}
}

func emptyCluster(t *testing.T) *cluster {
	t.Helper()
	// The directory goes last, after the peers have stopped.
	c := &cluster{t: t, data: t.TempDir(), links: newLinks(t), tls: func(string) *meta.TLSFiles { return nil }}
	t.Cleanup(func() {
		for _, p := range c.peers {
			if p.running {
				if err := p.Kill(); err != nil {
					t.Errorf("stop %s: %v", p.name(), err)
				}
			}
		}
	})
	return c
}

// newCluster starts n peers that all vote.
func newCluster(t *testing.T, n int) *cluster {
	t.Helper()
	c := emptyCluster(t)
	c.bootstrap()
	for range n - 1 {
		c.join(c.start(c.newPeer()))
	}
	c.eventually("all vote", func() bool { return c.votersSeen() == n })
	return c
}

// newPeer makes the options of one more peer.
func (c *cluster) newPeer() *peer {
	id := fmt.Sprintf("p%d", len(c.peers)+1)
	p := &peer{options: meta.Options{
		ID: topology.PeerID(id), DataDir: filepath.Join(c.data, id),
		Listen: &meta.ListenOptions{Address: "127.0.0.1:0", TLS: c.tls(id), Dial: c.links.dialer(id)},
		Timing: timing(), Logger: testLogger(c.t),
	}}
	c.peers = append(c.peers, p)
	return p
}

// copyFile puts the content of a file into another.
func copyFile(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// testLogger logs to standard error where that is asked for.
func testLogger(t *testing.T) *slog.Logger {
	if os.Getenv("META_TEST_LOG") == "" {
		return nil
	}
	return slog.New(slog.NewTextHandler(os.Stderr, nil)).With("test", t.Name())
}

// start opens a peer, again or for the first time.
func (c *cluster) start(p *peer) *peer {
	c.t.Helper()
	store, err := meta.Open(p.options)
	if err != nil {
		c.t.Fatalf("open %s: %v", p.name(), err)
	}
	p.Store, p.running = store, true
	address := store.Self().Raft
	c.links.name(address, p.name())
	p.options.Listen.Address = address
	return p
}

func (c *cluster) kill(p *peer) {
	c.t.Helper()
	p.running = false
	if err := p.Kill(); err != nil {
		c.t.Fatalf("kill %s: %v", p.name(), err)
	}
}

// bootstrap starts the first peer and gives the cluster its first topology.
func (c *cluster) bootstrap() *peer {
	c.t.Helper()
	p := c.newPeer()
	p.options.Bootstrap = true
	c.start(p)
	if _, err := p.Propose(c.ctx(), first(p.Self()), 0); err != nil {
		c.t.Fatal(err)
	}
	return p
}

// first is the command that makes the first topology.
func first(self topology.Peer) topology.Command {
	return topology.BootstrapCluster{
		ClusterID: "cluster-1", Peers: []*topology.Peer{&self},
		Databases: []*topology.Database{{
			Name: "app", Engine: topology.Postgres,
			Nodes:  []topology.Node{{ID: "pg-1", Weight: 1}, {ID: "pg-2", Slot: 1, Weight: 1}},
			Owners: []topology.NodeIndex{0, 0, 0},
		}},
	}
}

// join has a peer join through another one.
func (c *cluster) join(p *peer) {
	c.t.Helper()
	through := c.peers[0]
	if _, err := through.Join(c.ctx(), meta.JoinRequest{Peer: p.Self(), New: p.IsNew()}); err != nil {
		c.t.Fatal(err)
	}
}

func (c *cluster) running() []*peer {
	return slices.DeleteFunc(slices.Clone(c.peers), func(p *peer) bool { return !p.running })
}

// leader waits until the running peers agree on one and returns it.
func (c *cluster) leader(among ...*peer) *peer {
	c.t.Helper()
	if among == nil {
		among = c.running()
	}
	var leader *peer
	c.eventually("a leader", func() bool {
		leader = nil
		for _, p := range among {
			if p.IsLeader() {
				leader = p
			}
		}
		return leader != nil && !slices.ContainsFunc(among, func(p *peer) bool { return p.Leader() != leader.options.ID })
	})
	return leader
}

// follower returns a running peer that is not the leader.
func (c *cluster) follower() *peer {
	c.t.Helper()
	leader := c.leader()
	return c.others(leader)[0]
}

func (c *cluster) others(than *peer) []*peer {
	return slices.DeleteFunc(c.running(), func(p *peer) bool { return p == than })
}

func names(peers []*peer) []string {
	var all []string
	for _, p := range peers {
		all = append(all, p.name())
	}
	return all
}

func (c *cluster) votersSeen() int {
	n := 0
	for _, p := range c.leader().Stats().Peers {
		if p.Voter {
			n++
		}
	}
	return n
}

func (c *cluster) ctx() context.Context { return within(c.t, patience) }

// within is a context for one call.
func within(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	t.Cleanup(cancel)
	return ctx
}

// eventually waits for a condition.
func (c *cluster) eventually(what string, holds func() bool) {
	c.t.Helper()
	eventually(c.t, what, holds)
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(patience)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("not within %v: %s", patience, what)
		}
	}
}

// converge waits until all running peers have published the same topology of at
// least this epoch.
func (c *cluster) converge(epoch topology.Epoch) *topology.Topology {
	c.t.Helper()
	c.eventually(fmt.Sprintf("all peers publish epoch %d and agree", epoch), func() bool {
		hashes := make(map[string]bool)
		for _, p := range c.running() {
			t := p.Current()
			if t == nil || t.Epoch < epoch {
				return false
			}
			hashes[t.Hash()] = true
		}
		return len(hashes) == 1
	})
	return c.running()[0].Current()
}

func user(name string) topology.Command {
	return topology.SetUser{User: topology.User{Name: name, Secret: "s"}}
}

// propose makes a change through a peer.
func (c *cluster) propose(p *peer, command topology.Command) topology.Epoch {
	c.t.Helper()
	epoch, err := p.Propose(c.ctx(), command, 0)
	if err != nil {
		c.t.Fatalf("propose through %s: %v", p.name(), err)
	}
	if got := p.Current().Epoch; got < epoch {
		c.t.Fatalf("%s has published epoch %d after it proposed %d", p.name(), got, epoch)
	}
	return epoch
}
