package plan

import (
	"shardproxy/protocol/sqlerr"
	"shardproxy/router/querytree"
)

// exprs looks through expressions of a level.
func (a *analysis) exprs(list []querytree.Expr, l *level) { a.exprsAt(list, l, l.env) }

func (a *analysis) exprsAt(list []querytree.Expr, l *level, e *env) {
	for _, x := range list {
		a.exprAt(x, e, l)
	}
}

func (a *analysis) expr(x querytree.Expr, l *level) { a.exprAt(x, l.env, l) }

// exprAt looks through an expression at e for what decides where the statement
// can run: subqueries, functions, names of catalog objects.
func (a *analysis) exprAt(x querytree.Expr, e *env, l *level) {
	switch x := x.(type) {
	case nil, *querytree.Slot, *querytree.Param, *querytree.Null, *querytree.Literal, *querytree.Special:
	case *querytree.Column:
		a.columnUse(x, l)
	case *querytree.Cast:
		a.castUse(x)
		a.exprAt(x.Value, e, l)
	case *querytree.Compare:
		a.exprAt(x.Left, e, l)
		a.exprAt(x.Right, e, l)
	case *querytree.And:
		a.exprsAt(x.Terms, l, e)
	case *querytree.Or:
		a.exprsAt(x.Terms, l, e)
	case *querytree.Not:
		a.exprAt(x.Term, e, l)
	case *querytree.In:
		a.exprAt(x.Left, e, l)
		a.exprsAt(x.List, l, e)
	case *querytree.AnyArray:
		a.namedOperator(x.Op)
		a.exprAt(x.Left, e, l)
		a.exprAt(x.Array, e, l)
	case *querytree.ArrayExpr:
		a.exprsAt(x.Elements, l, e)
	case *querytree.Row:
		a.exprsAt(x.Elements, l, e)
	case *querytree.IsNull:
		a.exprAt(x.Value, e, l)
	case *querytree.Operator:
		a.operator(x.Schema, x.Name)
		a.exprsAt(x.Operands, l, e)
	case *querytree.Function:
		a.function(x, e, l)
	case *querytree.Subquery:
		a.namedOperator(x.Op)
		a.exprAt(x.Test, e, l)
		a.sub(x.Query, place{env: e, outer: l.scope, with: l.with, up: l, rows: l.values})
	case *querytree.Group:
		a.groupUse(x, e, l)
	case *querytree.Unknown:
		a.block(sqlerr.Unroutable("shardproxy does not understand " + x.What))
	default:
		a.block(sqlerr.Unroutable("shardproxy does not understand an expression of the statement"))
	}
}

// columnUse looks for names that are functions of a row: table.function.
func (a *analysis) columnUse(c *querytree.Column, l *level) {
	if c.Star || len(c.Qualifier) == 0 || !a.db.Functions[c.Name] {
		return
	}
	if f := l.scope.lookup(c, a.dialect); f.attribute || f.level == nil {
		a.unknownFunction(c.Name)
	}
}

// castUse notes casts that look a name up in the catalog: object identifiers
// are those of home.
func (a *analysis) castUse(c *querytree.Cast) {
	if a.dialect.nameTypes[c.Type] {
		a.atHome = true
	}
}

func (a *analysis) groupUse(g *querytree.Group, e *env, l *level) {
	if g.What == "field" && len(a.db.Functions) > 0 {
		a.fieldUse()
	}
	a.exprsAt(g.Parts, l, e)
}

// fieldUse looks at (x).name. It may call a function of that name where x is a
// row; the name is not in the tree.
func (a *analysis) fieldUse() {
	for name := range a.db.Functions {
		if a.db.Rules.Functions[name] != rulePure {
			a.block(sqlerr.Unroutable("(row).name may call a function of that name").
				WithHint("Write the column as table.column, or call the function by its usual form."))
			return
		}
	}
}

// function looks through a function call.
func (a *analysis) function(f *querytree.Function, e *env, l *level) {
	a.exprsAt(f.Args, l, e)
	a.exprAt(f.Filter, e, l)
	for _, key := range f.OrderBy {
		a.exprAt(key.Expr, e, l)
		a.namedOperator(key.Using)
	}
	a.exprsAt(f.OverExprs, l, e)
	if f.Over {
		l.windows = true
	}
	a.call(f, l)
}
