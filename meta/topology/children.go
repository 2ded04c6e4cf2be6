package topology

import (
	"fmt"
	"slices"
)

// placeChild gives a partition or an inheritance child the placement of its
// parent: its rows are rows of the parent too. The child of an inheritance
// parent that nobody declared stands by itself.
func (r *resolver) placeChild(name TableName) *Relation {
	if rel := r.relations[name]; rel != nil {
		return rel
	}
	t := r.tables[name]
	rel := &Relation{Name: name, OID: t.OID, Columns: plainColumns(t)}
	// Set first: a cycle of parents cannot come from a server, but must not
	// hang.
	r.relations[name] = rel
	rel.refuse(FromDefault, "its parents form a circle")
	for i, parentName := range t.Parents {
		if r.tables[parentName] == nil {
			rel.refuse(FromDefault, fmt.Sprintf("its parent %s is unknown", parentName))
			return rel
		}
		parent := r.placeChild(parentName)
		if parent.Placement == Refused && t.Kind == InheritanceChild {
			*rel = *r.place(t)
			r.keep(t, rel, r.kept[name])
			return rel
		}
		if i > 0 && !SamePlacement(rel, parent) {
			rel.refuse(FromDefault, fmt.Sprintf("its parents %s and %s are placed by different rules", t.Parents[0], parentName))
			return rel
		}
		r.follow(t, rel, parent)
	}
	if was := r.kept[name]; was.Placement != 0 && rel.Placement != Refused && !was.Same(rel.Placed()) {
		r.refuseStrayRows(t, rel, was)
	}
	return rel
}

// refuseStrayRows refuses a table that was made a partition though its rows are
// where its own rule had put them, and its parents, which have those rows now.
func (r *resolver) refuseStrayRows(t *TableSchema, rel *Relation, was Placed) {
	reason := fmt.Sprintf("partition %s has rows that were placed as %s, not as its parent's; detach it, or empty it first", t.Name, was)
	rel.refuse(rel.Source, reason)
	rel.Was = was
	seen := map[TableName]bool{t.Name: true}
	for queue := t.Parents; len(queue) > 0; {
		name := queue[0]
		queue = slices.Clone(queue[1:])
		if parent := r.relations[name]; parent != nil && !seen[name] {
			parent.refuse(parent.Source, reason)
			queue = append(queue, r.tables[name].Parents...)
		}
		seen[name] = true
	}
}

// follow places a child as its parent.
func (r *resolver) follow(t *TableSchema, rel, parent *Relation) {
	if t.Kind == ForeignTable {
		reason := fmt.Sprintf("partition %s is a foreign table, whose rows are on another server", t.Name)
		rel.refuse(FromDefault, reason)
		parent.refuse(FromDefault, reason)
		return
	}
	rel.Source, rel.Reason = parent.Source, fmt.Sprintf("follows its parent %s", parent.Name)
	rel.Placement, rel.Key = parent.Placement, parent.Key
	switch {
	case parent.Placement == Refused:
		rel.refuse(parent.Source, fmt.Sprintf("its parent %s is refused: %s", parent.Name, parent.Reason))
	case parent.Key.Column == "":
	default:
		if c := t.column(parent.Key.Column); c == nil || c.KeyType != parent.Key.Type {
			rel.refuse(parent.Source, fmt.Sprintf("it has no shard key column %q like that of its parent %s", parent.Key.Column, parent.Name))
		} else if draw, _ := r.drawOf(c); draw.Kind != DrawNothing {
			// Else the parent's: an identity is the partitioned table's.
			rel.Key.Draw = draw
		}
	}
}

// ruleOf returns the rule of a table or, where it has none, of the first parent
// that has one.
func (r *resolver) ruleOf(t *TableSchema) TableRule {
	// As many steps as there are tables end any circle of parents.
	for range len(r.tables) {
		if rule, ok := r.rules.table(t.Name); ok || len(t.Parents) == 0 {
			return rule
		}
		parent := r.tables[t.Parents[0]]
		if parent == nil {
			break
		}
		t = parent
	}
	return TableRule{}
}

// descendants returns the tables whose rows are rows of name too, name itself
// not among them: a write to name meets their triggers and constraints.
func (r *resolver) descendants(name TableName) []*TableSchema {
	seen := map[TableName]bool{name: true}
	queue := r.children[name]
	var found []*TableSchema
	for len(queue) > 0 {
		child := queue[0]
		queue = queue[1:]
		if !seen[child] {
			seen[child] = true
			found = append(found, r.tables[child])
			queue = append(slices.Clip(queue), r.children[child]...)
		}
	}
	return found
}
