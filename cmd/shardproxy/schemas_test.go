package main

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"shardproxy/internal/pgserver/pgservertest"
	"shardproxy/meta"
	"shardproxy/meta/topology"
	"shardproxy/protocol/sqlerr"
	"shardproxy/ring"
	"shardproxy/router/catalog"
)

func table(name string, warnings ...string) *topology.Relation {
	return &topology.Relation{
		Name: topology.TableName{Schema: "public", Name: name}, Placement: topology.Sharded, Source: topology.FromConvention,
		Key:     topology.Key{Kind: "user", Type: ring.KeyInt, Column: "id"},
		Columns: []topology.Column{{Name: "id", Type: "int8"}}, Warnings: warnings,
	}
}

func relations(list ...*topology.Relation) map[topology.TableName]*topology.Relation {
	m := make(map[topology.TableName]*topology.Relation)
	for _, rel := range list {
		m[rel.Name] = rel
	}
	return m
}

// nodes stand in for a database's nodes: what reading their catalogs gives.
type nodes struct {
	t           *testing.T
	store       *meta.Store
	schemas     *schemas
	first       topology.Epoch // before anything was read
	firstSchema topology.Epoch
	reads       atomic.Int32
	began       chan struct{} // a read has begun; may be nil
	gate        chan error    // what each read waits for; nil: none
	next        atomic.Pointer[map[topology.TableName]*topology.Relation]
	cancel      context.CancelFunc
}

func newNodes(t *testing.T, first ...*topology.Relation) *nodes {
	t.Helper()
	t.Cleanup(func() { goleak.VerifyNone(t, pgservertest.IgnoreServers()) })
	db := &topology.Database{
		Name: "app", Engine: topology.Postgres, SchemaEpoch: 1,
		Nodes: []topology.Node{{ID: "pg-1", Weight: 1}}, Owners: []topology.NodeIndex{0, 0},
		Relations: relations(first...),
	}
	store, err := meta.Open(meta.Options{Bootstrap: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := store.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	self := store.Self()
	boot := topology.BootstrapCluster{ClusterID: "c", Peers: []*topology.Peer{&self}, Databases: []*topology.Database{db}}
	if _, err := store.Propose(t.Context(), boot, 0); err != nil {
		t.Fatal(err)
	}
	n := &nodes{t: t, store: store, first: store.Current().Epoch, firstSchema: store.Current().Databases["app"].SchemaEpoch}
	n.have(first...)
	n.schemas = newSchemas(&changer{store: store}, n.read, slog.New(slog.DiscardHandler))
	return n
}

// have sets what the nodes have from now on.
func (n *nodes) have(list ...*topology.Relation) {
	m := relations(list...)
	n.next.Store(&m)
}

func (n *nodes) read(_ context.Context, old *topology.Database) (*topology.Database, *catalog.Report, error) {
	n.reads.Add(1)
	if n.began != nil {
		n.began <- struct{}{}
	}
	if n.gate != nil {
		if err := <-n.gate; err != nil {
			return nil, nil, err
		}
	}
	db := old.Clone()
	db.SchemaEpoch++
	db.Relations = *n.next.Load()
	return db, &catalog.Report{Strides: &catalog.StrideReport{}}, nil
}

// start runs the schemas until the test ends.
func (n *nodes) start() {
	var ctx context.Context
	ctx, n.cancel = context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		n.schemas.run(ctx)
	}()
	n.t.Cleanup(func() {
		n.cancel()
		<-done
	})
}

func (n *nodes) database() *topology.Database { return n.store.Current().Databases["app"] }

func (n *nodes) names() []string {
	var names []string
	for _, name := range sortedNames(n.database().Relations) {
		names = append(names, name.Name)
	}
	return names
}

func TestChangedPublishes(t *testing.T) {
	n := newNodes(t, table("a", "known before"))
	n.start()
	n.have(table("a", "known before"), table("b", "has no key", "counts alone"))
	warnings, err := n.schemas.Changed(t.Context(), "app")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"table public.b: has no key", "table public.b: counts alone"}, warnings); diff != "" {
		t.Errorf("warnings: -want +got\n%s", diff)
	}
	if diff := cmp.Diff([]string{"a", "b"}, n.names()); diff != "" {
		t.Errorf("relations: -want +got\n%s", diff)
	}
	if db := n.database(); db.SchemaEpoch <= n.firstSchema || n.store.Current().Epoch != n.first+1 {
		t.Errorf("schema epoch %d at epoch %d, want it above %d at %d", db.SchemaEpoch, n.store.Current().Epoch, n.firstSchema, n.first+1)
	}
	if _, err := n.schemas.Changed(t.Context(), "nobody"); sqlerr.From(err).SQLState != "3D000" {
		t.Errorf("unknown database: %v, want 3D000", err)
	}
}

// TestChangesShareReads: who asks while a read is under way gets the next one,
// which all of them share, and what else changed meanwhile is kept.
func TestChangesShareReads(t *testing.T) {
	n := newNodes(t, table("a"))
	n.began, n.gate = make(chan struct{}), make(chan error)
	n.start()
	var group sync.WaitGroup
	ask := func() {
		group.Go(func() {
			if _, err := n.schemas.Changed(t.Context(), "app"); err != nil {
				t.Error(err)
			}
		})
	}
	ask()
	<-n.began
	for range 8 {
		ask()
	}
	each := n.schemas.of("app")
	for waiting := 0; waiting < 8; time.Sleep(time.Millisecond) {
		each.mu.Lock()
		waiting = len(each.mu.asked)
		each.mu.Unlock()
	}
	if _, err := n.store.Propose(t.Context(), topology.SetPool{Database: "app", Pool: topology.Pool{Max: 77}}, 0); err != nil {
		t.Fatal(err)
	}
	n.gate <- nil
	<-n.began
	n.have(table("a"), table("b"))
	n.gate <- nil
	group.Wait()
	if got := n.reads.Load(); got != 2 {
		t.Errorf("the catalogs were read %d times, want 2", got)
	}
	if diff := cmp.Diff([]string{"a", "b"}, n.names()); diff != "" {
		t.Errorf("relations: -want +got\n%s", diff)
	}
	if got := n.database().Pool.Max; got != 77 {
		t.Errorf("the pool's limit is %d: the change was lost", got)
	}
}

