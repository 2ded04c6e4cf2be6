package pgsession

import (
	"context"
	"testing"
	"time"

	"shardproxy/meta/topology"
	"shardproxy/router/backend"
)

// TestSecondLinkToANode: a session that keeps its connections may have needed two to
// one node at once. None of them is lost to the pool.
func TestSecondLinkToANode(t *testing.T) {
	t.Parallel()
	for _, locks := range []int{-1, 0, 1} { // which of the two holds advisory locks
		pools, err := backend.NewPools(backend.PoolsOptions{Dial: func(_ context.Context, o backend.DialOptions) (*backend.Conn, error) {
			return backend.NewConn(modelConn{newModel()}, backend.ConnOptions{Node: o.Node})
		}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			if err := pools.Close(ctx); err != nil {
				t.Error(err)
			}
		})
		cfg := testConfig(oneTable(1))
		cfg.user = &topology.User{Name: "u", SessionPooling: true}
		topo := cfg.gate.Current()
		topo.Users = map[string]*topology.User{"u": cfg.user}
		pools.Apply(topo)
		s := &Session{shared: &Shared{Options: Options{Pools: pools}}, user: cfg.user, m: newMachine(cfg, noVars(), nil)}
		links := make([]*link, 2)
		for i := range links {
			if links[i], err = s.acquire(t.Context(), 0); err != nil {
				t.Fatal(err)
			}
			links[i].locks = i == locks
		}
		s.release(links[1])
		s.release(links[0])
		if kept := s.kept["pg-1"]; locks >= 0 && kept != links[locks] {
			t.Errorf("locks on link %d: another one is kept", locks)
		}
		if lost := s.m.unlockedBy; lost != "" {
			t.Errorf("locks on link %d: they are lost", locks)
		}
		if held := pools.Stats()[0].Held; held != 1 {
			t.Errorf("locks on link %d: %d connections are held for an idle session, want 1", locks, held)
		}
		s.closeKept(func(*link) bool { return true })
		s.m.slot.Close()
		if held := pools.Stats()[0].Held; held != 0 {
			t.Errorf("locks on link %d: %d connections are held for nobody", locks, held)
		}
	}
}
