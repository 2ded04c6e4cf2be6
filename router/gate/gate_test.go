package gate_test

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"shardproxy/meta/topology"
	"shardproxy/router/gate"
)

// at returns a topology of one database, held or not.
func at(epoch topology.Epoch, paused bool) *topology.Topology {
	db := &topology.Database{
		Name: "app", Engine: topology.Postgres, Paused: paused,
		Nodes:  []topology.Node{{ID: "pg-1", Weight: 1}},
		Owners: []topology.NodeIndex{0, 0},
	}
	return &topology.Topology{Epoch: epoch, Databases: map[string]*topology.Database{"app": db}}
}

// published is a source whose topology tests replace.
type published struct {
	current  atomic.Pointer[topology.Topology]
	mu       sync.Mutex
	watchers map[chan struct{}]bool
}

func newPublished() *published {
	p := &published{watchers: make(map[chan struct{}]bool)}
	p.current.Store(at(1, false))
	return p
}

func (p *published) Current() *topology.Topology { return p.current.Load() }

func (p *published) Watch() (changed <-chan struct{}, stop func()) {
	w := make(chan struct{}, 1)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.watchers[w] = true
	return w, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.watchers, w)
	}
}

// publish makes the next topology and returns its epoch.
func (p *published) publish(paused bool) topology.Epoch {
	next := at(p.Current().Epoch+1, paused)
	p.current.Store(next)
	p.mu.Lock()
	defer p.mu.Unlock()
	for w := range p.watchers {
		select {
		case w <- struct{}{}:
		default:
		}
	}
	return next.Epoch
}

func TestWorkIsCountedUntilItLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := newPublished()
		g := gate.New(source)
		slot, other := g.Slot("app"), g.Slot("another")
		if _, held := slot.Enter(); held {
			t.Fatal("held with no hold")
		}
		other.Enter() // another database's work does not matter
		epoch := source.publish(true)
		var drained atomic.Bool
		go func() {
			if err := g.Drain(t.Context(), "app", epoch); err != nil {
				t.Error(err)
			}
			drained.Store(true)
		}()
		synctest.Wait()
		if top, held := slot.Enter(); held || top.Epoch != epoch {
			t.Errorf("work under way: epoch %d, held %v; want %d, and to go on", top.Epoch, held, epoch)
		}
		synctest.Wait()
		if drained.Load() {
			t.Fatal("drained with work under way")
		}
		slot.Leave()
		synctest.Wait()
		if !drained.Load() {
			t.Fatal("not drained after the work has left")
		}
		if _, held := slot.Enter(); !held || slot.Entered() {
			t.Errorf("new work: held %v, entered %v; want it held and not counted", held, slot.Entered())
		}
	})
}

func TestHeldWorkGoesOnWhenTheHoldEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := newPublished()
		g := gate.New(source)
		slot := g.Slot("app")
		source.publish(true)
		if _, held := slot.Enter(); !held {
			t.Fatal("not held")
		}
		var done atomic.Bool
		go func() {
			if err := slot.Wait(t.Context()); err != nil {
				t.Error(err)
			}
			done.Store(true)
		}()
		source.publish(true) // another change, still held
		synctest.Wait()
		if done.Load() {
			t.Fatal("went on while held")
		}
		epoch := source.publish(false)
		synctest.Wait()
		if !done.Load() {
			t.Fatal("still waits")
		}
		if top, held := slot.Enter(); held || top.Epoch != epoch {
			t.Errorf("epoch %d, held %v; want %d", top.Epoch, held, epoch)
		}
	})
}

func TestWaitsEndWithTheirContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		source := newPublished()
		g := gate.New(source)
		slot := g.Slot("app")
		slot.Enter()
		epoch := source.publish(true)
		late := errors.New("late")
		ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, late)
		defer cancel()
		if err := g.Drain(ctx, "app", epoch); !errors.Is(err, late) {
			t.Errorf("Drain: %v", err)
		}
		if err := slot.Wait(ctx); !errors.Is(err, late) {
			t.Errorf("Wait: %v", err)
		}
	})
}

// The first look may be at a topology that is replaced before the slot is counted:
// Drain would not have seen the work, so it must not begin.
func TestHoldBetweenTheLooks(t *testing.T) {
	held2 := at(2, true)
	source := &sequence{list: []*topology.Topology{at(1, false), held2, held2, held2}}
	slot := gate.New(source).Slot("app")
	if top, held := slot.Enter(); !held || top != held2 || slot.Entered() {
		t.Errorf("epoch %d, held %v, entered %v; want 2, held and not counted", top.Epoch, held, slot.Entered())
	}
}

// sequence is a source that goes on with each look.
type sequence struct{ list []*topology.Topology }

func (s *sequence) Current() *topology.Topology {
	now := s.list[0]
	if len(s.list) > 1 {
		s.list = s.list[1:]
	}
	return now
}

func (s *sequence) Watch() (changed <-chan struct{}, stop func()) { return nil, func() {} }

// A session that ends in the middle of something must not be waited for for ever.
func TestClosedSlotIsNotCounted(t *testing.T) {
	source := newPublished()
	g := gate.New(source)
	slot := g.Slot("app")
	slot.Enter()
	epoch := source.publish(true)
	slot.Close()
	if err := g.Drain(t.Context(), "app", epoch); err != nil {
		t.Fatal(err)
	}
}

// Workers write while holds come and go. While a hold is in force and drained,
// none of them may be at work, and none may work with a topology from before it.
func TestNobodyWorksBehindADrainedHold(t *testing.T) {
	source := newPublished()
	g := gate.New(source)
	ctx, stop := context.WithCancel(t.Context())
	var working, statements atomic.Int64
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			slot := g.Slot("app")
			defer slot.Close()
			for ctx.Err() == nil {
				top, held := slot.Enter()
				if held {
					if slot.Wait(ctx) != nil {
						return
					}
					continue
				}
				working.Add(1)
				if gate.Held(top, "app") {
					t.Error("planned with a topology that holds")
				}
				statements.Add(1)
				working.Add(-1)
				slot.Leave()
				runtime.Gosched()
			}
		})
	}
	for range 2000 {
		epoch := source.publish(true)
		if err := g.Drain(ctx, "app", epoch); err != nil {
			t.Fatal(err)
		}
		if n := working.Load(); n != 0 {
			t.Fatalf("%d at work behind a drained hold", n)
		}
		before := statements.Load()
		source.publish(false)
		for statements.Load() == before && ctx.Err() == nil {
			runtime.Gosched() // somebody must get on before the next hold
		}
	}
	stop()
	group.Wait()
}

func BenchmarkEnterLeave(b *testing.B) {
	g := gate.New(newPublished())
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		slot := g.Slot("app")
		defer slot.Close()
		for pb.Next() {
			slot.Enter()
			slot.Leave()
		}
	})
}
