package topology

import (
	"errors"
	"fmt"
)

// CommandVersion is the newest version of commands that this code can apply. It
// grows when a command is added or gets a field, when a flag does, and when what
// an old command does, or what Validate refuses, changes: peers must come to the
// same value, whichever version they run.
const CommandVersion = 1

// Command is a change of the topology. Only this package has commands. They are
// structs, used by value.
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

// VersionOf returns the oldest command version whose peers can apply c. A backup
// may hold whatever this version knows.
func VersionOf(c Command) int {
	switch c := c.(type) {
	case BootstrapCluster, Restore:
		return CommandVersion
	case SetFlag:
		if f, err := flagNamed(c.Name); err == nil {
			return f.version
		}
	case SetAll, Arm:
		return entriesVersion(innerEntries(c))
	}
	return 1
}

// entriesVersion looks at the envelopes only: what is inside of them need not be
// readable yet.
func entriesVersion(entries []Entry) int {
	version := 1
	for _, entry := range entries {
		var e envelope
		if err := unmarshal(entry, &e); err == nil {
			version = max(version, e.Version)
		}
	}
	return version
}

// inner decodes a command that is part of another. It must not be decided on an
// epoch of its own.
func (e Entry) inner() (Command, error) {
	c, on, err := DecodeCommand(e)
	if err == nil && on != 0 {
		err = fmt.Errorf("%s: a command inside of another names epoch %d: %w", c, on, ErrInvalid)
	}
	return c, err
}

// what says what the command does.
func (e Entry) what() string {
	c, err := e.inner()
	if err != nil {
		return "a command that cannot be read"
	}
	return c.String()
}

var errNotHere = errors.New("not possible inside of another command")
