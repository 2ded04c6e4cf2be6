package meta

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"

	"shardproxy/meta/topology"
)

// commitTimeout is the time after which a leader tells idle followers what is
// committed, once or twice that. A routing change waits for it twice; Raft's
// default of 50ms makes each statement that changes the schema feel it.
const commitTimeout = 15 * time.Millisecond

// raftConfig is Raft's configuration of a peer.
func raftConfig(o *Options, leads chan<- bool) *raft.Config {
	c := raft.DefaultConfig()
	c.LocalID = raft.ServerID(o.ID)
	c.HeartbeatTimeout, c.ElectionTimeout = o.Timing.Heartbeat, o.Timing.Election
	c.LeaderLeaseTimeout = o.Timing.LeaderLease
	c.CommitTimeout = commitTimeout
	c.SnapshotThreshold, c.TrailingLogs = o.Timing.SnapshotThreshold, o.Timing.TrailingLogs
	c.SnapshotInterval = o.Timing.SnapshotInterval
	c.Logger = raftLogger(o.Logger.With("peer", string(o.ID)))
	c.NotifyCh = leads
	// A removed peer says so itself, and goes on to answer.
	c.ShutdownOnRemove = false
	c.NoLegacyTelemetry = true
	return c
}

// openRaft starts Raft, and makes a cluster of this peer where that is asked.
// leads receives whenever this peer becomes the leader or ceases to be.
func (s *Store) openRaft(ctx context.Context, leads chan bool) error {
	config := raftConfig(&s.options, leads)
	var log raft.LogStore
	var stable raft.StableStore
	var snapshots raft.SnapshotStore
	if s.disk != nil {
		log, stable, snapshots = s.disk.bolt, s.disk.bolt, s.disk.snapshots
	} else {
		memory := raft.NewInmemStore()
		log, stable, snapshots = memory, memory, raft.NewInmemSnapshotStore()
	}
	if s.isNew && (s.options.Bootstrap || s.listener == nil) {
		err := raft.BootstrapCluster(config, log, stable, snapshots, s.network, raft.Configuration{
			Servers: []raft.Server{{ID: config.LocalID, Address: s.network.LocalAddr()}},
		})
		if err != nil {
			return fmt.Errorf("meta: bootstrap: %w", err)
		}
	}
	stable = &patientStore{stable, ctx, termRetry, s.logger}
	var err error
	if s.raft, err = raft.NewRaft(config, s.fsm, log, stable, snapshots, s.network); err != nil {
		return fmt.Errorf("meta: start Raft: %w", err)
	}
	return nil
}

// result waits for what Raft makes of a request.
//
// A request that Raft has taken when it is shut down may never be answered: it
// stays in one of its queues. So nobody waits for an answer any longer than Raft
// runs; the goroutine that would hear of it is left behind then.
func (s *Store) result(f raft.Future) error {
	answered := make(chan error, 1)
	go func() { answered <- f.Error() }()
	select {
	case err := <-answered:
		return err
	case <-s.ended:
		return raft.ErrRaftShutdown
	}
}

// servers returns the members as Raft has them.
func (s *Store) servers() []raft.Server {
	f := s.raft.GetConfiguration()
	if f.Error() != nil {
		return nil
	}
	return f.Configuration().Servers
}

// server returns one member.
func (s *Store) server(id topology.PeerID) (raft.Server, bool) {
	for _, server := range s.servers() {
		if server.ID == raft.ServerID(id) {
			return server, true
		}
	}
	return raft.Server{}, false
}

// voters are the members that vote.
func (s *Store) voters() []topology.PeerID {
	var ids []topology.PeerID
	for _, server := range s.servers() {
		if server.Suffrage == raft.Voter {
			ids = append(ids, topology.PeerID(server.ID))
		}
	}
	return ids
}

// Leader returns the leader as this peer knows it; "" for none.
func (s *Store) Leader() topology.PeerID {
	_, id := s.raft.LeaderWithID()
	return topology.PeerID(id)
}

// IsLeader says whether this peer is the leader, as far as it knows, and has
// applied all that earlier leaders have committed.
func (s *Store) IsLeader() bool {
	return s.raft.State() == raft.Leader && s.raft.CurrentTerm() == s.leadsIn.Load()
}

// raftError says what an error of Raft means to who asked for a change.
func raftError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, raft.ErrNotLeader), errors.Is(err, raft.ErrLeadershipTransferInProgress),
		errors.Is(err, raft.ErrEnqueueTimeout):
		return fmt.Errorf("meta: %w: %w", ErrNotLeader, err)
	default: // the leadership was lost, or the store closed, with the entry on its way
		return fmt.Errorf("meta: %w: %w", ErrUnknownOutcome, err)
	}
}
