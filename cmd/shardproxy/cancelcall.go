package main

import (
	"context"
	"encoding/base64"
	"io"
	"net/http"
	"strconv"

	"shardproxy/protocol/pgstartup"
	"shardproxy/router"
)

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
