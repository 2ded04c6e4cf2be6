package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"

	"shardproxy/meta"
	"shardproxy/meta/topology"
	"shardproxy/protocol/sqlerr"
)

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
