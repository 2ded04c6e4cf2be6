package backend

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"
)

var errRefused = errors.New("dial tcp 127.0.0.1:1: connect: connection refused")

// fakeNode stands for a server in tests of what a pool does, not of what a
// server does: its connections are pipes with nobody behind them.
type fakeNode struct {
	mu struct {
		sync.Mutex
		latency time.Duration
		err     error
		dials   int
		running int
		most    int // dials at one time
		conns   []*fakeConn
	}
	// cancel is what SendCancel does; nil: settled at once.
	cancel func(ctx context.Context, pid uint32) (bool, error)
}

// fakeConn is the server's end of a connection.
type fakeConn struct {
	net.Conn
	mu     sync.Mutex
	closed bool
}

func (c *fakeConn) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	return c.Conn.Close()
}

func (n *fakeNode) set(latency time.Duration, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.mu.latency, n.mu.err = latency, err
}

func (n *fakeNode) dials() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.mu.dials
}

// open is the number of connections that were not closed.
func (n *fakeNode) open() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	open := 0
	for _, c := range n.mu.conns {
		c.mu.Lock()
		if !c.closed {
			open++
		}
		c.mu.Unlock()
	}
	return open
}

func (n *fakeNode) Dial(ctx context.Context) (*Conn, error) {
	n.mu.Lock()
	n.mu.dials++
	n.mu.running++
	n.mu.most = max(n.mu.most, n.mu.running)
	pid := uint32(n.mu.dials)
	latency := n.mu.latency
	n.mu.Unlock()

	var err error
	select {
	case <-time.After(latency):
	case <-ctx.Done():
		err = ctx.Err()
	}

	n.mu.Lock()
	defer n.mu.Unlock()
	n.mu.running--
	if err == nil {
		err = n.mu.err
	}
	if err != nil {
		return nil, err
	}
	ours, theirs := net.Pipe()
	_ = theirs.Close()
	c := &fakeConn{Conn: ours}
	n.mu.conns = append(n.mu.conns, c)
	return NewConn(c, ConnOptions{
		Node: "pg-1",
		PID:  pid,
		SendCancel: func(ctx context.Context) (bool, error) {
			if n.cancel == nil {
				return true, nil
			}
			return n.cancel(ctx, pid)
		},
	})
}

// newPool makes a pool of n that is closed, with nothing left, when the test
// ends.
func (n *fakeNode) newPool(t testing.TB, o PoolOptions) *Pool {
	t.Helper()
	o.Node, o.Dial = "pg-1", n.Dial
	p, err := NewPool(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := p.Close(ctx); err != nil {
			t.Error(err)
		}
		if open := n.open(); open != 0 {
			t.Errorf("%d connections left open", open)
		}
	})
	return p
}

func acquire(t testing.TB, p *Pool) *Conn {
	t.Helper()
	c, err := p.Acquire(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// check looks for broken invariants of p.
func (p *Pool) check() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	idle, cancelling := 0, 0
	for i, c := range p.mu.conns {
		if c.pooled.place != i {
			return fmt.Errorf("connection %d is at place %d, says %d", c.PID, i, c.pooled.place)
		}
		switch c.pooled.state {
		case connIdle:
			idle++
		case connCancelling:
			cancelling++
		case connHeld:
		default:
			return fmt.Errorf("connection %d is %s", c.PID, c.pooled.state)
		}
	}
	switch {
	case idle != len(p.mu.idle):
		return fmt.Errorf("%d connections are idle, %d are listed", idle, len(p.mu.idle))
	case cancelling != p.mu.cancelling:
		return fmt.Errorf("%d connections are cancelling, %d are counted", cancelling, p.mu.cancelling)
	case idle > 0 && p.mu.waiters.len > 0:
		return fmt.Errorf("%d clients wait beside %d idle connections", p.mu.waiters.len, idle)
	case p.mu.waiters.len > 0 && len(p.mu.conns)+p.mu.dialing == 0:
		return fmt.Errorf("%d clients wait for nothing", p.mu.waiters.len)
	case p.mu.dialing < 0:
		return fmt.Errorf("%d dials", p.mu.dialing)
	}
	return nil
}
