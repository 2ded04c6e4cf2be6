package pgsession

import (
	"context"
	"slices"
	"testing"
	"time"

	"shardproxy/meta/topology"
	"shardproxy/protocol/pgwire"
	"shardproxy/router/backend"
	"shardproxy/router/gate"
)

// TestSecondLinkToANode: a session that keeps its connections may have needed two to
// one node at once. None of them is lost to the pool.
func TestSecondLinkToANode(t *testing.T) {
	t.Parallel()
	for _, locks := range []int{-1, 0, 1} { // which of the two holds advisory locks
		pools := modelPools(t)
		cfg := testConfig(oneTable(1))
		cfg.user = &topology.User{Name: "u", SessionPooling: true}
		topo := cfg.gate.Current()
		topo.Users = map[string]*topology.User{"u": cfg.user}
		pools.Apply(topo)
		s := &Session{shared: &Shared{Options: Options{Pools: pools}}, user: cfg.user, m: newMachine(cfg, noVars(), nil)}
		links := make([]*link, 2)
		for i := range links {
			var err error
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

// TestLocksOfAnotherAddress: a session whose advisory locks were on a connection to
// an address that its node does not have any more runs nothing on another one.
func TestLocksOfAnotherAddress(t *testing.T) {
	t.Parallel()
	for _, locks := range []bool{false, true} {
		pools := modelPools(t)
		cfg := testConfig(oneTable(1))
		cfg.user = &topology.User{Name: "u", SessionPooling: true}
		topo := *cfg.gate.Current()
		topo.Users = map[string]*topology.User{"u": cfg.user}
		pools.Apply(&topo)
		s := &Session{shared: &Shared{Options: Options{Pools: pools}}, user: cfg.user, m: newMachine(cfg, noVars(), nil)}
		l, err := s.acquire(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		l.locks = locks
		s.release(l)
		moved := *topo.Databases["app"]
		moved.Nodes = []topology.Node{{ID: "pg-1", DSN: "elsewhere"}}
		next := topo
		next.Databases = map[string]*topology.Database{"app": &moved}
		pools.Apply(&next)
		l, err = s.acquire(t.Context(), 0)
		if (err != nil) != locks || (s.m.unlockedBy != "") != locks {
			t.Errorf("locks %v: %v, lost by %q", locks, err, s.m.unlockedBy)
		}
		if l != nil {
			s.release(l)
		}
		s.closeKept(func(*link) bool { return true })
		s.m.slot.Close()
	}
}

// modelPools dials model servers.
func modelPools(t *testing.T) *backend.Pools {
	t.Helper()
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
	return pools
}

// TestAdvisoryLocksOfAnotherHome: when another node has become home, others take the
// same locks there. A session that has some ends before it does anything more.
func TestAdvisoryLocksOfAnotherHome(t *testing.T) {
	t.Parallel()
	lock := pgwire.AppendQuery(nil, []byte("SELECT pg_advisory_lock(1)"))
	unlock := pgwire.AppendQuery(nil, []byte("SELECT pg_advisory_unlock_all()"))
	write := pgwire.AppendQuery(nil, []byte("INSERT INTO t (user_id, a) VALUES (1, 1)"))
	tests := []struct {
		name   string
		before [][]byte
		moves  bool
		next   []byte
		ends   bool
		late   bool // the topology changes while the request waits for its connection
	}{
		{"locks, another home", [][]byte{lock}, true, write, true, false},
		{"locks, another home meanwhile", [][]byte{lock}, true, write, true, true},
		{"locks, another home, a batch", [][]byte{lock}, true, append(group("INSERT INTO t (user_id, a) VALUES (1, 1)"), syncMessage()...), true, false},
		{"locks, another owner", [][]byte{lock}, false, write, false, false},
		{"no locks, another home", nil, true, write, false, false},
		{"no locks any more", [][]byte{lock, unlock}, true, write, false, false},
	}
	for _, test := range tests {
		p := &published{oneTable(2)}
		cfg := testConfig(p.topo)
		cfg.gate = gate.New(p)
		r := newRig(t, cfg)
		r.unchecked = true
		r.run(test.before...)
		next := oneTable(2)
		next.Epoch = 2
		owners := next.Databases["app"].Owners
		if at := len(owners) - 1; test.moves {
			owners[at] = 1 - owners[at]
		} else {
			owners[0] = 1 - owners[0]
		}
		if !test.late {
			p.topo = next
		}
		r.late = func() bool {
			changes := p.topo != next
			p.topo = next
			return changes
		}
		answers := r.run(test.next)
		told, written := slices.Contains(answers, "E 08006"), r.committed() == 1
		if ended := r.m.state == stateEnd; ended != test.ends || told != test.ends || written == test.ends {
			t.Errorf("%s: ended %v, %d statements committed, answered %q", test.name, ended, r.committed(), answers)
		}
	}
}
