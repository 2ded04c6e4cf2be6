package noderegistry

import (
	"errors"
	"fmt"
	"math"
)

// Schema is the name of the schema on the node.
const Schema = "shardproxy"

// Node names a node among those of all clusters.
type Node struct {
	Cluster  string // the cluster's id
	Database string // the proxy's name of the database
	ID       string // the node's name in that database
}

func (n Node) String() string {
	return fmt.Sprintf("node %q of database %q in cluster %q", n.ID, n.Database, n.Cluster)
}

func (n Node) validate() error {
	if n.Cluster == "" || n.Database == "" || n.ID == "" {
		return fmt.Errorf("noderegistry: %s: a name is empty", n)
	}
	return nil
}

// Peer is one start of a peer: a restart makes another.
type Peer struct {
	ID          string
	Incarnation uint64
}

func (p Peer) String() string { return fmt.Sprintf("peer %q (incarnation %d)", p.ID, p.Incarnation) }

// Registration is what a connection says of itself.
type Registration struct {
	Node Node // that it means to have reached
	Peer Peer // whose it is
	// Epoch of the topology by which the peer plans, read after the login.
	Epoch uint64
}

func (r Registration) validate() error {
	if err := r.Node.validate(); err != nil {
		return err
	}
	if r.Peer.ID == "" {
		return errors.New("noderegistry: the peer has no name")
	}
	if r.Peer.Incarnation > math.MaxInt64 || r.Epoch > math.MaxInt64 {
		return fmt.Errorf("noderegistry: incarnation %d or epoch %d is beyond a bigint", r.Peer.Incarnation, r.Epoch)
	}
	return nil
}
