package backend

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"shardproxy/meta/topology"
)

// Conn is one authenticated connection to a node. Whoever acquired it owns it
// alone until Release or Discard; a Canceler is the only thing that others may
// use at the same time. It implements net.Conn.
type Conn struct {
	// Node is the node at the other end.
	Node topology.NodeID
	// PID is the id of the server process and Secret its cancel key
	// (BackendKeyData).
	PID    uint32
	Secret []byte
	// Parameters are the ParameterStatus values at login. They are never
	// changed afterwards and may be read by anybody.
	Parameters map[string]string
	// Attachment is the holder's own state of the connection: prepared
	// statements, applied settings. It survives Release.
	Attachment any
	// CreatedAt is when the login was finished.
	CreatedAt time.Time
	// Generation is the generation of the pool that dialled the connection: it
	// grows when the node's address or the login changes.
	Generation uint64
	// Epoch is the one by which the connection registered on its node, 0 without
	// registration. Invariant: what was planned at an older epoch must not be sent
	// on it, but planned again (MayCarry). A node cuts peers off by ending their
	// connections; a new one would let an old plan through.
	Epoch topology.Epoch

	nc     net.Conn // what is read and written
	sock   net.Conn // the socket below it; nc itself without TLS
	peeker peeker
	// unread is what Unread and the liveness check put back. Read takes it first.
	unread []byte
	broken atomic.Bool // the next Release closes the connection
	timed  atomic.Bool // a deadline may be set

	sendCancel func(ctx context.Context) (settled bool, err error)
	terminate  []byte

	pool   *Pool // nil: not in a pool; set once, before the Conn is shared
	pooled pooledConn
}

// pooledConn is what a pool keeps about its connection, guarded by Pool.mu.
type pooledConn struct {
	state connState
	place int // in Pool.conns
	// lease numbers the ownerships: a Canceler of an earlier one does nothing.
	lease   uint64
	cancels int // cancel requests in flight
	// unsettled: a cancel request was sent and may still arrive at any time.
	unsettled bool
	idleSince time.Time
	expires   time.Time // zero: never
}

// connState is a connection's state in its pool; see the package comment.
type connState uint8

// The states.
const (
	connIdle       connState = iota + 1 // in Pool.idle
	connHeld                            // owned by who acquired it
	connCancelling                      // released, a cancel request in flight
	connClosed                          // no longer in the pool
)

func (s connState) String() string {
	switch s {
	case connIdle:
		return "idle"
	case connHeld:
		return "held"
	case connCancelling:
		return "cancelling"
	case connClosed:
		return "closed"
	default:
		return fmt.Sprintf("connState(%d)", uint8(s))
	}
}

// ConnOptions describe a connection to NewConn.
type ConnOptions struct {
	Node       topology.NodeID
	PID        uint32
	Secret     []byte
	Parameters map[string]string
	CreatedAt  time.Time      // default: now
	Epoch      topology.Epoch // by which it registered
	// SendCancel asks the server to cancel what runs on the connection and
	// returns when that has happened. settled is false where the request may
	// still arrive later: the connection is then closed at its Release. Nil:
	// Cancel returns an error that wraps errors.ErrUnsupported.
	SendCancel func(ctx context.Context) (settled bool, err error)
	// Terminate is written before an idle connection is closed, so that the
	// server sees an orderly end.
	Terminate []byte
}

// NewConn takes over nc, an authenticated connection on which the server waits
// for a command. The liveness check needs a socket below it (net.TCPConn,
// net.UnixConn, or one of them in a tls.Conn); others are taken to be alive.
func NewConn(nc net.Conn, o ConnOptions) (*Conn, error) {
	c := &Conn{
		Node:       o.Node,
		PID:        o.PID,
		Secret:     o.Secret,
		Parameters: o.Parameters,
		CreatedAt:  o.CreatedAt,
		Epoch:      o.Epoch,
		nc:         nc,
		sock:       nc,
		sendCancel: o.SendCancel,
		terminate:  o.Terminate,
	}
	if c.CreatedAt.IsZero() {
		c.CreatedAt = time.Now()
	}
	if t, ok := nc.(*tls.Conn); ok {
		c.sock = t.NetConn()
	}
	if s, ok := c.sock.(syscall.Conn); ok {
		raw, err := s.SyscallConn()
		if err != nil {
			return nil, fmt.Errorf("backend: socket of node %q: %w", o.Node, err)
		}
		c.peeker.init(raw)
	}
	return c, nil
}

