package meta

import "errors"

// What the errors of changes wrap, besides those of Apply: *topology.Conflict
// and the Err values of package topology.
var (
	// ErrNoLeader: nothing has happened, because no leader was found in time.
	// A majority of the voters has to run and reach each other.
	ErrNoLeader = errors.New("the peers have no leader: a majority of the voting peers has to run and reach each other")
	// ErrUnknownOutcome: the change may have been made or not. Look at the
	// topology before it is made again.
	ErrUnknownOutcome = errors.New("it is not known whether the change was made")
	// ErrRefused: the leader, or what all peers agreed on, refused the change.
	// Nothing has happened.
	ErrRefused = errors.New("refused")
	// ErrNotLeader: this can be done by the leader only, and this peer is not
	// the leader or has ceased to be.
	ErrNotLeader = errors.New("this peer is not the leader")
	// ErrVersion: a peer runs a program that cannot apply the change. Nothing
	// has happened.
	ErrVersion = errors.New("not every peer knows this kind of change yet")
	// ErrUnpublished: the change was made, but this peer has not taken it over
	// yet.
	ErrUnpublished = errors.New("the change was made, but this peer has not taken it over yet")
	// ErrUnsettled: the change was made, but not every peer is known to have
	// taken it over.
	ErrUnsettled = errors.New("the change was made, but not every peer is known to have taken it over")
	// ErrBusy: the change was given up, because transactions that stand
	// against it did not end in time. Nothing has happened.
	ErrBusy = errors.New("transactions did not end in time")
	// ErrNoConnection: another peer could not be reached, nothing was sent.
	ErrNoConnection = errors.New("no connection")
	// ErrClosed: the store was closed.
	ErrClosed = errors.New("the topology store is closed")
)

// What Err wraps.
var (
	// ErrRemoved: this peer is not a member of the cluster any more.
	ErrRemoved = errors.New("this peer was removed from the cluster")
	// ErrSuperseded: another process has started under this peer's id.
	ErrSuperseded = errors.New("another process runs under this peer's id")
)

// errForgotten: a proposal was sent again after so many others that nobody
// knows whether it was applied. To send it once more would not help.
var errForgotten = errors.New("too many other changes were made since")
