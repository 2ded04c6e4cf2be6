package gate

import (
	"context"
	"sync/atomic"

	"shardproxy/meta/topology"
)

// Slot is the place of one session. Its methods are for the session's goroutine.
type Slot struct {
	gate     *Gate
	database string
	since    atomic.Uint64 // the epoch of the oldest plan of what is under way; 0: nothing is
	_        [40]byte      // keeps two sessions' slots out of one cache line
}

// Enter returns the topology to plan with. Work that has entered before goes on,
// whatever is held. Where held is true the slot is idle: nothing may be planned
// for a node, and Wait says when to try again.
func (s *Slot) Enter() (t *topology.Topology, held bool) {
	if s.since.Load() != 0 {
		return s.gate.source.Current(), false
	}
	for t = s.gate.source.Current(); ; {
		s.since.Store(uint64(t.Epoch))
		again := s.gate.source.Current()
		if again == t {
			break
		}
		t = again
	}
	if Held(t, s.database) {
		s.Leave()
		return t, true
	}
	return t, false
}

// Leave says that nothing is left on any node of what was planned since Enter.
func (s *Slot) Leave() {
	if s.since.Load() == 0 {
		return
	}
	s.since.Store(0)
	if s.gate.draining.Load() != 0 {
		s.gate.tell()
	}
}

// Entered reports whether the slot is counted.
func (s *Slot) Entered() bool { return s.since.Load() != 0 }

// Wait waits until new work of the slot's database is no longer held. The error
// is the cause of ctx.
func (s *Slot) Wait(ctx context.Context) error {
	changed, stop := s.gate.source.Watch()
	defer stop()
	for Held(s.gate.source.Current(), s.database) {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-changed:
		}
	}
	return nil
}

// Close gives the slot up.
func (s *Slot) Close() {
	s.Leave()
	s.gate.mu.Lock()
	defer s.gate.mu.Unlock()
	delete(s.gate.slots, s)
}
