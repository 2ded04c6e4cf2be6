package router

import (
	"context"
	"crypto/subtle"
	"time"

	"github.com/cespare/xxhash/v2"

	"shardproxy/meta/topology"
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

// A cancel key names its peer: the PID that a client is told is
//
//	bit 31  30 ... 21      20 ... 0
//	  0     tag of peer    session
//
// The sign bit stays clear, because drivers print the PID as a signed number.
const sessionBits = 21

// Tags is how many tags there are.
const Tags = 1 << (31 - sessionBits)

// TagOf returns the tag of a peer: a hash of its name, so that there is nothing
// to agree on. Two peers may share one.
func TagOf(peer topology.PeerID) uint16 { return uint16(xxhash.Sum64String(string(peer)) % Tags) }

// Peers are the other peers, for cancel requests that reach the wrong one.
type Peers interface {
	// Cancel asks the other peers with that tag to cancel, until one knows the
	// key. It returns CancelUnknown if none does.
	Cancel(ctx context.Context, tag uint16, key pgstartup.CancelKey) CancelOutcome
}

// cancel handles a client's CancelRequest, wherever the session is that it
// names. A wrong key does nothing and says nothing, as the protocol demands.
func (s *Server) cancel(ctx context.Context, key *pgstartup.CancelKey) CancelOutcome {
	outcome := s.Cancel(ctx, key)
	if outcome != CancelUnknown || s.opts.Peers == nil || key.PID>>31 != 0 {
		return outcome
	}
	ctx, stop := context.WithTimeout(ctx, cancelTimeout)
	defer stop()
	return s.opts.Peers.Cancel(ctx, uint16(key.PID>>sessionBits), *key)
}

// Cancel cancels what the session runs that a key names, if it is one of this
// peer's.
func (s *Server) Cancel(ctx context.Context, key *pgstartup.CancelKey) CancelOutcome {
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
