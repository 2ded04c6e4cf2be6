package router

import (
	"context"
	"sync"
	"time"
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
