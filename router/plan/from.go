package plan

import (
	"slices"

	"shardproxy/meta/topology"
	"shardproxy/protocol/sqlerr"
	"shardproxy/router/querytree"
)

// fromList looks through the items of a FROM list: inner joins of each other.
func (a *analysis) fromList(items []querytree.FromItem, l *level) rows {
	var all rows
	for _, item := range items {
		all = beside(all, a.fromItem(item, l, l.env, all))
	}
	return all
}

// fromItem looks through an item that stands at env e. left is what stands left
// of it in the same FROM, which LATERAL items can see.
func (a *analysis) fromItem(item querytree.FromItem, l *level, e *env, left rows) rows {
	switch item := item.(type) {
	case *querytree.TableRef:
		return a.tableRef(item, l, e)
	case *querytree.Join:
		return a.join(item, l, e, left)
	case *querytree.SubqueryRef:
		return a.derived(item, l, e, left)
	case *querytree.FunctionRef:
		return a.functionRef(item, l, e, left)
	case *querytree.UnknownFrom:
		a.block(sqlerr.Unroutable("shardproxy does not understand " + item.What + " in FROM"))
	}
	return rows{open: true}
}

// tableRef looks through a reference to a CTE, a table or a view.
func (a *analysis) tableRef(ref *querytree.TableRef, l *level, e *env) rows {
	a.at(l, rows{}, func() { a.exprs(ref.SampleArgs, l) })
	if ref.Name.Schema == "" && ref.Name.Catalog == "" {
		if w := l.with.find(ref.Name.Name); w != nil {
			return a.withReference(w, ref, l, e)
		}
	}
	if ref.Sample {
		a.separate("TABLESAMPLE")
	}
	rel, temporary := a.relation(ref.Name)
	switch {
	case rel == nil:
		a.unknownTable(ref.Name, temporary)
		return rows{open: true}
	case rel.Placement == topology.View:
		return a.view(rel, ref, l, e)
	}
	return a.reads(rel, ref, l, e)
}

// at runs f while the names of r, and those around the level, are what
// expressions of the level can see.
func (a *analysis) at(l *level, r rows, f func()) {
	saved := l.scope
	l.scope = &scope{parent: l.outer, rows: r}
	f()
	l.scope = saved
}

// view plans a view as the query that defines it.
func (a *analysis) view(rel *topology.Relation, ref *querytree.TableRef, l *level, e *env) rows {
	a.views++
	defer func() { a.views-- }()
	if a.expansions++; a.views > maxViewDepth || a.expansions > maxExpansions {
		a.fail(sqlerr.NotSupported("view \"" + rel.Name.String() + "\" is nested too deeply"))
		return rows{open: true}
	}
	q, err := a.viewQuery(rel)
	if err != nil {
		a.fail(err)
		return rows{open: true}
	}
	out := a.sub(q, place{env: e, up: l, from: true})
	r := a.lift(out, e)
	for i := range min(len(r.columns), len(rel.Columns)) {
		r.columns[i].name = rel.Columns[i].Name
	}
	return a.tableItem(rel, ref, r)
}

func (a *analysis) viewQuery(rel *topology.Relation) (*querytree.Query, *sqlerr.Error) {
	statements, err := a.parser.Parse(rel.ViewText)
	if err != nil || len(statements) != 1 || statements[0].Kind != querytree.Select || statements[0].Query == nil {
		return nil, sqlerr.NotSupported("the definition of view \"" + rel.Name.String() + "\" cannot be planned").
			WithHint("Query the tables of the view.")
	}
	return statements[0].Query, nil
}

// lift makes an inner query's output columns visible at e. What is asked of
// such a column at e is asked of the rows inside too, where the query lets it
// pass; what is known inside is known at e.
func (a *analysis) lift(out output, e *env) rows {
	r := rows{open: out.open, columns: make([]column, len(out.columns))}
	for i, c := range out.columns {
		r.columns[i] = column{name: c.name, v: noVariable}
		if c.v == noVariable {
			continue
		}
		v := a.fresh(a.vars[c.v].family, e)
		r.columns[i].v = v
		e.link(v, edge{to: c.v, in: out.env, same: true})
		if i < len(out.passes) && out.passes[i] {
			a.identify(out.env, c.v, v)
		}
	}
	return r
}

