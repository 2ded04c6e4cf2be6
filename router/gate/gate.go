package gate

import (
	"context"
	"sync"
	"sync/atomic"

	"shardproxy/meta/topology"
)

// Source gives the topology in use. *meta.Store is one.
type Source interface {
	// Current returns the topology in use. It never blocks.
	Current() *topology.Topology
	// Watch returns a channel that receives after Current has changed.
	Watch() (changed <-chan struct{}, stop func())
}

// Gate is that of a process. All methods may be called by any goroutine.
type Gate struct {
	source Source

	// draining counts the calls of Drain: slots say when they are left then.
	draining atomic.Int32

	mu    sync.Mutex
	slots map[*Slot]struct{}
	left  chan struct{} // closed and made anew when a slot is left
}

// New returns a gate without slots.
func New(source Source) *Gate {
	return &Gate{source: source, slots: make(map[*Slot]struct{}), left: make(chan struct{})}
}

// Current returns the topology in use, for what is not counted.
func (g *Gate) Current() *topology.Topology { return g.source.Current() }

// Slot makes the slot of a session. The session closes it.
func (g *Gate) Slot(database string) *Slot {
	s := &Slot{gate: g, database: database}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.slots[s] = struct{}{}
	return s
}

// Drain waits until nothing is under way in a database that was planned with an
// older topology than epoch. That one must be in use already, and must hold new
// work, or the wait may never end. The error is the cause of ctx.
func (g *Gate) Drain(ctx context.Context, database string, epoch topology.Epoch) error {
	g.draining.Add(1)
	defer g.draining.Add(-1)
	for {
		drained, left := g.drained(database, epoch)
		if drained {
			return nil
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-left:
		}
	}
}

// drained looks at all slots. left is closed when one is left after the look.
func (g *Gate) drained(database string, epoch topology.Epoch) (yes bool, left <-chan struct{}) {
	g.mu.Lock()
	defer g.mu.Unlock()
	for s := range g.slots {
		if since := s.since.Load(); since != 0 && since < uint64(epoch) && s.database == database {
			return false, g.left
		}
	}
	return true, g.left
}

// tell wakes the calls of Drain.
func (g *Gate) tell() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.left)
	g.left = make(chan struct{})
}
