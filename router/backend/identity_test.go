package backend

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"shardproxy/internal/noderegistry"
	"shardproxy/meta/topology"
	"shardproxy/protocol/sqlerr"
)

// adopted makes a database that is node pg-1 of database app.
func adopted(t testing.TB) (dsn string, admin *pgx.Conn) {
	t.Helper()
	dsn = cluster.NewDatabase(t, 0)
	admin, err := pgx.Connect(t.Context(), cluster.AdminDSN(t, 0, dsn))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = admin.Close(context.Background()) })
	if err := noderegistry.Adopt(t.Context(), admin, thisNode); err != nil {
		t.Fatal(err)
	}
	return dsn, admin
}

var thisNode = noderegistry.Node{Cluster: "c-1", Database: "app", ID: "pg-1"}

// as is a registration on thisNode.
func as(epoch uint64) func() noderegistry.Registration {
	return func() noderegistry.Registration {
		return noderegistry.Registration{Node: thisNode, Peer: noderegistry.Peer{ID: "p-1", Incarnation: 4}, Epoch: epoch}
	}
}

func TestDialRegisters(t *testing.T) {
	dsn, admin := adopted(t)
	hooked := ""
	c := dial(t, DialOptions{
		Node: "pg-1", DSN: dsn, Registration: as(7),
		OnConnect: func(ctx context.Context, pg *pgconn.PgConn) error {
			return admin.QueryRow(ctx, "SELECT format('%s/%s/%s', peer, incarnation, epoch) FROM shardproxy.session WHERE pid = $1", int64(pg.PID())).Scan(&hooked)
		},
	})
	if c.Epoch != 7 || hooked != "p-1/4/7" {
		t.Errorf("epoch %d, registered as %q when the hook ran", c.Epoch, hooked)
	}
	if c.MayCarry(6) || !c.MayCarry(7) || !c.MayCarry(8) {
		t.Error("plans of another age than 7 and later")
	}
	if got := queryOne(t, c, "SELECT 1"); got != "1" {
		t.Errorf("got %s", got)
	}
	if c := dial(t, DialOptions{DSN: dsn}); c.Epoch != 0 || !c.MayCarry(0) {
		t.Errorf("epoch %d without registration", c.Epoch)
	}
}

