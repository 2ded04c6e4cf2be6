package topology

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// sorted returns the keys of m in order.
func sorted[M ~map[K]V, K cmp.Ordered, V any](m M) []K { return slices.Sorted(maps.Keys(m)) }

// with returns a copy of m that has v under k.
func with[M ~map[K]V, K comparable, V any](m M, k K, v V) M {
	c := make(M, len(m)+1)
	maps.Copy(c, m)
	c[k] = v
	return c
}

// without returns a copy of m without k.
func without[M ~map[K]V, K comparable, V any](m M, k K) M {
	c := maps.Clone(m)
	delete(c, k)
	return c
}

// nextEpoch is the epoch of what the command under way makes.
func (t *Topology) nextEpoch() Epoch { return t.Epoch + 1 }

func (t *Topology) database(name string) (*Database, error) {
	if db := t.Databases[name]; db != nil {
		return db, nil
	}
	return nil, fmt.Errorf("database %q: %w", name, ErrNotFound)
}

// put returns a copy of t with db in place of the database of that name.
func (t *Topology) put(db *Database) *Topology {
	next := *t
	next.Databases = with(t.Databases, db.Name, db)
	return &next
}

// editDatabase returns t with an edited copy of a database. edit returns false
// where there is nothing to change.
func (t *Topology) editDatabase(name string, edit func(db *Database) (bool, error)) (*Topology, error) {
	old, err := t.database(name)
	if err != nil {
		return t, err
	}
	db := old.Clone()
	if changed, err := edit(db); err != nil || !changed {
		return t, err
	}
	return t.put(db), nil
}

// nextSchemaEpoch returns a schema epoch that no database of this name had
// before, whether or not it was dropped in between.
func (t *Topology) nextSchemaEpoch(old Epoch) Epoch { return max(old, t.Epoch) + 1 }

// free returns a *Conflict where a routing change of db cannot be made, because
// another one is armed or a move is about to flip owners.
func (t *Topology) free(db *Database) error {
	if a := db.Armed; a != nil {
		return &Conflict{Current: t.Epoch, What: fmt.Sprintf("another change of database %q is under way, armed at epoch %d: %s", db.Name, a.ID, a.What)}
	}
	if m := db.fencing(); m != nil {
		return &Conflict{Current: t.Epoch, What: fmt.Sprintf("move %d of database %q is %s", m.ID, db.Name, m.State)}
	}
	return nil
}

// fencing returns the first move that is armed or fenced, or nil.
func (d *Database) fencing() *Move {
	for _, m := range d.Unfinished() {
		if m.State.fencing() {
			return m
		}
	}
	return nil
}
