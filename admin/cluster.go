package admin

import (
	"context"
	"net/http"
	"time"

	"shardproxy/meta/topology"
)

// Cluster says how this peer stands among its peers.
type Cluster interface {
	// Standing returns at once, also without a leader.
	Standing() Standing
	// Reports returns what this peer knows of the members, itself included, at
	// once. Only the leader hears of all.
	Reports() []Report
	// Wait returns when this peer has published the epoch or a newer one, or
	// with an error when ctx ends before.
	Wait(ctx context.Context, epoch topology.Epoch) error
}

// Standing is how a peer stands among its peers.
type Standing struct {
	Peer topology.PeerID
	// Leader is empty while none is known.
	Leader topology.PeerID
	// State is the peer's Raft state: Leader, Follower, Candidate, Shutdown.
	State string
	// Applied is the newest epoch the peer has applied, 0 where that is not
	// known. It publishes it moments later, or not at all where it cannot read
	// what followed.
	Applied topology.Epoch
	Term    uint64
	// AppliedIndex and LastIndex are indices of Raft's log.
	AppliedIndex, LastIndex uint64
}

// Report is what a peer said of itself last, and what Raft says of it.
type Report struct {
	Peer topology.PeerID
	// Votes: it votes at present. A peer that should vote does so when it has
	// caught up.
	Votes bool
	// Heard: it has said the rest, Age ago.
	Heard     bool
	Published topology.Epoch
	Age       time.Duration
}

// Forwarder brings requests to the leader. Without one, this peer decides
// itself.
type Forwarder interface {
	// IsLeader reports whether this peer leads, as far as it knows.
	IsLeader() bool
	// Forward sends the request to the leader's Server.PeerHandler over a
	// connection that proves to both that they are peers, and returns its
	// answer, whose body the caller closes. It completes the scheme and host of
	// the request's URL and changes nothing else. It neither follows redirects
	// nor repeats a request that the leader may have received, and may wait for
	// a leader while ctx allows.
	//
	// An error that wraps ErrNoLeader means that nothing was sent. After any
	// other error the request may have been done.
	Forward(ctx context.Context, r *http.Request) (*http.Response, error)
}
