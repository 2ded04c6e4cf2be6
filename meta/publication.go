package meta

import (
	"context"
	"sync"
	"sync/atomic"

	"shardproxy/meta/topology"
)

// Preparer is told of each value before it is published. It must not block for
// long, must not change the value and must not call the store.
type Preparer func(next *topology.Topology)

// publication is the value that everybody reads, and who is told of a new one.
type publication struct {
	current   atomic.Pointer[topology.Topology]
	preparers []Preparer
	changed   notice

	watches struct {
		sync.Mutex
		wake map[*watch]struct{}
	}
}

type watch struct{ changed chan struct{} }

// Current returns the topology in use: nil until the first one is known.
func (p *publication) Current() *topology.Topology { return p.current.Load() }

// epoch is that of Current, 0 without one.
func (p *publication) epoch() topology.Epoch {
	if t := p.current.Load(); t != nil {
		return t.Epoch
	}
	return 0
}

// publish makes next the current value. One goroutine at a time publishes.
func (p *publication) publish(next *topology.Topology) {
	for _, prepare := range p.preparers {
		prepare(next)
	}
	p.current.Store(next)
	p.changed.wake()
	p.watches.Lock()
	defer p.watches.Unlock()
	for w := range p.watches.wake {
		select {
		case w.changed <- struct{}{}:
		default: // it has not looked at the change before yet
		}
	}
}

// Watch returns a channel that receives after a new topology was published;
// Current returns that one or a newer one. Changes that follow each other
// closely may be one signal. The channel is never closed. stop ends the watch
// and may be called more than once.
func (p *publication) Watch() (changed <-chan struct{}, stop func()) {
	w := &watch{changed: make(chan struct{}, 1)}
	p.watches.Lock()
	defer p.watches.Unlock()
	if p.watches.wake == nil {
		p.watches.wake = make(map[*watch]struct{})
	}
	p.watches.wake[w] = struct{}{}
	return w.changed, func() {
		p.watches.Lock()
		defer p.watches.Unlock()
		delete(p.watches.wake, w)
	}
}

// Wait returns when this peer has published epoch or a later one. The error is
// that of ctx.
func (p *publication) Wait(ctx context.Context, epoch topology.Epoch) error {
	for {
		changed := p.changed.next()
		if t := p.current.Load(); t != nil && t.Epoch >= epoch {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}
