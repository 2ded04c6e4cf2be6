package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"

	"shardproxy/meta"
	"shardproxy/meta/topology"
)

// strangersPath has the leader end what peers that were removed have open on the
// nodes.
const strangersPath = "/proxy/v1/strangers"

type strangersRequest struct {
	// Epoch is the one at which the peer is gone.
	Epoch topology.Epoch `json:"epoch"`
}

type strangersAnswer struct {
	// NotLeader: another peer is to be asked.
	NotLeader bool   `json:"not_leader,omitempty"`
	Error     string `json:"error,omitempty"`
}

func (c *peerCalls) answerStrangers(w http.ResponseWriter, r *http.Request) {
	var request strangersRequest
	if !decodePeerRequest(w, r, &request) {
		return
	}
	answer := strangersAnswer{NotLeader: true}
	if e := c.engine.Load(); e != nil && e.store.IsLeader() {
		answer.NotLeader = false
		if err := e.changes.cutOffStrangers(r.Context(), request.Epoch); err != nil {
			answer.Error = err.Error()
		}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer) // the other side may have gone
}

// cutOffRemoved ends what peers have open on the nodes that were removed at an
// epoch. A leader that has removed itself is none any more, and has the next one do
// it. Errors wrap meta.ErrUnsettled.
func (e *engine) cutOffRemoved(ctx context.Context, epoch topology.Epoch) error {
	for {
		if e.store.IsLeader() {
			return e.changes.cutOffStrangers(ctx, epoch)
		}
		for _, id := range slices.Sorted(maps.Keys(e.store.Current().Peers)) {
			if id == e.store.Self().ID {
				continue
			}
			answer, err := e.askStrangers(ctx, id, epoch)
			switch {
			case err != nil || answer.NotLeader:
			case answer.Error != "":
				return fmt.Errorf("%w: %w", meta.ErrUnsettled, errors.New(answer.Error))
			default:
				return nil
			}
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%w: %w", meta.ErrUnsettled, context.Cause(ctx))
		case <-time.After(leaderPoll):
		}
	}
}

func (e *engine) askStrangers(ctx context.Context, peer topology.PeerID, epoch topology.Epoch) (strangersAnswer, error) {
	var answer strangersAnswer
	request, err := newPeerRequest(ctx, strangersPath, strangersRequest{epoch})
	if err != nil {
		return answer, err
	}
	content, err := e.ask(peer, request)
	if err == nil {
		err = json.Unmarshal(content, &answer)
	}
	return answer, err
}
