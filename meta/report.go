package meta

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"shardproxy/meta/topology"
)

// Report is what a peer tells the leader of itself: once a second, and at once
// when it has published a topology or drained.
type Report struct {
	Peer        topology.PeerID `json:"peer"`
	Incarnation uint64          `json:"incarnation"`
	Commands    int             `json:"commands"`
	Raft        string          `json:"raft"`
	Admin       string          `json:"admin"`
	// New says that the peer's disk was empty when it started.
	New bool `json:"new"`
	// Epoch is the one that the peer has published, 0 for none, and Hash the
	// hash of the topology.
	Epoch topology.Epoch `json:"epoch"`
	Hash  string         `json:"hash"`
	// Applied is the index of Raft's log that the peer has applied.
	Applied uint64 `json:"applied"`
	// Drained are the armed changes, by database, for which no transaction is
	// under way at the peer any more.
	Drained map[string]topology.ArmID `json:"drained,omitempty"`
	// Trouble is the peer's Err, "" for none.
	Trouble string `json:"trouble,omitempty"`
}

type reportResponse struct{}

// ReceivedReport is a peer's latest report as the leader has it.
type ReceivedReport struct {
	Report
	// At is when it came, by this process' clock.
	At time.Time
}

// reports is the leader's memory of the peers. It is not replicated: a new
// leader hears everything anew within a second.
type reports struct {
	changed notice
	mu      struct {
		sync.Mutex
		received map[topology.PeerID]ReceivedReport
		since    time.Time // when this peer became the leader
	}
}

// reset forgets everything.
func (r *reports) reset(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mu.received, r.mu.since = nil, now
}

// receive takes a report in, unless a later start of the peer has reported.
func (r *reports) receive(report *Report, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	before, known := r.mu.received[report.Peer]
	if known && before.Incarnation > report.Incarnation {
		return
	}
	if r.mu.received == nil {
		r.mu.received = make(map[topology.PeerID]ReceivedReport)
	}
	r.mu.received[report.Peer] = ReceivedReport{*report, now}
	r.changed.wake()
}

// of returns the latest report of a peer. A peer that has not reported counts
// as heard of when the leader became one.
func (r *reports) of(id topology.PeerID) ReceivedReport {
	r.mu.Lock()
	defer r.mu.Unlock()
	if report, ok := r.mu.received[id]; ok {
		return report
	}
	return ReceivedReport{At: r.mu.since}
}

// ownReport is what this peer's next report will have to say.
type ownReport struct {
	due notice // a report should be sent at once
	mu  struct {
		sync.Mutex
		drained map[string]topology.ArmID
	}
}

// Drained says that this peer has published the armed change of a database and
// that no transaction in its scope is under way here. It stays true until the
// outcome is known, because new ones wait.
func (s *Store) Drained(database string, arm topology.ArmID) {
	s.mine.mu.Lock()
	next := maps.Clone(s.mine.mu.drained)
	if next == nil {
		next = make(map[string]topology.ArmID)
	}
	changed := next[database] < arm
	next[database] = max(next[database], arm)
	s.mine.mu.drained = next
	s.mine.mu.Unlock()
	if changed {
		s.mine.due.wake()
	}
}

// report is this peer's state now.
func (s *Store) report(hash string) *Report {
	s.mine.mu.Lock()
	drained := s.mine.mu.drained
	s.mine.mu.Unlock()
	r := &Report{
		Peer: s.self.ID, Incarnation: s.self.Incarnation, Commands: s.self.Commands,
		Raft: s.self.Raft, Admin: s.self.Admin, New: s.isNew, Epoch: s.epoch(), Hash: hash,
		Applied: s.raft.AppliedIndex(), Drained: drained,
	}
	if err := s.Err(); err != nil {
		r.Trouble = err.Error()
	}
	return r
}

// reportAll reports to the leader until ctx ends.
func (s *Store) reportAll(ctx context.Context) {
	var hashed *topology.Topology
	hash, hint := "", ""
	for attempt := 0; ; attempt++ {
		due := s.mine.due.next()
		if t := s.Current(); t != hashed {
			hash, hashed = t.Hash(), t
		}
		wait := s.options.Timing.Report
		report := s.report(hash)
		if hashed != nil && report.Epoch != hashed.Epoch {
			report.Epoch = hashed.Epoch // a newer one came meanwhile; it is due
		}
		err := s.sendReport(ctx, report, &hint, attempt)
		s.heardOf(err)
		if err != nil {
			wait /= 5
		} else {
			attempt = -1
		}
		if !pause(ctx, due, wait) {
			return
		}
	}
}

// heardOf notes whether the leader counts this peer as a member. One that was
// removed hears it this way only: Raft sends it nothing any more. A peer that has
// served nothing yet may be about to join.
func (s *Store) heardOf(err error) {
	switch {
	case err == nil:
		s.removed.Store(false)
	case errors.Is(err, ErrRemoved) && s.Current() != nil:
		if !s.removed.Swap(true) {
			s.logger.Error("this peer is not a member any more", "error", err)
		}
	}
}

func (s *Store) sendReport(ctx context.Context, r *Report, hint *string, attempt int) error {
	ctx, cancel := context.WithTimeout(ctx, s.options.Timing.Report)
	defer cancel()
	_, err := tryLeader(ctx, s, "report", r, s.answerReport, hint, attempt)
	return err
}

// answerReport takes a report in on the leader.
func (s *Store) answerReport(_ context.Context, r *Report) (*reportResponse, error) {
	if !s.IsLeader() {
		return nil, ErrNotLeader
	}
	s.reports.receive(r, time.Now())
	if value := s.fsm.value(); value.Epoch > 0 && value.Peers[r.Peer] == nil {
		return nil, fmt.Errorf("meta: peer %q: %w", r.Peer, ErrRemoved)
	}
	return &reportResponse{}, nil
}
