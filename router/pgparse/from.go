package pgparse

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"shardproxy/router/querytree"
)

func (c *converter) fromList(nodes []*pg.Node) []querytree.FromItem {
	if len(nodes) == 0 {
		return nil
	}
	out := make([]querytree.FromItem, 0, len(nodes))
	for _, n := range nodes {
		out = append(out, c.fromItem(n))
	}
	return out
}

func (c *converter) fromItem(n *pg.Node) querytree.FromItem {
	if !c.enter() {
		return &querytree.UnknownFrom{What: "nested too deeply"}
	}
	defer c.leave()
	switch n := n.GetNode().(type) {
	case *pg.Node_RangeVar:
		return tableRef(n.RangeVar)
	case *pg.Node_JoinExpr:
		return c.join(n.JoinExpr)
	case *pg.Node_RangeSubselect:
		return c.derived(n.RangeSubselect)
	case *pg.Node_RangeFunction:
		return c.rangeFunction(n.RangeFunction)
	case *pg.Node_RangeTableSample:
		return c.sample(n.RangeTableSample)
	case *pg.Node_RangeTableFunc:
		return c.xmlTable(n.RangeTableFunc)
	case *pg.Node_JsonTable:
		return c.jsonTable(n.JsonTable)
	}
	return &querytree.UnknownFrom{What: nodeName(n)}
}

func tableRef(r *pg.RangeVar) *querytree.TableRef {
	return &querytree.TableRef{
		Name:    relation(r),
		Alias:   r.GetAlias().GetAliasname(),
		Columns: words(r.GetAlias().GetColnames()),
		Only:    !r.GetInh(),
	}
}

func (c *converter) sample(s *pg.RangeTableSample) querytree.FromItem {
	r := s.GetRelation().GetRangeVar()
	if r == nil {
		return &querytree.UnknownFrom{What: "TABLESAMPLE"}
	}
	out := tableRef(r)
	out.Sample = true
	out.SampleMethod = operator(s.GetMethod())
	out.SampleArgs = c.appendExprs(c.exprs(s.GetArgs()), []*pg.Node{s.GetRepeatable()})
	return out
}

func (c *converter) join(j *pg.JoinExpr) querytree.FromItem {
	out := &querytree.Join{
		Left:       c.fromItem(j.GetLarg()),
		Right:      c.fromItem(j.GetRarg()),
		On:         c.expr(j.GetQuals()),
		Using:      words(j.GetUsingClause()),
		Natural:    j.GetIsNatural(),
		Alias:      j.GetAlias().GetAliasname(),
		Columns:    words(j.GetAlias().GetColnames()),
		UsingAlias: j.GetJoinUsingAlias().GetAliasname(),
	}
	switch right := out.Right.(type) {
	case *querytree.SubqueryRef:
		out.Lateral = right.Lateral
	case *querytree.FunctionRef:
		out.Lateral = right.Lateral
	}
	switch j.GetJointype() {
	case pg.JoinType_JOIN_INNER:
		out.Kind = querytree.InnerJoin
		if out.On == nil && out.Using == nil && !out.Natural {
			out.Kind = querytree.CrossJoin
		}
	case pg.JoinType_JOIN_LEFT:
		out.Kind = querytree.LeftJoin
	case pg.JoinType_JOIN_RIGHT:
		out.Kind = querytree.RightJoin
	case pg.JoinType_JOIN_FULL:
		out.Kind = querytree.FullJoin
	default:
		return &querytree.UnknownFrom{What: j.GetJointype().String()}
	}
	return out
}

func (c *converter) derived(r *pg.RangeSubselect) querytree.FromItem {
	q := c.query(r.GetSubquery())
	if q == nil {
		return &querytree.UnknownFrom{What: "subquery"}
	}
	return &querytree.SubqueryRef{
		Query: q, Alias: r.GetAlias().GetAliasname(),
		Columns: words(r.GetAlias().GetColnames()), Lateral: r.GetLateral(),
	}
}

// rangeFunction converts a function in FROM, and ROWS FROM (...).
func (c *converter) rangeFunction(r *pg.RangeFunction) querytree.FromItem {
	out := &querytree.FunctionRef{
		Alias: r.GetAlias().GetAliasname(), Lateral: r.GetLateral(), Ordinality: r.GetOrdinality(),
	}
	var columns []string
	defined := len(r.GetColdeflist()) > 0
	for i, n := range r.GetFunctions() {
		pair := n.GetList().GetItems() // the call and its own column definitions
		if len(pair) == 0 || len(pair) > 2 {
			return &querytree.UnknownFrom{What: "function"}
		}
		out.Calls = append(out.Calls, c.expr(pair[0]))
		names, ok := definedColumns(pair[1:])
		if !ok {
			return &querytree.UnknownFrom{What: "column definition list"}
		}
		columns = append(columns, names...)
		defined = len(names) > 0 && (i == 0 || defined)
	}
	names, ok := definedColumns([]*pg.Node{{Node: &pg.Node_List{List: &pg.List{Items: r.GetColdeflist()}}}})
	if !ok {
		return &querytree.UnknownFrom{What: "column definition list"}
	}
	out.Columns = words(r.GetAlias().GetColnames())
	if out.Columns == nil && (defined || names != nil) {
		out.Columns = append(columns, names...)
	}
	return out
}

// definedColumns returns the names in a column definition list; false where it
// has something that is not understood.
func definedColumns(lists []*pg.Node) ([]string, bool) {
	var out []string
	for _, list := range lists {
		for _, n := range list.GetList().GetItems() {
			d := n.GetColumnDef()
			if d == nil || !plainModifiers(d.GetTypeName()) {
				return nil, false
			}
			out = append(out, d.GetColname())
		}
	}
	return out, true
}
