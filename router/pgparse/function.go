package pgparse

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"shardproxy/router/querytree"
)

// call converts a function call. Keyword functions that the grammar turns into
// calls (EXTRACT, SUBSTRING, AT TIME ZONE, OVERLAPS, LIKE ... ESCAPE) have the
// schema pg_catalog.
func (c *converter) call(f *pg.FuncCall) *querytree.Function {
	schema, name := dotted(f.GetFuncname())
	out := &querytree.Function{
		Schema:      schema,
		Name:        name,
		Args:        c.exprs(f.GetArgs()),
		Star:        f.GetAggStar(),
		Distinct:    f.GetAggDistinct(),
		Filter:      c.expr(f.GetAggFilter()),
		OrderBy:     c.orderBy(f.GetAggOrder()),
		WithinGroup: f.GetAggWithinGroup(),
		Variadic:    f.GetFuncVariadic(),
	}
	c.over(out, f.GetOver())
	return out
}

func (c *converter) over(f *querytree.Function, w *pg.WindowDef) {
	if w == nil {
		return
	}
	f.Over = true
	f.OverExprs = c.appendWindow(nil, w)
}

// appendWindow appends the expressions of a window definition.
func (c *converter) appendWindow(out []querytree.Expr, w *pg.WindowDef) []querytree.Expr {
	out = c.appendExprs(out, w.GetPartitionClause())
	for _, key := range c.orderBy(w.GetOrderClause()) {
		out = append(out, key.Expr)
	}
	return c.appendExprs(out, []*pg.Node{w.GetStartOffset(), w.GetEndOffset()})
}

func (c *converter) orderBy(nodes []*pg.Node) []querytree.OrderKey {
	if len(nodes) == 0 {
		return nil
	}
	out := make([]querytree.OrderKey, 0, len(nodes))
	for _, n := range nodes {
		s := n.GetSortBy()
		if s == nil {
			out = append(out, querytree.OrderKey{Expr: c.expr(n)})
			continue
		}
		key := querytree.OrderKey{
			Expr:       c.expr(s.GetNode()),
			Descending: s.GetSortbyDir() == pg.SortByDir_SORTBY_DESC,
		}
		switch s.GetSortbyNulls() {
		case pg.SortByNulls_SORTBY_NULLS_FIRST:
			key.NullsFirst = querytree.Yes
		case pg.SortByNulls_SORTBY_NULLS_LAST:
			key.NullsFirst = querytree.No
		}
		if s.GetSortbyDir() == pg.SortByDir_SORTBY_USING {
			key.Using = operator(s.GetUseOp())
		}
		out = append(out, key)
	}
	return out
}
