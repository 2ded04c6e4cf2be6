package backend

import "context"

// Canceler cancels the statement that runs on a connection for one holder. It
// may be kept and used by any goroutine at any time: once the holder has
// released the connection it does nothing. The zero value does nothing.
type Canceler struct {
	conn  *Conn
	lease uint64
}

// Canceler returns the right to cancel what the holder runs on c. It must be
// called by the holder.
func (c *Conn) Canceler() Canceler {
	// Only Release and Acquire write the lease, never while c is held.
	return Canceler{conn: c, lease: c.pooled.lease}
}

// Cancel asks the server to cancel the statement that the holder runs on c and
// waits until the request has taken effect. It is for the holder alone; give
// others a Canceler.
func (c *Conn) Cancel(ctx context.Context) error { return c.Canceler().Cancel(ctx) }

// Cancel asks the server to cancel the statement that runs on the connection
// (a CancelRequest, encrypted where the connection is) and waits until the
// server has taken notice or ctx is done. It does nothing, without an error,
// when the holder has released the connection. As always with PostgreSQL, an
// idle server process ignores the request.
//
// While it runs, and if it cannot be said whether the request will still
// arrive, the connection is not given to another client.
func (k Canceler) Cancel(ctx context.Context) error {
	c := k.conn
	if c == nil {
		return nil
	}
	if c.sendCancel == nil {
		return errNoCancel
	}
	if c.pool == nil {
		_, err := c.sendCancel(ctx)
		return err
	}
	if !c.pool.beginCancel(c, k.lease) {
		return nil
	}
	settled, err := c.sendCancel(ctx)
	c.pool.endCancel(c, settled)
	return err
}

// beginCancel counts a cancel request, if lease still holds c.
func (p *Pool) beginCancel(c *Conn, lease uint64) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.pooled.state != connHeld || c.pooled.lease != lease {
		return false
	}
	c.pooled.cancels++
	return true
}

// endCancel ends what beginCancel began and passes on a connection that was
// released meanwhile.
func (p *Pool) endCancel(c *Conn, settled bool) {
	p.mu.Lock()
	c.pooled.cancels--
	if !settled {
		c.pooled.unsettled = true
	}
	if c.pooled.state != connCancelling || c.pooled.cancels > 0 {
		p.mu.Unlock()
		return
	}
	p.mu.cancelling--
	reason := p.settleLocked(c)
	p.mu.Unlock()
	p.finish(c, reason)
}
