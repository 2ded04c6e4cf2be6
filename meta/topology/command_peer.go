package topology

// PutPeer adds a peer, or gives one other addresses or another suffrage. The
// incarnation and the command version of a peer that is there stay where the
// command's are lower.
type PutPeer struct{ Peer Peer }

// RemovePeer forgets a peer. The last one cannot be removed.
type RemovePeer struct{ ID PeerID }

// PeerStarted says that a peer has started, what it can apply and where it
// listens. An incarnation older than the peer's latest is refused with a
// *Conflict.
type PeerStarted struct {
	ID          PeerID
	Incarnation uint64
	Commands    int
	Raft        string
	Admin       string
}
