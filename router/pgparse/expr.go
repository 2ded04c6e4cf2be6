package pgparse

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"shardproxy/router/querytree"
)

// exprs converts a list of expressions; nil where it is empty.
func (c *converter) exprs(nodes []*pg.Node) []querytree.Expr {
	return c.appendExprs(nil, nodes)
}

func (c *converter) appendExprs(out []querytree.Expr, nodes []*pg.Node) []querytree.Expr {
	if out == nil && len(nodes) > 0 {
		out = make([]querytree.Expr, 0, len(nodes))
	}
	for _, n := range nodes {
		if e := c.expr(n); e != nil {
			out = append(out, e)
		}
	}
	return out
}

// expr converts an expression; nil where there is none.
func (c *converter) expr(n *pg.Node) querytree.Expr {
	if n.GetNode() == nil {
		return nil
	}
	if !c.enter() {
		return &querytree.Unknown{What: "nested too deeply"}
	}
	defer c.leave()
	if e := c.knownExpr(n); e != nil {
		return e
	}
	return &querytree.Unknown{What: nodeName(n)}
}

// knownExpr converts an expression; nil where the node is no expression of the
// grammar.
func (c *converter) knownExpr(n *pg.Node) querytree.Expr {
	if e := c.commonExpr(n); e != nil {
		return e
	}
	if e := c.rareExpr(n); e != nil {
		return e
	}
	return c.documentExpr(n)
}

// commonExpr converts the expressions that have a type of their own.
func (c *converter) commonExpr(n *pg.Node) querytree.Expr {
	switch n := n.GetNode().(type) {
	case *pg.Node_ColumnRef:
		return column(n.ColumnRef)
	case *pg.Node_ParamRef:
		return c.param(n.ParamRef)
	case *pg.Node_AConst:
		return constant(n.AConst)
	case *pg.Node_AExpr:
		return c.operation(n.AExpr)
	case *pg.Node_BoolExpr:
		return c.boolean(n.BoolExpr)
	case *pg.Node_FuncCall:
		return c.call(n.FuncCall)
	case *pg.Node_TypeCast:
		return c.cast(n.TypeCast)
	case *pg.Node_SubLink:
		return c.subLink(n.SubLink)
	case *pg.Node_NullTest:
		return &querytree.IsNull{
			Value: c.expr(n.NullTest.GetArg()),
			Not:   n.NullTest.GetNulltesttype() == pg.NullTestType_IS_NOT_NULL,
		}
	case *pg.Node_AArrayExpr:
		return &querytree.ArrayExpr{Elements: c.exprs(n.AArrayExpr.GetElements())}
	case *pg.Node_RowExpr:
		return &querytree.Row{Elements: c.exprs(n.RowExpr.GetArgs())}
	case *pg.Node_SetToDefault:
		return &querytree.Literal{Text: "DEFAULT", Default: true}
	case *pg.Node_SqlvalueFunction:
		return special(n.SqlvalueFunction)
	case *pg.Node_MergeSupportFunc:
		return &querytree.Special{Name: "merge_action"}
	}
	return nil
}

// rareExpr converts the expressions that are a Group.
func (c *converter) rareExpr(n *pg.Node) querytree.Expr {
	switch n := n.GetNode().(type) {
	case *pg.Node_CaseExpr:
		return c.caseExpr(n.CaseExpr)
	case *pg.Node_CoalesceExpr:
		return &querytree.Group{What: "coalesce", Parts: c.exprs(n.CoalesceExpr.GetArgs())}
	case *pg.Node_MinMaxExpr:
		what := "greatest"
		if n.MinMaxExpr.GetOp() == pg.MinMaxOp_IS_LEAST {
			what = "least"
		}
		return &querytree.Group{What: what, Parts: c.exprs(n.MinMaxExpr.GetArgs())}
	case *pg.Node_BooleanTest:
		return c.booleanTest(n.BooleanTest)
	case *pg.Node_CollateClause:
		return c.group("collate", n.CollateClause.GetArg())
	case *pg.Node_NamedArgExpr:
		return c.group("named argument", n.NamedArgExpr.GetArg())
	case *pg.Node_AIndirection:
		return c.indirection(n.AIndirection)
	case *pg.Node_GroupingFunc:
		return &querytree.Group{What: "grouping", Parts: c.exprs(n.GroupingFunc.GetArgs())}
	case *pg.Node_GroupingSet:
		return c.groupingSet(n.GroupingSet)
	case *pg.Node_CurrentOfExpr:
		return &querytree.Unknown{What: "current of"}
	}
	return nil
}

// group makes a Group of the parts that are there.
func (c *converter) group(what string, parts ...*pg.Node) *querytree.Group {
	return &querytree.Group{What: what, Parts: c.exprs(parts)}
}

func column(r *pg.ColumnRef) querytree.Expr {
	fields := r.GetFields()
	out := &querytree.Column{}
	for i, f := range fields {
		switch n := f.GetNode().(type) {
		case *pg.Node_AStar:
			out.Star = true
		case *pg.Node_String_:
			if i == len(fields)-1 {
				out.Name = n.String_.GetSval()
			} else {
				out.Qualifier = append(out.Qualifier, n.String_.GetSval())
			}
		default:
			return &querytree.Unknown{What: "column reference"}
		}
	}
	return out
}

