package topology

import (
	"fmt"
	"slices"
	"strings"
)

// checkUnique finds the scope of a unique index of t, which is rel's table or a
// partition of it, and refuses the writes that could break one which would hold
// within each node only.
func (r *resolver) checkUnique(t *TableSchema, rel *Relation, index *IndexSchema) {
	u := UniqueIndex{Name: index.Name, Columns: index.names(), Partial: index.Partial, Primary: index.Primary}
	for i, c := range index.Columns {
		if c.Name == rel.Key.Column && !c.Exact {
			u.Columns[i] = ""
		}
	}
	switch {
	case rel.Placement != Sharded || rel.Key.Column == "" || slices.Contains(u.Columns, rel.Key.Column):
		u.Scope = UniqueEverywhere
	case slices.ContainsFunc(u.Columns, func(name string) bool { return generated(t, name) }):
		u.Scope = UniqueByGeneration
	case slices.Contains(r.ruleOf(t).Unique, index.Name) || r.parentScope(t, index) == UniquePerNode:
		u.Scope = UniquePerNode
	case index.Primary && isRandomID(t, u.Columns):
		u.Scope = UniqueByGeneration
		rel.warn(fmt.Sprintf("the primary key %q (%s) lacks the shard key column %q: the nodes rely on clients making random uuids", index.Name, u.Columns[0], rel.Key.Column))
	default:
		u.Scope = UniqueRefused
		rel.refuseUnique(&u)
	}
	rel.Uniques = append(rel.Uniques, u)
}

// generated says whether a column's values are made unique over the nodes: by
// a strided sequence or as random uuids.
func generated(t *TableSchema, column string) bool {
	c := t.column(column)
	if c == nil {
		return false
	}
	return c.Sequence != (TableName{}) && c.SequenceProblem == "" || c.Random
}

// isRandomID: a primary key of one uuid column without a default, made by the
// client.
func isRandomID(t *TableSchema, columns []string) bool {
	if len(columns) != 1 {
		return false
	}
	c := t.column(columns[0])
	return c != nil && c.Type == "uuid"
}

// parentScope returns the scope of the partitioned table's index that a
// partition's index belongs to, 0 where there is none.
func (r *resolver) parentScope(t *TableSchema, index *IndexSchema) UniqueScope {
	if !index.Inherited || len(t.Parents) == 0 {
		return 0
	}
	parent := r.tables[t.Parents[0]]
	if parent == nil {
		return 0
	}
	rule := r.ruleOf(parent)
	for i := range parent.Uniques {
		p := &parent.Uniques[i]
		if slices.Equal(p.names(), index.names()) && slices.Contains(rule.Unique, p.Name) {
			return UniquePerNode
		}
	}
	return 0
}

func (rel *Relation) refuseUnique(u *UniqueIndex) {
	columns := make([]string, len(u.Columns))
	var named []string
	for i, name := range u.Columns {
		columns[i] = name
		if name == "" {
			columns[i] = "an expression"
		} else {
			named = append(named, name)
		}
	}
	if len(named) < len(columns) {
		named = nil // an expression may depend on any column
	}
	what := fmt.Sprintf("unique index %q (%s) lacks the shard key column %q, so it can hold within each node only",
		u.Name, strings.Join(columns, ", "), rel.Key.Column)
	accept := fmt.Sprintf("tables: {%s: {unique: [%s]}}", rel.Name, u.Name)
	rel.Refusals = append(rel.Refusals, Refusal{
		Writes: WriteInsert | WriteUpdate, Columns: named, Reason: what,
		Hint: fmt.Sprintf("Add %q to the index, accept it as it is in the table's rule, %s, or list the table under reference or global.", rel.Key.Column, accept),
	})
	updates := "UPDATE"
	if named != nil {
		updates += " of " + strings.Join(named, ", ")
	}
	rel.warn(fmt.Sprintf("%s: INSERT, COPY and %s are refused until the index contains %q or the table's rule accepts it: %s", what, updates, rel.Key.Column, accept))
}
