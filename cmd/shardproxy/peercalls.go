package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"

	"shardproxy/admin"
	"shardproxy/meta/topology"
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
