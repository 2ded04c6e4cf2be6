package backend

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"shardproxy/meta/topology"
)

// fakeNodes are Pools whose connections lead nowhere.
type fakeNodes struct {
	*Pools
	mu    sync.Mutex
	dials []DialOptions
	node  fakeNode
}

func newFakeNodes(t testing.TB) *fakeNodes {
	t.Helper()
	f := new(fakeNodes)
	s, err := NewPools(PoolsOptions{Dial: func(ctx context.Context, o DialOptions) (*Conn, error) {
		f.mu.Lock()
		f.dials = append(f.dials, o)
		f.mu.Unlock()
		return f.node.Dial(ctx)
	}})
	if err != nil {
		t.Fatal(err)
	}
	f.Pools = s
	t.Cleanup(func() {
		if err := f.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if open := f.node.open(); open != 0 {
			t.Errorf("%d connections left open", open)
		}
	})
	return f
}

func (f *fakeNodes) lastDial() DialOptions {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.dials[len(f.dials)-1]
}

// twoNodes is a topology with one database.
func twoNodes() *topology.Topology {
	return &topology.Topology{
		Databases: map[string]*topology.Database{"app": {
			Name:  "app",
			Nodes: []topology.Node{{ID: "pg-1", DSN: "dsn-1"}, {ID: "pg-2", DSN: "dsn-2"}},
			Pool:  topology.Pool{Max: 5},
		}},
		Users: map[string]*topology.User{
			"ann": {Name: "ann", BackendUser: "backend-ann", BackendPassword: "pw"},
			"bob": {Name: "bob"},
		},
	}
}

// get is Get by names.
func (f *fakeNodes) get(top *topology.Topology, user string, node topology.NodeIndex) *Pool {
	return f.Get(top.Databases["app"], top.Users[user], node)
}

func TestPoolsGet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, top := newFakeNodes(t), twoNodes()
		pools := make(map[*Pool]bool)
		for _, user := range []string{"ann", "bob", ""} {
			for node := range topology.NodeIndex(2) {
				p := f.get(top, user, node)
				if p != f.get(top, user, node) {
					t.Errorf("two pools for %q, %d", user, node)
				}
				pools[p] = true
			}
		}
		if len(pools) != 6 {
			t.Errorf("%d pools", len(pools))
		}
		p := f.get(top, "ann", 1)
		c := acquire(t, p)
		want := DialOptions{Node: "pg-2", DSN: "dsn-2", User: "backend-ann", Password: "pw"}
		if diff := cmp.Diff(want, f.lastDial()); diff != "" {
			t.Error(diff)
		}
		p.Release(c)
		stats := f.Stats()
		if len(stats) != 6 || stats[4].Key != (PoolKey{"app", "ann", "pg-2"}) || stats[4].Idle != 1 || stats[4].Max != 5 {
			t.Errorf("%+v", stats)
		}
	})
}

func TestPoolsMaintain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, top := newFakeNodes(t), twoNodes()
		top.Databases["app"].Pool = topology.Pool{Min: 2, IdleTimeoutMS: 5000}
		p := f.get(top, "", 0)
		synctest.Wait()
		if s := p.Stats(); s.Idle != 2 {
			t.Errorf("Min is not kept from the start: %+v", s)
		}
		held := []*Conn{acquire(t, p), acquire(t, p), acquire(t, p)}
		for _, c := range held {
			p.Release(c)
		}
		time.Sleep(4 * time.Second)
		if s := p.Stats(); s.Idle != 3 {
			t.Errorf("%+v", s)
		}
		time.Sleep(2 * time.Second)
		if s := p.Stats(); s.Idle != 2 {
			t.Errorf("%+v", s)
		}
	})
}

func TestPoolsApply(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, top := newFakeNodes(t), twoNodes()
		f.Apply(top)
		old := make(map[string]*Pool)
		for _, user := range []string{"ann", "bob", ""} {
			old[user+"1"], old[user+"2"] = f.get(top, user, 0), f.get(top, user, 1)
		}
		held := acquire(t, old["ann2"])
		gen := held.Generation

		next := twoNodes() // ann has a new password, pg-1 is gone, the pools are larger
		app := next.Databases["app"]
		app.Nodes, app.Pool.Max = app.Nodes[1:], 7
		next.Users["ann"].BackendPassword = "new"
		f.Apply(next)

		if p := f.get(next, "bob", 0); p != old["bob2"] || p.Stats().Max != 7 {
			t.Errorf("bob's pool of pg-2 was replaced, or not resized: %+v", p.Stats())
		}
		ann := f.get(next, "ann", 0)
		if ann == old["ann2"] {
			t.Fatal("ann's pool logs in with the old password")
		}
		c := acquire(t, ann)
		if f.lastDial().Password != "new" || c.Generation <= gen {
			t.Errorf("dialled with %+v, generation %d", f.lastDial(), c.Generation)
		}
		ann.Release(c)
		if _, err := old["ann2"].Acquire(t.Context()); !errors.Is(err, ErrPoolClosed) {
			t.Errorf("the old pool: %v", err)
		}
		old["ann2"].Release(held)
		if open := f.node.open(); open != 1 {
			t.Errorf("%d connections open", open)
		}

		// Sessions that still plan with the old topology get no pool to the node
		// that is gone, and the new login where it is not.
		if _, err := f.get(top, "bob", 0).Acquire(t.Context()); !errors.Is(err, ErrPoolClosed) {
			t.Errorf("the node that is gone: %v", err)
		}
		if f.get(top, "ann", 1) != ann {
			t.Error("an old topology brings back an old login")
		}
		if n := len(f.Stats()); n != 3 {
			t.Errorf("%d pools", n)
		}
		time.Sleep(2 * time.Second)
		if n := len(f.retiredPools()); n != 0 {
			t.Errorf("%d retired pools are remembered", n)
		}
	})
}

func (f *fakeNodes) retiredPools() []*Pool {
	f.Pools.mu.Lock()
	defer f.Pools.mu.Unlock()
	return f.Pools.mu.retired
}

func TestPoolsClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, top := newFakeNodes(t), twoNodes()
		p := f.get(top, "ann", 0)
		c := acquire(t, p)
		time.AfterFunc(time.Second, func() { p.Release(c) })
		if err := f.Close(t.Context()); err != nil {
			t.Error(err)
		}
		for _, p := range []*Pool{p, f.get(top, "bob", 0)} {
			if _, err := p.Acquire(t.Context()); !errors.Is(err, ErrPoolClosed) {
				t.Errorf("after Close: %v", err)
			}
		}
		f.Apply(top)
	})
}

func TestPoolsOptions(t *testing.T) {
	if _, err := NewPools(PoolsOptions{Interval: -1}); err == nil {
		t.Error("a negative interval was taken")
	}
}

// A database whose limits make no sense gets no connection, and a word in the
// log.
func TestPoolsBadLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f, top := newFakeNodes(t), twoNodes()
		top.Databases["app"].Pool = topology.Pool{Min: 3, Max: 2}
		if _, err := f.get(top, "", 0).Acquire(t.Context()); !errors.Is(err, ErrPoolClosed) {
			t.Errorf("error %v", err)
		}
	})
}

func BenchmarkPoolsGet(b *testing.B) {
	f, top := newFakeNodes(b), twoNodes()
	db, user := top.Databases["app"], top.Users["ann"]
	p := f.Get(db, user, 1)
	b.ReportAllocs()
	for b.Loop() {
		if f.Get(db, user, 1) != p {
			b.Fatal("another pool")
		}
	}
}
