package meta

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"regexp"
	"time"

	"shardproxy/meta/topology"
)

// Options say how a peer takes part in the cluster.
type Options struct {
	// ID names the peer, for ever: a peer whose disk was lost gets another one.
	// Letters, digits, '.', '_' and '-', 64 at most.
	ID topology.PeerID
	// DataDir is where the peer keeps its state; one process at a time uses it.
	// Empty: the peer is alone, nothing survives the process, and Listen must
	// be nil.
	DataDir string
	// Listen says where the other peers reach this one; nil: it is alone.
	Listen *ListenOptions
	// Admin is the address of the peer's admin API, told to the others.
	Admin string
	// Bootstrap makes a new cluster of this peer if DataDir is empty. Without
	// it a new peer waits until another one has had it join.
	Bootstrap bool
	// Preparers see each topology before it is published, in this order.
	Preparers []Preparer
	// Handler answers the calls of other peers that the store does not answer
	// itself, which are those below PathPrefix. An *http.ServeMux may get
	// handlers later. nil: not found.
	Handler http.Handler
	// Logger gets what happens, Raft's log included. Default: nothing is
	// logged.
	Logger *slog.Logger
	// Timing is for tests; see there for the defaults.
	Timing Timing
}

// Timing are the times between peers. With the defaults changes go on within
// five seconds after a leader is lost.
type Timing struct {
	// Heartbeat is how long a follower does not hear of the leader until it
	// suspects its loss. Default 800ms, or 50ms for a peer that is alone.
	Heartbeat time.Duration
	// Election is how long an election may take. Default: as Heartbeat.
	Election time.Duration
	// LeaderLease is how long a leader that does not reach a majority goes on
	// as one. Default: as Heartbeat, which is the most.
	LeaderLease time.Duration
	// Report is the time between two reports of a peer to the leader. Default
	// 1s.
	Report time.Duration
	// Call bounds one call or message to another peer. Default 5s.
	Call time.Duration
	// SnapshotThreshold is how many entries the log has before a snapshot is
	// made, and TrailingLogs how many stay after one. Default 1024 each: an
	// entry may be large.
	SnapshotThreshold, TrailingLogs uint64
	// SnapshotInterval is the time between looks whether to make one. Default
	// 1m.
	SnapshotInterval time.Duration
}

func (t *Timing) setDefaults(alone bool) {
	if t.Heartbeat == 0 {
		t.Heartbeat = 800 * time.Millisecond
		if alone {
			t.Heartbeat = 50 * time.Millisecond
		}
	}
	setDefault(&t.Election, t.Heartbeat)
	setDefault(&t.LeaderLease, t.Heartbeat)
	setDefault(&t.Report, time.Second)
	setDefault(&t.Call, 5*time.Second)
	setDefault(&t.SnapshotThreshold, 1024)
	setDefault(&t.TrailingLogs, 1024)
	setDefault(&t.SnapshotInterval, time.Minute)
}

func setDefault[T comparable](v *T, value T) {
	var zero T
	if *v == zero {
		*v = value
	}
}

// maxPeerID is the length of the longest peer id.
const maxPeerID = 64

// check validates the options and sets defaults.
func (o *Options) check() error {
	var errs []error
	if o.ID == "" && o.DataDir == "" {
		o.ID = "alone"
	}
	if !validPeerID(o.ID) {
		errs = append(errs, fmt.Errorf("peer id %q: it needs 1 to 64 letters, digits, '.', '_' or '-'", o.ID))
	}
	if o.DataDir == "" && o.Listen != nil {
		errs = append(errs, errors.New("a peer of others needs a data directory: it must not forget what it agreed to"))
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("meta: %w", err)
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Handler == nil {
		o.Handler = http.NotFoundHandler()
	}
	o.Timing.setDefaults(o.Listen == nil)
	return nil
}

func validPeerID(id topology.PeerID) bool {
	return len(id) <= maxPeerID && regexp.MustCompile(`^[A-Za-z0-9._-]+$`).MatchString(string(id))
}
