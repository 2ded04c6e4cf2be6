package meta_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"shardproxy/meta"
	"shardproxy/meta/topology"
)

// TestLateJoiner: a peer that joins when the log has been cut gets a snapshot,
// and publishes nothing older than its own joining.
func TestLateJoiner(t *testing.T) {
	t.Parallel()
	c := emptyCluster(t)
	p := c.newPeer()
	p.options.Bootstrap = true
	p.options.Timing.TrailingLogs = 1
	c.start(p)
	if _, err := p.Propose(c.ctx(), first(p.Self()), 0); err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		c.propose(p, user(fmt.Sprintf("user-%d", i)))
	}
	if err := p.Snapshot(); err != nil {
		t.Fatal(err)
	}
	before := c.propose(p, user("after"))

	late := c.newPeer()
	late.options.Preparers = []meta.Preparer{func(next *topology.Topology) {
		if next.Epoch <= before || next.Peers["p2"] == nil {
			t.Errorf("it published epoch %d, and joined after %d", next.Epoch, before)
		}
	}}
	c.start(late)
	if late.Current() != nil || late.Member() || !late.IsNew() {
		t.Errorf("it has %v before it joined", late.Current())
	}
	epoch, err := p.Join(c.ctx(), meta.JoinRequest{Peer: late.Self(), New: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := late.Wait(c.ctx(), epoch); err != nil {
		t.Fatal(err)
	}
	if n := len(late.Current().Users); n != 21 || !late.Member() {
		t.Errorf("%d users, member %v", n, late.Member())
	}
	if got, err := filepath.Glob(filepath.Join(late.options.DataDir, "snapshots", "*", "state.bin")); err != nil || len(got) != 1 {
		t.Errorf("it has the snapshots %v, %v: it was sent the log instead", got, err)
	}
	c.eventually("it votes", func() bool { return c.votersSeen() == 2 })
	again, err := p.Join(c.ctx(), meta.JoinRequest{Peer: late.Self(), New: true})
	if err != nil || again < epoch {
		t.Errorf("joined again: epoch %d, %v", again, err)
	}
	if c.votersSeen() != 2 {
		t.Error("joining again took its vote")
	}
	c.converge(c.propose(late, user("end")))
}

func TestNonvoter(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	late := c.start(c.newPeer())
	if _, err := c.peers[0].Join(c.ctx(), meta.JoinRequest{Peer: late.Self(), Nonvoter: true, New: true}); err != nil {
		t.Fatal(err)
	}
	c.converge(c.propose(late, user("ada")))
	if n := c.votersSeen(); n != 1 {
		t.Fatalf("%d voters", n)
	}
	if _, err := late.Promote(c.ctx(), late.options.ID); err != nil {
		t.Fatal(err)
	}
	c.eventually("it votes", func() bool { return c.votersSeen() == 2 })
	if _, err := late.Join(c.ctx(), meta.JoinRequest{Peer: late.Self(), Nonvoter: true, New: true}); err != nil {
		t.Fatal(err)
	}
	if !c.peers[0].Current().Peers["p2"].Voter {
		t.Error("joining again took its vote")
	}
	if _, err := late.Promote(c.ctx(), "nobody"); !errors.Is(err, topology.ErrNotFound) {
		t.Errorf("promote nobody: %v", err)
	}
}

func TestMaxVoters(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	c.propose(c.peers[0], topology.SetFlag{Name: topology.FlagMaxVoters, Value: "1"})
	late := c.start(c.newPeer())
	c.join(late)
	c.converge(c.propose(late, user("ada")))
	if c.peers[0].Current().Peers["p2"].Voter || c.votersSeen() != 1 {
		t.Error("there is a second voter")
	}
}

func TestJoinRefused(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2)
	leader, follower := c.leader(), c.follower()
	good := topology.Peer{ID: "p9", Raft: "127.0.0.1:1", Incarnation: 1, Commands: topology.CommandVersion}
	tests := map[string]struct {
		change func(*topology.Peer)
		want   error
	}{
		"no id":               {func(p *topology.Peer) { p.ID = "" }, topology.ErrInvalid},
		"no address":          {func(p *topology.Peer) { p.Raft = "" }, topology.ErrInvalid},
		"an older program":    {func(p *topology.Peer) { p.Commands = 0 }, meta.ErrVersion},
		"another's address":   {func(p *topology.Peer) { p.Raft = follower.Self().Raft }, topology.ErrExists},
		"the leader's id":     {func(p *topology.Peer) { p.ID = leader.options.ID }, topology.ErrExists},
		"a running peer's id": {func(p *topology.Peer) { p.ID = follower.options.ID; p.Incarnation = 1 << 62 }, topology.ErrExists},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			peer := good
			test.change(&peer)
			_, err := follower.Join(c.ctx(), meta.JoinRequest{Peer: peer, New: true})
			if !errors.Is(err, test.want) || !errors.Is(err, meta.ErrRefused) {
				t.Errorf("error %v, want %v", err, test.want)
			}
		})
	}
}