// TestUnreadableSchemaIsRefused: after DDL a catalog that cannot be read makes
// all tables refuse statements, until it can be read.
func TestUnreadableSchemaIsRefused(t *testing.T) {
	system := table("pg_class")
	system.Placement, system.Key = topology.System, topology.Key{}
	n := newNodes(t, table("a", "a warning"), system)
	n.gate = make(chan error, 3)
	n.start()
	cause := errors.New("it is down")
	n.gate <- cause
	_, err := n.schemas.Changed(t.Context(), "app")
	if !errors.Is(err, cause) {
		t.Fatalf("error %v, want %v", err, cause)
	}
	if seen := sqlerr.From(err); seen.Hint == "" || seen.Detail == "" {
		t.Errorf("the client sees no detail or hint: %+v", seen)
	}
	db := n.database()
	for name, want := range map[string]topology.Placement{"a": topology.Refused, "pg_class": topology.System} {
		rel := db.Relations[topology.TableName{Schema: "public", Name: name}]
		if rel == nil || rel.Placement != want {
			t.Errorf("%s: %+v, want %s", name, rel, want)
		}
	}
	if diff := cmp.Diff([]string{"app"}, staleDatabases(n.store.Current())); diff != "" {
		t.Errorf("stale databases: -want +got\n%s", diff)
	}
	refusedAt := n.store.Current().Epoch

	n.gate <- cause // the first retry, which nobody asked for, fails too
	n.gate <- nil
	for deadline := time.Now().Add(patience); len(staleDatabases(n.store.Current())) > 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the schema was not read again")
		}
	}
	a := n.database().Relations[topology.TableName{Schema: "public", Name: "a"}]
	if a.Placement != topology.Sharded || !slices.Equal(a.Warnings, []string{"a warning"}) {
		t.Errorf("afterwards the table is %+v", a)
	}
	if got := n.store.Current().Epoch; got != refusedAt+1 {
		t.Errorf("epoch %d, want %d: a failing retry changes nothing", got, refusedAt+1)
	}
}

// TestChangedOutlivesItsClient: the catalogs are read though nobody waits.
func TestChangedOutlivesItsClient(t *testing.T) {
	n := newNodes(t, table("a"))
	n.gate = make(chan error)
	n.start()
	n.have(table("b"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := n.schemas.Changed(ctx, "app"); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want canceled", err)
	}
	n.gate <- nil
	for deadline := time.Now().Add(patience); n.store.Current().Epoch == n.first; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the catalogs were not read")
		}
	}
}

// TestChangedAtTheEnd: who asks a proxy that has stopped, or waits when it
// does, is told so.
func TestChangedAtTheEnd(t *testing.T) {
	n := newNodes(t, table("a"))
	n.began, n.gate = make(chan struct{}, 1), make(chan error)
	n.start()
	first, second := make(chan error, 1), make(chan error, 1)
	go func() {
		_, err := n.schemas.Changed(t.Context(), "app")
		first <- err
	}()
	<-n.began
	each := n.schemas.of("app")
	reply := each.ask()
	go func() { second <- (<-reply).err }()
	n.cancel()
	n.gate <- nil
	if err := <-first; err != nil && sqlerr.From(err).SQLState != "57P01" {
		t.Errorf("a read that was under way: %v, want nothing or 57P01", err)
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
		each.mu.Lock()
		stopped := each.mu.stopped
		each.mu.Unlock()
		if stopped || time.Now().After(deadline) {
			break
		}
		select { // it may have begun the second one before it saw the end
		case <-n.began:
			n.gate <- nil
		default:
		}
	}
	if err := <-second; err != nil && sqlerr.From(err).SQLState != "57P01" {
		t.Errorf("who waited got %v, want nothing or 57P01", err)
	}
	if _, err := n.schemas.Changed(t.Context(), "app"); sqlerr.From(err).SQLState != "57P01" {
		t.Errorf("who came late got %v, want 57P01", err)
	}
}

// TestCheckRefusesNothing: catalogs that are read though nobody has changed them, and
// cannot be, are read later; statements go on meanwhile.
func TestCheckRefusesNothing(t *testing.T) {
	n := newNodes(t, table("a"))
	n.gate = make(chan error)
	n.start()
	n.schemas.check()
	n.gate <- errors.New("it is down")
	n.have(table("a"), table("b")) // somebody did, and did not live to say so
	n.gate <- nil
	for deadline := time.Now().Add(patience); n.store.Current().Epoch == n.first; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the catalogs were not read again")
		}
	}
	if diff := cmp.Diff([]string{"a", "b"}, n.names()); diff != "" {
		t.Errorf("relations: -want +got\n%s", diff)
	}
	if got := n.store.Current().Epoch; got != n.first+1 {
		t.Errorf("epoch %d, want %d: a check that fails changes nothing", got, n.first+1)
	}
}
