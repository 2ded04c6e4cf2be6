package meta

import (
	"time"

	"github.com/hashicorp/raft"

	"shardproxy/meta/topology"
)

// Stats are numbers for metrics and for the operator.
type Stats struct {
	// State is Raft's: Leader, Follower, Candidate or Shutdown.
	State string
	Term  uint64
	// Leader is "" where this peer knows none.
	Leader topology.PeerID
	// Epoch is the published one, 0 for none.
	Epoch topology.Epoch
	// Applied and Last are indices of Raft's log.
	Applied, Last uint64
	// LastContact is how long ago this peer heard of the leader; 0 on the
	// leader, negative if it never did.
	LastContact time.Duration
	// Peers are the members as Raft has them, in its order.
	Peers []PeerStats
}

// PeerStats is what is known of a member.
type PeerStats struct {
	ID      topology.PeerID
	Address string
	Voter   bool // at present, not only in future
	// Report is the peer's latest report, on the leader only; its At is zero
	// where none has come.
	Report ReceivedReport
}

// Stats looks at how things stand.
func (s *Store) Stats() Stats {
	stats := Stats{
		State: s.raft.State().String(), Term: s.raft.CurrentTerm(), Leader: s.Leader(), Epoch: s.epoch(),
		Applied: s.raft.AppliedIndex(), Last: s.raft.LastIndex(), LastContact: -1,
	}
	leading := s.IsLeader()
	if leading {
		stats.LastContact = 0
	} else if at := s.raft.LastContact(); !at.IsZero() {
		stats.LastContact = time.Since(at)
	}
	for _, server := range s.servers() {
		peer := PeerStats{ID: topology.PeerID(server.ID), Address: string(server.Address), Voter: server.Suffrage == raft.Voter}
		if report := s.reports.of(peer.ID); leading && report.Peer != "" {
			peer.Report = report
		}
		stats.Peers = append(stats.Peers, peer)
	}
	return stats
}
