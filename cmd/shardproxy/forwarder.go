package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"shardproxy/admin"
	"shardproxy/meta"
	"shardproxy/meta/topology"
)

// leaderPoll is the wait between two looks for a leader.
const leaderPoll = 50 * time.Millisecond

// forwarder brings requests of the admin API to the leader.
type forwarder struct{ views *views }

// IsLeader implements admin.Forwarder.
func (f *forwarder) IsLeader() bool {
	e := f.views.engine.Load()
	return e != nil && e.store.IsLeader()
}

// Forward implements admin.Forwarder. For leaderPatience it looks for a peer that
// takes the request: one that was just lost, or was elected a moment ago, does
// not.
func (f *forwarder) Forward(ctx context.Context, r *http.Request) (*http.Response, error) {
	e := f.views.engine.Load()
	if e == nil {
		return nil, fmt.Errorf("%w: %w", admin.ErrNoLeader, errStarting)
	}
	limited, cancel := context.WithTimeout(ctx, leaderPatience)
	defer cancel()
	for {
		leader, err := e.leader(limited)
		if err != nil {
			return nil, err
		}
		response, err := e.forward(leader, r)
		if !errors.Is(err, admin.ErrNoLeader) {
			return response, err
		}
		select {
		case <-limited.Done():
			return nil, err
		case <-time.After(leaderPoll):
		}
	}
}

// forward sends a request to the leader, or to who is taken for it, and reads the
// answer. Nothing has happened if the error wraps admin.ErrNoLeader.
func (e *engine) forward(leader topology.PeerID, r *http.Request) (*http.Response, error) {
	ctx, cancel := e.whileLeads(r.Context(), leader)
	defer cancel()
	r = r.Clone(ctx)
	if r.GetBody != nil {
		var err error
		if r.Body, err = r.GetBody(); err != nil {
			return nil, err
		}
	}
	response, err := e.store.RoundTripper(leader).RoundTrip(r)
	if errors.Is(err, meta.ErrNoConnection) {
		return nil, fmt.Errorf("%w: %w", admin.ErrNoLeader, err)
	}
	if err != nil {
		return nil, errors.Join(err, context.Cause(ctx))
	}
	defer response.Body.Close()
	content, err := io.ReadAll(io.LimitReader(response.Body, maxForwarded+1))
	if err != nil {
		return nil, errors.Join(err, context.Cause(ctx))
	}
	var problem admin.Problem
	if response.StatusCode == http.StatusServiceUnavailable && json.Unmarshal(content, &problem) == nil && problem.Code == admin.CodeNoLeader {
		return nil, fmt.Errorf("%w: %w", admin.ErrNoLeader, &problem)
	}
	response.Body = io.NopCloser(bytes.NewReader(content))
	return response, nil
}

// leader waits for a leader, which may come to be this peer: it is asked like any
// other then.
func (e *engine) leader(ctx context.Context) (topology.PeerID, error) {
	for {
		if id := e.store.Leader(); id != "" {
			return id, nil
		}
		select {
		case <-ctx.Done():
			return "", fmt.Errorf("%w: %w", admin.ErrNoLeader, context.Cause(ctx))
		case <-time.After(leaderPoll):
		}
	}
}
