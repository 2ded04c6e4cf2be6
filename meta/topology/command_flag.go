package topology

import "fmt"

// SetFlag sets a flag of FlagTable. The value is stored in its canonical
// spelling.
type SetFlag struct {
	Name  FlagName `json:",omitzero"`
	Value string   `json:",omitzero"`
}

func (c SetFlag) String() string { return fmt.Sprintf("set flag %q to %q", c.Name, c.Value) }

func (SetFlag) kind() string { return "set_flag" }

func (c SetFlag) apply(t *Topology) (*Topology, error) {
	f, err := flagNamed(c.Name)
	if err != nil {
		return t, err
	}
	value, err := f.Canonical(c.Value)
	if err != nil {
		return t, err
	}
	if old, ok := t.Flags[c.Name]; ok && old == value {
		return t, nil
	}
	next := *t
	next.Flags = with(t.Flags, c.Name, value)
	return &next, nil
}

// UnsetFlag gives a flag its default again.
type UnsetFlag struct {
	Name FlagName `json:",omitzero"`
}

func (c UnsetFlag) String() string { return fmt.Sprintf("unset flag %q", c.Name) }

func (UnsetFlag) kind() string { return "unset_flag" }

func (c UnsetFlag) apply(t *Topology) (*Topology, error) {
	if _, err := flagNamed(c.Name); err != nil {
		return t, err
	}
	if _, ok := t.Flags[c.Name]; !ok {
		return t, nil
	}
	next := *t
	next.Flags = without(t.Flags, c.Name)
	return &next, nil
}
