package backend

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// Pool keeps the connections of one (database, user, node). All methods may be
// called by any goroutine.
//
// Invariant: while a client waits no connection is idle, and something is under
// way that will serve it or fail: a connection is held, cancelling or being
// dialled.
type Pool struct {
	o      PoolOptions
	ctx    context.Context // of the dials; ends with Close
	cancel context.CancelFunc
	group  sync.WaitGroup // the dials
	// drained is closed when the pool is closed and has no connection left.
	drained chan struct{}

	mu struct {
		sync.Mutex
		limits     Limits
		conns      []*Conn // all of them
		idle       []*Conn // of these the idle ones, the one used last at the end
		cancelling int     // of these released with a cancel request in flight
		dialing    int
		waiters    queue
		trouble    trouble
		counters   Stats // only the part that grows
		closed     bool
	}
}

// NewPool returns a pool without connections: they are dialled when Acquire or
// Maintain need them. The caller must Close it.
func NewPool(o PoolOptions) (*Pool, error) {
	o, limits, err := o.complete()
	if err != nil {
		return nil, err
	}
	p := &Pool{o: o, drained: make(chan struct{})}
	p.ctx, p.cancel = context.WithCancel(context.Background())
	p.mu.limits = limits
	return p, nil
}

// Acquire returns a connection that the caller owns until it calls Release or
// Discard. It takes the idle connection used last; without one it dials, or
// waits for whichever comes first, a released connection or the new one.
// Waiting clients are served in the order they came.
//
// The error is the context's cause when ctx is done, else a *sqlerr.Error: the
// queue timeout was reached, the node does not accept connections, or the pool
// was closed.
func (p *Pool) Acquire(ctx context.Context) (*Conn, error) {
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	for {
		c := p.takeIdle()
		if c == nil {
			return p.wait(ctx)
		}
		if c.alive() {
			return c, nil
		}
		p.drop(c, ClosedDead)
	}
}

// takeIdle returns the idle connection used last, or nil. Its liveness is still
// to be checked.
func (p *Pool) takeIdle() *Conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.takeIdleLocked()
}

func (p *Pool) takeIdleLocked() *Conn {
	n := len(p.mu.idle)
	if n == 0 {
		return nil
	}
	c := p.mu.idle[n-1]
	p.mu.idle[n-1] = nil
	p.mu.idle = p.mu.idle[:n-1]
	c.pooled.state = connHeld
	p.mu.counters.Acquired++
	return c
}

// Release gives back a connection on which the server waits for a command,
// outside a transaction, everything it sent read (or put back by Unread), no
// Read running. It is closed instead if it is marked broken, has reached its
// lifetime, or if the pool is too large or closed. It goes to nobody while a
// cancel request for it is in flight.
func (p *Pool) Release(c *Conn) {
	broken := !c.clearDeadline() || c.broken.Load()
	p.mu.Lock()
	if c.pool != p || c.pooled.state != connHeld {
		p.mu.Unlock()
		p.o.Logger.Error("connection released that is not held", "node", p.o.Node, "pid", c.PID)
		return
	}
	c.pooled.lease++
	if broken {
		p.closeLocked(c)
		p.mu.Unlock()
		p.finish(c, ClosedBroken)
		return
	}
	if c.pooled.cancels > 0 && !c.pooled.unsettled && !p.mu.closed {
		c.pooled.state = connCancelling
		p.mu.cancelling++
		p.mu.Unlock()
		return
	}
	reason := p.settleLocked(c)
	p.mu.Unlock()
	p.finish(c, reason)
}

// settleLocked gives an idle connection that is in no list to the client that
// waits longest, or to the idle ones, or takes it out of the pool: then it
// returns the reason and the caller calls finish.
func (p *Pool) settleLocked(c *Conn) CloseReason {
	now := p.o.Clock.Now()
	if reason := p.unfitLocked(c, now); reason != 0 {
		p.closeLocked(c)
		return reason
	}
	if w := p.mu.waiters.pop(); w != nil {
		c.pooled.state = connHeld
		p.mu.counters.Acquired++
		w.served <- served{conn: c}
		return 0
	}
	c.pooled.state = connIdle
	c.pooled.idleSince = now
	p.mu.idle = append(p.mu.idle, c)
	return 0
}

// unfitLocked says why c may not be used again, or 0.
func (p *Pool) unfitLocked(c *Conn, now time.Time) CloseReason {
	switch {
	case p.mu.closed:
		return ClosedPool
	case c.pooled.unsettled:
		return ClosedUnsettled
	case len(p.mu.conns)+p.mu.dialing > p.mu.limits.Max:
		return ClosedSurplus
	case !c.pooled.expires.IsZero() && !now.Before(c.pooled.expires):
		return ClosedLifetime
	default:
		return 0
	}
}

// Discard closes a connection that cannot be used again. A statement that still
// runs there goes on until the server notices: Cancel it first. A connection
// that is no longer in the pool is left alone.
func (p *Pool) Discard(c *Conn) { p.drop(c, ClosedDiscarded) }

// drop takes a held connection out of the pool and closes it.
func (p *Pool) drop(c *Conn, reason CloseReason) {
	p.mu.Lock()
	if c.pool != p || c.pooled.state != connHeld {
		p.mu.Unlock()
		p.o.Logger.Error("connection discarded that is not held", "node", p.o.Node, "pid", c.PID)
		return
	}
	c.pooled.lease++
	p.closeLocked(c)
	p.mu.Unlock()
	p.finish(c, reason)
}

// closeLocked takes c out of the pool and lets waiting clients have its place.
// The caller then calls finish, or hangs up itself.
func (p *Pool) closeLocked(c *Conn) {
	last := len(p.mu.conns) - 1
	moved := p.mu.conns[last]
	p.mu.conns[c.pooled.place] = moved
	moved.pooled.place = c.pooled.place
	p.mu.conns[last] = nil
	p.mu.conns = p.mu.conns[:last]
	c.pooled.state = connClosed
	p.mu.counters.Closed++
	if p.mu.closed {
		if last == 0 {
			close(p.drained)
		}
		return
	}
	p.serveWaitersLocked()
}

// finish closes the socket of a connection that closeLocked took out of the
// pool for reason; 0: it was not taken out.
func (p *Pool) finish(c *Conn, reason CloseReason) {
	if reason == 0 {
		return
	}
	c.hangUp(reason.polite())
	p.o.Metrics.Closed(reason)
	p.o.Logger.Debug("backend connection closed", "node", p.o.Node, "pid", c.PID, "reason", reason)
}

// adoptLocked takes a new connection into the pool, in no list yet.
func (p *Pool) adoptLocked(c *Conn) {
	c.pool = p
	c.Generation = p.o.Generation
	if life := p.mu.limits.Lifetime; life > 0 {
		jitter := time.Duration(rand.Int64N(int64(life)/5 + 1))
		c.pooled.expires = p.o.Clock.Now().Add(life - jitter)
	}
	c.pooled.place = len(p.mu.conns)
	p.mu.conns = append(p.mu.conns, c)
}

// Resize changes the pool's limits. A smaller Max closes idle connections at
// once and held ones when they are released; a shorter lifetime applies to new
// connections.
func (p *Pool) Resize(l Limits) error {
	l, err := l.complete()
	if err != nil {
		return fmt.Errorf("backend: pool of node %q: %w", p.o.Node, err)
	}
	p.mu.Lock()
	p.mu.limits = l
	p.serveWaitersLocked()
	p.mu.Unlock()
	p.Maintain()
	return nil
}
