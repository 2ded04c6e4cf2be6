package topology

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"shardproxy/ring"
)

// convention is what the conventions know of a key kind: column names, and the
// table whose "id" identifies it.
type convention struct {
	kind    ring.KeyKind
	columns []string
	table   string
}

// conventions returns the known kinds. PostgreSQL stores an unquoted userId as
// userid, so that spelling counts too.
func conventions() []convention {
	return []convention{
		{ring.KindUser, []string{"user_id", "userId", "userid"}, "users"},
		{ring.KindProject, []string{"project_id", "projectId", "projectid", "_tenant"}, "projects"},
		{ring.KindCollection, []string{"collection_id", "collectionId", "collectionid", "$collectionId"}, "collections"},
	}
}

// keyOrder is KeyOrder or its default, followed by the kinds that only
// KeyColumns names.
func (r *Rules) keyOrder() []ring.KeyKind {
	order := slices.Clone(r.KeyOrder)
	if len(order) == 0 {
		for _, c := range conventions() {
			order = append(order, c.kind)
		}
	}
	for _, kind := range slices.Sorted(maps.Keys(r.KeyColumns)) {
		if !slices.Contains(order, kind) {
			order = append(order, kind)
		}
	}
	return order
}

// candidate is a column that could be a table's shard key.
type candidate struct {
	kind   ring.KeyKind
	column string
	reason string
}

// candidatesOf lists the columns of t that identify kind, the preferred first:
// the id of the kind's own table, the operator's names, the conventions' names.
func (r *resolver) candidatesOf(t *TableSchema, kind ring.KeyKind) []candidate {
	var known convention
	for _, c := range conventions() {
		if c.kind == kind {
			known = c
		}
	}
	var found []candidate
	if known.table != "" && t.Name.Name == known.table && t.column("id") != nil {
		found = append(found, candidate{kind, "id", fmt.Sprintf("convention: the id of table %s is a %s", known.table, kind)})
	}
	for _, name := range slices.Concat(r.rules.KeyColumns[kind], known.columns) {
		if t.column(name) != nil && !slices.ContainsFunc(found, func(c candidate) bool { return c.column == name }) {
			found = append(found, candidate{kind, name, fmt.Sprintf("convention: a column named %s is a %s", name, kind)})
		}
	}
	return found
}

// byConvention takes the first candidate in the order of the key kinds.
func (r *resolver) byConvention(t *TableSchema, rel *Relation) bool {
	var found []candidate
	for _, kind := range r.order {
		found = append(found, r.candidatesOf(t, kind)...)
	}
	if len(found) == 0 {
		return false
	}
	first := found[0]
	r.shard(t, rel, FromConvention, first.kind, first.column, first.reason)
	if rel.Placement == Sharded {
		warnCandidates(rel, found)
	}
	return true
}

func warnCandidates(rel *Relation, found []candidate) {
	var others []string
	for _, c := range found[1:] {
		if c.column != found[0].column {
			others = append(others, fmt.Sprintf("%q (%s)", c.column, c.kind))
		}
	}
	if len(others) == 0 {
		return
	}
	rel.warn(fmt.Sprintf("the table is placed by %q (%s), though %s could be its shard key too; statements that name only the latter go to all nodes; to choose: tables: {%s: {key: ..., column: ...}}",
		found[0].column, found[0].kind, strings.Join(others, ", "), rel.Name))
}

// kindOfColumn is the kind that the conventions see in a column, or the kind of
// the table itself.
func (r *resolver) kindOfColumn(t *TableSchema, column string) ring.KeyKind {
	for _, kind := range r.order {
		for _, c := range r.candidatesOf(t, kind) {
			if c.column == column {
				return kind
			}
		}
	}
	return KindOf(t.Name)
}
