package meta

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"shardproxy/meta/topology"
)

const (
	// leaderPoll is the longest wait between two attempts to reach a leader.
	leaderPoll = 100 * time.Millisecond
	// leaderWait bounds the wait for one where the caller has set no bound.
	leaderWait = time.Minute
)

// onLeader runs a call on the leader, which may be this peer: here as a
// function, there as a request. While there is no leader it waits, until ctx
// ends. A call may reach a leader more than once, so it must be one that can be
// repeated.
//
// The error wraps ErrNoLeader if no leader can have seen the call, and
// ErrUnknownOutcome if one may have and did not answer.
func onLeader[Request, Response any](ctx context.Context, s *Store, path string, request *Request,
	here func(context.Context, *Request) (*Response, error),
) (*Response, error) {
	ctx, cancel := context.WithTimeout(ctx, leaderWait)
	defer cancel()
	seen, hint := false, ""
	for attempt := 0; ; attempt++ {
		changed := s.leadership.next()
		response, err := tryLeader(ctx, s, path, request, here, &hint, attempt)
		switch {
		case err == nil:
			return response, nil
		case errors.Is(err, errForgotten):
			return nil, err
		case errors.Is(err, ErrUnknownOutcome):
			seen = true
		case !errors.Is(err, ErrNotLeader):
			return nil, err
		}
		if !pause(ctx, changed, min(time.Duration(attempt+1)*10*time.Millisecond, leaderPoll)) {
			outcome := ErrNoLeader
			if seen {
				outcome = ErrUnknownOutcome
			}
			if errors.Is(err, outcome) {
				return nil, err
			}
			return nil, fmt.Errorf("meta: %w: %w", outcome, context.Cause(ctx))
		}
	}
}

// pause waits for a change or for d. It returns false when ctx has ended.
func pause(ctx context.Context, changed <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-changed:
	case <-timer.C:
	case <-ctx.Done():
	}
	return ctx.Err() == nil
}

// tryLeader is one attempt. hint is the leader's address as another peer has
// told it, and becomes what this attempt learns.
func tryLeader[Request, Response any](ctx context.Context, s *Store, path string, request *Request,
	here func(context.Context, *Request) (*Response, error), hint *string, attempt int,
) (*Response, error) {
	if s.IsLeader() {
		return here(ctx, request)
	}
	address := s.leaderAddress(*hint, attempt)
	*hint = ""
	if address == "" || address == s.self.Raft || s.client == nil {
		return nil, ErrNotLeader // or not yet
	}
	response := new(Response)
	return response, s.call(ctx, address, path, request, response, hint)
}

// leaderAddress is where to look for the leader: where somebody has said, where
// Raft says, or at the other peers in turn. A peer that the leader does not
// reach, because its address has changed, finds it this way.
func (s *Store) leaderAddress(hint string, attempt int) string {
	if hint != "" {
		return hint
	}
	if _, id := s.raft.LeaderWithID(); id != "" && attempt%2 == 0 {
		return s.address(topology.PeerID(id))
	}
	others := s.addresses()
	if len(others) == 0 {
		return ""
	}
	return others[attempt%len(others)]
}

// call sends a request to a peer. The error wraps ErrNotLeader if the call did
// not reach a leader, ErrUnknownOutcome if there was no answer, or is what the
// other peer answered.
func (s *Store) call(ctx context.Context, address, path string, request, response any, leader *string) error {
	content, err := json.Marshal(request)
	if err != nil {
		return fmt.Errorf("meta: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, s.options.Timing.Call)
	defer cancel()
	var sent atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(httptrace.GotConnInfo) { sent.Store(true) }})
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+PathPrefix+path, bytes.NewReader(content))
	if err != nil {
		return fmt.Errorf("meta: %w", err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set(peerHeader, string(s.self.ID))
	r.Header.Set(lineageHeader, s.lineage().String())
	answer, err := s.client.Do(r)
	if err != nil {
		outcome := ErrUnknownOutcome
		if !sent.Load() {
			outcome = ErrNotLeader // as far as anybody can tell
		}
		return fmt.Errorf("meta: peer at %s: %w: %w", address, outcome, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		var wire wireError
		if err := decodeCall(answer.Body, &wire); err != nil {
			return fmt.Errorf("meta: peer at %s: %w: status %d: %w", address, ErrUnknownOutcome, answer.StatusCode, err)
		}
		*leader = wire.Leader
		return wire.error()
	}
	if err := decodeCall(answer.Body, response); err != nil {
		return fmt.Errorf("meta: peer at %s: %w: %w", address, ErrUnknownOutcome, err)
	}
	return nil
}
