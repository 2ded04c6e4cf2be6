package meta

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"shardproxy/meta/topology"
)

// disarmTime bounds giving a change up. What cannot be disarmed within it, the
// next leader disarms.
const disarmTime = 10 * time.Second

// PeerStart is one start of a peer.
type PeerStart struct {
	Peer        topology.PeerID
	Incarnation uint64
}

// Fencer cuts peers off from a database's nodes.
type Fencer interface {
	// CutOff returns when, on every node of db, no connection is left but those
	// of the peers in allowed, and none will be made by a topology older than
	// floor. After an error some may have been cut off.
	CutOff(ctx context.Context, db *topology.Database, floor topology.Epoch, allowed []PeerStart) error
}

// ChangeOptions say how a change is made.
type ChangeOptions struct {
	// Database is the one that the command changes. Needed for routing changes.
	Database string
	// On is the epoch that the command was decided on; 0 applies at any epoch.
	On topology.Epoch
	// Hold limits which transactions wait; by default all of the database.
	Hold topology.Hold
	// Prove, if it is set, says whether the change may be made, looking at what
	// stays true only while nobody writes. It is called while all peers hold,
	// with the topology that has the change armed. Its error is Change's.
	Prove func(ctx context.Context, armed *topology.Topology) error
	// Fencer cuts off the peers that do not answer. Without one a change fails
	// when a peer does not answer.
	Fencer Fencer
	// Budget bounds the time that transactions are held. Default: the flag
	// hold_budget.
	Budget time.Duration
	// CutOffBusy ends the transactions that do not end within three quarters
	// of Budget, by cutting their peers off. Without it the change is given up
	// then, with ErrBusy.
	CutOffBusy bool
}

// Change makes a change that matters for routing, on the leader: ErrNotLeader
// says to ask that. A change that needs a hold is armed, waits until every peer
// has drained or is cut off, and is committed or given up. Any other one is
// proposed, and Change returns when every peer has published it or is cut off.
// Cosmetic changes are proposed.
//
// Errors are those of Propose; besides, ErrBusy and the errors of Prove and
// Fencer say that nothing has happened, and ErrUnsettled that the change was
// made at the epoch returned. A change that is under way already is a
// *topology.Conflict.
func (s *Store) Change(ctx context.Context, c topology.Command, o ChangeOptions) (topology.Epoch, error) {
	if !s.IsLeader() {
		return 0, fmt.Errorf("%s: %w", c, ErrNotLeader)
	}
	switch {
	case o.Prove != nil || topology.NeedsHold(s.fsm.value(), c):
		return s.hold(ctx, c, &o)
	case topology.IsRouting(c):
		return s.settle(ctx, c, &o)
	default:
		return s.Propose(ctx, c, o.On)
	}
}

// settle proposes a change and waits until all peers know it.
func (s *Store) settle(ctx context.Context, c topology.Command, o *ChangeOptions) (topology.Epoch, error) {
	epoch, err := s.Propose(ctx, c, o.On)
	if err != nil {
		return epoch, err
	}
	if err := s.Settle(ctx, o.Database, epoch, o.Fencer); err != nil {
		return epoch, fmt.Errorf("%s: %w", c, err)
	}
	return epoch, nil
}

// Settle returns when every peer has published epoch, or is cut off from the
// nodes of a database, on the leader. Errors wrap ErrUnsettled.
func (s *Store) Settle(ctx context.Context, database string, epoch topology.Epoch, f Fencer) error {
	census, err := s.await(ctx, time.Now(), epoch, func(r *ReceivedReport) bool { return r.Epoch >= epoch })
	if err == nil && len(census.lost) > 0 {
		err = s.cutOff(ctx, f, database, epoch, census)
	}
	if err != nil {
		return fmt.Errorf("meta: epoch %d: %w: %w", epoch, ErrUnsettled, err)
	}
	return nil
}

