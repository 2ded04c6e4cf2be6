package topology

// MoveState is how far a move has come.
//
//	PLANNED -> PREPARED -> COPYING -> CATCHING_UP -> VERIFIED -> ARMED -> FENCED -> COMMITTED -> SOAKING -> CLEANING -> DONE
//	                                   ^     ^                    |        |                       |
//	                                   |     +------- unfence ----+--------+                       |
//	                                   +------------------------ reverse --------------------------+
//	any state before COMMITTED -> ABORTING -> ABORTED
//
// Unfencing and reversing begin a new attempt.
type MoveState uint8

// The states.
const (
	// MovePlanned: nothing has been done yet.
	MovePlanned MoveState = iota + 1
	// MovePrepared: the preflight passed and the target has the schema.
	MovePrepared
	// MoveCopying: rows are copied and the source's log is followed.
	MoveCopying
	// MoveCatchingUp: all rows are there, the log is followed.
	MoveCatchingUp
	// MoveVerified: the rows of both nodes were compared.
	MoveVerified
	// MoveArmed: peers acknowledge and need a lease from now on.
	MoveArmed
	// MoveFenced: peers hold statements for the partitions.
	MoveFenced
	// MoveCommitted: the target owns the partitions.
	MoveCommitted
	// MoveSoaking: the source's copy is kept current, so the move can be
	// reversed.
	MoveSoaking
	// MoveCleaning: the source's copy is deleted.
	MoveCleaning
	// MoveDone is an end: only the target has the rows.
	MoveDone
	// MoveAborting: what the move made is removed; the source was never
	// touched.
	MoveAborting
	// MoveAborted is an end: only the source has the rows.
	MoveAborted
)

// String returns the state as the manual writes it: "CATCHING_UP".
func (s MoveState) String() string {
	switch s {
	case MovePlanned:
		return "PLANNED"
	case MovePrepared:
		return "PREPARED"
	case MoveCopying:
		return "COPYING"
	case MoveCatchingUp:
		return "CATCHING_UP"
	case MoveVerified:
		return "VERIFIED"
	case MoveArmed:
		return "ARMED"
	case MoveFenced:
		return "FENCED"
	case MoveCommitted:
		return "COMMITTED"
	case MoveSoaking:
		return "SOAKING"
	case MoveCleaning:
		return "CLEANING"
	case MoveDone:
		return "DONE"
	case MoveAborting:
		return "ABORTING"
	case MoveAborted:
		return "ABORTED"
	}
	return unknown
}

// Finished says whether s is an end.
func (s MoveState) Finished() bool { return s == MoveDone || s == MoveAborted }

// Committed says whether the target owns the partitions, or did when the move
// was finished.
func (s MoveState) Committed() bool { return s >= MoveCommitted && s <= MoveDone }

// fencing says whether the peers hold or are about to hold.
func (s MoveState) fencing() bool { return s == MoveArmed || s == MoveFenced }

// mayBecome is the table of transitions. Staying in a state is none.
func (s MoveState) mayBecome(next MoveState) bool {
	switch next {
	case MovePrepared:
		return s == MovePlanned
	case MoveCopying:
		return s == MovePrepared
	case MoveCatchingUp:
		return s == MoveCopying || s.unfences(next) || s.reverses(next)
	case MoveVerified:
		return s == MoveCatchingUp
	case MoveArmed:
		return s == MoveVerified
	case MoveFenced:
		return s == MoveArmed
	case MoveCommitted:
		return s == MoveFenced
	case MoveSoaking:
		return s == MoveCommitted
	case MoveCleaning:
		return s == MoveSoaking
	case MoveDone:
		return s == MoveCleaning
	case MoveAborting:
		return s >= MovePlanned && s < MoveCommitted
	case MoveAborted:
		return s == MoveAborting
	}
	return false
}

func (s MoveState) unfences(next MoveState) bool { return s.fencing() && next == MoveCatchingUp }

func (s MoveState) reverses(next MoveState) bool { return s == MoveSoaking && next == MoveCatchingUp }