func TestRemove(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	leader := c.leader()
	dead, left := c.others(leader)[0], c.others(leader)[1]
	c.propose(leader, topology.SetFlag{Name: topology.FlagReportTimeout, Value: "1s"})
	c.kill(dead)
	eventually(t, "the dead peer is not heard of", func() bool { return silentFor(leader, dead, time.Second) })
	// Two of three run. Without one of these the other could not agree with the dead one.
	if _, err := leader.Remove(c.ctx(), left.options.ID, false); !errors.Is(err, topology.ErrInUse) {
		t.Errorf("remove a peer that is needed: %v", err)
	}
	epoch, err := left.Remove(c.ctx(), dead.options.ID, false)
	if err != nil {
		t.Fatal(err)
	}
	if err := left.Wait(c.ctx(), epoch); err != nil {
		t.Fatal(err)
	}
	if left.Current().Peers[dead.options.ID] != nil || c.votersSeen() != 2 {
		t.Errorf("peers %v, %d voters", left.Current().Peers, c.votersSeen())
	}
	if _, err := leader.Remove(c.ctx(), dead.options.ID, false); !errors.Is(err, topology.ErrNotFound) {
		t.Errorf("removed twice: %v", err)
	}
	c.peers = c.running()
	c.converge(c.propose(left, user("ada")))
}

// TestRemovedPeerHears: Raft tells a removed peer nothing, but the leader does, so
// that it does not count as ready.
func TestRemovedPeerHears(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	leader, gone := c.leader(), c.follower()
	if err := gone.Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := leader.Remove(c.ctx(), gone.options.ID, false); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the peer hears that it was removed", func() bool { return errors.Is(gone.Err(), meta.ErrRemoved) })
	c.kill(gone)
	c.peers = c.running()
	c.converge(c.propose(leader, user("ada")))
}

func silentFor(leader, of *peer, d time.Duration) bool {
	for _, p := range leader.Stats().Peers {
		if p.ID == of.options.ID {
			return time.Since(p.Report.At) > d
		}
	}
	return false
}

// TestLeave: every peer can go, the leader too, and the last one cannot.
func TestLeave(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 2)
	leader, last := c.leader(), c.follower()
	if err := leader.Leave(c.ctx()); err != nil {
		t.Fatal(err)
	}
	c.kill(leader)
	eventually(t, "the other one leads alone", func() bool { return last.IsLeader() && len(last.Stats().Peers) == 1 })
	c.propose(last, user("ada"))
	if err := last.Leave(c.ctx()); !errors.Is(err, topology.ErrInUse) {
		t.Errorf("the last peer leaves: %v", err)
	}
	// Its directory remembers a cluster of which it was a part.
	c.start(leader)
	c.propose(last, user("bob"))
	if last.Current().Peers[leader.options.ID] != nil || !last.IsLeader() {
		t.Error("it is a member again")
	}
}

// TestLostDisk: a voter that comes back with nothing does not vote for what it
// has forgotten; it is a new member.
func TestLostDisk(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	lost := c.follower()
	c.kill(lost)
	lost.options.DataDir = filepath.Join(t.TempDir(), "new")
	leader := c.leader()
	c.start(lost)
	epoch, err := leader.Join(c.ctx(), meta.JoinRequest{Peer: lost.Self(), New: lost.IsNew()})
	for errors.Is(err, topology.ErrExists) { // its predecessor was heard of a moment ago
		epoch, err = leader.Join(c.ctx(), meta.JoinRequest{Peer: lost.Self(), New: lost.IsNew()})
	}
	if err != nil {
		t.Fatal(err)
	}
	if err := lost.Wait(c.ctx(), epoch); err != nil {
		t.Fatal(err)
	}
	c.eventually("it votes", func() bool { return c.votersSeen() == 3 })
	c.converge(c.propose(lost, user("ada")))
}