// MayCarry reports whether what was planned at an epoch may be sent on c. What may
// not must be planned again, which the proxy's topology allows by then.
func (c *Conn) MayCarry(planned topology.Epoch) bool { return planned >= c.Epoch }

// String names the connection; it holds no secret.
func (c *Conn) String() string { return fmt.Sprintf("connection %d to node %q", c.PID, c.Node) }

// Read implements net.Conn. It returns first what Unread put back. Of Read and
// Unread one may run at a time.
func (c *Conn) Read(b []byte) (int, error) {
	if len(c.unread) > 0 {
		return c.readUnread(b), nil
	}
	return c.nc.Read(b)
}

func (c *Conn) readUnread(b []byte) int {
	n := copy(b, c.unread)
	c.unread = c.unread[n:]
	if len(c.unread) == 0 {
		c.unread = nil
	}
	return n
}

// Unread puts back bytes that were read behind the last ReadyForQuery, ahead of
// what was put back before: Read returns them again. It copies b.
func (c *Conn) Unread(b []byte) {
	if len(b) > 0 {
		c.unread = slices.Concat(b, c.unread)
	}
}

// Write implements net.Conn.
func (c *Conn) Write(b []byte) (int, error) { return c.nc.Write(b) }

// WriteBuffers writes all buffers, with one system call where the connection
// is not encrypted. It consumes bufs as net.Buffers.WriteTo does.
func (c *Conn) WriteBuffers(bufs *net.Buffers) (int64, error) { return bufs.WriteTo(c.nc) }

// SetDeadline implements net.Conn. Release clears a deadline that the holder
// left behind.
func (c *Conn) SetDeadline(t time.Time) error {
	c.timed.Store(true)
	return c.nc.SetDeadline(t)
}

// SetReadDeadline implements net.Conn.
func (c *Conn) SetReadDeadline(t time.Time) error {
	c.timed.Store(true)
	return c.nc.SetReadDeadline(t)
}

// SetWriteDeadline implements net.Conn. On an encrypted connection a write that
// timed out leaves it unusable.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.timed.Store(true)
	return c.nc.SetWriteDeadline(t)
}

// LocalAddr implements net.Conn.
func (c *Conn) LocalAddr() net.Addr { return c.nc.LocalAddr() }

// RemoteAddr implements net.Conn.
func (c *Conn) RemoteAddr() net.Addr { return c.nc.RemoteAddr() }

// Encrypted reports whether the connection uses TLS.
func (c *Conn) Encrypted() bool { return c.nc != c.sock }

// MarkBroken makes the next Release close the connection. Exec calls it where
// it could not read up to ReadyForQuery.
func (c *Conn) MarkBroken() { c.broken.Store(true) }

// Close closes the socket at once. It may be called by anybody, to unblock the
// holder, who must still Release or Discard the connection.
func (c *Conn) Close() error { return c.sock.Close() }

// hangUp closes the connection for good; politely where the server waits for a
// command.
func (c *Conn) hangUp(polite bool) {
	if !polite || len(c.terminate) == 0 {
		_ = c.sock.Close() // nothing left to do about it
		return
	}
	_ = c.nc.SetWriteDeadline(time.Now().Add(terminateTimeout))
	_, _ = c.nc.Write(c.terminate)
	_ = c.sock.Close()
}

// terminateTimeout bounds the good-bye; it is five bytes into an empty socket
// buffer.
const terminateTimeout = 100 * time.Millisecond

// clearDeadline takes back what the holder set. It reports whether it could.
func (c *Conn) clearDeadline() bool {
	if !c.timed.Load() {
		return true
	}
	c.timed.Store(false)
	return c.nc.SetDeadline(time.Time{}) == nil
}

var _ net.Conn = (*Conn)(nil)
