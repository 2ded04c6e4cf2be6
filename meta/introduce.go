package meta

import (
	"context"
	"fmt"

	"shardproxy/meta/topology"
)

// selfRequest asks a peer who it is.
type selfRequest struct{}

// selfResponse is what a peer says of itself.
type selfResponse struct {
	Peer topology.Peer `json:"peer"`
	New  bool          `json:"new"`
}

// answerSelf says who this peer is, also before it is a member of anything.
func (s *Store) answerSelf(context.Context, *selfRequest) (*selfResponse, error) {
	return &selfResponse{Peer: s.self, New: s.isNew}, nil
}

// Introduce asks the process that listens for peers at an address who it is, so
// that it can be made a member though it has not asked for it itself.
func (s *Store) Introduce(ctx context.Context, address string) (JoinRequest, error) {
	if s.client == nil {
		return JoinRequest{}, fmt.Errorf("meta: %w", refused("this peer listens for no others (peer.raft.listen): %w", topology.ErrInUse))
	}
	leader, response := "", new(selfResponse)
	if err := s.call(ctx, address, "self", &selfRequest{}, response, &leader); err != nil {
		return JoinRequest{}, fmt.Errorf("meta: ask %s who it is: %w", address, err)
	}
	return JoinRequest{Peer: response.Peer, New: response.New}, nil
}
