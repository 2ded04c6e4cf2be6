package meta

import (
	"shardproxy/meta/topology"
)

// Kill ends a peer as a crash would: nothing is handed over or told to others.
func (s *Store) Kill() error { return s.stop() }

// State returns what the log has led to, published or not.
func (s *Store) State() *topology.Topology { return s.fsm.value() }

// Snapshot makes Raft take a snapshot now.
func (s *Store) Snapshot() error { return s.raft.Snapshot().Error() }

// Inject puts raw bytes into Raft's log.
func (s *Store) Inject(data []byte) error {
	f := s.raft.Apply(data, s.options.Timing.Call)
	return f.Error()
}

// InjectEntry puts an entry of package topology into Raft's log unseen.
func (s *Store) InjectEntry(entry []byte) error {
	p := &proposal{lineage: s.fsm.lineage(), id: newProposalID(), since: s.raft.AppliedIndex(), entry: entry}
	return s.Inject(p.encode())
}

// Lineage returns the bytes of the peer's lineage.
func (s *Store) Lineage() string {
	l := s.lineage()
	return string(l[:])
}
