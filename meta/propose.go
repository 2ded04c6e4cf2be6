package meta

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"shardproxy/meta/topology"
)

// proposeRequest asks the leader to propose an entry. It may be sent again: the
// entry is applied once.
type proposeRequest struct {
	ID    proposalID `json:"id"`
	Since uint64     `json:"since"`
	Entry []byte     `json:"entry"`
}

type proposeResponse struct {
	Epoch   topology.Epoch `json:"epoch"`
	Changed bool           `json:"changed"`
}

// Propose has the peers agree on a command, and returns the epoch it led to
// after this peer has published that epoch. Any peer may be asked. on is the
// epoch the command was decided on: if the topology has changed since, the
// command is refused; 0 applies at any epoch. While there is no leader Propose
// waits for one, until ctx ends or a minute has passed.
//
// A command is never applied twice. The error wraps
//
//   - ErrNoLeader or ErrVersion: nothing has happened;
//   - ErrRefused: nothing has happened; it also wraps what Apply said, a
//     *topology.Conflict or one of package topology's Err values;
//   - ErrUnknownOutcome: it may have happened or not;
//   - ErrUnpublished: it has happened, at the epoch that is returned, but ctx
//     has ended before this peer has published that.
func (s *Store) Propose(ctx context.Context, c topology.Command, on topology.Epoch) (topology.Epoch, error) {
	r, err := s.propose(ctx, c, on)
	return r.Epoch, err
}

func (s *Store) propose(ctx context.Context, c topology.Command, on topology.Epoch) (r proposeResponse, err error) {
	entry, err := topology.EncodeCommand(c, on)
	if err != nil {
		return r, fmt.Errorf("meta: %w: %w", ErrRefused, err)
	}
	ctx, cancel := context.WithTimeout(ctx, leaderWait)
	defer cancel()
	request := &proposeRequest{ID: newProposalID(), Since: s.raft.AppliedIndex(), Entry: entry}
	response, err := onLeader(ctx, s, "propose", request, s.answerProposal)
	if err != nil {
		return r, fmt.Errorf("%s: %w", c, err)
	}
	if err := s.Wait(ctx, response.Epoch); err != nil {
		return *response, fmt.Errorf("%s: meta: epoch %d: %w: %w", c, response.Epoch, ErrUnpublished, errors.Join(err, s.Err()))
	}
	return *response, nil
}

// answerProposal proposes an entry on the leader.
func (s *Store) answerProposal(_ context.Context, r *proposeRequest) (*proposeResponse, error) {
	if !s.IsLeader() {
		return nil, ErrNotLeader
	}
	// What this peer could not apply it must not propose: the entry would stop
	// every peer that is like it.
	c, _, err := topology.DecodeCommand(r.Entry)
	if err != nil {
		return nil, fmt.Errorf("meta: leader %s: %w: %w", s.self.ID, ErrVersion, err)
	}
	if err := allKnow(s.fsm.value(), topology.VersionOf(c)); err != nil {
		return nil, err
	}
	p := &proposal{lineage: s.proposedLineage(), id: r.ID, since: r.Since, entry: r.Entry}
	applied := s.raft.Apply(p.encode(), s.options.Timing.Call)
	if err := s.result(applied); err != nil {
		return nil, raftError(err)
	}
	o, ok := applied.Response().(outcome)
	switch {
	case !ok:
		return nil, fmt.Errorf("meta: %w: the entry led to %T", ErrUnknownOutcome, applied.Response())
	case o.err != nil && (errors.Is(o.err, ErrUnknownOutcome) || errors.Is(o.err, topology.ErrUnknownCommand)):
		return nil, o.err
	case o.err != nil:
		return nil, fmt.Errorf("meta: %w: %w", ErrRefused, o.err)
	}
	return &proposeResponse{Epoch: o.applied.epoch, Changed: o.applied.changed}, nil
}

// proposedLineage is the one for entries of this leader: the state's, or a new
// one where there is no entry yet.
func (s *Store) proposedLineage() lineage {
	if l := s.fsm.lineage(); l != (lineage{}) {
		return l
	}
	return s.founding
}

// allKnow refuses a command of a version that a peer could not apply: such a
// peer would publish nothing any more.
func allKnow(value *topology.Topology, version int) error {
	for _, id := range slices.Sorted(maps.Keys(value.Peers)) {
		if known := value.Peers[id].Commands; known < version {
			return refused("%w: peer %q knows commands up to version %d, and this one has version %d: upgrade that peer",
				ErrVersion, id, known, version)
		}
	}
	return nil
}
