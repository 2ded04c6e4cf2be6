package topology

import "fmt"

// PutPeer adds a peer, or gives one other addresses or another suffrage. Of a
// peer that is there, an older incarnation than its latest is not taken, nor the
// command version with it.
type PutPeer struct {
	Peer Peer `json:",omitzero"`
}

func (c PutPeer) String() string { return fmt.Sprintf("set peer %q", c.Peer.ID) }

func (PutPeer) kind() string { return "put_peer" }

func (c PutPeer) apply(t *Topology) (*Topology, error) {
	p := c.Peer
	if old := t.Peers[p.ID]; old != nil && p.Incarnation < old.Incarnation {
		p.Incarnation, p.Commands = old.Incarnation, old.Commands
	}
	return t.putPeer(&p), nil
}

func (t *Topology) putPeer(p *Peer) *Topology {
	if old := t.Peers[p.ID]; old != nil && *old == *p {
		return t
	}
	next := *t
	next.Peers = with(t.Peers, p.ID, p)
	return &next
}

// RemovePeer forgets a peer. The last one that votes cannot be removed.
type RemovePeer struct {
	ID PeerID `json:",omitzero"`
}

func (c RemovePeer) String() string { return fmt.Sprintf("remove peer %q", c.ID) }

func (RemovePeer) kind() string { return "remove_peer" }

func (c RemovePeer) apply(t *Topology) (*Topology, error) {
	if t.Peers[c.ID] == nil {
		return t, fmt.Errorf("peer %q: %w", c.ID, ErrNotFound)
	}
	next := *t
	next.Peers = without(t.Peers, c.ID)
	if next.Voters() == 0 {
		return t, fmt.Errorf("peer %q is the last one that votes: %w", c.ID, ErrInUse)
	}
	return &next, nil
}

// PeerStarted says that a peer has started, what it can apply and where it
// listens. An incarnation older than the peer's latest is refused with a
// *Conflict.
type PeerStarted struct {
	ID          PeerID `json:",omitzero"`
	Incarnation uint64 `json:",omitzero"`
	Commands    int    `json:",omitzero"`
	Raft        string `json:",omitzero"`
	Admin       string `json:",omitzero"`
}

func (c PeerStarted) String() string {
	return fmt.Sprintf("peer %q started as incarnation %d", c.ID, c.Incarnation)
}

func (PeerStarted) kind() string { return "peer_started" }

func (c PeerStarted) apply(t *Topology) (*Topology, error) {
	old := t.Peers[c.ID]
	if old == nil {
		return t, fmt.Errorf("peer %q: %w", c.ID, ErrNotFound)
	}
	if c.Incarnation < old.Incarnation {
		return t, &Conflict{Current: t.Epoch, What: fmt.Sprintf("peer %q has started as incarnation %d since", c.ID, old.Incarnation)}
	}
	return t.putPeer(&Peer{
		ID: c.ID, Raft: c.Raft, Admin: c.Admin, Voter: old.Voter,
		Incarnation: c.Incarnation, Commands: c.Commands,
	}), nil
}

// Voters returns the number of peers that vote.
func (t *Topology) Voters() int {
	n := 0
	for _, p := range t.Peers {
		if p.Voter {
			n++
		}
	}
	return n
}

// OldestCommands returns the newest command version that all peers can apply:
// nothing newer may be proposed.
func (t *Topology) OldestCommands() int {
	oldest := CommandVersion
	for _, p := range t.Peers {
		oldest = min(oldest, p.Commands)
	}
	return oldest
}
