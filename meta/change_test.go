package meta_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shardproxy/meta"
	"shardproxy/meta/topology"
)

// dataPlane drains for armed changes as sessions would, as long as it is let.
type dataPlane struct {
	peer   *peer
	cancel context.CancelFunc
	group  sync.WaitGroup
}

// serve has a peer drain at once for each armed change.
func serve(t *testing.T, p *peer) *dataPlane {
	ctx, cancel := context.WithCancel(context.Background())
	d := &dataPlane{peer: p, cancel: cancel}
	store := p.Store
	changed, stop := store.Watch()
	d.group.Go(func() {
		defer stop()
		for {
			if top := store.Current(); top != nil {
				for name, db := range top.Databases {
					if db.Armed != nil {
						store.Drained(name, db.Armed.ID)
					}
				}
			}
			select {
			case <-ctx.Done():
				return
			case <-changed:
			}
		}
	})
	t.Cleanup(d.stop)
	return d
}

func (d *dataPlane) stop() {
	d.cancel()
	d.group.Wait()
}

// fencer records who was cut off.
type fencer struct {
	err error
	mu  struct {
		sync.Mutex
		calls []cutOff
	}
}

type cutOff struct {
	Database string
	Floor    topology.Epoch
	Allowed  []topology.PeerID
}

func (f *fencer) CutOff(_ context.Context, db *topology.Database, floor topology.Epoch, allowed []meta.PeerStart) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	var ids []topology.PeerID
	for _, a := range allowed {
		ids = append(ids, a.Peer)
	}
	f.mu.calls = append(f.mu.calls, cutOff{db.Name, floor, ids})
	return f.err
}

func (f *fencer) calls() []cutOff {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.mu.calls)
}

// changing is a cluster whose peers drain.
func changing(t *testing.T, n int) (*cluster, map[*peer]*dataPlane) {
	c := newCluster(t, n)
	c.propose(c.leader(), topology.SetFlag{Name: topology.FlagReportTimeout, Value: "2s"})
	planes := make(map[*peer]*dataPlane)
	for _, p := range c.peers {
		planes[p] = serve(t, p)
	}
	return c, planes
}

// rebalance gives all partitions to a node: it needs a hold.
func rebalance(node topology.NodeID) topology.Command {
	return topology.SetOwners{Database: "app", Owners: []topology.OwnerRun{{First: 0, Last: 2, Node: node}}}
}

