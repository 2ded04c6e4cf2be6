package admin

import (
	"context"

	"shardproxy/meta/topology"
)

// Changes makes changes of the topology. It is asked on the leader only.
//
// Its errors, and those of Members, NodeChanges and Resolver, are shown to
// callers when they are or wrap a *Problem, an *sqlerr.Error, a
// *topology.Conflict, one of the Err values of package topology, ErrNoLeader,
// ErrOutcomeUnknown or ErrUnsettled. These must hold no secrets. When ctx ends
// after a change was proposed, the error wraps ErrOutcomeUnknown or ctx's own.
// With ErrUnsettled the epoch of the change is returned too.
type Changes interface {
	// Change makes one change and returns the epoch at which it stands. decided
	// is the epoch it was decided on, or 0: at another epoch it is a
	// *topology.Conflict and nothing was changed.
	//
	// A routing change is held, proved and acknowledged by all peers before
	// this returns: after Pause no transaction of the database is open anywhere.
	// A change that leaves the topology as it is returns the present epoch.
	Change(ctx context.Context, decided topology.Epoch, change topology.Command) (topology.Epoch, error)
}

// Members changes who is a peer. It is asked on the leader only; see Changes
// for its errors.
type Members interface {
	// Join adds a peer, or changes the addresses of one that is there, and
	// returns the epoch at which it is a member. peer.Voter is false for one
	// that should never vote by itself; the others vote while there are few.
	// fresh: the peer has nothing on its disk. When an operator asks and not
	// the peer itself, peer.Incarnation and peer.Commands are 0 and fresh is
	// false; what they are is for Join to find out.
	Join(ctx context.Context, peer topology.Peer, fresh bool) (topology.Epoch, error)
	// Remove removes a peer and cuts off its connections to the nodes. Without
	// force a peer that would leave too few for a majority, or whose removal
	// cannot be made known to it, is refused.
	Remove(ctx context.Context, peer topology.PeerID, force bool) (topology.Epoch, error)
	// Promote makes a voter of a nonvoter that has caught up.
	Promote(ctx context.Context, peer topology.PeerID) (topology.Epoch, error)
}

// NodeChanges changes the nodes of a database. It is asked on the leader only;
// see Changes for its errors. A node that cannot be reached or is another
// server is NodeFailed.
type NodeChanges interface {
	// SetNode changes a node. Where a DSN changes, it connects there first and
	// makes sure that it is the same server.
	SetNode(ctx context.Context, change topology.SetNode) (topology.Epoch, error)
	// AddNode adds a node with the name, DSNs and weight given, or with dryRun
	// says what that would do and changes nothing. A dry run of what would be
	// refused is no error: the plan says so.
	AddNode(ctx context.Context, database string, node topology.Node, dryRun bool) (NodePlan, error)
	// RemoveNode gives the node's partitions to the others and forgets it, or
	// with dryRun says what that would do.
	RemoveNode(ctx context.Context, database string, node topology.NodeID, how NodeRemoval) (NodePlan, error)
}

// Resolver says what rules mean for the tables that are there; see Changes for
// its errors. It changes nothing.
type Resolver interface {
	// Resolve returns the command that gives the database of t other rules.
	Resolve(ctx context.Context, t *topology.Topology, database string, rules topology.Rules) (topology.SetRules, error)
}
