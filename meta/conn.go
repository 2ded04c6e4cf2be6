package meta

import (
	"container/list"
	"net"
	"sync"
	"time"
)

// queue is a net.Listener for connections of one kind.
type queue struct {
	address net.Addr
	conns   chan net.Conn
	done    chan struct{}
	once    sync.Once
}

var _ net.Listener = (*queue)(nil)

func newQueue(address net.Addr) *queue {
	return &queue{address: address, conns: make(chan net.Conn), done: make(chan struct{})}
}

// put gives conn to who accepts, and closes it when nobody does any more.
func (q *queue) put(conn net.Conn) {
	select {
	case q.conns <- conn:
	case <-q.done:
		conn.Close()
	}
}

// Accept implements net.Listener.
func (q *queue) Accept() (net.Conn, error) {
	select {
	case conn := <-q.conns:
		return conn, nil
	case <-q.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener. It may be called more than once.
func (q *queue) Close() error {
	q.end()
	return nil
}

func (q *queue) end() { q.once.Do(func() { close(q.done) }) }

// Addr implements net.Listener.
func (q *queue) Addr() net.Addr { return q.address }

// closedWithin waits, and says whether the queue was closed meanwhile.
func (q *queue) closedWithin(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-q.done:
		return true
	case <-timer.C:
		return false
	}
}

// openConn is a connection that the listener closes with itself.
type openConn struct {
	net.Conn
	listener *listener
	stranger *list.Element
}

// Close implements net.Conn.
func (c *openConn) Close() error {
	c.listener.forget(c)
	return c.Conn.Close()
}

// unreadConn has bytes that were read from it before.
type unreadConn struct {
	net.Conn
	unread []byte
}

// Read implements net.Conn.
func (c *unreadConn) Read(p []byte) (int, error) {
	if len(c.unread) == 0 {
		return c.Conn.Read(p)
	}
	n := copy(p, c.unread)
	c.unread = c.unread[n:]
	return n, nil
}
