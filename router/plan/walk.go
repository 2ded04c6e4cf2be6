package plan

import "shardproxy/router/querytree"

// walk calls f for an expression and what is inside of it, as long as f returns
// true. It does not enter queries.
func walk(x querytree.Expr, f func(querytree.Expr) bool) {
	if x == nil || !f(x) {
		return
	}
	switch x := x.(type) {
	case *querytree.Cast:
		walk(x.Value, f)
	case *querytree.Compare:
		walk(x.Left, f)
		walk(x.Right, f)
	case *querytree.And:
		walkAll(x.Terms, f)
	case *querytree.Or:
		walkAll(x.Terms, f)
	case *querytree.Not:
		walk(x.Term, f)
	case *querytree.In:
		walk(x.Left, f)
		walkAll(x.List, f)
	case *querytree.AnyArray:
		walk(x.Left, f)
		walk(x.Array, f)
	case *querytree.ArrayExpr:
		walkAll(x.Elements, f)
	case *querytree.Row:
		walkAll(x.Elements, f)
	case *querytree.IsNull:
		walk(x.Value, f)
	case *querytree.Operator:
		walkAll(x.Operands, f)
	case *querytree.Function:
		walkAll(x.Args, f)
		walk(x.Filter, f)
		for _, key := range x.OrderBy {
			walk(key.Expr, f)
		}
		walkAll(x.OverExprs, f)
	case *querytree.Subquery:
		walk(x.Test, f)
	case *querytree.Group:
		walkAll(x.Parts, f)
	}
}

func walkAll(list []querytree.Expr, f func(querytree.Expr) bool) {
	for _, x := range list {
		walk(x, f)
	}
}

// mentions reports whether a query, or one inside of it, has a table reference
// of that bare name.
func mentions(q *querytree.Query, name string) bool {
	m := finder{name: name}
	m.query(q)
	return m.found
}

type finder struct {
	name  string
	found bool
}

func (m *finder) query(q *querytree.Query) {
	if q == nil || m.found {
		return
	}
	for i := range q.With {
		m.query(q.With[i].Query)
	}
	for _, item := range q.From {
		m.from(item)
	}
	m.query(q.Left)
	m.query(q.Right)
	m.query(q.Source)
	m.clauses(q)
}

func (m *finder) from(item querytree.FromItem) {
	switch item := item.(type) {
	case *querytree.TableRef:
		m.found = m.found || item.Name.Schema == "" && item.Name.Name == m.name
	case *querytree.Join:
		m.from(item.Left)
		m.from(item.Right)
		m.expr(item.On)
	case *querytree.SubqueryRef:
		m.query(item.Query)
	case *querytree.FunctionRef:
		m.exprs(item.Calls)
	}
}

// clauses looks into the expressions of a query.
func (m *finder) clauses(q *querytree.Query) {
	for _, t := range q.Targets {
		m.expr(t.Expr)
	}
	for _, t := range q.Returning {
		m.expr(t.Expr)
	}
	for _, key := range q.OrderBy {
		m.expr(key.Expr)
	}
	for _, row := range q.Rows {
		m.exprs(row)
	}
	for _, s := range q.Set {
		m.expr(s.Value)
		m.expr(s.Source)
	}
	for _, w := range q.MergeWhens {
		m.expr(w.Condition)
		m.exprs(w.Values)
		for _, s := range w.Set {
			m.expr(s.Value)
			m.expr(s.Source)
		}
	}
	if c := q.Conflict; c != nil {
		m.expr(c.Where)
		for _, s := range c.Set {
			m.expr(s.Value)
			m.expr(s.Source)
		}
	}
	m.exprs([]querytree.Expr{q.Where, q.Having, q.Limit, q.Offset, q.MergeOn})
	m.exprs(q.DistinctOn)
	m.exprs(q.GroupBy)
	m.exprs(q.WindowExprs)
}

func (m *finder) exprs(list []querytree.Expr) {
	for _, x := range list {
		m.expr(x)
	}
}

func (m *finder) expr(x querytree.Expr) {
	walk(x, func(x querytree.Expr) bool {
		if s, ok := x.(*querytree.Subquery); ok {
			m.query(s.Query)
		}
		return !m.found
	})
}
