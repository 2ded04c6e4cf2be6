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
	// Reports returns what this peer heard of the peers, itself included, at
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
	// State is the peer's Raft state in lower case: leader, follower,
	// candidate, shutdown.
	State string
	// Applied is the newest epoch the peer has applied. It publishes it
	// moments later.
	Applied topology.Epoch
}

// Report is what a peer said of itself last.
type Report struct {
	Peer      topology.PeerID
	Published topology.Epoch
	// Age is how long ago it said so.
	Age time.Duration
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
