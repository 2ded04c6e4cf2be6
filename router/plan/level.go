package plan

import (
	"slices"
	"strconv"

	"shardproxy/protocol/sqlerr"
	"shardproxy/router/querytree"
)

// level is one query level while it is being looked through.
type level struct {
	query *querytree.Query
	up    *level
	env   *env
	scope *scope
	// outer is the scope around the level; names of CTEs are in with.
	outer *scope
	with  *withScope
	// unread are the level's WITH queries, until it is known which are used.
	unread []*withQuery

	// values: inside of a row of VALUES, where slots stand for several rows.
	values bool
	// aggregates and windows: the level calls such functions.
	aggregates, windows bool

	// sharded and copies: this level or one inside of it reads such tables.
	sharded, copies bool
}

// output is what a query gives to the level above.
type output struct {
	columns []column
	open    bool
	// passes says for each column whether rows that differ in it have no
	// influence on each other, so that what the level above asks of the column
	// can be asked of the rows inside.
	passes []bool
	env    *env
	level  *level
}

// place is where a query stands.
type place struct {
	env   *env
	outer *scope
	with  *withScope
	up    *level
	rows  bool
	// from: the query is an item of FROM.
	from bool
}

// sub looks through a query that stands at p, in an env of its own.
func (a *analysis) sub(q *querytree.Query, p place) output {
	a.levels++
	defer func() { a.levels-- }()
	if a.levels > maxLevels {
		a.fail(sqlerr.NotSupported("a statement whose queries are nested so deeply"))
		return output{open: true, env: p.env}
	}
	e := newEnv(p.env)
	e.plain = p.from && isPlain(q)
	return a.query(q, e, p)
}

// isPlain reports whether each row of the query is one combination of rows of
// its tables, and all that pass WHERE are there.
func isPlain(q *querytree.Query) bool {
	return q.Kind == querytree.QuerySelect && !q.Distinct && len(q.GroupBy) == 0 && q.Having == nil &&
		q.Limit == nil && q.Offset == nil && !q.HasWindow && !q.Into
}

// query looks through a query in env e.
func (a *analysis) query(q *querytree.Query, e *env, p place) output {
	l := &level{query: q, up: p.up, env: e, outer: p.outer, values: p.rows}
	l.scope = &scope{parent: p.outer}
	l.with = a.withQueries(q, l, p)
	var out output
	switch q.Kind {
	case querytree.QuerySelect:
		out = a.selectLevel(l)
	case querytree.QueryValues:
		out = a.valuesLevel(l)
	case querytree.QuerySetOp:
		out = a.setOperation(l)
	case querytree.QueryInsert:
		out = a.insert(l)
	case querytree.QueryUpdate:
		out = a.update(l)
	case querytree.QueryDelete:
		out = a.delete(l)
	case querytree.QueryMerge:
		out = a.merge(l)
	default:
		a.block(sqlerr.Unroutable("a query of a kind that shardproxy does not know"))
	}
	a.unreferenced(l)
	out.env, out.level = e, l
	l.close(a)
	return out
}

// close passes on to the level above what is inside of it.
func (l *level) close(a *analysis) {
	if l.up != nil {
		l.up.sharded = l.up.sharded || l.sharded
		l.up.copies = l.up.copies || l.copies
	}
	if l.query.Limit != nil || l.query.Offset != nil || l.query.DistinctOn != nil {
		// A choice among copies may turn out differently on each node.
		if l.copies && !l.sharded && l.up != nil {
			a.separate("a subquery with LIMIT or DISTINCT ON chooses among rows of a reference table")
		}
	}
}

// selectLevel looks through SELECT.
func (a *analysis) selectLevel(l *level) output {
	q := l.query
	r := a.fromList(q.From, l)
	l.scope.rows = r
	a.predicate(q.Where, l.env, l)
	out := a.targets(q.Targets, l)
	a.exprs(q.DistinctOn, l)
	a.exprs(q.GroupBy, l)
	a.expr(q.Having, l)
	a.exprs(q.WindowExprs, l)
	a.tail(l)
	if q.Locking {
		a.flags |= FlagLocking
		a.write = true
	}
	if l.aggregates || l.windows {
		l.env.plain = false
	}
	a.passing(&out, l)
	return out
}

// tail looks through ORDER BY, LIMIT and OFFSET.
func (a *analysis) tail(l *level) {
	for _, key := range l.query.OrderBy {
		a.expr(key.Expr, l)
		a.namedOperator(key.Using)
	}
	a.expr(l.query.Limit, l)
	a.expr(l.query.Offset, l)
}

