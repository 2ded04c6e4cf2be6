package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"shardproxy/admin"
	"shardproxy/meta"
	"shardproxy/meta/topology"
	"shardproxy/protocol/pgstartup"
	"shardproxy/protocol/sqlerr"
	"shardproxy/router"
)

// The paths of what peers ask each other, besides what package meta does. The
// connection has proved that the other side is a peer.
const (
	schemaPath = "/proxy/v1/schema"
	cancelPath = "/proxy/v1/cancel"
)

const (
	// maxPeerRequest bounds what a peer asks by these, in bytes.
	maxPeerRequest = 64 << 10
	// maxPeerAnswer bounds what a peer answers to these, in bytes.
	maxPeerAnswer = 1 << 20
	// maxForwarded bounds what the leader answers for the admin API, in bytes.
	maxForwarded = 64 << 20
)

// peerCalls answers the other peers. It is there before there is an engine.
type peerCalls struct {
	mux    *http.ServeMux
	engine atomic.Pointer[engine]
	router atomic.Pointer[router.Server]
}

var (
	_ http.Handler    = (*peerCalls)(nil)
	_ admin.Forwarder = (*forwarder)(nil)
	_ router.Peers    = (*otherPeers)(nil)
)

// newPeerCalls answers for the admin API, too.
func newPeerCalls(adminAPI http.Handler) *peerCalls {
	c := &peerCalls{mux: http.NewServeMux()}
	c.mux.HandleFunc("POST "+schemaPath, c.answerSchema)
	c.mux.HandleFunc("POST "+cancelPath, c.answerCancel)
	c.mux.HandleFunc("POST "+strangersPath, c.answerStrangers)
	c.mux.Handle("/", adminAPI)
	return c
}

func (c *peerCalls) ServeHTTP(w http.ResponseWriter, r *http.Request) { c.mux.ServeHTTP(w, r) }

// decodePeerRequest reads what a peer asks. Otherwise it has answered that it cannot.
func decodePeerRequest(w http.ResponseWriter, r *http.Request, request any) bool {
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxPeerRequest)).Decode(request)
	if err != nil {
		http.Error(w, "malformed request", http.StatusBadRequest)
	}
	return err == nil
}

// schemaRequest tells the leader that statements have changed a schema.
type schemaRequest struct {
	Database string `json:"database"`
}

// schemaAnswer is what became of it.
type schemaAnswer struct {
	Epoch    topology.Epoch `json:"epoch"`
	Warnings []string       `json:"warnings,omitempty"`
	// NotLeader: another peer is to be asked.
	NotLeader bool `json:"not_leader,omitempty"`
	// Error is set when the schema could not be read or published.
	Error *sqlerr.Error `json:"error,omitempty"`
}

func (c *peerCalls) answerSchema(w http.ResponseWriter, r *http.Request) {
	var request schemaRequest
	if !decodePeerRequest(w, r, &request) {
		return
	}
	answer := schemaAnswer{NotLeader: true}
	if e := c.engine.Load(); e != nil && e.store.IsLeader() {
		answer = e.schemaChanged(r.Context(), request.Database)
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer) // the other side may have gone
}

// schemaChanged reads a schema anew, on the leader.
func (e *engine) schemaChanged(ctx context.Context, database string) schemaAnswer {
	warnings, err := e.schemas.Changed(ctx, database)
	answer := schemaAnswer{Epoch: e.store.Current().Epoch, Warnings: warnings}
	switch {
	case errors.Is(err, meta.ErrNotLeader):
		answer.NotLeader = true
	case err != nil:
		answer.Error = sqlerr.From(err)
	}
	return answer
}

// askSchema has another peer do that.
func (e *engine) askSchema(ctx context.Context, leader topology.PeerID, database string) (schemaAnswer, error) {
	var answer schemaAnswer
	request, err := newPeerRequest(ctx, schemaPath, schemaRequest{database})
	if err != nil {
		return answer, err
	}
	content, err := e.ask(leader, request)
	if err == nil {
		err = json.Unmarshal(content, &answer)
	}
	return answer, err
}

// cancelRequest is a cancel key.
type cancelRequest struct {
	PID    uint32 `json:"pid"`
	Secret string `json:"secret"` // in base64
}

func (c *peerCalls) answerCancel(w http.ResponseWriter, r *http.Request) {
	var request cancelRequest
	if !decodePeerRequest(w, r, &request) {
		return
	}
	secret, err := base64.StdEncoding.DecodeString(request.Secret)
	if err != nil {
		http.Error(w, "malformed request", http.StatusBadRequest)
		return
	}
	outcome := router.CancelUnknown
	if s := c.router.Load(); s != nil {
		outcome = s.Cancel(r.Context(), &pgstartup.CancelKey{PID: request.PID, Secret: secret})
	}
	_, _ = io.WriteString(w, strconv.Itoa(int(outcome)))
}

// otherPeers forwards cancel requests.
type otherPeers struct{ engine *engine }

// Cancel implements router.Peers.
func (o *otherPeers) Cancel(ctx context.Context, tag uint16, key pgstartup.CancelKey) router.CancelOutcome {
	request := cancelRequest{key.PID, base64.StdEncoding.EncodeToString(key.Secret)}
	outcome := router.CancelUnknown
	for id := range o.engine.store.Current().Peers {
		if router.TagOf(id) != tag || id == o.engine.store.Self().ID {
			continue
		}
		call, err := newPeerRequest(ctx, cancelPath, request)
		if err != nil {
			return router.CancelFailed
		}
		answer, err := o.engine.ask(id, call)
		n, wrong := strconv.Atoi(string(answer))
		switch {
		case err != nil || wrong != nil:
			outcome = router.CancelFailed
		case router.CancelOutcome(n) != router.CancelUnknown:
			return router.CancelOutcome(n)
		}
	}
	return outcome
}

func newPeerRequest(ctx context.Context, path string, body any) (*http.Request, error) {
	content, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://peer"+path, bytes.NewReader(content))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	return r, nil
}

// ask sends a request to a peer and reads its answer.
func (e *engine) ask(peer topology.PeerID, r *http.Request) ([]byte, error) {
	response, err := e.store.RoundTripper(peer).RoundTrip(r)
	if err != nil {
		return nil, fmt.Errorf("ask peer %s: %w", peer, err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(io.LimitReader(response.Body, maxPeerAnswer))
	if err == nil && response.StatusCode != http.StatusOK {
		err = errors.New(response.Status)
	}
	if err != nil {
		return nil, fmt.Errorf("ask peer %s: %s: %w", peer, r.URL.Path, err)
	}
	return content, nil
}

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