func (c *converter) boolean(b *pg.BoolExpr) querytree.Expr {
	terms := c.exprs(b.GetArgs())
	switch b.GetBoolop() {
	case pg.BoolExprType_AND_EXPR:
		return &querytree.And{Terms: terms}
	case pg.BoolExprType_OR_EXPR:
		return &querytree.Or{Terms: terms}
	case pg.BoolExprType_NOT_EXPR:
		if len(terms) == 1 {
			return &querytree.Not{Term: terms[0]}
		}
	}
	return &querytree.Unknown{What: "boolean operator " + b.GetBoolop().String()}
}

func (c *converter) booleanTest(t *pg.BooleanTest) querytree.Expr {
	var what string
	switch t.GetBooltesttype() {
	case pg.BoolTestType_IS_TRUE:
		what = "is true"
	case pg.BoolTestType_IS_NOT_TRUE:
		what = "is not true"
	case pg.BoolTestType_IS_FALSE:
		what = "is false"
	case pg.BoolTestType_IS_NOT_FALSE:
		what = "is not false"
	case pg.BoolTestType_IS_UNKNOWN:
		what = "is unknown"
	case pg.BoolTestType_IS_NOT_UNKNOWN:
		what = "is not unknown"
	default:
		return &querytree.Unknown{What: "boolean test " + t.GetBooltesttype().String()}
	}
	return c.group(what, t.GetArg())
}

func (c *converter) caseExpr(e *pg.CaseExpr) querytree.Expr {
	parts := c.exprs([]*pg.Node{e.GetArg()})
	for _, n := range e.GetArgs() {
		when := n.GetCaseWhen()
		if when == nil {
			return &querytree.Unknown{What: "case"}
		}
		parts = append(parts, c.expr(when.GetExpr()), c.expr(when.GetResult()))
	}
	if e.GetDefresult() != nil {
		parts = append(parts, c.expr(e.GetDefresult()))
	}
	return &querytree.Group{What: "case", Parts: parts}
}

// indirection converts a[1], (a).b and (a).*: the value first, then the
// expressions in brackets.
func (c *converter) indirection(a *pg.A_Indirection) querytree.Expr {
	out := &querytree.Group{What: "field", Parts: c.exprs([]*pg.Node{a.GetArg()})}
	for _, n := range a.GetIndirection() {
		switch n := n.GetNode().(type) {
		case *pg.Node_String_:
		case *pg.Node_AStar:
			out.What = "expand"
		case *pg.Node_AIndices:
			out.What = "subscript"
			out.Parts = c.appendExprs(out.Parts, []*pg.Node{n.AIndices.GetLidx(), n.AIndices.GetUidx()})
		default:
			return &querytree.Unknown{What: "indirection"}
		}
	}
	return out
}

func (c *converter) groupingSet(g *pg.GroupingSet) querytree.Expr {
	var what string
	switch g.GetKind() {
	case pg.GroupingSetKind_GROUPING_SET_EMPTY:
		what = "empty grouping set"
	case pg.GroupingSetKind_GROUPING_SET_ROLLUP:
		what = "rollup"
	case pg.GroupingSetKind_GROUPING_SET_CUBE:
		what = "cube"
	case pg.GroupingSetKind_GROUPING_SET_SETS:
		what = "grouping sets"
	default:
		return &querytree.Unknown{What: "grouping set " + g.GetKind().String()}
	}
	return &querytree.Group{What: what, Parts: c.exprs(g.GetContent())}
}

func special(f *pg.SQLValueFunction) querytree.Expr {
	var name string
	switch f.GetOp() {
	case pg.SQLValueFunctionOp_SVFOP_CURRENT_DATE:
		name = "current_date"
	case pg.SQLValueFunctionOp_SVFOP_CURRENT_TIME, pg.SQLValueFunctionOp_SVFOP_CURRENT_TIME_N:
		name = "current_time"
	case pg.SQLValueFunctionOp_SVFOP_CURRENT_TIMESTAMP, pg.SQLValueFunctionOp_SVFOP_CURRENT_TIMESTAMP_N:
		name = "current_timestamp"
	case pg.SQLValueFunctionOp_SVFOP_LOCALTIME, pg.SQLValueFunctionOp_SVFOP_LOCALTIME_N:
		name = "localtime"
	case pg.SQLValueFunctionOp_SVFOP_LOCALTIMESTAMP, pg.SQLValueFunctionOp_SVFOP_LOCALTIMESTAMP_N:
		name = "localtimestamp"
	case pg.SQLValueFunctionOp_SVFOP_CURRENT_ROLE:
		name = "current_role"
	case pg.SQLValueFunctionOp_SVFOP_CURRENT_USER:
		name = "current_user"
	case pg.SQLValueFunctionOp_SVFOP_USER:
		name = "user"
	case pg.SQLValueFunctionOp_SVFOP_SESSION_USER:
		name = "session_user"
	case pg.SQLValueFunctionOp_SVFOP_CURRENT_CATALOG:
		name = "current_catalog"
	case pg.SQLValueFunctionOp_SVFOP_CURRENT_SCHEMA:
		name = "current_schema"
	default:
		return &querytree.Unknown{What: f.GetOp().String()}
	}
	return &querytree.Special{Name: name}
}
