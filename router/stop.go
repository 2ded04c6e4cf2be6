package router

import (
	"context"
	"sync"
	"time"

	"shardproxy/protocol/sqlerr"
)

// drain ends idle sessions and waits, up to the limit, for the others.
func (s *Server) drain(ctx context.Context) {
	s.mu.Lock()
	s.draining = true
	for _, c := range s.sessions {
		c.session.Drain()
	}
	s.mu.Unlock()
	if s.opts.DrainTimeout <= 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, s.opts.DrainTimeout)
	defer cancel()
	for s.count() > 0 && !s.hurried() && pause(ctx, 10*time.Millisecond) {
	}
}

func (s *Server) hurried() bool {
	select {
	case <-s.opts.Hurry:
		return true
	default:
		return false
	}
}

func (s *Server) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sessions)
}

// closeAll ends the sessions that outlived the drain, all at once: each may have
// to ask a node to cancel a statement.
func (s *Server) closeAll() {
	s.mu.Lock()
	var group sync.WaitGroup
	for _, c := range s.sessions {
		group.Go(func() {
			c.end(sqlerr.AdminShutdown())
			c.session.Abort()
		})
	}
	s.mu.Unlock()
	group.Wait()
}
