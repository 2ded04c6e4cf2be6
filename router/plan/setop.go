package plan

import (
	"strconv"

	"shardproxy/router/querytree"
)

// setOperation looks through UNION, INTERSECT and EXCEPT.
func (a *analysis) setOperation(l *level) output {
	q := l.query
	if l.up == nil {
		a.separate("a set operation")
	}
	at := place{env: l.env, outer: l.outer, with: l.with, up: l, rows: l.values}
	left := a.sub(q.Left, at)
	right := a.sub(q.Right, at)
	a.tail(l)
	out := output{
		columns: make([]column, len(left.columns)),
		passes:  make([]bool, len(left.columns)),
		open:    left.open || right.open || len(left.columns) != len(right.columns),
	}
	for i, c := range left.columns {
		out.columns[i] = column{name: c.name, v: noVariable}
		if out.open {
			continue
		}
		out.columns[i].v = a.combined(l, left, right, i)
		out.passes[i] = q.Limit == nil && q.Offset == nil
	}
	return out
}

// combined makes the variable of output column i of a set operation: what is
// asked of it is asked of both arms, and its values are those that the arms
// give.
func (a *analysis) combined(l *level, left, right output, i int) variable {
	x, y := left.columns[i].v, right.columns[i].v
	if x == noVariable || y == noVariable || !a.comparable(x, y) {
		return noVariable
	}
	f := a.vars[x].family
	if f == familyAny {
		f = a.vars[y].family
	}
	v := a.fresh(f, l.env)
	for _, arm := range []output{left, right} {
		if i < len(arm.passes) && arm.passes[i] {
			a.identify(arm.env, arm.columns[i].v, v)
		}
	}
	from := func(out output) edge { return edge{to: out.columns[i].v, in: out.env, same: true} }
	switch l.query.SetOp {
	case "union":
		a.arms[v] = []arm{{node: node{x, left.env}}, {node: node{y, right.env}}}
	case "intersect":
		l.env.link(v, from(left))
		l.env.link(v, from(right))
	case "except":
		l.env.link(v, from(left))
	}
	return v
}

// valuesLevel looks through VALUES: the values of a column are those of all
// rows together.
func (a *analysis) valuesLevel(l *level) output {
	q := l.query
	if l.up == nil {
		a.separate("VALUES")
	}
	l.values = true
	var out output
	for i, row := range q.Rows {
		a.exprs(row, l)
		if i == 0 {
			out.columns = make([]column, len(row))
		}
		out.open = out.open || len(row) != len(out.columns)
	}
	l.values = false
	a.tail(l)
	out.passes = make([]bool, len(out.columns))
	for i := range out.columns {
		out.columns[i] = column{name: valuesColumn(i), v: noVariable}
		if !out.open {
			out.columns[i].v = a.valuesVariable(q, i, l.env)
		}
	}
	return out
}

// valuesVariable makes the variable of column i of VALUES. NULL in one of the
// rows does not matter: it equals nothing.
func (a *analysis) valuesVariable(q *querytree.Query, i int, e *env) variable {
	parts := make([]*source, 0, len(q.Rows))
	f := familyAny
	for _, row := range q.Rows {
		s := a.dialect.value(row[i], true)
		if s == nil {
			return noVariable
		}
		if s.family != familyAny {
			if f != familyAny && f != s.family {
				return noVariable
			}
			f = s.family
		}
		parts = append(parts, s)
	}
	v := a.fresh(f, e)
	e.suppose(v, valueFact{source: union(dedupe(parts))})
	return v
}

// valuesColumn is the name the server gives to column i of VALUES.
func valuesColumn(i int) string { return "column" + strconv.Itoa(i+1) }
