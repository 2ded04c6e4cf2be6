package meta

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/hashicorp/raft"

	"shardproxy/meta/topology"
)

// stateHeader begins a snapshot. The lineage follows, then what is remembered of
// proposals, then the topology.
const stateHeader = "shardproxy state 1\n"

// fsm is the replicated state: the topology, and which proposals led to it.
//
// Invariant: what it holds depends on the log alone. So it stops for good at an
// entry that it cannot read, and takes no snapshot from then on: the log stays
// for the program that can.
type fsm struct {
	applied notice // a new value, or the end

	mu struct {
		sync.Mutex
		value     *topology.Topology // never nil
		lineage   lineage            // the zero one before the first entry
		proposals *proposals
		broken    error
	}
}

var _ raft.FSM = (*fsm)(nil)

func newFSM() *fsm {
	f := &fsm{}
	f.mu.value, f.mu.proposals = &topology.Topology{}, newProposals()
	return f
}

// outcome is what an entry led to.
type outcome struct {
	applied appliedProposal
	err     error
	// unreadable: err is no refusal, which all peers agree on, but the end.
	unreadable bool
}

// state returns the value that the log has led to, published or not, and why it
// cannot go on, if it cannot.
func (f *fsm) state() (_ *topology.Topology, broken error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mu.value, f.mu.broken
}

func (f *fsm) value() *topology.Topology {
	value, _ := f.state()
	return value
}

// lineage is that of the state.
func (f *fsm) lineage() lineage {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.mu.lineage
}

// Apply implements raft.FSM. It returns an outcome.
func (f *fsm) Apply(log *raft.Log) any {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.mu.broken != nil {
		return outcome{err: f.mu.broken}
	}
	o := f.apply(log)
	if o.unreadable {
		f.mu.broken = fmt.Errorf("meta: entry %d: %w", log.Index, o.err)
		o.err = f.mu.broken
	}
	f.applied.wake()
	return o
}

// apply needs the lock.
func (f *fsm) apply(log *raft.Log) outcome {
	p, err := decodeProposal(log.Data)
	if err != nil {
		return outcome{err: err, unreadable: true}
	}
	if f.mu.lineage == (lineage{}) {
		f.mu.lineage = p.lineage
	}
	if p.lineage != f.mu.lineage {
		return outcome{err: errLineage, unreadable: true}
	}
	before, found, err := f.mu.proposals.find(p)
	if found || err != nil {
		return outcome{applied: before, err: err}
	}
	next, err := applyEntry(f.mu.value, p.entry)
	if err != nil {
		return outcome{err: err, unreadable: errors.Is(err, topology.ErrUnknownCommand)}
	}
	now := appliedProposal{id: p.id, index: log.Index, epoch: next.Epoch, changed: next != f.mu.value}
	f.mu.value = next
	f.mu.proposals.remember(now)
	return outcome{applied: now}
}

// applyEntry is topology.Apply. A panic, which it promises not to have, would
// end this process now and at each start, and those of all other peers; so it
// is taken for an entry that cannot be read.
func applyEntry(t *topology.Topology, entry []byte) (next *topology.Topology, err error) {
	defer func() {
		if r := recover(); r != nil {
			next, err = t, fmt.Errorf("%w: %v", topology.ErrUnknownCommand, r)
		}
	}()
	return topology.Apply(t, entry)
}

// Snapshot implements raft.FSM.
func (f *fsm) Snapshot() (raft.FSMSnapshot, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.mu.broken != nil {
		return nil, f.mu.broken
	}
	return &stateSnapshot{value: f.mu.value, header: f.mu.proposals.encode(append([]byte(stateHeader), f.mu.lineage[:]...))}, nil
}

// Restore implements raft.FSM. After an error the state is as it was.
func (f *fsm) Restore(from io.ReadCloser) error {
	content, err := io.ReadAll(from)
	if err := errors.Join(err, from.Close()); err != nil {
		return fmt.Errorf("meta: snapshot: %w", err)
	}
	lineage, proposals, value, err := decodeState(content)
	if err != nil {
		return fmt.Errorf("meta: snapshot: %w", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.mu.lineage, f.mu.proposals, f.mu.value, f.mu.broken = lineage, proposals, value, nil
	f.applied.wake()
	return nil
}

func decodeState(content []byte) (l lineage, _ *proposals, _ *topology.Topology, err error) {
	content, ok := bytes.CutPrefix(content, []byte(stateHeader))
	if !ok || len(content) < len(l) {
		return l, nil, nil, fmt.Errorf("%w, or of a newer program", ErrDamaged)
	}
	copy(l[:], content)
	proposals, rest, err := decodeProposals(content[len(l):])
	if err != nil {
		return l, nil, nil, err
	}
	value, err := topology.Decode(rest)
	return l, proposals, value, err
}

// stateSnapshot is a state that does not change.
type stateSnapshot struct {
	value  *topology.Topology
	header []byte
}

// Persist implements raft.FSMSnapshot.
func (s *stateSnapshot) Persist(sink raft.SnapshotSink) error {
	value, err := s.value.Encode()
	if err == nil {
		_, err = sink.Write(append(s.header, value...))
	}
	if err != nil {
		return errors.Join(fmt.Errorf("meta: snapshot: %w", err), sink.Cancel())
	}
	return sink.Close()
}

// Release implements raft.FSMSnapshot.
func (s *stateSnapshot) Release() {}
