package router

import (
	"context"
	"crypto/subtle"
	"time"

	"shardproxy/protocol/pgstartup"
	"shardproxy/router/pgsession"
)

// cancelTimeout bounds the work for one CancelRequest.
const cancelTimeout = 10 * time.Second

// CancelOutcome says what became of a CancelRequest.
type CancelOutcome uint8

// The outcomes.
const (
	CancelForwarded CancelOutcome = iota + 1 // sent to the node that runs the statement
	CancelWaiting                            // ended a client's wait
	CancelIdle                               // the client was running nothing
	CancelUnknown                            // no client has this key
	CancelFailed                             // the node could not be told
)

// cancel cancels what the named session runs. A wrong key does nothing and says
// nothing, as the protocol demands.
func (s *Server) cancel(ctx context.Context, key *pgstartup.CancelKey) CancelOutcome {
	s.mu.Lock()
	c := s.sessions[key.PID]
	s.mu.Unlock()
	if c == nil || subtle.ConstantTimeCompare(c.secret, key.Secret) != 1 {
		return CancelUnknown
	}
	ctx, stop := context.WithTimeout(ctx, cancelTimeout)
	defer stop()
	what, err := c.session.Cancel(ctx)
	switch {
	case err != nil:
		s.opts.Logger.Warn("cancel failed", "conn_id", key.PID, "error", err)
		return CancelFailed
	case what == pgsession.CanceledWait:
		return CancelWaiting
	case what == pgsession.CanceledOnNode:
		return CancelForwarded
	}
	return CancelIdle
}
