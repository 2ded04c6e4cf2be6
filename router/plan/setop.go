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
	var arms []output
	for _, arm := range armsOf(q, nil) {
		arms = append(arms, a.sub(arm, at))
	}
	a.tail(l)
	first := arms[0].columns
	out := output{columns: make([]column, len(first)), passes: make([]bool, len(first))}
	for _, arm := range arms {
		out.open = out.open || arm.open || len(arm.columns) != len(first)
	}
	for i, c := range first {
		out.columns[i] = column{name: c.name, v: noVariable}
		if out.open {
			continue
		}
		out.columns[i].v = a.combined(l, arms, i)
		out.passes[i] = q.Limit == nil && q.Offset == nil
	}
	return out
}

// armsOf returns the arms of a set operation. A chain of UNIONs, ALL or not, is
// one operation of many arms.
func armsOf(q *querytree.Query, arms []*querytree.Query) []*querytree.Query {
	for _, side := range []*querytree.Query{q.Left, q.Right} {
		chained := q.SetOp == "union" && side.Kind == querytree.QuerySetOp && side.SetOp == "union" &&
			len(side.With) == 0 && len(side.OrderBy) == 0 && side.Limit == nil && side.Offset == nil && !side.Locking && side.Where == nil
		if chained {
			arms = armsOf(side, arms)
		} else {
			arms = append(arms, side)
		}
	}
	return arms
}

// combined makes the variable of output column i of a set operation: what is
// asked of it is asked of all arms, and its values are those that the arms give.
func (a *analysis) combined(l *level, arms []output, i int) variable {
	f := familyAny
	for _, arm := range arms {
		v := arm.columns[i].v
		if v == noVariable {
			return noVariable
		}
		switch g := a.vars[v].family; {
		case g == familyUnknown || f != familyAny && g != familyAny && f != g:
			return noVariable
		case g != familyAny:
			f = g
		}
	}
	v := a.fresh(f, l.env)
	for _, arm := range arms {
		if i < len(arm.passes) && arm.passes[i] {
			a.identify(arm.env, arm.columns[i].v, v)
		}
	}
	switch l.query.SetOp {
	case "union":
		set := &armSet{}
		for _, out := range arms {
			set.list = append(set.list, arm{node: node{out.columns[i].v, out.env}})
		}
		a.arms[v] = set
	case "intersect":
		for _, out := range arms {
			l.env.link(v, edge{to: out.columns[i].v, in: out.env, same: true})
		}
	case "except":
		l.env.link(v, edge{to: arms[0].columns[i].v, in: arms[0].env, same: true})
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
	e.suppose(v, valueFact{source: union(parts)})
	return v
}

// valuesColumn is the name the server gives to column i of VALUES.
func valuesColumn(i int) string { return "column" + strconv.Itoa(i+1) }
