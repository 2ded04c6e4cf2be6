package topology

// MoveID numbers the moves of a cluster, from 1.
type MoveID uint64

// Move is the transfer of partitions from one node to another.
type Move struct {
	ID         MoveID
	Source     NodeID
	Target     NodeID
	Partitions PartitionSet
	State      MoveState
	// Attempt counts from 1; unfencing and reversing begin a new one.
	Attempt int
	// Since is the epoch at which the move came into its state. Peers
	// acknowledge (move, attempt, since).
	Since Epoch
	// Reversed: the move was turned round while it soaked; Source and Target
	// have changed places.
	Reversed bool
	// Irreversible: the source's copy was given up while the move soaked.
	Irreversible bool
	// Reason says why the latest attempt was given up or the move aborted.
	Reason string
}