func TestHoldCommits(t *testing.T) {
	t.Parallel()
	c, _ := changing(t, 3)
	leader := c.leader()
	f := new(fencer)
	var armed topology.ArmID
	epoch, err := leader.Change(c.ctx(), rebalance("pg-2"), meta.ChangeOptions{
		Database: "app", Fencer: f, Prove: func(_ context.Context, top *topology.Topology) error {
			for _, p := range c.peers {
				if db := p.Current().Databases["app"]; db.Armed == nil || db.Home() != 0 {
					t.Errorf("%s does not hold while the leader proves", p.name())
				}
			}
			armed = top.Databases["app"].Armed.ID
			return nil
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	top := c.converge(epoch)
	if db := top.Databases["app"]; db.Home() != 1 || db.Armed != nil {
		t.Errorf("home %d, armed %v", db.Home(), db.Armed)
	}
	want := []cutOff{{"app", topology.Epoch(armed), []topology.PeerID{"p1", "p2", "p3"}}}
	if diff := cmp.Diff(want, f.calls()); diff != "" {
		t.Errorf("cut off: -want +got\n%s", diff)
	}
	if _, err := c.others(leader)[0].Change(c.ctx(), rebalance("pg-1"), meta.ChangeOptions{Database: "app"}); !errors.Is(err, meta.ErrNotLeader) {
		t.Errorf("on a follower: %v", err)
	}
	again, err := leader.Change(c.ctx(), rebalance("pg-2"), meta.ChangeOptions{Database: "app", Fencer: f})
	if err != nil || again < epoch || len(f.calls()) != 1 {
		t.Errorf("what is so already: epoch %d, %v, %d cut off", again, err, len(f.calls()))
	}
}

func TestHoldGivenUp(t *testing.T) {
	t.Parallel()
	failure := errors.New("there are rows")
	tests := []struct {
		name    string
		prepare func(c *cluster, planes map[*peer]*dataPlane)
		options meta.ChangeOptions
		want    error
	}{
		{"not proved", nil, meta.ChangeOptions{Prove: func(context.Context, *topology.Topology) error { return failure }}, failure},
		{
			"busy", func(c *cluster, planes map[*peer]*dataPlane) { planes[c.follower()].stop() },
			meta.ChangeOptions{Budget: 300 * time.Millisecond},
			meta.ErrBusy,
		},
		{
			"not cut off", func(c *cluster, _ map[*peer]*dataPlane) { c.kill(c.follower()) },
			meta.ChangeOptions{Fencer: &fencer{err: failure}},
			failure,
		},
		{
			"the caller goes", func(c *cluster, planes map[*peer]*dataPlane) { planes[c.leader()].stop() },
			meta.ChangeOptions{},
			context.DeadlineExceeded,
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c, planes := changing(t, 3)
			if test.prepare != nil {
				test.prepare(c, planes)
			}
			leader := c.leader()
			ctx := c.ctx()
			if test.name == "the caller goes" {
				ctx = within(t, 200*time.Millisecond)
			}
			test.options.Database = "app"
			_, err := leader.Change(ctx, rebalance("pg-2"), test.options)
			if !errors.Is(err, test.want) {
				t.Fatalf("error %v, want %v", err, test.want)
			}
			if db := leader.State().Databases["app"]; db.Armed != nil || db.Home() != 0 {
				t.Errorf("armed %v, home %d: something has happened", db.Armed, db.Home())
			}
			c.converge(c.propose(leader, user("ada")))
		})
	}
}

// TestSilentPeer: one that does not answer is cut off, and the change is made.
func TestSilentPeer(t *testing.T) {
	t.Parallel()
	c, _ := changing(t, 3)
	dead := c.follower()
	c.kill(dead)
	f := new(fencer)
	epoch, err := c.leader().Change(c.ctx(), rebalance("pg-2"), meta.ChangeOptions{Database: "app", Fencer: f})
	if err != nil {
		t.Fatal(err)
	}
	calls := f.calls()
	if len(calls) != 1 || len(calls[0].Allowed) != 2 || slices.Contains(calls[0].Allowed, dead.options.ID) {
		t.Errorf("cut off %+v, want all but two peers", calls)
	}
	if top := c.converge(epoch); top.Databases["app"].Home() != 1 {
		t.Error("the change was not made")
	}
	if _, err := c.leader().Change(c.ctx(), rebalance("pg-1"), meta.ChangeOptions{Database: "app"}); err == nil {
		t.Error("a change without a fencer was made though a peer does not answer")
	}
}

// TestBusyPeerCutOff: on request transactions that do not end are ended.
func TestBusyPeerCutOff(t *testing.T) {
	t.Parallel()
	c, planes := changing(t, 2)
	busy := c.follower()
	planes[busy].stop()
	f := new(fencer)
	epoch, err := c.leader().Change(c.ctx(), rebalance("pg-2"), meta.ChangeOptions{
		Database: "app", Fencer: f, Budget: time.Second, CutOffBusy: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	c.converge(epoch)
	if calls := f.calls(); len(calls) != 1 || slices.Contains(calls[0].Allowed, busy.options.ID) {
		t.Errorf("cut off %+v", calls)
	}
}

// TestSettle: a change that breaks no plan is answered when all know it.
func TestSettle(t *testing.T) {
	t.Parallel()
	c, _ := changing(t, 3)
	create := func(name string) topology.Command { return topology.CreateDatabase{Database: database(name)} }
	f := new(fencer)
	epoch, err := c.leader().Change(c.ctx(), create("one"), meta.ChangeOptions{Database: "one", Fencer: f})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range c.peers {
		if got := p.Current().Epoch; got < epoch {
			t.Errorf("%s has published epoch %d, and %d was answered", p.name(), got, epoch)
		}
	}
	if calls := f.calls(); len(calls) != 0 {
		t.Errorf("cut off %+v, and all peers have answered", calls)
	}
	c.kill(c.follower())
	epoch, err = c.leader().Change(c.ctx(), create("two"), meta.ChangeOptions{Database: "two", Fencer: f})
	if calls := f.calls(); err != nil || len(calls) != 1 || calls[0].Floor != epoch || len(calls[0].Allowed) != 2 {
		t.Errorf("with a dead peer: %v, cut off %+v at epoch %d", err, calls, epoch)
	}
	epoch, err = c.leader().Change(c.ctx(), create("three"), meta.ChangeOptions{
		Database: "three", Fencer: &fencer{err: errors.New("unreachable")},
	})
	if !errors.Is(err, meta.ErrUnsettled) || epoch == 0 || c.leader().Current().Databases["three"] == nil {
		t.Errorf("epoch %d, %v, want ErrUnsettled", epoch, err)
	}
}

func database(name string) *topology.Database {
	return &topology.Database{
		Name: name, Engine: topology.Postgres,
		Nodes:  []topology.Node{{ID: topology.NodeID(name + "-1"), Weight: 1}},
		Owners: []topology.NodeIndex{0, 0, 0},
	}
}

// TestConflictingChanges: of two at once one is made, and the other hears at
// which epoch it met it.
func TestConflictingChanges(t *testing.T) {
	t.Parallel()
	c, _ := changing(t, 3)
	leader := c.leader()
	proving, proceed := make(chan struct{}), make(chan struct{})
	var group sync.WaitGroup
	var epoch topology.Epoch
	group.Go(func() {
		var err error
		epoch, err = leader.Change(c.ctx(), rebalance("pg-2"), meta.ChangeOptions{
			Database: "app", Prove: func(context.Context, *topology.Topology) error {
				close(proving)
				<-proceed
				return nil
			},
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-proving
	_, err := leader.Change(c.ctx(), topology.RemoveNode{Database: "app", Node: "pg-2"}, meta.ChangeOptions{Database: "app"})
	var conflict *topology.Conflict
	if !errors.As(err, &conflict) || conflict.Current != leader.State().Epoch {
		t.Errorf("the second change: %v, want a conflict that names the epoch", err)
	}
	close(proceed)
	group.Wait()
	if top := c.converge(epoch); top.Databases["app"].Home() != 1 {
		t.Error("the first change was not made")
	}
}

// TestLeaderLostWhileArmed: the next leader gives up what the lost one armed.
func TestLeaderLostWhileArmed(t *testing.T) {
	t.Parallel()
	c, _ := changing(t, 3)
	leader := c.leader()
	left := c.others(leader)
	proving, proceed := make(chan struct{}), make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		_, err := leader.Change(within(t, 3*time.Second), rebalance("pg-2"), meta.ChangeOptions{
			Database: "app", Prove: func(context.Context, *topology.Topology) error {
				close(proving)
				<-proceed
				return nil
			},
		})
		if err == nil {
			t.Error("the change was answered by a leader that was lost")
		}
	})
	<-proving
	c.links.cut(leader.name(), names(left)...)
	c.leader(left...)
	eventually(t, "the next leader disarms", func() bool {
		return left[0].Current().Databases["app"].Armed == nil && left[1].Current().Databases["app"].Armed == nil
	})
	if leader.Current().Databases["app"].Armed == nil {
		t.Error("the peer that was cut off does not hold any more, without having heard of the outcome")
	}
	close(proceed)
	c.links.mend(leader.name(), names(left)...)
	group.Wait()
	top := c.converge(c.propose(left[0], user("ada")))
	if db := top.Databases["app"]; db.Armed != nil || db.Home() != 0 {
		t.Errorf("armed %v, home %d", db.Armed, db.Home())
	}
}

// TestRestartWhileArmed: a peer that starts while a change is armed holds too,
// and is waited for.
func TestRestartWhileArmed(t *testing.T) {
	t.Parallel()
	c, planes := changing(t, 3)
	again := c.follower()
	planes[again].stop()
	leader := c.leader()
	var group sync.WaitGroup
	group.Go(func() {
		if _, err := leader.Change(c.ctx(), rebalance("pg-2"), meta.ChangeOptions{Database: "app", Budget: patience, Fencer: new(fencer)}); err != nil {
			t.Error(err)
		}
	})
	eventually(t, "the peer holds", func() bool { return again.Current().Databases["app"].Armed != nil })
	c.kill(again)
	c.start(again)
	if again.Current().Databases["app"].Armed == nil {
		t.Error("it does not hold after its start")
	}
	serve(t, again)
	group.Wait()
	if top := c.converge(leader.Current().Epoch); top.Databases["app"].Home() != 1 {
		t.Error("the change was not made")
	}
}