// derived looks through a derived table.
func (a *analysis) derived(ref *querytree.SubqueryRef, l *level, e *env, left rows) rows {
	outer := l.outer
	if ref.Lateral {
		outer = &scope{parent: l.outer, rows: left}
	}
	out := a.sub(ref.Query, place{env: e, outer: outer, with: l.with, up: l, rows: l.values, from: true})
	return a.lift(out, e).named(ref.Alias, ref.Columns)
}

// functionRef looks through a function in FROM. Functions can see what stands
// left of them, LATERAL or not.
func (a *analysis) functionRef(ref *querytree.FunctionRef, l *level, e *env, left rows) rows {
	a.at(l, left, func() { a.exprsAt(ref.Calls, l, e) })
	if r, ok := a.unnested(ref, l, e); ok {
		return r
	}
	r := rows{open: true}
	if ref.Alias == "" && len(ref.Calls) == 1 {
		if f, ok := ref.Calls[0].(*querytree.Function); ok {
			return r.named(f.Name, nil)
		}
	}
	r = r.named(ref.Alias, nil)
	for _, name := range ref.Columns {
		r.columns = append(r.columns, column{name: name, v: noVariable})
	}
	r.items[0].columns = r.columns
	return r
}

// join looks through a join. Its ON is known of the rows of an inner join, and
// of those rows of an outer join's nullable side that find a partner.
func (a *analysis) join(j *querytree.Join, l *level, e *env, left rows) rows {
	le, re, on := e, e, e
	switch j.Kind {
	case querytree.LeftJoin:
		re = newEnv(e)
		re.nullable, on = true, re
	case querytree.RightJoin:
		le = newEnv(e)
		le.nullable, on = true, le
	case querytree.FullJoin:
		le, re = newEnv(e), newEnv(e)
		on = newEnv(e)
	}
	lr := a.fromItem(j.Left, l, le, left)
	rr := a.fromItem(j.Right, l, re, beside(left, lr))
	both := beside(lr, rr)
	a.at(l, both, func() { a.predicate(j.On, on, l) })
	if j.Natural || j.Using != nil {
		both = a.merged(j, lr, rr, on, e)
	}
	if j.Alias != "" {
		return both.named(j.Alias, j.Columns)
	}
	return both
}

// merged joins by the columns of USING, or those of the same name (NATURAL).
// Each of them becomes one column, in front of the others.
func (a *analysis) merged(j *querytree.Join, lr, rr rows, on, e *env) rows {
	names := j.Using
	if j.Natural {
		if lr.open || rr.open {
			return a.unmerged(lr, rr)
		}
		names = shared(lr.columns, rr.columns)
	}
	out := rows{items: slices.Concat(lr.items, rr.items), open: lr.open || rr.open}
	for _, name := range names {
		lv, ln := pick(lr.columns, name)
		rv, rn := pick(rr.columns, name)
		if ln != 1 || rn != 1 {
			return a.unmerged(lr, rr)
		}
		a.compared(on, lv, rv)
		v := lv
		switch j.Kind {
		case querytree.RightJoin:
			v = rv
		case querytree.FullJoin:
			v = noVariable
		}
		out.columns = append(out.columns, column{name: name, v: v})
	}
	merged := slices.Clone(out.columns)
	for _, c := range slices.Concat(lr.columns, rr.columns) {
		if !slices.Contains(names, c.name) {
			out.columns = append(out.columns, c)
		}
	}
	if j.UsingAlias != "" {
		out.items = append(out.items, &item{name: j.UsingAlias, columns: merged})
	}
	return out
}

// unmerged is the result of a join whose common columns are not certain.
func (a *analysis) unmerged(lr, rr rows) rows {
	out := rows{items: slices.Concat(lr.items, rr.items), open: true}
	for _, it := range out.items {
		it.open = true
	}
	return out
}

// shared returns the names that both lists have, in the order of the first.
func shared(x, y []column) []string {
	var names []string
	for _, c := range x {
		has := func(o column) bool { return o.name == c.name }
		if slices.ContainsFunc(y, has) && !slices.Contains(names, c.name) {
			names = append(names, c.name)
		}
	}
	return names
}