// hold arms a change, has the peers drain, and commits or disarms it.
func (s *Store) hold(ctx context.Context, c topology.Command, o *ChangeOptions) (topology.Epoch, error) {
	arm, err := topology.NewArm(o.Database, c, o.Hold)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", c, refused("%w", err))
	}
	defer s.arms.take(o.Database)()
	if o.Budget <= 0 {
		o.Budget = s.fsm.value().FlagDuration(topology.FlagHoldBudget)
	}
	armedAt := time.Now()
	armed, err := s.propose(ctx, arm, o.On)
	if !armed.Changed { // it failed, or there is nothing to change
		return armed.Epoch, err
	}
	id := topology.ArmID(armed.Epoch)
	if err == nil {
		err = s.drain(ctx, id, armedAt, o)
	}
	if err == nil {
		var epoch topology.Epoch
		epoch, err = s.Propose(ctx, topology.CommitArmed{Database: o.Database, ID: id}, 0)
		if err == nil || errors.Is(err, ErrUnpublished) || errors.Is(err, ErrUnknownOutcome) {
			return epoch, err
		}
	}
	return 0, errors.Join(fmt.Errorf("%s: %w", c, err), s.disarm(ctx, o.Database, id, err))
}

// drain returns when no transaction that was planned before the arm is under
// way and what has to be proved is proved.
func (s *Store) drain(ctx context.Context, id topology.ArmID, armedAt time.Time, o *ChangeOptions) error {
	ctx, cancel := context.WithDeadline(ctx, armedAt.Add(o.Budget))
	defer cancel()
	wait := ctx
	if o.CutOffBusy {
		var stop context.CancelFunc
		wait, stop = context.WithDeadline(ctx, armedAt.Add(o.Budget*3/4))
		defer stop()
	}
	census, err := s.await(wait, armedAt, topology.Epoch(id), func(r *ReceivedReport) bool { return r.Drained[o.Database] == id })
	if err != nil && (!o.CutOffBusy || ctx.Err() != nil || !errors.Is(err, ErrBusy)) {
		return err
	}
	// Also when all peers have answered: one that was removed while nobody
	// reached it is on nobody's list, and may still be connected.
	if o.Fencer != nil || len(census.lost)+len(census.behind) > 0 {
		if err := s.cutOff(ctx, o.Fencer, o.Database, topology.Epoch(id), census); err != nil {
			return err
		}
	}
	if o.Prove == nil {
		return nil
	}
	return o.Prove(ctx, s.Current())
}

// disarm gives an armed change up, also when ctx has ended. A peer that is not
// the leader any more leaves that to the next one.
func (s *Store) disarm(ctx context.Context, database string, id topology.ArmID, why error) error {
	if !s.IsLeader() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), disarmTime)
	defer cancel()
	_, err := s.Propose(ctx, topology.Disarm{Database: database, ID: id, Reason: strings.ToValidUTF8(why.Error(), "?")}, 0)
	if conflict := (*topology.Conflict)(nil); errors.As(err, &conflict) || errors.Is(err, ErrUnpublished) {
		return nil // somebody else has, or this peer will hear of it
	}
	return err
}

// cutOff cuts off the peers that the census does not allow.
func (s *Store) cutOff(ctx context.Context, f Fencer, database string, epoch topology.Epoch, c *census) error {
	if f == nil {
		return fmt.Errorf("meta: no answer of %s, and nothing to cut them off with", c)
	}
	db := s.fsm.value().Databases[database]
	if db == nil {
		return nil // it is gone, and its nodes with it
	}
	if len(c.lost)+len(c.behind) > 0 {
		s.logger.Warn("peers are cut off", "database", database, "epoch", uint64(epoch), "peers", c.String())
	}
	if err := f.CutOff(ctx, db, epoch, c.allowed); err != nil {
		return fmt.Errorf("meta: cut off from database %q: %w", database, err)
	}
	return nil
}

// census says how the peers stand to a change.
type census struct {
	allowed []PeerStart       // have done what is asked
	behind  []topology.PeerID // report, but have not
	lost    []topology.PeerID // do not report, or do not follow
}

// String names the peers that have not answered.
func (c *census) String() string {
	var names []string
	for _, id := range append(append([]topology.PeerID{}, c.lost...), c.behind...) {
		names = append(names, fmt.Sprintf("%q", id))
	}
	return "peer " + strings.Join(names, ", ")
}
