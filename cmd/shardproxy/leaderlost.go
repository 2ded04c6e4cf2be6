package main

import (
	"context"
	"errors"
	"time"

	"shardproxy/meta/topology"
)

// errLeaderLost ends a call to a leader that is none any more.
var errLeaderLost = errors.New("the peer that was asked does not lead any more, and has not answered")

// whileLeads ends a call to a leader when this peer hears of another one, or of
// none for leaderPatience: where the network is cut an answer may never come, and
// nothing else says so.
func (e *engine) whileLeads(ctx context.Context, leader topology.PeerID) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		ticker := time.NewTicker(leaderPoll)
		defer ticker.Stop()
		for heard := time.Now(); ; {
			select {
			case <-ctx.Done():
				return
			case <-ticker.C:
			}
			switch id := e.store.Leader(); {
			case id == leader:
				heard = time.Now()
			case id != "" || time.Since(heard) > leaderPatience:
				cancel(errLeaderLost)
				return
			}
		}
	}()
	return ctx, func() { cancel(nil) }
}
