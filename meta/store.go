package meta

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"

	"shardproxy/meta/topology"
)

var (
	// ErrInvalid is wrapped by errors for a topology that is not consistent in
	// itself.
	ErrInvalid = errors.New("the topology is not valid")
	// ErrEpoch is wrapped by errors for a topology whose epoch does not grow.
	ErrEpoch = errors.New("the epoch does not grow")
)

// Preparer is told of each value before it is published. It must not block for
// long, must not change the value and must not call the store.
type Preparer func(next *topology.Topology)

// Store holds the topology in use. All methods may be called by any goroutine.
type Store struct {
	current   atomic.Pointer[topology.Topology]
	preparers []Preparer

	update  sync.Mutex // serialises Update; taken before watching
	watches struct {
		sync.Mutex
		wake map[*watch]struct{}
	}
}

type watch struct{ changed chan struct{} }

// New returns a store that holds first, once the preparers have seen it. The
// error wraps ErrInvalid.
func New(first *topology.Topology, preparers ...Preparer) (*Store, error) {
	if err := validate(first); err != nil {
		return nil, err
	}
	s := &Store{preparers: preparers}
	s.watches.wake = make(map[*watch]struct{})
	s.publish(first)
	return s, nil
}

// Current returns the topology in use, never nil.
func (s *Store) Current() *topology.Topology { return s.current.Load() }

// Update publishes what change makes of the topology in use. Other updates wait
// meanwhile, so change must not take long and must not call Update. It returns
// a new value of a higher epoch, or the value it was given where nothing is to
// change.
//
// The error is that of change, or wraps ErrInvalid or ErrEpoch; nothing was
// published then.
func (s *Store) Update(change func(current *topology.Topology) (*topology.Topology, error)) error {
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

// publish makes next the current value.
func (s *Store) publish(next *topology.Topology) {
	for _, prepare := range s.preparers {
		prepare(next)
	}
	s.current.Store(next)
	s.watches.Lock()
	defer s.watches.Unlock()
	for w := range s.watches.wake {
		select {
		case w.changed <- struct{}{}:
		default: // it has not looked at the change before yet
		}
	}
}

// Watch returns a channel that receives after a new topology was published;
// Current returns that one or a newer one. Changes that follow each other
// closely may be one signal. The channel is never closed. stop ends the watch
// and may be called more than once.
func (s *Store) Watch() (changed <-chan struct{}, stop func()) {
	w := &watch{changed: make(chan struct{}, 1)}
	s.watches.Lock()
	defer s.watches.Unlock()
	s.watches.wake[w] = struct{}{}
	return w.changed, func() {
		s.watches.Lock()
		defer s.watches.Unlock()
		delete(s.watches.wake, w)
	}
}
