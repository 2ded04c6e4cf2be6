package router

import (
	"context"
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
	for s.count() > 0 && pause(ctx, 10*time.Millisecond) {
	}
}

func (s *Server) count() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sessions)
}

// closeAll ends the sessions that outlived the drain.
func (s *Server) closeAll() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.sessions {
		c.end(sqlerr.AdminShutdown())
		c.session.Abort()
	}
}