// pools makes pools whose nodes are two names for a database, of which only
// pg-1 is right, and which have an epoch.
func registeringPools(t *testing.T, dsn string, epoch *atomic.Uint64) (*Pools, *topology.Database) {
	t.Helper()
	s, err := NewPools(PoolsOptions{Identity: func() Identity {
		return Identity{ClusterID: "c-1", Peer: "p-1", Incarnation: 4, Epoch: topology.Epoch(epoch.Load())}
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return s, &topology.Database{Name: "app", Nodes: []topology.Node{{ID: "pg-1", DSN: dsn}, {ID: "pg-2", DSN: dsn}}}
}

func TestPoolsRegister(t *testing.T) {
	dsn, admin := adopted(t)
	var epoch atomic.Uint64
	epoch.Store(3)
	s, db := registeringPools(t, dsn, &epoch)
	p := s.Get(db, nil, 0)
	c := acquire(t, p)
	if c.Epoch != 3 {
		t.Errorf("epoch %d", c.Epoch)
	}
	p.Release(c)

	// The node cuts this start of the peer off.
	if n, err := noderegistry.CutOff(t.Context(), admin, thisNode, 5, nil); n != 1 || err != nil {
		t.Fatalf("ended %d, %v", n, err)
	}
	_, err := p.Acquire(t.Context())
	e, ok := errors.AsType[*sqlerr.Error](err)
	if !ok || e.SQLState != "08001" || !e.Retryable || !strings.Contains(e.Detail, "epoch 3") || !strings.Contains(e.Detail, "accepts 5") ||
		!strings.Contains(e.Hint, "another peer") || noderegistry.ReasonOf(err) != noderegistry.StaleEpoch {
		t.Errorf("error %+v", err)
	}
	eventually(t, "the pool holds back", func() bool {
		_, err := p.Acquire(t.Context())
		return err != nil && p.Stats().Failing
	})
	// A newer topology cures it at once.
	epoch.Store(5)
	s.Apply(&topology.Topology{Epoch: 5, Databases: map[string]*topology.Database{"app": db}})
	c = acquire(t, p)
	if c.Epoch != 5 {
		t.Errorf("epoch %d", c.Epoch)
	}
	p.Release(c)
}

func TestWrongNode(t *testing.T) {
	dsn, _ := adopted(t)
	var epoch atomic.Uint64
	epoch.Store(1)
	s, db := registeringPools(t, dsn, &epoch)
	_, err := s.Get(db, nil, 1).Acquire(t.Context())
	e, ok := errors.AsType[*sqlerr.Error](err)
	if !ok || e.SQLState != "08004" || e.Retryable || !strings.Contains(e.Message, `node "pg-2" rejected the connection: this is node "pg-1"`) ||
		!strings.Contains(e.Hint, "swapped") {
		t.Errorf("error %+v", err)
	}
	if !serverRefuses(err) {
		t.Error("it is not taken for one that lasts")
	}
}

// Nothing is sent to a node before it is known who sends it.
func TestIncompleteIdentity(t *testing.T) {
	dsn, _ := adopted(t)
	for _, id := range []Identity{{}, {ClusterID: "c-1"}, {Peer: "p-1"}} {
		s, err := NewPools(PoolsOptions{Identity: func() Identity { return id }})
		if err != nil {
			t.Fatal(err)
		}
		db := &topology.Database{Name: "app", Nodes: []topology.Node{{ID: "pg-1", DSN: dsn}}}
		if _, err := s.Get(db, nil, 0).Acquire(t.Context()); err == nil {
			t.Errorf("%+v: connected", id)
		}
		if err := s.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// A refusal that lasts leaves clients waiting for the connections there are; one
// for the epoch does not, because those are about to end.
func TestRefusedRegistrationBesideHeldConnection(t *testing.T) {
	for reason, waits := range map[noderegistry.Reason]bool{noderegistry.OtherNode: true, noderegistry.StaleEpoch: false} {
		t.Run(reason.String(), func(t *testing.T) {
			refusal := refusalFor(t, reason)
			synctest.Test(t, func(t *testing.T) {
				node := new(fakeNode)
				p := node.newPool(t, PoolOptions{Max: 4})
				held := acquire(t, p)
				node.set(time.Millisecond, refusal)
				time.AfterFunc(5*time.Second, func() { p.Release(held) })
				start := time.Now()
				c, err := p.Acquire(t.Context())
				if c != nil {
					p.Release(c)
				} else {
					time.Sleep(6 * time.Second) // held is released
				}
				if waited := time.Since(start) >= 5*time.Second && err == nil; waited != waits {
					t.Errorf("error %v", err)
				}
			})
		})
	}
}

// refusalFor provokes a refusal.
func refusalFor(t *testing.T, reason noderegistry.Reason) error {
	t.Helper()
	dsn, admin := adopted(t)
	r := as(1)()
	if reason == noderegistry.OtherNode {
		r.Node.ID = "pg-2"
	} else if _, err := noderegistry.CutOff(t.Context(), admin, thisNode, 2, nil); err != nil {
		t.Fatal(err)
	}
	_, err := DialPostgres(t.Context(), DialOptions{Node: "pg-1", DSN: dsn, Registration: func() noderegistry.Registration { return r }})
	if noderegistry.ReasonOf(err) != reason {
		t.Fatalf("error %v", err)
	}
	return err
}

// BenchmarkDialPostgres shows what a registration adds to a login.
func BenchmarkDialPostgres(b *testing.B) {
	dsn, _ := adopted(b)
	for _, bm := range []struct {
		name string
		o    DialOptions
	}{{"login", DialOptions{DSN: dsn}}, {"login and registration", DialOptions{DSN: dsn, Registration: as(1)}}} {
		b.Run(bm.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c, err := DialPostgres(b.Context(), bm.o)
				if err != nil {
					b.Fatal(err)
				}
				c.hangUp(true)
			}
		})
	}
}
