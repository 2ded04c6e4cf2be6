package topology

// AddNode adds a node, which owns nothing yet. Its name, slot and UID must be
// free.
type AddNode struct {
	Database string
	Node     Node
	// Schema changes what differs with the node there: the type map. Without
	// one, all types have the home node's OIDs on the node.
	Schema SchemaChange
}

// SetNode changes a node. What is nil stays.
type SetNode struct {
	Database string
	Node     NodeID
	DSN      *string
	AdminDSN *string
	UID      *string
	Weight   *int
	State    *NodeState
}

// RemoveNode forgets a node that owns nothing. The places of the nodes after it
// in Database.Nodes change.
type RemoveNode struct {
	Database string
	Node     NodeID
}
