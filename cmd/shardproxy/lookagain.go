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
	var known *seenBy
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

// seenBy is what the leader of a term knows of the other peers.
type seenBy struct {
	term  uint64
	peers map[topology.PeerID]peerSeen
}

// peerSeen is what the leader knows of a peer.
type peerSeen struct {
	incarnation uint64
	silent      bool
}

// seenPeers returns the other peers as the leader sees them; nil: this peer does
// not lead.
func seenPeers(s *meta.Store, now time.Time) *seenBy {
	if !s.IsLeader() {
		return nil
	}
	stats := s.Stats()
	timeout := s.Current().FlagDuration(topology.FlagReportTimeout)
	seen := &seenBy{stats.Term, make(map[topology.PeerID]peerSeen)}
	for _, p := range stats.Peers {
		if p.ID == s.Self().ID || p.Report.At.IsZero() {
			continue
		}
		seen.peers[p.ID] = peerSeen{p.Report.Incarnation, now.Sub(p.Report.At) > timeout}
	}
	return seen
}

// moreSeen reports whether now tells of a start, an end or a return that before did
// not know. before is nil where this peer did not lead. In another term it has lost
// the lead in between, and what it was about to read is not read by anybody.
func moreSeen(before, now *seenBy) bool {
	if before == nil || before.term != now.term {
		return true
	}
	for id, p := range now.peers {
		if was, known := before.peers[id]; known && was != p {
			return true
		}
	}
	return false
}