// TestNewAddress: a peer that comes back at another address is found there.
func TestNewAddress(t *testing.T) {
	c := newCluster(t, 3)
	moved := c.follower()
	c.kill(moved)
	before := moved.options.Listen.Address
	moved.options.Listen.Address = "127.0.0.1:0"
	c.start(moved)
	if moved.Self().Raft == before {
		t.Fatal("the address is the same")
	}
	c.converge(c.propose(c.leader(), user("ada")))
	c.eventually("the address is known", func() bool {
		p := c.leader().Current().Peers[moved.options.ID]
		return p.Raft == moved.Self().Raft
	})
	c.propose(moved, user("bob"))
}

// TestUnreadableEntryInCluster: peers that meet an entry of a newer program go
// on serving what they have, and say that they follow no more.
func TestUnreadableEntryInCluster(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	epoch := c.propose(c.leader(), user("ada"))
	before := c.converge(epoch)
	entry, err := topology.EncodeCommand(user("bob"), 0)
	if err != nil {
		t.Fatal(err)
	}
	entry = bytes.Replace(entry, []byte(`"version":1`), []byte(`"version":7`), 1)
	if err := c.leader().InjectEntry(entry); err != nil {
		t.Fatal(err)
	}
	for _, p := range c.peers {
		eventually(t, p.name()+" says so", func() bool { return errors.Is(p.Err(), topology.ErrUnknownCommand) })
		if p.Current().Hash() != before.Hash() {
			t.Errorf("%s publishes epoch %d", p.name(), p.Current().Epoch)
		}
	}
}

// TestPeerHandlers: peers reach each other's own handlers by name.
func TestPeerHandlers(t *testing.T) {
	t.Parallel()
	c := emptyCluster(t)
	c.bootstrap()
	second := c.newPeer()
	mux := http.NewServeMux()
	second.options.Handler = mux
	c.start(second)
	mux.HandleFunc("GET /v1/hello", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprintf(w, "hello from p2, %s", r.URL.RawQuery)
	})
	c.join(second)
	client := &http.Client{Transport: c.peers[0].RoundTripper("p2"), Timeout: patience}
	response, err := client.Get("http://p2/v1/hello?a=1")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var body bytes.Buffer
	if _, err := body.ReadFrom(response.Body); err != nil || body.String() != "hello from p2, a=1" {
		t.Errorf("%q, %v", body.String(), err)
	}
	if _, err := (&http.Client{Transport: c.peers[0].RoundTripper("p9")}).Get("http://p9/"); !errors.Is(err, topology.ErrNotFound) {
		t.Errorf("a peer that is not known: %v", err)
	}
}

// TestAloneThenWithOthers: a peer that was alone with a data directory gets an
// address and is joined, and is alone again after that.
func TestAloneThenWithOthers(t *testing.T) {
	t.Parallel()
	c := emptyCluster(t)
	p := c.newPeer()
	listen := p.options.Listen
	p.options.Listen, p.options.Bootstrap = nil, true
	open := func() {
		store, err := meta.Open(p.options)
		if err != nil {
			t.Fatal(err)
		}
		p.Store, p.running = store, true
	}
	open()
	if _, err := p.Propose(c.ctx(), first(p.Self()), 0); err != nil {
		t.Fatal(err)
	}
	stranger := topology.Peer{ID: "p9", Raft: "127.0.0.1:1", Incarnation: 1, Commands: topology.CommandVersion}
	if _, err := p.Join(c.ctx(), meta.JoinRequest{Peer: stranger, New: true}); !errors.Is(err, topology.ErrInUse) {
		t.Errorf("a peer joins one that listens nowhere: %v", err)
	}
	c.kill(p)

	p.options.Listen = listen
	c.start(p)
	c.eventually("the address is known", func() bool {
		return p.IsLeader() && p.Stats().Peers[0].Address == p.Self().Raft && p.Current().Peers["p1"].Raft == p.Self().Raft
	})
	second := c.start(c.newPeer())
	c.join(second)
	c.eventually("both vote", func() bool { return c.votersSeen() == 2 })
	c.converge(c.propose(second, user("ada")))
	if _, err := p.Remove(c.ctx(), "p2", true); err != nil {
		t.Fatal(err)
	}
	c.kill(second)
	c.kill(p)

	p.options.Listen = nil
	open()
	if epoch := c.propose(p, user("bob")); p.Current().Users["ada"] == nil || epoch < 4 {
		t.Errorf("epoch %d with users %v", epoch, p.Current().Users)
	}
}
