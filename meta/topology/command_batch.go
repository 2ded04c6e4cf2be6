package topology

import (
	"fmt"
	"strings"
)

// SetAll is several commands as one entry: all of them or none. Batch makes it.
// It cannot hold another SetAll, or commands that bootstrap, restore, arm,
// commit or disarm.
type SetAll struct {
	Commands []Entry `json:",omitzero"`
}

// Batch makes a SetAll of commands, which are applied in order.
func Batch(commands ...Command) (SetAll, error) {
	var all SetAll
	for _, c := range commands {
		e, err := EncodeCommand(c, 0)
		if err != nil {
			return SetAll{}, err
		}
		all.Commands = append(all.Commands, e)
	}
	return all, nil
}

// String lists the first commands.
func (c SetAll) String() string {
	const shown = 3
	var words []string
	for i, e := range c.Commands {
		if i == shown {
			words = append(words, fmt.Sprintf("%d more", len(c.Commands)-shown))
			break
		}
		words = append(words, e.what())
	}
	return "all of: " + strings.Join(words, ", ")
}

func (SetAll) kind() string { return "set_all" }

func (c SetAll) apply(t *Topology) (*Topology, error) {
	next := t
	for i, e := range c.Commands {
		made, err := c.applyOne(e, next)
		if err != nil {
			return t, fmt.Errorf("command %d of %d: %w", i+1, len(c.Commands), err)
		}
		next = made
	}
	return next, nil
}

func (c SetAll) applyOne(e Entry, t *Topology) (*Topology, error) {
	inner, err := e.inner()
	if err != nil {
		return t, err
	}
	switch inner.(type) {
	case SetAll, BootstrapCluster, Restore, Arm, CommitArmed, Disarm:
		return t, fmt.Errorf("%s: %w: %w", inner, errNotHere, ErrInvalid)
	}
	next, err := inner.apply(t)
	if err == nil && next != t {
		// The next command relies on it.
		if err = next.validateAfter(t); err != nil {
			err = fmt.Errorf("%w: %w", ErrInvalid, err)
		}
	}
	if err != nil {
		return t, fmt.Errorf("%s: %w", inner, err)
	}
	return next, nil
}
