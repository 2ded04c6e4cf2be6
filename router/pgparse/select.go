package pgparse

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"shardproxy/router/querytree"
)

// query converts a query level; nil where the node is none.
func (c *converter) query(n *pg.Node) *querytree.Query {
	if !c.enter() {
		return &querytree.Query{Kind: querytree.QuerySelect, Where: &querytree.Unknown{What: "nested too deeply"}}
	}
	defer c.leave()
	switch n := n.GetNode().(type) {
	case *pg.Node_SelectStmt:
		return c.selectStmt(n.SelectStmt)
	case *pg.Node_InsertStmt:
		return c.insert(n.InsertStmt)
	case *pg.Node_UpdateStmt:
		return c.update(n.UpdateStmt)
	case *pg.Node_DeleteStmt:
		return c.delete(n.DeleteStmt)
	case *pg.Node_MergeStmt:
		return c.merge(n.MergeStmt)
	}
	return nil
}

// selectStmt converts SELECT, VALUES and set operations.
func (c *converter) selectStmt(s *pg.SelectStmt) *querytree.Query {
	q := &querytree.Query{
		Kind:   querytree.QuerySelect,
		With:   c.with(s.GetWithClause()),
		Limit:  c.expr(s.GetLimitCount()),
		Offset: c.expr(s.GetLimitOffset()),
	}
	q.OrderBy = c.orderBy(s.GetSortClause())
	q.WithTies = s.GetLimitOption() == pg.LimitOption_LIMIT_OPTION_WITH_TIES
	c.locking(q, s.GetLockingClause())
	switch {
	case s.GetOp() > pg.SetOperation_SETOP_NONE:
		c.setOperation(q, s)
	case len(s.GetValuesLists()) > 0:
		q.Kind = querytree.QueryValues
		q.Rows = c.rows(s.GetValuesLists())
	default:
		c.simpleSelect(q, s)
	}
	return q
}

func (c *converter) simpleSelect(q *querytree.Query, s *pg.SelectStmt) {
	q.Targets = c.targets(s.GetTargetList())
	q.From = c.fromList(s.GetFromClause())
	q.Where = c.expr(s.GetWhereClause())
	if distinct := s.GetDistinctClause(); len(distinct) > 0 {
		q.Distinct = true
		if on := c.exprs(distinct); len(on) > 0 {
			q.DistinctOn = on
		}
	}
	q.GroupBy = c.exprs(s.GetGroupClause())
	q.GroupDistinct = s.GetGroupDistinct()
	for _, n := range s.GetGroupClause() {
		q.GroupingSets = q.GroupingSets || n.GetGroupingSet() != nil
	}
	q.Having = c.expr(s.GetHavingClause())
	for _, n := range s.GetWindowClause() {
		q.HasWindow = true
		q.WindowExprs = c.appendWindow(q.WindowExprs, n.GetWindowDef())
	}
	if into := s.GetIntoClause(); into != nil {
		name := relation(into.GetRel())
		q.Into, q.IntoTable = true, &name
	}
}

func (c *converter) setOperation(q *querytree.Query, s *pg.SelectStmt) {
	q.Kind = querytree.QuerySetOp
	q.SetAll = s.GetAll()
	switch s.GetOp() {
	case pg.SetOperation_SETOP_UNION:
		q.SetOp = "union"
	case pg.SetOperation_SETOP_INTERSECT:
		q.SetOp = "intersect"
	case pg.SetOperation_SETOP_EXCEPT:
		q.SetOp = "except"
	default:
		q.Where = &querytree.Unknown{What: s.GetOp().String()}
	}
	q.Left = c.arm(s.GetLarg())
	q.Right = c.arm(s.GetRarg())
}

// arm converts one side of a set operation.
func (c *converter) arm(s *pg.SelectStmt) *querytree.Query {
	if !c.enter() {
		return &querytree.Query{Kind: querytree.QuerySelect, Where: &querytree.Unknown{What: "nested too deeply"}}
	}
	defer c.leave()
	return c.selectStmt(s)
}

func (c *converter) locking(q *querytree.Query, clauses []*pg.Node) {
	all := false
	for _, n := range clauses {
		q.Locking = true
		relations := n.GetLockingClause().GetLockedRels()
		all = all || len(relations) == 0
		for _, r := range relations {
			q.Locked = append(q.Locked, r.GetRangeVar().GetRelname())
		}
	}
	if all {
		q.Locked = nil
	}
}

func (c *converter) rows(lists []*pg.Node) [][]querytree.Expr {
	out := make([][]querytree.Expr, 0, len(lists))
	for _, n := range lists {
		out = append(out, c.exprs(n.GetList().GetItems()))
	}
	return out
}

func (c *converter) targets(nodes []*pg.Node) []querytree.Target {
	if len(nodes) == 0 {
		return nil
	}
	out := make([]querytree.Target, 0, len(nodes))
	for _, n := range nodes {
		r := n.GetResTarget()
		if r == nil {
			out = append(out, querytree.Target{Expr: c.expr(n)})
			continue
		}
		out = append(out, querytree.Target{Name: r.GetName(), Expr: c.expr(r.GetVal())})
	}
	return out
}

func (c *converter) with(w *pg.WithClause) []querytree.CTE {
	if w == nil {
		return nil
	}
	out := make([]querytree.CTE, 0, len(w.GetCtes()))
	for _, n := range w.GetCtes() {
		e := n.GetCommonTableExpr()
		cte := querytree.CTE{
			Name: e.GetCtename(), Columns: words(e.GetAliascolnames()),
			Query: c.query(e.GetCtequery()), Recursive: w.GetRecursive(),
		}
		if search := e.GetSearchClause(); search != nil {
			cte.Extra = append(cte.Extra, search.GetSearchSeqColumn())
		}
		if cycle := e.GetCycleClause(); cycle != nil {
			cte.Extra = append(cte.Extra, cycle.GetCycleMarkColumn(), cycle.GetCyclePathColumn())
			cte.Marks = c.exprs([]*pg.Node{cycle.GetCycleMarkValue(), cycle.GetCycleMarkDefault()})
		}
		out = append(out, cte)
	}
	return out
}