// locks reports whether FOR UPDATE of this level or one around it locks the rows
// of a table reference in this level.
func (l *level) locks(name string) bool {
	if q := l.query; q.Locking && (q.Locked == nil || slices.Contains(q.Locked, name)) {
		return true
	}
	for l = l.up; l != nil; l = l.up {
		if l.query.Locking {
			return true
		}
	}
	return false
}

// passing decides for each output column whether conditions on it can be asked
// of the rows inside of the level.
func (a *analysis) passing(out *output, l *level) {
	q := l.query
	if q.Limit != nil || q.Offset != nil || q.DistinctOn != nil || l.windows || q.HasWindow || q.GroupingSets {
		return
	}
	grouped := l.aggregates || len(q.GroupBy) > 0 || q.Having != nil
	if !grouped {
		for i := range out.passes {
			out.passes[i] = true
		}
		return
	}
	for _, e := range q.GroupBy {
		switch e := e.(type) {
		case *querytree.Column:
			v := l.scope.lookup(e, a.dialect).v
			for i := range out.columns {
				out.passes[i] = out.passes[i] || v != noVariable && out.columns[i].v == v
			}
		case *querytree.Literal:
			n, err := strconv.Atoi(e.Text)
			if e.Integer && err == nil && n >= 1 && n <= len(out.passes) {
				out.passes[n-1] = true
			}
		}
	}
}

// targets looks through the output list and names its columns.
func (a *analysis) targets(list []querytree.Target, l *level) output {
	var out output
	for _, t := range list {
		if c, ok := t.Expr.(*querytree.Column); ok && c.Star {
			a.star(&out, c, l)
			continue
		}
		out.columns = append(out.columns, column{name: targetName(t), v: a.outputVariable(t.Expr, l)})
		a.expr(t.Expr, l)
	}
	out.passes = make([]bool, len(out.columns))
	return out
}

// outputVariable is the variable of an output column: the column it shows, or
// a new one for a plain value.
func (a *analysis) outputVariable(e querytree.Expr, l *level) variable {
	if v := a.columnVariable(e, l); v != noVariable {
		return v
	}
	if c, ok := e.(*querytree.Cast); ok && !c.Array {
		if v := a.castVariable(c, l); v != noVariable {
			return v
		}
	}
	s := a.dialect.value(e, l.values)
	if s == nil || s.kind == sourceNull || !s.single() {
		return noVariable
	}
	v := a.fresh(familyAny, l.env)
	if s.family != familyAny {
		a.vars[v].family = s.family
	}
	l.env.suppose(v, valueFact{source: s})
	return v
}

// castVariable is the variable of a cast of a column that holds plain values
// without a type of their own, such as one of VALUES: it has the same values as
// keys of that type, or a value that is none is refused.
func (a *analysis) castVariable(c *querytree.Cast, l *level) variable {
	inner := a.columnVariable(c.Value, l)
	if inner == noVariable || a.vars[inner].family != familyAny {
		return noVariable
	}
	s := a.dialect.cast(c, a.given(inner, l.env))
	if s == nil {
		return noVariable
	}
	v := a.fresh(s.family, l.env)
	l.env.suppose(v, valueFact{source: s})
	return v
}

// given returns the source of a column of VALUES, which may have come through
// derived tables; nil for other columns.
func (a *analysis) given(v variable, e *env) *source {
	for range maxLevels {
		for _, fact := range e.values[v] {
			if fact.while == nil {
				return fact.source
			}
		}
		i := slices.IndexFunc(e.edges[v], func(to edge) bool { return to.same && to.in != nil })
		if i < 0 {
			return nil
		}
		v, e = e.edges[v][i].to, e.edges[v][i].in
	}
	return nil
}

// star adds the columns of * or t.*.
func (a *analysis) star(out *output, c *querytree.Column, l *level) {
	if len(c.Qualifier) == 0 {
		out.columns = append(out.columns, l.scope.columns...)
		out.open = out.open || l.scope.open
		return
	}
	for s := l.scope; s != nil; s = s.parent {
		for _, it := range s.items {
			if it.matches(c.Qualifier) {
				out.columns = append(out.columns, it.columns...)
				out.open = out.open || it.open
				return
			}
		}
	}
	out.open = true
}

// targetName is the name an output column gets.
func targetName(t querytree.Target) string {
	if t.Name != "" {
		return t.Name
	}
	switch e := t.Expr.(type) {
	case *querytree.Column:
		return e.Name
	case *querytree.Cast:
		if name := targetName(querytree.Target{Expr: e.Value}); name != "" {
			return name
		}
		return e.Type
	case *querytree.Function:
		return e.Name
	}
	return ""
}
