package topology

import (
	"fmt"
	"reflect"
)

// SetUser adds a user or replaces one.
type SetUser struct {
	User User `json:",omitzero"`
}

func (c SetUser) String() string { return fmt.Sprintf("set user %q", c.User.Name) }

func (SetUser) kind() string { return "set_user" }

func (c SetUser) apply(t *Topology) (*Topology, error) {
	if old := t.Users[c.User.Name]; old != nil && reflect.DeepEqual(*old, c.User) {
		return t, nil
	}
	next := *t
	next.Users = with(t.Users, c.User.Name, &c.User)
	return &next, nil
}

// RemoveUser removes a user.
type RemoveUser struct {
	Name string `json:",omitzero"`
}

func (c RemoveUser) String() string { return fmt.Sprintf("remove user %q", c.Name) }

func (RemoveUser) kind() string { return "remove_user" }

func (c RemoveUser) apply(t *Topology) (*Topology, error) {
	if t.Users[c.Name] == nil {
		return t, fmt.Errorf("user %q: %w", c.Name, ErrNotFound)
	}
	next := *t
	next.Users = without(t.Users, c.Name)
	return &next, nil
}
