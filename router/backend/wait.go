package backend

import (
	"context"
	"time"

	"shardproxy/protocol/sqlerr"
)

// wait is Acquire without an idle connection.
func (p *Pool) wait(ctx context.Context) (*Conn, error) {
	w := &waiter{since: p.o.Clock.Now(), served: make(chan served, 1)}
	c, err := p.waitInLine(ctx, w)
	p.o.Metrics.QueueWaited(p.o.Clock.Now().Sub(w.since))
	return c, err
}

func (p *Pool) waitInLine(ctx context.Context, w *waiter) (*Conn, error) {
	c, err := p.enqueue(w, nil)
	if c != nil && c.alive() || err != nil {
		return c, err
	}
	timeout, stop := p.o.Clock.NewTimer(w.limits.QueueTimeout)
	defer stop()
	for {
		if c != nil {
			c, err = p.enqueue(w, c)
		}
		if c == nil && err == nil {
			c, err = p.await(ctx, w, timeout)
		}
		if err != nil || c.alive() {
			return c, err
		}
	}
}

// enqueue returns an idle connection, or puts w in the queue: at its end, or in
// front if w had its turn but dead was all it got, which is closed then.
func (p *Pool) enqueue(w *waiter, dead *Conn) (*Conn, error) {
	p.mu.Lock()
	if dead != nil {
		defer p.finish(dead, ClosedDead)
	}
	defer p.mu.Unlock()
	if p.mu.closed {
		if dead != nil {
			p.closeLocked(dead)
		}
		return nil, closedError(p.o.Node)
	}
	if dead == nil {
		w.limits = p.mu.limits
		if c := p.takeIdleLocked(); c != nil {
			return c, nil
		}
		if full := w.limits.MaxQueue; full > 0 && p.mu.waiters.len >= full {
			return nil, sqlerr.QueueFull(string(p.o.Node))
		}
		p.mu.counters.Queued++
		p.mu.waiters.pushBack(w)
		p.serveWaitersLocked()
		return nil, nil
	}
	if p.o.Clock.Now().Sub(w.since) >= w.limits.QueueTimeout {
		p.closeLocked(dead)
		return nil, p.timeoutErrorLocked(w)
	}
	c := p.takeIdleLocked()
	if c == nil {
		p.mu.waiters.pushFront(w)
	}
	p.closeLocked(dead) // lets w have its place
	return c, nil
}

// await waits in the queue until w is served, its time is over, or its client
// does not want it any more.
func (p *Pool) await(ctx context.Context, w *waiter, timeout <-chan time.Time) (*Conn, error) {
	select {
	case s := <-w.served:
		return s.conn, s.err
	case <-ctx.Done():
		if s, ok := p.leave(w); !ok && s.conn != nil {
			p.Release(s.conn)
		}
		return nil, context.Cause(ctx)
	case <-timeout:
		if s, ok := p.leave(w); !ok {
			return s.conn, s.err
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		return nil, p.timeoutErrorLocked(w)
	}
}

// leave takes w out of the queue. When it was served already, it reports false
// and what it got.
func (p *Pool) leave(w *waiter) (served, bool) {
	p.mu.Lock()
	left := p.mu.waiters.remove(w)
	p.mu.Unlock()
	if left {
		return served{}, true
	}
	return <-w.served, false
}

// timeoutErrorLocked counts and explains a queue timeout.
func (p *Pool) timeoutErrorLocked(w *waiter) error {
	p.mu.counters.Timeouts++
	return timeoutError(queueState{
		node:   p.o.Node,
		waited: p.o.Clock.Now().Sub(w.since),
		max:    w.limits.Max,
		held:   len(p.mu.conns) - len(p.mu.idle),
		cause:  p.mu.trouble.last,
	})
}

// serveWaitersLocked starts the dials that waiting clients need. Where nothing
// is under way that could serve them, they are told so.
func (p *Pool) serveWaitersLocked() {
	if p.mu.waiters.len == 0 {
		return
	}
	for p.mu.dialing < p.mu.waiters.len && p.roomLocked() {
		p.dialLocked()
	}
	if p.mu.dialing == 0 && len(p.mu.conns) == 0 {
		p.failWaitersLocked(p.unavailableLocked())
	}
}

// failWaitersLocked ends the wait of all clients.
func (p *Pool) failWaitersLocked(err error) {
	for w := p.mu.waiters.pop(); w != nil; w = p.mu.waiters.pop() {
		w.served <- served{err: err}
	}
}
