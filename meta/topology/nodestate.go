package topology

// NodeState is what is under way with a node. It routes nothing: only Owners
// does.
type NodeState uint8

// The states.
const (
	NodeActive NodeState = iota
	// NodeJoining: it gets its partitions.
	NodeJoining
	// NodeLeaving: its partitions go to others and it gets none.
	NodeLeaving
)

func (s NodeState) String() string {
	switch s {
	case NodeActive:
		return "active"
	case NodeJoining:
		return "joining"
	case NodeLeaving:
		return "leaving"
	}
	return unknown
}
