package backend

import (
	"errors"

	"shardproxy/internal/noderegistry"
	"shardproxy/meta/topology"
	"shardproxy/protocol/sqlerr"
)

// Identity is who the proxy is towards the nodes. Without a cluster or a peer
// the logins fail: nothing may be sent to a node before both are known.
type Identity struct {
	ClusterID string
	Peer      string
	// Incarnation numbers the starts of the peer.
	Incarnation uint64
	// Epoch of the topology that the proxy plans with at this moment.
	Epoch topology.Epoch
}

// registration returns as what the connections of a pool register; nil where
// they do not.
func (s *Pools) registration(key PoolKey) func() noderegistry.Registration {
	if s.o.Identity == nil {
		return nil
	}
	return func() noderegistry.Registration {
		id := s.o.Identity()
		return noderegistry.Registration{
			Node:  noderegistry.Node{Cluster: id.ClusterID, Database: key.Database, ID: string(key.Node)},
			Peer:  noderegistry.Peer{ID: id.Peer, Incarnation: id.Incarnation},
			Epoch: uint64(id.Epoch),
		}
	}
}

// outdated reports whether a node refused because the proxy's topology is too
// old: a newer one cures that, nothing else does.
func outdated(err error) bool { return noderegistry.ReasonOf(err) == noderegistry.StaleEpoch }

// refusalError is the error of a client whose node does not let the proxy
// register; nil where something else is wrong.
func refusalError(node topology.NodeID, cause error) *sqlerr.Error {
	r, ok := errors.AsType[*noderegistry.Refusal](cause)
	if !ok {
		return nil
	}
	e, detail := sqlerr.NodeRejected(string(node), r.Message), r.Detail
	if outdated(cause) { // it may be tried again
		e, detail = sqlerr.NodeUnavailable(string(node)), r.Message
	}
	return e.WithDetail(detail).WithHint(r.Hint).Wrap(cause)
}
