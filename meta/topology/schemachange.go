package topology

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
)

// SchemaChange is the difference between two versions of what is known of a
// database's tables. One that changes something gives the database a new schema
// epoch.
type SchemaChange struct {
	// OnSchemaEpoch is the schema epoch that the difference was made from.
	// Another one is a *Conflict.
	OnSchemaEpoch Epoch `json:",omitzero"`
	// Changed are new and changed relations, Removed those that are gone.
	Changed []*Relation `json:",omitzero"`
	Removed []TableName `json:",omitzero"`
	// Sequences are new and changed ones.
	Sequences        []Sequence  `json:",omitzero"`
	RemovedSequences []TableName `json:",omitzero"`
	// Functions are new ones.
	Functions        []string `json:",omitzero"`
	RemovedFunctions []string `json:",omitzero"`
	// Types is set where the type map changes.
	Types *TypesChange `json:",omitzero"`
}

// TypesChange replaces a database's type map; Map is nil where all types have
// the same OIDs everywhere.
type TypesChange struct {
	Map *TypeMap `json:",omitzero"`
}

// empty says whether the change is none.
func (s *SchemaChange) empty() bool {
	return len(s.Changed)+len(s.Removed)+len(s.Sequences)+len(s.RemovedSequences)+
		len(s.Functions)+len(s.RemovedFunctions) == 0 && s.Types == nil
}

// movesRows says whether the rows of a relation that was there are looked for
// elsewhere afterwards. To refuse a relation moves none: what was planned before
// is as right as it was. One that was refused has its rows where they were then.
func (s *SchemaChange) movesRows(db *Database) bool {
	return slices.ContainsFunc(s.Changed, func(now *Relation) bool {
		if now == nil || now.Placement == Refused {
			return false
		}
		old := db.Relations[now.Name]
		if old == nil {
			return false
		}
		was := old.Placed()
		return was.Placement != 0 && (!was.Same(now.Placed()) || was.Key.Kind != now.Key.Kind)
	})
}

// applyTo changes db, which is a copy of its own, and says whether anything is
// different then.
func (s *SchemaChange) applyTo(t *Topology, db *Database) (bool, error) {
	if s.empty() {
		return false, nil
	}
	if s.OnSchemaEpoch != db.SchemaEpoch {
		return false, &Conflict{Current: t.Epoch, What: fmt.Sprintf("the schema of database %q was read at schema epoch %d and is at %d", db.Name, s.OnSchemaEpoch, db.SchemaEpoch)}
	}
	before := *db
	if err := s.applyRelations(db); err != nil {
		return false, err
	}
	if err := s.applySequences(db); err != nil {
		return false, err
	}
	if err := s.applyFunctions(db); err != nil {
		return false, err
	}
	if s.Types != nil && !reflect.DeepEqual(s.Types.Map, db.Types) {
		db.Types = s.Types.Map
	}
	if sameSchema(&before, db) {
		*db = before
		return false, nil
	}
	db.SchemaEpoch = t.nextSchemaEpoch(db.SchemaEpoch)
	return true, nil
}

// sameSchema says whether the two have one schema; equal relations are equal
// pointers.
func sameSchema(a, b *Database) bool {
	return a.Types == b.Types && maps.Equal(a.Relations, b.Relations) &&
		maps.Equal(a.Sequences, b.Sequences) && maps.Equal(a.Functions, b.Functions)
}

func (s *SchemaChange) applyRelations(db *Database) error {
	e := editOf(db.Relations)
	for _, rel := range s.Changed {
		if rel == nil {
			return fmt.Errorf("a changed relation is nil: %w", ErrInvalid)
		}
		if old := db.Relations[rel.Name]; old != nil && reflect.DeepEqual(old, rel) {
			rel = old
		}
		if !e.set(rel.Name, rel) {
			return fmt.Errorf("relation %s is named twice: %w", rel.Name, ErrInvalid)
		}
	}
	for _, name := range s.Removed {
		if !e.remove(name) {
			return fmt.Errorf("relation %s, to be removed: %w", name, ErrNotFound)
		}
	}
	db.Relations = e.result
	return nil
}

func (s *SchemaChange) applySequences(db *Database) error {
	e := editOf(db.Sequences)
	for _, seq := range s.Sequences {
		if !e.set(seq.Name, seq) {
			return fmt.Errorf("sequence %s is named twice: %w", seq.Name, ErrInvalid)
		}
	}
	for _, name := range s.RemovedSequences {
		if !e.remove(name) {
			return fmt.Errorf("sequence %s, to be removed: %w", name, ErrNotFound)
		}
	}
	db.Sequences = e.result
	return nil
}

func (s *SchemaChange) applyFunctions(db *Database) error {
	e := editOf(db.Functions)
	for _, name := range s.Functions {
		if !e.set(name, true) {
			return fmt.Errorf("function %s is named twice: %w", name, ErrInvalid)
		}
	}
	for _, name := range s.RemovedFunctions {
		if !e.remove(name) {
			return fmt.Errorf("function %s, to be removed: %w", name, ErrNotFound)
		}
	}
	db.Functions = e.result
	return nil
}

// mapEdit is a map with changes, copied at the first one. A key may be changed
// once.
type mapEdit[K comparable, V any] struct {
	result map[K]V
	named  map[K]bool
}

func editOf[K comparable, V any](m map[K]V) *mapEdit[K, V] { return &mapEdit[K, V]{result: m} }

// name notes that k is changed; false means it was before.
func (e *mapEdit[K, V]) name(k K) bool {
	if e.named == nil {
		e.named = make(map[K]bool)
		if e.result = maps.Clone(e.result); e.result == nil {
			e.result = make(map[K]V)
		}
	}
	fresh := !e.named[k]
	e.named[k] = true
	return fresh
}

func (e *mapEdit[K, V]) set(k K, v V) bool {
	fresh := e.name(k)
	e.result[k] = v
	return fresh
}

// remove returns false where there is nothing of that name, or it was changed.
func (e *mapEdit[K, V]) remove(k K) bool {
	if !e.name(k) {
		return false
	}
	_, there := e.result[k]
	delete(e.result, k)
	return there
}
