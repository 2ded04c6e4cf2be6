package backend

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// Maintain brings the pool to what its limits ask for: it closes idle
// connections that are too many, too old or idle for too long, notices when the
// server has gone, dials up to Min, and tries again for clients that wait for a
// node which refused connections. The pool's owner calls it about once a
// second; it does not wait for dials.
func (p *Pool) Maintain() {
	p.mu.Lock()
	if p.mu.closed {
		p.mu.Unlock()
		return
	}
	gone := p.reapLocked(p.o.Clock.Now())
	suspects := p.suspectsLocked()
	for len(p.mu.conns)+p.mu.dialing < p.mu.limits.Min && p.roomLocked() {
		p.dialLocked()
	}
	p.serveWaitersLocked()
	p.mu.Unlock()
	for _, g := range gone {
		p.finish(g.conn, g.reason)
	}
	for _, c := range suspects {
		if c.alive() {
			p.Release(c)
		} else {
			p.drop(c, ClosedDead)
		}
	}
}

// suspectsLocked takes the idle connections whose server did something, as if
// they were acquired, so that they can be looked at. A server that stops closes
// all its connections: a look at one tells whether to look at the others.
func (p *Pool) suspectsLocked() []*Conn {
	if len(p.mu.idle) == 0 || p.mu.idle[0].peeker.peek() == peekedQuiet {
		return nil
	}
	var suspects []*Conn
	p.mu.idle = slices.DeleteFunc(p.mu.idle, func(c *Conn) bool {
		if c.peeker.peek() == peekedQuiet {
			return false
		}
		c.pooled.state = connHeld
		suspects = append(suspects, c)
		return true
	})
	return suspects
}

// reaped is a connection to close.
type reaped struct {
	conn   *Conn
	reason CloseReason
}

// reapLocked takes idle connections out of the pool, those idle for longest
// first.
func (p *Pool) reapLocked(now time.Time) []reaped {
	var gone []reaped
	p.mu.idle = slices.DeleteFunc(p.mu.idle, func(c *Conn) bool {
		reason := p.idleReasonLocked(c, now)
		if reason == 0 {
			return false
		}
		p.closeLocked(c)
		gone = append(gone, reaped{c, reason})
		return true
	})
	return gone
}

// idleReasonLocked says why an idle connection should be closed, or 0.
func (p *Pool) idleReasonLocked(c *Conn, now time.Time) CloseReason {
	if reason := p.unfitLocked(c, now); reason != 0 {
		return reason
	}
	l := p.mu.limits
	if l.IdleTimeout > 0 && now.Sub(c.pooled.idleSince) >= l.IdleTimeout && len(p.mu.conns) > l.Min {
		return ClosedIdle
	}
	return 0
}

// Close ends the pool: waiting clients fail, idle connections are closed, held
// ones when they are released. It returns when no connection and no goroutine
// of the pool is left. When ctx is done before, the held connections' sockets
// are closed under their holders, and the error says how many. It may be called
// several times.
func (p *Pool) Close(ctx context.Context) error {
	p.retire()
	var err error
	select {
	case <-p.drained:
	case <-ctx.Done():
		if n := p.closeSockets(); n > 0 {
			err = fmt.Errorf("backend: pool of node %q closed with %d connections in use: %w",
				p.o.Node, n, context.Cause(ctx))
		}
	}
	p.group.Wait()
	return err
}

// retire closes the pool without waiting for held connections.
func (p *Pool) retire() {
	p.mu.Lock()
	if p.mu.closed {
		p.mu.Unlock()
		return
	}
	p.mu.closed = true
	p.failWaitersLocked(closedError(p.o.Node))
	var gone []*Conn
	for _, c := range slices.Clone(p.mu.conns) {
		if c.pooled.state != connHeld {
			p.closeLocked(c)
			gone = append(gone, c)
		}
	}
	p.mu.idle, p.mu.cancelling = nil, 0
	if len(gone) == 0 && len(p.mu.conns) == 0 {
		close(p.drained)
	}
	p.mu.Unlock()
	p.cancel()
	for _, c := range gone {
		p.finish(c, ClosedPool)
	}
}

// closeSockets ends what holders do with their connections and returns how many
// are held.
func (p *Pool) closeSockets() int {
	p.mu.Lock()
	held := slices.Clone(p.mu.conns)
	p.mu.Unlock()
	for _, c := range held {
		_ = c.Close() // nothing left to do about it
	}
	return len(held)
}

// isDrained reports whether a retired pool has no connection left.
func (p *Pool) isDrained() bool {
	select {
	case <-p.drained:
		return true
	default:
		return false
	}
}
