package topology

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"

	"shardproxy/ring"
)

// MaxNodes is the largest number of nodes of a database.
const MaxNodes = 256

// maxEpoch is the largest epoch: nodes keep them as signed 64-bit numbers.
const maxEpoch Epoch = math.MaxInt64

// Validate checks that the topology is consistent in itself and returns all
// that is wrong with it, joined.
func (t *Topology) Validate() error { return t.validateAfter(nil) }

// validateAfter is Validate for a value that was made from before, which is
// valid: what the two share is not looked at again, except where it refers to
// something else. before may be nil.
func (t *Topology) validateAfter(before *Topology) error {
	if before == nil {
		before = new(Topology)
	}
	var errs []error
	if t.Epoch > maxEpoch {
		errs = append(errs, fmt.Errorf("epoch %d is too large", t.Epoch))
	}
	for name, db := range t.Databases {
		switch old := before.Databases[name]; {
		case db == nil:
			errs = append(errs, fmt.Errorf("database %q is nil", name))
		case db.Name != name || name == "":
			errs = append(errs, fmt.Errorf("database %q is stored under the name %q", db.Name, name))
		case db != old:
			if err := errors.Join(db.validateAfter(old), t.validateEpochs(db)); err != nil {
				errs = append(errs, fmt.Errorf("database %q: %w", name, err))
			}
		}
	}
	for name := range t.Users {
		errs = append(errs, t.validateUser(name))
	}
	errs = append(errs, t.validateUIDs(), t.validatePeers(), t.validateFlags())
	return inOrder(errs)
}

// inOrder joins errors that were found in the order of a map.
func inOrder(errs []error) error {
	errs = slices.DeleteFunc(errs, func(err error) bool { return err == nil })
	slices.SortStableFunc(errs, func(a, b error) int { return strings.Compare(a.Error(), b.Error()) })
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

// validateUIDs: one server is one node.
func (t *Topology) validateUIDs() error {
	var errs []error
	seen := make(map[string]string)
	for _, name := range sorted(t.Databases) {
		db := t.Databases[name]
		if db == nil {
			continue
		}
		for i := range db.Nodes {
			n := &db.Nodes[i]
			if other, taken := seen[n.UID]; taken && n.UID != "" {
				errs = append(errs, fmt.Errorf("database %q: node %q is the same server as %s", name, n.ID, other))
			}
			seen[n.UID] = fmt.Sprintf("node %q of database %q", n.ID, name)
		}
	}
	return errors.Join(errs...)
}

// validateEpochs checks what a database has numbered against what numbers it.
func (t *Topology) validateEpochs(db *Database) error {
	var errs []error
	if db.Armed != nil && Epoch(db.Armed.ID) > t.Epoch {
		errs = append(errs, fmt.Errorf("a change is armed at epoch %d, after %d", db.Armed.ID, t.Epoch))
	}
	for _, id := range sorted(db.Moves) {
		if m := db.Moves[id]; m != nil && (id < 1 || id > t.LastMove || m.Since > t.Epoch) {
			errs = append(errs, fmt.Errorf("move %d since epoch %d is after the last move %d or epoch %d", id, m.Since, t.LastMove, t.Epoch))
		}
	}
	return errors.Join(errs...)
}

// Validate checks one database; see Topology.Validate.
func (d *Database) Validate() error { return d.validateAfter(nil) }

func (d *Database) validateAfter(before *Database) error {
	if before == nil {
		before = new(Database)
	}
	errs := []error{d.validateNodes(), d.validateOwners(), d.validateTypes(), d.Pool.validate()}
	if d.SchemaEpoch > maxEpoch {
		errs = append(errs, fmt.Errorf("schema epoch %d is too large", d.SchemaEpoch))
	}
	if d.Engine != Postgres && d.Engine != MySQL {
		errs = append(errs, fmt.Errorf("engine %d is unknown", d.Engine))
	}
	if !reflect.DeepEqual(d.Rules, before.Rules) {
		errs = append(errs, d.Rules.Validate())
	}
	if inOrder(errs) == nil {
		// They rely on nodes and owners.
		errs = append(errs, d.validateMoves())
	}
	if d.Armed != before.Armed {
		errs = append(errs, d.Armed.validate())
	}
	if m := d.fencing(); m != nil && d.Armed != nil {
		errs = append(errs, fmt.Errorf("change %d is armed while move %d is %s", d.Armed.ID, m.ID, m.State))
	}
	return inOrder(append(errs, d.validateSchema(before)...))
}

// validateSchema checks relations and sequences, without those that were there
// before.
func (d *Database) validateSchema(before *Database) []error {
	var errs []error
	for name, rel := range d.Relations {
		if rel != nil && rel == before.Relations[name] {
			continue
		}
		if rel == nil || rel.Name != name {
			errs = append(errs, fmt.Errorf("relation %s is nil or stored under another name", name))
		} else if err := rel.validate(); err != nil {
			errs = append(errs, fmt.Errorf("relation %s: %w", name, err))
		}
	}
	for name, s := range d.Sequences {
		if s.Name != name || s.Mode == 0 || s.Mode.String() == unknown || (s.Mode == SequenceStrided) != (s.Stride > 0) {
			errs = append(errs, fmt.Errorf("sequence %s: mode %s with stride %d", name, s.Mode, s.Stride))
		}
	}
	return errs
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

func (p *Pool) validate() error {
	if p.Min < 0 || p.Max < 0 || p.Max > 0 && p.Min > p.Max || p.QueueTimeoutMS < 0 || p.MaxQueue < 0 {
		return fmt.Errorf("pools of %d to %d connections with a queue of %d clients and a timeout of %d ms", p.Min, p.Max, p.MaxQueue, p.QueueTimeoutMS)
	}
	return nil
}

// validate does not wrap what it finds: a value that is not valid is refused,
// and not an entry that cannot be read.
func (a *Armed) validate() error {
	if a == nil {
		return nil
	}
	if _, err := a.Change.inner(); err != nil {
		return fmt.Errorf("armed change %d: %s", a.ID, err.Error())
	}
	return nil
}
