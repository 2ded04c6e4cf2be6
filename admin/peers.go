package admin

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"

	"shardproxy/meta/topology"
)

// Peers is the answer of /v1/peers.
type Peers struct {
	Epoch  uint64 `json:"epoch"`
	Leader string `json:"leader,omitempty"`
	// AnsweredBy is the peer whose view this is. Only the leader hears of all.
	AnsweredBy string `json:"answered_by,omitempty"`
	Peers      []Peer `json:"peers"`
}

// Peer is a shardproxy process.
type Peer struct {
	ID     string `json:"id"`
	Raft   string `json:"raft"`
	Admin  string `json:"admin"`
	Voter  bool   `json:"voter"` // should vote
	Leader bool   `json:"leader,omitempty"`
	// Votes: it votes at present; absent where the answering peer cannot say.
	Votes *bool `json:"votes,omitempty"`
	// Epoch is the one it said it serves with, HeardMS how long ago; both are
	// absent where the answering peer has heard nothing.
	Epoch   uint64 `json:"epoch,omitempty"`
	HeardMS *int64 `json:"heard_ms,omitempty"`
}

// PeerJoin is the body of POST /v1/peers.
type PeerJoin struct {
	ID string `json:"id"`
	// Raft is where the other peers reach it, Admin where operators do, host:port
	// each. Admin may be empty.
	Raft  string `json:"raft"`
	Admin string `json:"admin,omitempty"`
	// Nonvoter: it should never vote by itself. Others vote while there are
	// fewer voters than the flag max_voters.
	Nonvoter bool `json:"nonvoter,omitempty"`
	// What a joining process says of itself: the number of its start, the
	// newest commands it can apply, and whether there is nothing on its disk.
	// All are absent when an operator asks.
	Incarnation uint64 `json:"incarnation,omitempty"`
	Commands    int    `json:"commands,omitempty"`
	New         bool   `json:"new,omitempty"`
}

// PeerJoined is the answer of POST /v1/peers.
type PeerJoined struct {
	Epoch     uint64 `json:"epoch"`
	ClusterID string `json:"cluster_id"`
	Peer      Peer   `json:"peer"`
}

func (s *Server) peers(w http.ResponseWriter, _ *http.Request) error {
	t, err := s.current()
	if err != nil {
		return err
	}
	answer := Peers{Epoch: uint64(t.Epoch), Peers: []Peer{}}
	reports := map[topology.PeerID]Report{}
	if s.opts.Cluster != nil {
		standing := s.opts.Cluster.Standing()
		answer.Leader, answer.AnsweredBy = string(standing.Leader), string(standing.Peer)
		for _, report := range s.opts.Cluster.Reports() {
			reports[report.Peer] = report
		}
	}
	for _, id := range slices.Sorted(maps.Keys(t.Peers)) {
		p := peerOf(t.Peers[id])
		p.Leader = p.ID == answer.Leader
		if report, known := reports[id]; known {
			p.hear(&report)
		}
		answer.Peers = append(answer.Peers, p)
	}
	return writeJSON(w, answer)
}

func (p *Peer) hear(report *Report) {
	p.Votes = &report.Votes
	if report.Heard {
		ms := report.Age.Milliseconds()
		p.Epoch, p.HeardMS = uint64(report.Published), &ms
	}
}

func peerOf(p *topology.Peer) Peer {
	return Peer{ID: string(p.ID), Raft: p.Raft, Admin: p.Admin, Voter: p.Voter}
}

func (s *Server) joinPeer(ctx context.Context, c *change) (any, error) {
	var body PeerJoin
	if err := readJSON(c.request, &body); err != nil {
		return nil, err
	}
	err := cmp.Or(checkPlainName("id", body.ID), checkAddress("raft", body.Raft))
	if err == nil && body.Admin != "" {
		err = checkAddress("admin", body.Admin)
	}
	if err != nil {
		return nil, err
	}
	c.what = fmt.Sprintf("peer %s joins, Raft at %s", body.ID, body.Raft)
	c.proposed = true
	peer := topology.Peer{
		ID: topology.PeerID(body.ID), Raft: body.Raft, Admin: body.Admin, Voter: !body.Nonvoter,
		Incarnation: body.Incarnation, Commands: body.Commands,
	}
	if c.epoch, err = s.opts.Members.Join(ctx, peer, body.New); err != nil {
		return nil, err
	}
	answer := PeerJoined{Epoch: uint64(c.epoch), Peer: peerOf(&peer)}
	if t := s.opts.Topology.Current(); t != nil {
		answer.ClusterID = t.ClusterID
		if joined := t.Peers[peer.ID]; joined != nil {
			answer.Peer = peerOf(joined)
		}
	}
	return answer, nil
}

func (s *Server) removePeer(ctx context.Context, c *change) (any, error) {
	id := c.request.PathValue("id")
	force, err := boolParameter(c.request, "force")
	if err != nil {
		return nil, err
	}
	c.what = fmt.Sprintf("remove peer %q, force %t", id, force)
	if err := s.knownPeer(id); err != nil {
		return nil, err
	}
	c.proposed = true
	c.epoch, err = s.opts.Members.Remove(ctx, topology.PeerID(id), force)
	return Changed{uint64(c.epoch)}, err
}

func (s *Server) promotePeer(ctx context.Context, c *change) (any, error) {
	id := c.request.PathValue("id")
	c.what = fmt.Sprintf("promote peer %q", id)
	err := readJSON(c.request, &struct{}{})
	if err = cmp.Or(err, s.knownPeer(id)); err != nil {
		return nil, err
	}
	c.proposed = true
	c.epoch, err = s.opts.Members.Promote(ctx, topology.PeerID(id))
	return Changed{uint64(c.epoch)}, err
}

func (s *Server) knownPeer(id string) error {
	t, err := s.current()
	if err != nil {
		return err
	}
	if t.Peers[topology.PeerID(id)] == nil {
		return unknownName("peer", id, slices.Sorted(maps.Keys(t.Peers)))
	}
	return nil
}
