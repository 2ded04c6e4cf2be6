package topology

import (
	"fmt"
	"slices"
	"strings"
)

// checkForeignKeys refuses the writes by which a foreign key between rows of
// different nodes would fail at random, or be broken without an error.
func (r *resolver) checkForeignKeys() {
	for _, name := range r.names {
		t, child := r.tables[name], r.relations[name]
		if child.Placement == Refused {
			continue
		}
		r.checkForeignKeysOf(t, child)
		for _, part := range r.descendants(name) {
			r.checkForeignKeysOf(part, child)
		}
	}
}

func (r *resolver) checkForeignKeysOf(t *TableSchema, child *Relation) {
	accepted := r.ruleOf(t).ForeignKeys
	for i := range t.ForeignKeys {
		fk := &t.ForeignKeys[i]
		parent := r.relations[fk.Parent]
		if parent != nil {
			refuseKeyActions(child, parent, fk)
		}
		if why := broken(child, parent, fk); why != "" && !slices.Contains(accepted, fk.Name) {
			refuseForeignKey(child, parent, fk, why)
		}
	}
}

// broken says why the row that fk points to may be on another node, "" where
// it is always on the child's.
func broken(child, parent *Relation, fk *ForeignKey) string {
	switch {
	case parent == nil:
		return "is unknown"
	case parent.Placement == Refused:
		return "is refused"
	case parent.Placement == Reference:
		return ""
	case parent.Placement == Global:
		if child.Placement == Global {
			return ""
		}
		return "has its rows on the home node only"
	case child.Placement != Sharded:
		return "has its rows spread over the nodes"
	case child.Key.Column == "" || parent.Key.Column == "":
		if child.Key.Column == parent.Key.Column && child.Key.Kind == parent.Key.Kind && child.Key.FromName == parent.Key.FromName {
			return ""
		}
		return "is placed by another key than this table's"
	case child.Key.Kind != parent.Key.Kind:
		return fmt.Sprintf("is placed by another kind of key (%s, this table by %s)", parent.Key.Kind, child.Key.Kind)
	case child.Key.Type != parent.Key.Type:
		return "has a shard key of another type"
	case !joinsKeys(child, parent, fk):
		return fmt.Sprintf("is placed by %q, and the foreign key does not join it to %q", parent.Key.Column, child.Key.Column)
	}
	return ""
}

func joinsKeys(child, parent *Relation, fk *ForeignKey) bool {
	for i, column := range fk.Columns {
		if column == child.Key.Column && i < len(fk.ParentColumns) && fk.ParentColumns[i] == parent.Key.Column {
			return true
		}
	}
	return false
}

func refuseForeignKey(child, parent *Relation, fk *ForeignKey, why string) {
	what := fmt.Sprintf("foreign key %q (%s) of %s points to %s, which %s",
		fk.Name, strings.Join(fk.Columns, ", "), child.Name, fk.Parent, why)
	accept := fmt.Sprintf("tables: {%s: {foreign_keys: [%s]}}", child.Name, fk.Name)
	hint := fmt.Sprintf("Drop the foreign key, place both tables by the same key, list %s under reference, or accept that it is checked within one node: %s.", fk.Parent, accept)
	child.Refusals = append(child.Refusals, Refusal{
		Writes: WriteInsert | WriteUpdate, Columns: fk.Columns, Reason: what, Hint: hint,
	})
	child.warn(fmt.Sprintf("%s: INSERT, COPY and UPDATE of %s are refused until the foreign key is dropped, the tables are placed by one key, or the rule accepts it: %s",
		what, strings.Join(fk.Columns, ", "), accept))
	if parent == nil || parent.Placement == Refused {
		return
	}
	parent.Refusals = append(parent.Refusals, Refusal{
		Writes: WriteDelete | WriteUpdate, Columns: fk.ParentColumns, Reason: what, Hint: hint,
	})
	parent.warn(fmt.Sprintf("%s: DELETE here and UPDATE of %s are refused", what, strings.Join(fk.ParentColumns, ", ")))
}

// refuseKeyActions refuses writes to the parent by which the server would
// change the shard key of a child's rows where they are.
func refuseKeyActions(child, parent *Relation, fk *ForeignKey) {
	if child.Placement != Sharded || child.Key.Column == "" || !slices.Contains(fk.Columns, child.Key.Column) {
		return
	}
	var writes Writes
	if fk.OnDelete == SetNull || fk.OnDelete == SetDefault {
		writes |= WriteDelete
	}
	if fk.OnUpdate != NoAction {
		writes |= WriteUpdate
	}
	if writes == 0 {
		return
	}
	what := fmt.Sprintf("foreign key %q of %s would change the shard key %q of that table's rows when a row here goes or changes",
		fk.Name, child.Name, child.Key.Column)
	parent.Refusals = append(parent.Refusals, Refusal{
		Writes: writes, Columns: fk.ParentColumns, Reason: what,
		Hint: "Declare the foreign key with NO ACTION, or ON DELETE CASCADE.",
	})
	parent.warn(fmt.Sprintf("%s: %s is refused", what, writes))
}

// checkKinds warns where the keys of one kind have several types: equal keys
// are then on different nodes.
func (r *resolver) checkKinds() {
	first := make(map[string]*Relation)
	for _, name := range r.names {
		rel := r.relations[name]
		if rel.Placement != Sharded {
			continue
		}
		other := first[string(rel.Key.Kind)]
		if other == nil {
			first[string(rel.Key.Kind)] = rel
		} else if other.Key.Type != rel.Key.Type {
			rel.warn(fmt.Sprintf("its %s key has another type than that of %s: equal keys of the two tables may be on different nodes", rel.Key.Kind, other.Name))
		}
	}
}
