package topology

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	"shardproxy/ring"
)

// MaxNodes is the largest number of nodes of a database.
const MaxNodes = 256

// Validate checks that the topology is consistent in itself and returns all
// that is wrong with it, joined.
func (t *Topology) Validate() error {
	var errs []error
	for _, name := range slices.Sorted(maps.Keys(t.Databases)) {
		db := t.Databases[name]
		switch {
		case db == nil:
			errs = append(errs, fmt.Errorf("database %q is nil", name))
		case db.Name != name:
			errs = append(errs, fmt.Errorf("database %q is stored under the name %q", db.Name, name))
		default:
			if err := db.Validate(); err != nil {
				errs = append(errs, fmt.Errorf("database %q: %w", name, err))
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(t.Users)) {
		errs = append(errs, t.validateUser(name))
	}
	return errors.Join(errs...)
}

func (t *Topology) validateUser(name string) error {
	u := t.Users[name]
	if u == nil || u.Name != name || name == "" {
		return fmt.Errorf("user %q is empty or stored under another name", name)
	}
	for _, db := range u.Databases {
		if t.Databases[db] == nil {
			return fmt.Errorf("user %q: there is no database %q", name, db)
		}
	}
	return nil
}

// Validate checks one database; see Topology.Validate.
func (d *Database) Validate() error {
	errs := []error{d.validateNodes(), d.validateOwners(), d.Rules.Validate(), d.validateTypes()}
	if d.Engine != Postgres && d.Engine != MySQL {
		errs = append(errs, fmt.Errorf("engine %d is unknown", d.Engine))
	}
	for _, name := range slices.SortedFunc(maps.Keys(d.Relations), compareNames) {
		rel := d.Relations[name]
		if rel == nil || rel.Name != name {
			errs = append(errs, fmt.Errorf("relation %s is nil or stored under another name", name))
		} else if err := rel.validate(); err != nil {
			errs = append(errs, fmt.Errorf("relation %s: %w", name, err))
		}
	}
	for _, name := range slices.SortedFunc(maps.Keys(d.Sequences), compareNames) {
		if s := d.Sequences[name]; s.Name != name || s.Mode == 0 || (s.Mode == SequenceStrided) != (s.Stride > 0) {
			errs = append(errs, fmt.Errorf("sequence %s: mode %s with stride %d", name, s.Mode, s.Stride))
		}
	}
	return errors.Join(errs...)
}

func (d *Database) validateNodes() error {
	if len(d.Nodes) == 0 || len(d.Nodes) > MaxNodes {
		return fmt.Errorf("it has %d nodes; 1 to %d are possible", len(d.Nodes), MaxNodes)
	}
	var errs []error
	slots := make(map[Slot]NodeID, len(d.Nodes))
	for i, n := range d.Nodes {
		if first, ok := d.NodeNamed(n.ID); n.ID == "" || !ok || int(first) != i {
			errs = append(errs, fmt.Errorf("node name %q is empty or used twice", n.ID))
		}
		if other, taken := slots[n.Slot]; taken {
			errs = append(errs, fmt.Errorf("nodes %q and %q have the same slot %d", other, n.ID, n.Slot))
		}
		slots[n.Slot] = n.ID
		if n.Slot >= Stride {
			errs = append(errs, fmt.Errorf("node %q: slot %d is not below %d", n.ID, n.Slot, Stride))
		}
		if n.Weight < 0 {
			errs = append(errs, fmt.Errorf("node %q: weight %d is negative", n.ID, n.Weight))
		}
	}
	return errors.Join(errs...)
}

func (d *Database) validateOwners() error {
	if err := ring.ValidPartitionCount(d.PartitionCount()); err != nil {
		return err
	}
	for p, n := range d.Owners {
		if int(n) >= len(d.Nodes) {
			return fmt.Errorf("partition %d is owned by node %d of %d", p, n, len(d.Nodes))
		}
	}
	return nil
}

func (d *Database) validateTypes() error {
	if d.Types != nil && (len(d.Types.ToNode) != len(d.Nodes) || len(d.Types.FromNode) != len(d.Nodes)) {
		return fmt.Errorf("the type map is for %d and %d nodes, not %d", len(d.Types.ToNode), len(d.Types.FromNode), len(d.Nodes))
	}
	return nil
}

func (r *Relation) validate() error {
	switch r.Placement {
	case Sharded:
		return r.validateKey()
	case Refused:
		if r.Reason == "" {
			return errors.New("it is refused without a reason")
		}
	case Reference, Global, System, View:
	default:
		return fmt.Errorf("placement %d is unknown", r.Placement)
	}
	if r.Placement != Refused && r.Was != (Placed{}) {
		return fmt.Errorf("it is %s and was something else", r.Placement)
	}
	if r.Key != (Key{}) {
		return fmt.Errorf("it is %s and has a shard key", r.Placement)
	}
	return nil
}

func (r *Relation) validateKey() error {
	switch {
	case r.Key.Kind == "" || r.Key.Type == 0:
		return errors.New("its shard key has no kind or no type")
	case (r.Key.Column == "") == (r.Key.FromName == ""):
		return errors.New("its shard key is in a column and in its name, or in neither")
	case r.Key.Column != "" && r.Column(r.Key.Column) == nil:
		return fmt.Errorf("it has no column %q, its shard key", r.Key.Column)
	case r.Key.Draw.Kind == DrawSequence && r.Key.Draw.Sequence == "",
		r.Key.Draw.Kind == DrawExpression && r.Key.Draw.Expression == "":
		return fmt.Errorf("its key is drawn from an empty %s", r.Key.Draw.Kind)
	}
	return nil
}

func (t *Topology) validateAfter(*Topology) error { return t.Validate() }
