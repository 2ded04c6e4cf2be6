package topology

import "shardproxy/ring"

// OwnerRun gives the partitions First to Last, both included, to a node.
type OwnerRun struct {
	First ring.Partition
	Last  ring.Partition
	Node  NodeID
}

// SetOwners gives partitions to other nodes at once, without moving a row; what
// is not named keeps its owner. It is refused for partitions of an unfinished
// move.
type SetOwners struct {
	Database string
	Owners   []OwnerRun
	// Schema changes what is known in the home node's terms (OIDs), where the
	// home partition gets another owner.
	Schema SchemaChange
}
