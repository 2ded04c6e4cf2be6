package topology

import (
	"maps"
	"slices"
)

// Change is what a new schema means for one relation.
type Change struct {
	Table TableName
	// Old is nil for a new relation, New for one that is gone.
	Old, New *Relation
	// Warnings are those of New that Old did not have; a session sends them to
	// the client whose statement brought the change.
	Warnings []string
}

// Changes compares the relations of two versions of a database and returns
// those that are new, gone, placed differently or have new warnings, by name.
func Changes(old, now *Database) []Change {
	var changes []Change
	names := maps.Clone(now.Relations)
	if names == nil {
		names = make(map[TableName]*Relation)
	}
	maps.Copy(names, old.Relations)
	for _, name := range slices.SortedFunc(maps.Keys(names), compareNames) {
		c := Change{Table: name, Old: old.Relations[name], New: now.Relations[name]}
		if c.New != nil {
			c.Warnings = newWarnings(c.Old, c.New)
		}
		if c.Old == nil || c.New == nil || !SamePlacement(c.Old, c.New) || len(c.Warnings) > 0 {
			changes = append(changes, c)
		}
	}
	return changes
}

func newWarnings(old, now *Relation) []string {
	var fresh []string
	if now.Placement == Refused && (old == nil || old.Placement != Refused || old.Reason != now.Reason) {
		fresh = append(fresh, "statements on the table are refused: "+now.Reason)
	}
	for _, w := range now.Warnings {
		if old == nil || !slices.Contains(old.Warnings, w) {
			fresh = append(fresh, w)
		}
	}
	return fresh
}
