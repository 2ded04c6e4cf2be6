package topology

import (
	"errors"
	"fmt"
)

// CommandVersion is the newest version of commands that this code can apply. It
// grows when a command is added or gets a field.
const CommandVersion = 1

// Command is a change of the topology. Only this package has commands, all of
// them structs without pointers to themselves; a command is a value that may be
// used again.
type Command interface {
	// String says what the command does, without secrets.
	String() string

	// kind names the command in an entry. It never changes.
	kind() string
	// apply returns t itself where there is nothing to change, or a copy that
	// shares all that the command did not touch. The epoch is Apply's to set.
	apply(t *Topology) (*Topology, error)
}

// Entry is an encoded command, as EncodeCommand makes it. It may hold secrets
// and shows none when it is printed.
type Entry []byte

// VersionOf returns the oldest command version whose peers can apply c.
func VersionOf(Command) int { return 1 }

// inner decodes a command that is part of another. It must not be decided on an
// epoch of its own.
func (e Entry) inner() (Command, error) {
	c, on, err := DecodeCommand(e)
	if err == nil && on != 0 {
		err = fmt.Errorf("%s: a command inside of another names epoch %d: %w", c, on, ErrInvalid)
	}
	return c, err
}

var errNotHere = errors.New("not possible inside of another command")
