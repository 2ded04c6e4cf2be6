package admin

import (
	"context"
	"errors"
	"net/http"

	"shardproxy/meta/topology"
)

// change is a request that changes something, on its way.
type change struct {
	request *http.Request
	caller  caller
	// what says for the audit what is to be done, without secrets.
	what string
	// dryRun changes nothing.
	dryRun bool
	// epoch at which the change stands, 0 before.
	epoch topology.Epoch
	// proposed: somebody was asked to make it, so an interruption leaves the
	// outcome open.
	proposed bool
}

// Changed is the answer to a change.
type Changed struct {
	// Epoch is that of the topology with the change in it.
	Epoch uint64 `json:"epoch"`
}

// serveChange makes a change, or has the leader make it.
func (s *Server) serveChange(w http.ResponseWriter, r *http.Request, d door, m *method) error {
	if r.Method != http.MethodDelete {
		if err := isJSON(r); err != nil {
			return err
		}
	}
	c := &change{request: r, caller: s.callerOf(r, d), what: r.Method + " " + r.URL.EscapedPath()}
	leads := s.opts.Forwarder == nil || s.opts.Forwarder.IsLeader()
	switch {
	case !leads && d == peersDoor:
		err := NewProblem(CodeNoLeader, "the peer that was asked to decide does not lead any more", hintNoLeader)
		s.audit(c, err)
		return err
	case !leads:
		return s.forward(w, c)
	}
	answer, err := m.change(r.Context(), c)
	if err != nil && c.proposed && interrupted(err) {
		err = errors.Join(err, ErrOutcomeUnknown)
	}
	if err != nil {
		problem := *problemOf(err)
		if problem.Code == CodeUnsettled {
			problem.Epoch = uint64(c.epoch)
		}
		if problem.Code != CodeInternal { // whose cause finish logs
			err = &problem
		}
	}
	s.audit(c, err)
	if err != nil {
		return err
	}
	return writeJSON(w, answer)
}

// interrupted reports whether the caller or the time for a request went before
// it was done.
func interrupted(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}

// maxDecisions is how often a change is decided anew because another one came
// in between.
const maxDecisions = 8

// decide makes the change that choose returns for the topology in use, and asks
// it again where another change came in between. A command that changes nothing
// is proposed too: this peer may not have heard yet of what it would change.
func (s *Server) decide(ctx context.Context, c *change, choose func(*topology.Topology) (topology.Command, error)) (any, error) {
	for decision := 1; ; decision++ {
		t, err := s.current()
		if err != nil {
			return nil, err
		}
		command, err := choose(t)
		if err != nil {
			return nil, err
		}
		epoch, err := s.propose(ctx, c, t.Epoch, command)
		if err == nil {
			if epoch == t.Epoch {
				c.what += ": nothing to change"
			}
			return Changed{uint64(epoch)}, nil
		}
		conflict, ok := errors.AsType[*topology.Conflict](err)
		if !ok || conflict.Decided != t.Epoch || conflict.Current <= t.Epoch || decision == maxDecisions {
			return nil, err
		}
		if s.opts.Cluster != nil {
			if err := s.opts.Cluster.Wait(ctx, conflict.Current); err != nil {
				return nil, conflict
			}
		}
	}
}

// propose makes one change.
func (s *Server) propose(ctx context.Context, c *change, decided topology.Epoch, command topology.Command) (topology.Epoch, error) {
	c.proposed = true
	epoch, err := s.opts.Changes.Change(ctx, decided, command)
	c.epoch = epoch
	return epoch, err
}
