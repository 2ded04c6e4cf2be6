package meta

import (
	"errors"
	"fmt"
	"sync"

	"shardproxy/meta/topology"
)

var (
	// ErrInvalid is wrapped by errors for a topology that is not consistent in
	// itself.
	ErrInvalid = errors.New("the topology is not valid")
	// ErrEpoch is wrapped by errors for a topology whose epoch does not grow.
	ErrEpoch = errors.New("the epoch does not grow")
)

// New returns a store that holds first, once the preparers have seen it, and
// agrees with nobody: only Current, Watch, Wait and Update may be used. The
// error wraps ErrInvalid.
func New(first *topology.Topology, preparers ...Preparer) (*Store, error) {
	if err := validate(first); err != nil {
		return nil, err
	}
	s := &Store{}
	s.preparers = preparers
	s.publish(first)
	return s, nil
}

// Update publishes what change makes of the topology in use, in a store that
// New made. Other updates wait meanwhile, so change must not take long and must
// not call Update. It returns a new value of a higher epoch, or the value it was
// given where nothing is to change.
//
// The error is that of change, or wraps ErrInvalid or ErrEpoch; nothing was
// published then.
func (s *Store) Update(change func(current *topology.Topology) (*topology.Topology, error)) error {
	if s.raft != nil {
		return errors.New("meta: Update is not for topologies that peers agree on")
	}
	s.update.Lock()
	defer s.update.Unlock()
	current := s.current.Load()
	next, err := change(current)
	if err != nil {
		return err
	}
	if next == current {
		return nil
	}
	if err := validate(next); err != nil {
		return err
	}
	if next.Epoch <= current.Epoch {
		return fmt.Errorf("meta: %w: %d after %d", ErrEpoch, next.Epoch, current.Epoch)
	}
	s.publish(next)
	return nil
}

func validate(t *topology.Topology) error {
	if t == nil {
		return fmt.Errorf("meta: %w: there is none", ErrInvalid)
	}
	if err := t.Validate(); err != nil {
		return fmt.Errorf("meta: %w: %w", ErrInvalid, err)
	}
	return nil
}

// updates serialises Update.
type updates struct{ update sync.Mutex }
