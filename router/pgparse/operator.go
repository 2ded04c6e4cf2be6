package pgparse

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"shardproxy/router/querytree"
)

// operation converts an operator with its operands, and what the grammar
// writes as one: IN, LIKE, BETWEEN, IS DISTINCT FROM, NULLIF, ANY and ALL.
func (c *converter) operation(a *pg.A_Expr) querytree.Expr {
	_, name := dotted(a.GetName())
	switch a.GetKind() {
	case pg.A_Expr_Kind_AEXPR_OP:
		return c.plainOperator(a)
	case pg.A_Expr_Kind_AEXPR_OP_ANY, pg.A_Expr_Kind_AEXPR_OP_ALL:
		return &querytree.AnyArray{
			Left: c.expr(a.GetLexpr()), Op: operator(a.GetName()), Array: c.expr(a.GetRexpr()),
			All: a.GetKind() == pg.A_Expr_Kind_AEXPR_OP_ALL,
		}
	case pg.A_Expr_Kind_AEXPR_IN:
		return &querytree.In{
			Left: c.expr(a.GetLexpr()), List: c.exprs(a.GetRexpr().GetList().GetItems()), Not: name == "<>",
		}
	case pg.A_Expr_Kind_AEXPR_DISTINCT:
		return c.named("is distinct from", a.GetLexpr(), a.GetRexpr())
	case pg.A_Expr_Kind_AEXPR_NOT_DISTINCT:
		return c.named("is not distinct from", a.GetLexpr(), a.GetRexpr())
	case pg.A_Expr_Kind_AEXPR_NULLIF:
		return c.group("nullif", a.GetLexpr(), a.GetRexpr())
	case pg.A_Expr_Kind_AEXPR_LIKE:
		return c.named(negated(name, "like"), a.GetLexpr(), a.GetRexpr())
	case pg.A_Expr_Kind_AEXPR_ILIKE:
		return c.named(negated(name, "ilike"), a.GetLexpr(), a.GetRexpr())
	case pg.A_Expr_Kind_AEXPR_SIMILAR:
		return c.named(negated(name, "similar to"), a.GetLexpr(), a.GetRexpr())
	case pg.A_Expr_Kind_AEXPR_BETWEEN:
		return c.between("between", a)
	case pg.A_Expr_Kind_AEXPR_NOT_BETWEEN:
		return c.between("not between", a)
	case pg.A_Expr_Kind_AEXPR_BETWEEN_SYM:
		return c.between("between symmetric", a)
	case pg.A_Expr_Kind_AEXPR_NOT_BETWEEN_SYM:
		return c.between("not between symmetric", a)
	}
	return &querytree.Unknown{What: a.GetKind().String()}
}

// negated is the name of LIKE and its relatives: their operators !~~, !~~* and
// !~ are the negated ones.
func negated(operator, name string) string {
	if operator != "" && operator[0] == '!' {
		return "not " + name
	}
	return name
}

// named makes an operator of a keyword; these are built in.
func (c *converter) named(name string, operands ...*pg.Node) *querytree.Operator {
	return &querytree.Operator{Name: name, Operands: c.exprs(operands)}
}

func (c *converter) between(name string, a *pg.A_Expr) querytree.Expr {
	bounds := a.GetRexpr().GetList().GetItems()
	out := c.named(name, a.GetLexpr())
	out.Operands = c.appendExprs(out.Operands, bounds)
	return out
}

func (c *converter) plainOperator(a *pg.A_Expr) querytree.Expr {
	schema, name := dotted(a.GetName())
	builtIn := schema == "" || schema == pgCatalog
	if builtIn && a.GetLexpr() != nil && a.GetRexpr() != nil {
		switch name {
		case "=", "<>", "<", ">", "<=", ">=":
			return &querytree.Compare{Op: name, Left: c.expr(a.GetLexpr()), Right: c.expr(a.GetRexpr())}
		}
	}
	out := c.named(name, a.GetLexpr(), a.GetRexpr())
	out.Schema = schema
	return out
}

// subLink converts a subquery of an expression.
func (c *converter) subLink(s *pg.SubLink) querytree.Expr {
	out := &querytree.Subquery{Test: c.expr(s.GetTestexpr())}
	switch s.GetSubLinkType() {
	case pg.SubLinkType_EXISTS_SUBLINK:
		out.Kind = querytree.Exists
	case pg.SubLinkType_ANY_SUBLINK:
		out.Kind = querytree.AnySubquery
		out.Op = "=" // IN
		if len(s.GetOperName()) > 0 {
			out.Op = operator(s.GetOperName())
		}
	case pg.SubLinkType_ALL_SUBLINK:
		out.Kind, out.Op = querytree.AllSubquery, operator(s.GetOperName())
	case pg.SubLinkType_EXPR_SUBLINK:
		out.Kind = querytree.Scalar
	case pg.SubLinkType_ARRAY_SUBLINK:
		out.Kind = querytree.ArraySubquery
	default:
		return &querytree.Unknown{What: s.GetSubLinkType().String()}
	}
	if out.Query = c.query(s.GetSubselect()); out.Query == nil {
		return &querytree.Unknown{What: "subquery"}
	}
	return out
}
