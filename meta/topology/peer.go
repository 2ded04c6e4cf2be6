package topology

// PeerID is the name of a shardproxy process. Its Raft server has the same id.
type PeerID string

// Peer is a member of the cluster.
type Peer struct {
	ID PeerID `json:",omitzero"`
	// Raft and Admin are where the other peers reach it, host:port each. Empty
	// for a peer that listens nowhere.
	Raft  string `json:",omitzero"`
	Admin string `json:",omitzero"`
	Voter bool   `json:",omitzero"`
	// Incarnation numbers the peer's starts; this is the latest one's.
	Incarnation uint64 `json:",omitzero"`
	// Commands is the newest command version that the peer can apply.
	Commands int `json:",omitzero"`
}
