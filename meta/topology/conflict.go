package topology

import (
	"errors"
	"fmt"
)

// What a refused command's error wraps, besides *Conflict.
var (
	// ErrUnknownCommand: the entry cannot be read, because it was written by a
	// newer version or is damaged. Others may have applied it, so who gets this
	// for a committed entry must not publish anything any more.
	ErrUnknownCommand = errors.New("the command cannot be read")
	// ErrNotFound: the command names a database, node, user, peer or move that
	// there is not.
	ErrNotFound = errors.New("not found")
	// ErrExists: what the command would add is there already.
	ErrExists = errors.New("exists already")
	// ErrInUse: what the command would remove is needed by something else.
	ErrInUse = errors.New("in use")
	// ErrTransition: the move or the armed change is in another state.
	ErrTransition = errors.New("not possible in this state")
	// ErrInvalid: the command is not well formed, or its outcome would not be
	// consistent in itself.
	ErrInvalid = errors.New("not valid")
)

// Conflict refuses a command because something else has changed, or is being
// changed, since it was decided on. It may be decided on anew.
type Conflict struct { //nolint:errname // it is told to operators by this name
	// Decided is the epoch the command was decided on, 0 where none was named.
	Decided Epoch
	// Current is the epoch it met.
	Current Epoch
	// What says what was refused and what stands against it.
	What string
}

func (c *Conflict) Error() string {
	if c.Decided == 0 {
		return fmt.Sprintf("conflict at epoch %d: %s", c.Current, c.What)
	}
	return fmt.Sprintf("conflict: decided on epoch %d, now at epoch %d: %s", c.Decided, c.Current, c.What)
}
