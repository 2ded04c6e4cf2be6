package topology

// PlannedMove is a move to be planned.
type PlannedMove struct {
	Source     NodeID
	Target     NodeID
	Partitions PartitionSet
}

// PlanMoves adds moves, all or none. They get consecutive ids in order, the
// first after Topology.LastMove. A partition may be in one unfinished move
// only.
type PlanMoves struct {
	Database string
	Moves    []PlannedMove
}

// AdvanceMove brings a move from one state to another, see MoveState. It is
// compared with the move as it is: another state is refused with ErrTransition,
// another attempt or epoch with a *Conflict.
type AdvanceMove struct {
	Database string
	Move     MoveID
	Attempt  int
	From     MoveState
	To       MoveState
	// Since is compared with Move.Since. It must be given to commit, and may be
	// 0 otherwise.
	Since Epoch
	// Reason says why a move is unfenced or aborted.
	Reason string
	// Schema is for commits of the home partition, see SetOwners.
	Schema SchemaChange
}

// GiveUpReverse marks a soaking move as irreversible: the source's copy is not
// kept current any more.
type GiveUpReverse struct {
	Database string
	Move     MoveID
	Attempt  int
	Reason   string
}
