package main

import (
	"context"
	"time"

	"shardproxy/meta"
	"shardproxy/meta/topology"
)

// lookInterval is how often the leader looks for reasons to read the schemas again.
const lookInterval = time.Second

// lookAgain reads all schemas when a peer may have changed one and not lived to say
// so: when this peer becomes the leader, and when another one falls silent, comes
// back or starts again. seeded says that this peer has just read them.
func (e *engine) lookAgain(ctx context.Context, seeded bool) {
	ticker := time.NewTicker(lookInterval)
	defer ticker.Stop()
	var known map[topology.PeerID]peerSeen
	for first := true; ; first = false {
		now := seenPeers(e.store, time.Now())
		if now != nil && !(first && seeded) && moreSeen(known, now) {
			e.schemas.check()
		}
		known = now
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

// peerSeen is what the leader knows of a peer.
type peerSeen struct {
	incarnation uint64
	silent      bool
}

// seenPeers returns the other peers as the leader sees them; nil: this peer does
// not lead.
func seenPeers(s *meta.Store, now time.Time) map[topology.PeerID]peerSeen {
	if !s.IsLeader() {
		return nil
	}
	t := s.Current()
	timeout := t.FlagDuration(topology.FlagReportTimeout)
	seen := make(map[topology.PeerID]peerSeen)
	for _, p := range s.Stats().Peers {
		if p.ID == s.Self().ID || p.Report.At.IsZero() {
			continue
		}
		seen[p.ID] = peerSeen{p.Report.Incarnation, now.Sub(p.Report.At) > timeout}
	}
	return seen
}

// moreSeen reports whether now tells of a start, an end or a return that before did
// not know; before is nil where this peer did not lead.
func moreSeen(before, now map[topology.PeerID]peerSeen) bool {
	if before == nil {
		return true
	}
	for id, p := range now {
		if was, known := before[id]; known && was != p {
			return true
		}
	}
	return false
}
