package meta

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/hashicorp/raft"

	"shardproxy/meta/topology"
)

// caughtUp is how many entries of the log a peer may lack when it becomes a
// voter.
const caughtUp = 64

// leadWhenAsked does the leader's work while this peer is the leader, until ctx
// ends. It also tells those who wait for another leader.
func (s *Store) leadWhenAsked(ctx context.Context, leads <-chan bool) {
	observed := make(chan raft.Observation, 16)
	observer := raft.NewObserver(observed, false, func(o *raft.Observation) bool {
		_, ok := o.Data.(raft.LeaderObservation)
		return ok
	})
	s.raft.RegisterObserver(observer)
	defer s.raft.DeregisterObserver(observer)
	stop := func() {}
	defer func() { stop() }()
	for {
		select {
		case <-ctx.Done():
			return
		case <-observed:
		case leading := <-leads:
			stop()
			stop = func() {}
			if leading {
				stop = s.startLeading(ctx)
			}
		}
		s.leadership.wake()
		s.mine.due.wake()
	}
}

// startLeading begins the leader's work. The function that it returns ends it.
func (s *Store) startLeading(ctx context.Context) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	var group sync.WaitGroup
	group.Go(func() { s.lead(ctx) })
	return func() {
		cancel()
		group.Wait()
	}
}

// lead looks after the cluster until ctx ends.
func (s *Store) lead(ctx context.Context) {
	s.reports.reset(time.Now())
	term := s.raft.CurrentTerm()
	// Everything that earlier leaders have committed is in the state after this.
	for s.result(s.raft.Barrier(s.options.Timing.Call)) != nil {
		if s.raft.State() != raft.Leader || !pause(ctx, nil, leaderPoll) {
			return
		}
	}
	s.leadsIn.Store(term)
	s.leadership.wake()
	s.mine.due.wake()
	s.logger.Info("leading", "term", term, "epoch", uint64(s.fsm.value().Epoch))
	for {
		reported := s.reports.changed.next()
		s.tend(ctx)
		if !pause(ctx, reported, s.options.Timing.Report) {
			return
		}
	}
}

// tend brings what the cluster is in line with what it has agreed to be.
func (s *Store) tend(ctx context.Context) {
	value, broken := s.fsm.state()
	if broken != nil {
		if s.anotherFollows(value) {
			s.handOver(ctx)
		}
		return
	}
	s.disarmOrphans(ctx, value)
	for _, id := range slices.Sorted(maps.Keys(value.Peers)) {
		report := s.reports.of(id)
		s.registerStart(ctx, value.Peers[id], &report)
		s.alignServer(value.Peers[id], &report)
	}
}

// anotherFollows says whether another voter can read the log that this peer
// cannot.
func (s *Store) anotherFollows(value *topology.Topology) bool {
	return slices.ContainsFunc(s.voters(), func(id topology.PeerID) bool {
		report := s.reports.of(id)
		return id != s.self.ID && report.Trouble == "" && report.Epoch > value.Epoch
	})
}

// registerStart puts into the topology that a peer has started since, or is
// found elsewhere now.
func (s *Store) registerStart(ctx context.Context, known *topology.Peer, r *ReceivedReport) {
	if r.Incarnation < known.Incarnation || r.Peer != known.ID {
		return
	}
	started := topology.PeerStarted{ID: r.Peer, Incarnation: r.Incarnation, Commands: r.Commands, Raft: r.Raft, Admin: r.Admin}
	if started == (topology.PeerStarted{ID: known.ID, Incarnation: known.Incarnation, Commands: known.Commands, Raft: known.Raft, Admin: known.Admin}) {
		return
	}
	if r.New {
		if err := s.demoteForgetful(known, r.Incarnation); err != nil {
			s.logger.Warn("a peer without its disk still votes", "member", string(known.ID), "error", err)
			return
		}
	}
	s.tendBy(ctx, started)
}

// tendBy proposes a command of the leader's own. What fails is tried again when
// the cluster is looked at next.
func (s *Store) tendBy(ctx context.Context, c topology.Command) {
	entry, err := topology.EncodeCommand(c, 0)
	if err == nil {
		_, err = s.answerProposal(ctx, &proposeRequest{ID: newProposalID(), Since: s.raft.AppliedIndex(), Entry: entry})
	}
	if err != nil {
		s.logger.Warn("cluster not tended", "command", c.String(), "error", err)
		return
	}
	s.logger.Info("cluster tended", "command", c.String())
}

// alignServer gives Raft the address of a peer, and the vote it is to have once
// it has caught up. It never takes a vote away.
func (s *Store) alignServer(peer *topology.Peer, r *ReceivedReport) {
	server, ok := s.server(peer.ID)
	if !ok {
		return
	}
	address := server.Address
	if peer.Raft != "" {
		address = raft.ServerAddress(peer.Raft)
	}
	ready := r.Incarnation == peer.Incarnation && r.Applied+caughtUp >= s.raft.AppliedIndex()
	var err error
	switch {
	case server.Suffrage != raft.Voter && peer.Voter && ready:
		err = s.result(s.raft.AddVoter(server.ID, address, 0, s.options.Timing.Call))
	case server.Address == address:
		return
	case server.Suffrage == raft.Voter:
		err = s.result(s.raft.AddVoter(server.ID, address, 0, s.options.Timing.Call))
	default:
		err = s.result(s.raft.AddNonvoter(server.ID, address, 0, s.options.Timing.Call))
	}
	if err != nil {
		s.logger.Warn("Raft member not changed", "member", string(peer.ID), "address", string(address), "error", err)
		return
	}
	s.logger.Info("Raft member changed", "member", string(peer.ID), "address", string(address), "voter", peer.Voter)
}
