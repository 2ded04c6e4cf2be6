package pgparse

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"shardproxy/router/querytree"
)

func (c *converter) insert(s *pg.InsertStmt) *querytree.Query {
	q := &querytree.Query{
		Kind:      querytree.QueryInsert,
		With:      c.with(s.GetWithClause()),
		Target:    tableRef(s.GetRelation()),
		Returning: c.targets(s.GetReturningList()),
		Conflict:  c.conflict(s.GetOnConflictClause()),
	}
	q.Overriding, q.OverridingUser = overriding(s.GetOverride())
	list := c.columnList(s.GetCols())
	q.Columns, q.Partial, q.Subscripts = list.names, list.partial, list.subscripts
	if s.GetSelectStmt() != nil {
		q.Source = c.query(s.GetSelectStmt())
	}
	return q
}

// overriding tells OVERRIDING USER VALUE and OVERRIDING SYSTEM VALUE.
func overriding(k pg.OverridingKind) (either, user bool) {
	user = k == pg.OverridingKind_OVERRIDING_USER_VALUE
	return user || k == pg.OverridingKind_OVERRIDING_SYSTEM_VALUE, user
}

// columnList is the column list of an INSERT.
type columnList struct {
	names      []string
	partial    bool
	subscripts []querytree.Expr
}

func (c *converter) columnList(nodes []*pg.Node) columnList {
	var out columnList
	for _, n := range nodes {
		r := n.GetResTarget()
		out.names = append(out.names, r.GetName())
		out.partial = out.partial || len(r.GetIndirection()) > 0
		out.subscripts = c.appendSubscripts(out.subscripts, r.GetIndirection())
	}
	return out
}

func (c *converter) appendSubscripts(out []querytree.Expr, indirection []*pg.Node) []querytree.Expr {
	for _, n := range indirection {
		if i := n.GetAIndices(); i != nil {
			out = c.appendExprs(out, []*pg.Node{i.GetLidx(), i.GetUidx()})
		}
	}
	return out
}

func (c *converter) conflict(o *pg.OnConflictClause) *querytree.Conflict {
	if o == nil {
		return nil
	}
	infer := o.GetInfer()
	out := &querytree.Conflict{
		Constraint: infer.GetConname(),
		Predicate:  c.expr(infer.GetWhereClause()),
		DoNothing:  o.GetAction() == pg.OnConflictAction_ONCONFLICT_NOTHING,
		Set:        c.assignments(o.GetTargetList()),
		Where:      c.expr(o.GetWhereClause()),
	}
	for _, n := range infer.GetIndexElems() {
		e := n.GetIndexElem()
		if e.GetName() != "" {
			out.Columns = append(out.Columns, e.GetName())
			continue
		}
		out.Exprs = append(out.Exprs, c.expr(e.GetExpr()))
	}
	out.Expression = len(out.Exprs) > 0 || out.Predicate != nil
	return out
}

// assignments converts SET a = 1, (b, c) = (2, 3), (d, e) = (SELECT ...).
func (c *converter) assignments(nodes []*pg.Node) []querytree.Assignment {
	if len(nodes) == 0 {
		return nil
	}
	out := make([]querytree.Assignment, 0, len(nodes))
	for _, n := range nodes {
		r := n.GetResTarget()
		a := querytree.Assignment{
			Column: r.GetName(), Partial: len(r.GetIndirection()) > 0,
			Subscripts: c.appendSubscripts(nil, r.GetIndirection()),
		}
		if m := r.GetVal().GetMultiAssignRef(); m != nil {
			c.multiAssign(&a, m)
		} else {
			a.Value = c.expr(r.GetVal())
		}
		out = append(out, a)
	}
	return out
}

// multiAssign fills in one column of a multi-column assignment. The parser
// repeats the right side for each of its columns.
func (c *converter) multiAssign(a *querytree.Assignment, m *pg.MultiAssignRef) {
	column, columns := int(m.GetColno()), int(m.GetNcolumns())
	row := m.GetSource().GetRowExpr()
	switch {
	case row != nil && len(row.GetArgs()) == columns && column >= 1 && column <= columns:
		a.Value = c.expr(row.GetArgs()[column-1])
	case column <= 1:
		a.Source = c.expr(m.GetSource())
	}
}

func (c *converter) update(s *pg.UpdateStmt) *querytree.Query {
	q := &querytree.Query{
		Kind:      querytree.QueryUpdate,
		With:      c.with(s.GetWithClause()),
		Target:    tableRef(s.GetRelation()),
		Set:       c.assignments(s.GetTargetList()),
		From:      c.fromList(s.GetFromClause()),
		Returning: c.targets(s.GetReturningList()),
	}
	c.where(q, s.GetWhereClause())
	return q
}

func (c *converter) delete(s *pg.DeleteStmt) *querytree.Query {
	q := &querytree.Query{
		Kind:      querytree.QueryDelete,
		With:      c.with(s.GetWithClause()),
		Target:    tableRef(s.GetRelation()),
		From:      c.fromList(s.GetUsingClause()),
		Returning: c.targets(s.GetReturningList()),
	}
	c.where(q, s.GetWhereClause())
	return q
}

// where converts the WHERE of an UPDATE or DELETE, which may be CURRENT OF.
func (c *converter) where(q *querytree.Query, n *pg.Node) {
	q.Where = c.expr(n)
	q.CurrentOf = n.GetCurrentOfExpr().GetCursorName()
}

func (c *converter) merge(s *pg.MergeStmt) *querytree.Query {
	q := &querytree.Query{
		Kind:      querytree.QueryMerge,
		With:      c.with(s.GetWithClause()),
		Target:    tableRef(s.GetRelation()),
		From:      c.fromList([]*pg.Node{s.GetSourceRelation()}),
		MergeOn:   c.expr(s.GetJoinCondition()),
		Returning: c.targets(s.GetReturningList()),
	}
	for _, n := range s.GetMergeWhenClauses() {
		q.MergeWhens = append(q.MergeWhens, c.mergeWhen(n.GetMergeWhenClause()))
	}
	return q
}

func (c *converter) mergeWhen(w *pg.MergeWhenClause) querytree.MergeWhen {
	out := querytree.MergeWhen{
		Matched:   w.GetMatchKind() == pg.MergeMatchKind_MERGE_WHEN_MATCHED,
		BySource:  w.GetMatchKind() == pg.MergeMatchKind_MERGE_WHEN_NOT_MATCHED_BY_SOURCE,
		Condition: c.expr(w.GetCondition()),
	}
	out.Overriding, out.OverridingUser = overriding(w.GetOverride())
	switch w.GetCommandType() {
	case pg.CmdType_CMD_INSERT:
		out.Action = querytree.QueryInsert
		list := c.columnList(w.GetTargetList())
		out.Columns, out.Partial, out.Subscripts = list.names, list.partial, list.subscripts
		out.Values = c.exprs(w.GetValues())
	case pg.CmdType_CMD_UPDATE:
		out.Action = querytree.QueryUpdate
		out.Set = c.assignments(w.GetTargetList())
	case pg.CmdType_CMD_DELETE:
		out.Action = querytree.QueryDelete
	case pg.CmdType_CMD_NOTHING:
	default:
		out.Condition = &querytree.Unknown{What: w.GetCommandType().String()}
	}
	return out
}
