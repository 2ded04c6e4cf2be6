package meta

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/hashicorp/raft"

	"shardproxy/meta/topology"
)

// JoinRequest asks for a peer to become a member.
type JoinRequest struct {
	// Peer is what the new peer's Self says.
	Peer topology.Peer `json:"peer"`
	// Nonvoter keeps the peer from ever voting by itself. Others vote once they
	// have caught up, while there are fewer voters than the flag max_voters.
	Nonvoter bool `json:"nonvoter"`
	// New is what the new peer's IsNew says: it has nothing on its disk. A peer
	// that is no member must be new.
	New bool `json:"new"`
}

// memberResponse answers a change of the members.
type memberResponse struct {
	Epoch topology.Epoch `json:"epoch"`
}

// Join makes a peer a member; any member may be asked. The peer must run and
// listen already. It returns the epoch at which the peer is part of the
// topology. To repeat it is harmless. Errors are those of Propose.
func (s *Store) Join(ctx context.Context, r JoinRequest) (topology.Epoch, error) {
	response, err := onLeader(ctx, s, "join", &r, s.answerJoin)
	return epochOf(response), wrapMember("join", r.Peer.ID, err)
}

func epochOf(r *memberResponse) topology.Epoch {
	if r == nil {
		return 0
	}
	return r.Epoch
}

func wrapMember(what string, id topology.PeerID, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s peer %q: %w", what, id, err)
}

func refused(format string, args ...any) error {
	return fmt.Errorf("meta: %w: %w", ErrRefused, fmt.Errorf(format, args...))
}

// answerJoin is Join on the leader.
func (s *Store) answerJoin(ctx context.Context, r *JoinRequest) (*memberResponse, error) {
	if !s.IsLeader() {
		return nil, ErrNotLeader
	}
	value := s.fsm.value()
	if err := s.checkJoin(value, r); err != nil {
		return nil, err
	}
	peer, known := r.Peer, value.Peers[r.Peer.ID]
	peer.Voter = known != nil && known.Voter || // a vote is never taken away
		!r.Nonvoter && votersWanted(value, peer.ID) < value.FlagInt(topology.FlagMaxVoters)
	join := topology.PutPeer{Peer: peer}
	// What the topology would refuse, Raft must not have either.
	if entry, err := topology.EncodeCommand(join, 0); err != nil {
		return nil, refused("%w", err)
	} else if _, err := topology.Apply(value, entry); err != nil {
		return nil, refused("%w", err)
	}
	if err := s.addServer(r); err != nil {
		return nil, err
	}
	return s.proposeMember(ctx, join)
}

// votersWanted counts the peers that are to vote, without one.
func votersWanted(value *topology.Topology, without topology.PeerID) int {
	n := 0
	for id, peer := range value.Peers {
		if peer.Voter && id != without {
			n++
		}
	}
	return n
}

// proposeMember proposes a command for the members on the leader.
func (s *Store) proposeMember(ctx context.Context, c topology.Command) (*memberResponse, error) {
	entry, err := topology.EncodeCommand(c, 0)
	if err != nil {
		return nil, refused("%w", err)
	}
	response, err := s.answerProposal(ctx, &proposeRequest{ID: newProposalID(), Since: s.raft.AppliedIndex(), Entry: entry})
	if err != nil {
		return nil, err
	}
	return &memberResponse{Epoch: response.Epoch}, nil
}

// checkJoin refuses a peer that would do harm.
func (s *Store) checkJoin(value *topology.Topology, r *JoinRequest) error {
	peer := &r.Peer
	switch {
	case !validPeerID(peer.ID) || peer.Raft == "" || peer.Incarnation == 0:
		return refused("it needs an id, a peer address and an incarnation: %w", topology.ErrInvalid)
	case s.listener == nil:
		return refused("this peer listens for no others (peer.raft.listen): %w", topology.ErrInUse)
	case value.Epoch == 0:
		return refused("the cluster has no topology yet, join when its first peer is ready: %w", topology.ErrTransition)
	case peer.Commands < topology.CommandVersion:
		return refused("%w: it knows commands up to version %d, and this cluster uses version %d: upgrade it", ErrVersion, peer.Commands, topology.CommandVersion)
	case peer.ID == s.self.ID && peer.Incarnation != s.self.Incarnation:
		return refused("this is the id of the leader, which runs: %w", topology.ErrExists)
	}
	for _, server := range s.servers() {
		if server.Address == raft.ServerAddress(peer.Raft) && server.ID != raft.ServerID(peer.ID) {
			return refused("its address %s is that of peer %q: %w", peer.Raft, server.ID, topology.ErrExists)
		}
	}
	known := value.Peers[peer.ID]
	if _, half := s.server(peer.ID); known == nil && !half && !r.New {
		return refused("its data directory is of another cluster, or of a peer that was removed: start it with an empty one: %w", topology.ErrInUse)
	}
	if known == nil {
		return nil
	}
	report := s.reports.of(peer.ID)
	silence := value.FlagDuration(topology.FlagReportTimeout)
	if report.Incarnation != 0 && report.Incarnation != peer.Incarnation && time.Since(report.At) < silence {
		return refused("another process runs under this id: %w", topology.ErrExists)
	}
	if peer.Incarnation < known.Incarnation {
		return refused("it started before the peer that is known under this id: %w", topology.ErrExists)
	}
	return nil
}

