package plan

import (
	"slices"

	"shardproxy/meta/topology"
	"shardproxy/router/querytree"
)

// merging decides whether what several nodes answer can be put together to what
// one server with all rows would answer. It returns how, or the reason why not.
//
// Rows can be concatenated if each row of the result contains exactly one row
// of a certain sharded table (the anchor), and everything else that decides
// about it is on the anchor's node: rows of other sharded tables that have the
// same key, and copies of reference tables. So the anchor stands on no nullable
// side, all other sharded tables are joined to its key by "=", and the
// outermost level does not look at several result rows at once.
func (a *analysis) merging(q *querytree.Query, top *level) (*Merge, string) {
	if reason := a.inseparable(q, top); reason != "" {
		return nil, reason
	}
	if q.Kind != querytree.QuerySelect {
		return nil, "this kind of statement"
	}
	anchor := a.anchor()
	if anchor == nil {
		return nil, "no sharded table that every row of the result comes from"
	}
	if reason := a.joined(anchor); reason != "" {
		return nil, reason
	}
	if a.mayBeNull(anchor) {
		return nil, "rows of table \"" + anchor.String() + "\" with a NULL key, which every node has a copy of"
	}
	if !top.aggregates {
		return &Merge{}, ""
	}
	return a.aggregateMerge(q, top)
}

// inseparable names the part of a query that looks at several rows of the
// result at once, or that cannot run on several nodes.
func (a *analysis) inseparable(q *querytree.Query, top *level) string {
	switch {
	case a.apart != "":
		return a.apart
	case a.flags&FlagLocking != 0:
		return "FOR UPDATE"
	case a.write:
		return "a write"
	case len(a.home) > 0:
		return a.home[0]
	case a.atHome:
		return "a look-up in the catalogs of the server"
	case len(q.OrderBy) > 0:
		return "ORDER BY"
	case q.Limit != nil || q.Offset != nil:
		return "LIMIT or OFFSET"
	case q.Distinct:
		return "DISTINCT"
	case len(q.GroupBy) > 0:
		return "GROUP BY"
	case q.Having != nil:
		return "HAVING"
	case q.HasWindow || top.windows:
		return "a window function"
	}
	return ""
}

// anchor returns a sharded table whose rows make the rows of the result.
func (a *analysis) anchor() *reference {
	for _, r := range a.refs {
		if r.key != noVariable && a.inResult(r.env) {
			return r
		}
	}
	return nil
}

// inResult reports whether the rows at e are parts of rows of the result, each
// once.
func (a *analysis) inResult(e *env) bool {
	for ; e != a.root; e = e.parent {
		if e == nil || !e.plain && !(e.nullable && slices.Contains(a.matches(e.parent), e)) {
			return false
		}
	}
	return true
}

// joined returns the reason why a sharded table's rows may be on another node
// than the anchor's row that needs them, "" if none are.
func (a *analysis) joined(anchor *reference) string {
	for _, r := range a.refs {
		switch {
		case r == anchor:
		case r.key == noVariable || r.relation.Key.Kind != anchor.relation.Key.Kind,
			!a.closureOf(r.key, r.env).reaches(anchor.key):
			return "table \"" + r.String() + "\", which is not joined to \"" + anchor.String() + "\" by the shard key"
		}
	}
	return ""
}

// mayBeNull reports whether the result may contain rows whose key is NULL.
func (a *analysis) mayBeNull(r *reference) bool {
	if !r.relation.Key.NullReplicated {
		return false
	}
	if c := r.relation.Column(r.relation.Key.Column); c != nil && c.NotNull {
		return false
	}
	for _, n := range a.closureOf(r.key, r.env).nodes {
		if n.way == strictly || a.nonNull(n.v, n.env) {
			return false
		}
	}
	return true
}

// aggregateMerge says how the single rows of an ungrouped aggregate become one.
func (a *analysis) aggregateMerge(q *querytree.Query, top *level) (*Merge, string) {
	m := &Merge{}
	for _, t := range q.Targets {
		column, reason := a.mergeColumn(t.Expr, top)
		if reason != "" {
			return nil, reason
		}
		m.Columns = append(m.Columns, column)
	}
	return m, ""
}

func (a *analysis) mergeColumn(x querytree.Expr, top *level) (MergeColumn, string) {
	f, ok := x.(*querytree.Function)
	if !ok || f.Over || f.WithinGroup || a.dialect.functions.class(f.Name) != functionAggregate {
		return 0, "an expression of aggregates"
	}
	if f.Distinct || len(f.OrderBy) > 0 || f.Variadic {
		return 0, f.Name + "(DISTINCT or ORDER BY)"
	}
	if f.Name == "count" && len(f.Args) <= 1 {
		return MergeCount, ""
	}
	if len(f.Args) != 1 {
		return 0, f.Name + "()"
	}
	typ := a.columnType(f.Args[0], top)
	switch {
	case f.Name == "sum" && a.dialect.summable[typ]:
		return MergeSum, ""
	case f.Name == "min" && a.dialect.ordered[typ]:
		return MergeMin, ""
	case f.Name == "max" && a.dialect.ordered[typ]:
		return MergeMax, ""
	}
	return 0, f.Name + "() of this type"
}

// columnType returns the type of an expression that is a column of a table, "".
func (a *analysis) columnType(x querytree.Expr, l *level) string {
	c, ok := x.(*querytree.Column)
	if !ok || c.Star {
		return ""
	}
	f := l.scope.lookup(c, a.dialect)
	if f.v == noVariable || f.level != l.scope {
		return ""
	}
	info := a.vars[f.v]
	if info.relation == nil || info.relation.Placement == topology.System {
		return ""
	}
	return info.relation.Columns[info.column].Type
}
