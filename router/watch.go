package router

import (
	"context"
	"net"
	"sync"
	"time"

	"golang.org/x/sys/unix"
)

const (
	// watchInterval is how often sessions that wait for a node are looked at.
	watchInterval = 200 * time.Millisecond
	// watchAfter is how long a session has waited before its client is.
	watchAfter = 200 * time.Millisecond
)

// watch ends sessions whose client vanished while a node works for it: nobody
// reads from a client's connection then, so nobody else would notice.
func (s *Server) watch(ctx context.Context) {
	var group sync.WaitGroup
	defer group.Wait()
	for pause(ctx, watchInterval) {
		for _, c := range s.waiting(time.Now()) {
			if vanished(c.conn) && c.vanished.CompareAndSwap(false, true) {
				group.Go(func() { c.session.Vanish(ctx) }) // a node may be slow to cancel
			}
		}
	}
}

// waiting are the clients whose sessions have been waiting for a node.
func (s *Server) waiting(now time.Time) []*client {
	s.mu.Lock()
	defer s.mu.Unlock()
	var list []*client
	for _, c := range s.sessions {
		if c.session.WaitingLonger(watchAfter, now) {
			list = append(list, c)
		}
	}
	return list
}

// vanished reports whether the other end of a socket was closed or reset.
func vanished(conn net.Conn) bool {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return false
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		return true
	}
	gone := false
	err = raw.Control(func(fd uintptr) {
		var b [1]byte
		n, _, err := unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
		gone = n == 0 && err == nil || err != nil && err != unix.EAGAIN && err != unix.EINTR
	})
	return gone || err != nil
}