// addServer has Raft replicate to a peer. One that is a member already stays
// what it is.
func (s *Store) addServer(r *JoinRequest) error {
	if known := s.fsm.value().Peers[r.Peer.ID]; known != nil && r.New {
		if err := s.demoteForgetful(known, r.Peer.Incarnation); err != nil {
			return err
		}
	}
	address, timeout := raft.ServerAddress(r.Peer.Raft), s.options.Timing.Call
	server, known := s.server(r.Peer.ID)
	switch {
	case known && server.Address == address:
		return nil
	case known && server.Suffrage == raft.Voter:
		return raftError(s.result(s.raft.AddVoter(server.ID, address, 0, timeout)))
	default:
		return raftError(s.result(s.raft.AddNonvoter(raft.ServerID(r.Peer.ID), address, 0, timeout)))
	}
}

// demoteForgetful takes the vote of a peer that has started anew with an empty
// disk: it has forgotten what it agreed to, so that its vote must not count for
// the old log. It gets it back once it has caught up.
func (s *Store) demoteForgetful(known *topology.Peer, incarnation uint64) error {
	server, member := s.server(known.ID)
	if !member || server.Suffrage != raft.Voter || known.Incarnation >= incarnation || known.ID == s.self.ID {
		return nil
	}
	if err := s.keepsMajority(known.ID); err != nil {
		return err
	}
	s.logger.Warn("a voting peer has lost its disk", "member", string(known.ID))
	return raftError(s.result(s.raft.DemoteVoter(server.ID, 0, s.options.Timing.Call)))
}

// Promote has a peer vote as soon as it has caught up. Errors are those of
// Propose.
func (s *Store) Promote(ctx context.Context, id topology.PeerID) (topology.Epoch, error) {
	response, err := onLeader(ctx, s, "promote", &promoteRequest{id}, s.answerPromote)
	return epochOf(response), wrapMember("promote", id, err)
}

type promoteRequest struct {
	ID topology.PeerID `json:"id"`
}

// answerPromote is Promote on the leader, which does the rest in alignServer.
func (s *Store) answerPromote(ctx context.Context, r *promoteRequest) (*memberResponse, error) {
	if !s.IsLeader() {
		return nil, ErrNotLeader
	}
	known := s.fsm.value().Peers[r.ID]
	if known == nil {
		return nil, refused("%w", topology.ErrNotFound)
	}
	peer := *known
	peer.Voter = true
	return s.proposeMember(ctx, topology.PutPeer{Peer: peer})
}

// Leave takes this peer out of the cluster; it should be closed after that.
// Queries must have ended before. Errors are those of Propose.
func (s *Store) Leave(ctx context.Context) error {
	if s.IsLeader() {
		s.handOver(ctx)
	}
	_, err := s.Remove(ctx, s.self.ID, false)
	return err
}

type removeRequest struct {
	ID    topology.PeerID `json:"id"`
	Force bool            `json:"force"`
}

// Remove takes a peer out of the cluster. It may come back with an empty data
// directory, under a new id best. It is refused where the voters that are
// left, as far as they have reported, would be no majority; force skips that
// check. To repeat it is harmless. Errors are those of Propose.
//
// A removed peer that still runs goes on with the topology it has, until it is
// cut off from the nodes by the next change that needs it. Who removes one that
// may still run should cut it off at once, with the epoch returned.
func (s *Store) Remove(ctx context.Context, id topology.PeerID, force bool) (topology.Epoch, error) {
	response, err := onLeader(ctx, s, "remove", &removeRequest{id, force}, s.answerRemove)
	return epochOf(response), wrapMember("remove", id, err)
}

// answerRemove is Remove on the leader. Raft forgets the peer first: so it never
// hears of the epoch at which it is gone, and cannot serve that.
func (s *Store) answerRemove(ctx context.Context, r *removeRequest) (*memberResponse, error) {
	if !s.IsLeader() {
		return nil, ErrNotLeader
	}
	server, member := s.server(r.ID)
	if !member && s.fsm.value().Peers[r.ID] == nil {
		return nil, refused("%w", topology.ErrNotFound)
	}
	if member {
		if server.Suffrage == raft.Voter && !r.Force {
			if err := s.keepsMajority(r.ID); err != nil {
				return nil, err
			}
		}
		if r.ID == s.self.ID {
			return nil, s.removeSelf(ctx)
		}
		if err := s.result(s.raft.RemoveServer(server.ID, 0, s.options.Timing.Call)); err != nil {
			return nil, raftError(err)
		}
	}
	response, err := s.proposeMember(ctx, topology.RemovePeer{ID: r.ID})
	if errors.Is(err, topology.ErrNotFound) { // another call was faster
		return &memberResponse{Epoch: s.fsm.value().Epoch}, nil
	}
	return response, err
}

// removeSelf makes another peer the leader, which is to be asked again.
func (s *Store) removeSelf(ctx context.Context) error {
	if len(s.voters()) < 2 {
		return refused("it is the last peer that votes: %w", topology.ErrInUse)
	}
	s.handOver(ctx)
	return ErrNotLeader
}

// keepsMajority refuses to remove a voter if the others could not agree on
// anything afterwards.
func (s *Store) keepsMajority(without topology.PeerID) error {
	silence := s.fsm.value().FlagDuration(topology.FlagReportTimeout)
	left, alive := 0, 0
	for _, id := range s.voters() {
		if id == without {
			continue
		}
		left++
		if id == s.self.ID || time.Since(s.reports.of(id).At) < silence {
			alive++
		}
	}
	if alive < left/2+1 {
		return refused("of the %d voting peers that would be left only %d have reported lately, which is no majority: %w", left, alive, topology.ErrInUse)
	}
	return nil
}
