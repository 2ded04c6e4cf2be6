package meta

import (
	"context"
	"fmt"
	"time"

	"shardproxy/meta/topology"
)

// publishRetry is the wait after a value could not be written to disk.
const publishRetry = time.Second

// publishAll publishes what the log leads to, until ctx ends. Values that
// follow each other closely may be one publication.
func (s *Store) publishAll(ctx context.Context) {
	retry := time.NewTimer(publishRetry)
	defer retry.Stop()
	for {
		applied := s.fsm.applied.next()
		err := s.publishLatest()
		s.setTrouble(err)
		retry.Reset(publishRetry)
		select {
		case <-ctx.Done():
			return
		case <-applied:
		case <-retry.C:
		}
	}
}

// publishLatest publishes the state's value if it is newer than the published
// one. The error says why it may not be published, or not now.
func (s *Store) publishLatest() error {
	value, broken := s.fsm.state()
	if broken != nil {
		return broken
	}
	current := s.Current()
	if value.Epoch == 0 || current != nil && value.Epoch <= current.Epoch {
		return s.memberOf(current)
	}
	if current == nil && !s.hasJoined(value) {
		return nil
	}
	if err := s.memberOf(value); err != nil {
		return err
	}
	if s.disk != nil {
		if err := s.disk.served().write(value); err != nil {
			return err
		}
	}
	s.publish(value)
	s.logger.Debug("topology published", "epoch", uint64(value.Epoch))
	s.mine.due.wake()
	return nil
}

// hasJoined says whether value knows of this start of the peer. Without a
// topology that it served before, a peer publishes nothing older: others may
// have been cut off from the nodes at an epoch between.
func (s *Store) hasJoined(value *topology.Topology) bool {
	self := value.Peers[s.self.ID]
	return self != nil && self.Incarnation == s.self.Incarnation
}

// memberOf says why this peer should not follow value: it is nobody there, or
// somebody else.
func (s *Store) memberOf(value *topology.Topology) error {
	if value == nil {
		return nil
	}
	self := value.Peers[s.self.ID]
	switch {
	case self == nil:
		return fmt.Errorf("meta: epoch %d: %w", value.Epoch, ErrRemoved)
	case self.Incarnation > s.self.Incarnation:
		return fmt.Errorf("meta: epoch %d: %w", value.Epoch, ErrSuperseded)
	}
	return nil
}

func (s *Store) setTrouble(err error) {
	var before error
	if p := s.trouble.Load(); p != nil {
		before = *p
	}
	switch {
	case err == nil && before != nil:
		s.logger.Info("topology published again", "epoch", uint64(s.epoch()))
	case err != nil && (before == nil || before.Error() != err.Error()):
		s.logger.Error("no new topology is published", "error", err)
	}
	s.trouble.Store(&err)
}

// Err says why this peer does not publish what the cluster has agreed on, nil
// if it does. A peer with an error should not count as ready: it routes by an
// old topology, and is cut off from the nodes before that can do harm.
func (s *Store) Err() error {
	if p := s.trouble.Load(); p != nil && *p != nil {
		return *p
	}
	if s.removed.Load() {
		return fmt.Errorf("meta: %w", ErrRemoved)
	}
	return nil
}

// Member says whether the cluster, as far as this peer has heard of it, counts
// it as a peer. One that is none asks to join.
func (s *Store) Member() bool {
	value, current := s.fsm.value(), s.Current()
	if current != nil && current.Epoch > value.Epoch {
		value = current // the log has not been applied that far
	}
	return value.Peers[s.self.ID] != nil
}
