package meta

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"shardproxy/meta/topology"
)

func at(epoch topology.Epoch) *topology.Topology { return &topology.Topology{Epoch: epoch} }

func TestPreparersComeFirst(t *testing.T) {
	var order []string
	var p publication
	for _, name := range []string{"a", "b"} {
		p.preparers = append(p.preparers, func(next *topology.Topology) {
			order = append(order, name)
			if p.Current() == next {
				t.Errorf("%s was told after the value was published", name)
			}
		})
	}
	p.publish(at(1))
	p.publish(at(2))
	if want := []string{"a", "b", "a", "b"}; !slices.Equal(order, want) {
		t.Errorf("preparers were called as %v, want %v", order, want)
	}
}

func TestWatch(t *testing.T) {
	var p publication
	one, stopOne := p.Watch()
	two, stopTwo := p.Watch()
	defer stopTwo()
	for epoch := range topology.Epoch(3) {
		p.publish(at(epoch + 1))
	}
	<-one // several changes, one signal
	select {
	case <-one:
		t.Error("a second signal though nothing happened since the first")
	default:
	}
	stopOne()
	stopOne()
	<-two
	p.publish(at(4))
	<-two
	select {
	case <-one:
		t.Error("a watch was woken after its end")
	default:
	}
}

func TestWait(t *testing.T) {
	var p publication
	p.publish(at(2))
	if err := p.Wait(context.Background(), 2); err != nil {
		t.Error(err)
	}
	ctx, cancel := context.WithCancelCause(context.Background())
	gone := errors.New("gone")
	var group sync.WaitGroup
	group.Go(func() {
		if err := p.Wait(context.Background(), 4); err != nil || p.Current().Epoch < 4 {
			t.Errorf("%v at epoch %d", err, p.Current().Epoch)
		}
	})
	group.Go(func() {
		if err := p.Wait(ctx, 9); !errors.Is(err, gone) {
			t.Errorf("error %v, want the cause", err)
		}
	})
	p.publish(at(3))
	p.publish(at(4))
	cancel(gone)
	group.Wait()
}

// TestReaders: readers see epochs grow, and a watcher ends up with the last
// value.
func TestReaders(t *testing.T) {
	const last = 500
	var p publication
	changed, stop := p.Watch()
	defer stop()
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			for before := topology.Epoch(0); before < last; {
				now := p.epoch()
				if now < before {
					t.Errorf("epoch %d after %d", now, before)
					return
				}
				before = now
			}
		})
	}
	readers.Go(func() {
		for epoch := range topology.Epoch(last) {
			p.publish(at(epoch + 1))
		}
	})
	timeout := time.After(10 * time.Second)
	for p.epoch() < last {
		select {
		case <-changed:
		case <-timeout:
			t.Fatalf("epoch %d, want %d", p.epoch(), last)
		}
	}
	readers.Wait()
}

func BenchmarkCurrent(b *testing.B) {
	var p publication
	p.publish(at(1))
	b.ReportAllocs()
	for b.Loop() {
		if p.Current() == nil {
			b.Fatal("nil")
		}
	}
}
