package router

import (
	"context"
	"crypto/subtle"
	"time"

	"shardproxy/protocol/pgstartup"
)

// cancelTimeout bounds the work for one CancelRequest.
const cancelTimeout = 10 * time.Second

// cancel cancels what the named session runs. A wrong key does nothing and says
// nothing, as the protocol demands.
func (s *Server) cancel(ctx context.Context, key *pgstartup.CancelKey) {
	s.mu.Lock()
	c := s.sessions[key.PID]
	s.mu.Unlock()
	if c == nil || subtle.ConstantTimeCompare(c.secret, key.Secret) != 1 {
		return
	}
	ctx, stop := context.WithTimeout(ctx, cancelTimeout)
	defer stop()
	if err := c.session.Cancel(ctx); err != nil {
		s.opts.Logger.Warn("cancel failed", "conn_id", key.PID, "error", err)
	}
}
