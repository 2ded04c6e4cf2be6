package plan

import (
	"shardproxy/protocol/sqlerr"
	"shardproxy/router/querytree"
)

// rulePure declares in the rules that a function touches no rows but its
// arguments.
const rulePure = "pure"

// call notes what calling a function means for the place of the statement.
func (a *analysis) call(f *querytree.Function, l *level) {
	if f.Schema != a.dialect.builtin || a.dialect.builtin == "" {
		if a.db.Functions[f.Name] {
			a.declared(f.Name, l)
			return
		}
	}
	class := a.dialect.functions.class(f.Name)
	if class == functionUnknown && a.dialect.catalogs[f.Schema] && f.Schema != a.dialect.builtin {
		class = functionCatalog // information_schema._pg_...
	}
	switch class {
	case functionPure:
	case functionAggregate:
		a.aggregate(f, l)
	case functionWindow:
		l.windows = true
	case functionVolatile:
		a.flags |= FlagVolatile
	case functionCatalog:
		a.atHome = true
	default:
		a.effect(class, f, l)
	}
}

// declared looks at a function that users made: the rules may say that it is
// pure. It may still be an aggregate.
func (a *analysis) declared(name string, l *level) {
	if a.db.Rules.Functions[name] != rulePure {
		a.unknownFunction(name)
		return
	}
	a.separate("function " + name + "(), which might be an aggregate")
	l.aggregates = true
}

func (a *analysis) unknownFunction(name string) {
	a.block(sqlerr.Unroutable("function " + name + "() may read or change any row").
		WithHint("Declare it under functions: (pure), or say where it runs: /* shardproxy: key=project:42 */."))
}

// aggregate notes an aggregate. One whose arguments are all columns of an outer
// level belongs to that level.
func (a *analysis) aggregate(f *querytree.Function, l *level) {
	if f.Over {
		return
	}
	l.aggregates = true
	if l.up == nil && l.outer == nil {
		return
	}
	inner, outer := false, false
	for _, x := range f.Args {
		a.columnsIn(x, func(c *querytree.Column) {
			if at := l.scope.lookup(c, a.dialect).level; at == l.scope {
				inner = true
			} else {
				outer = true
			}
		})
	}
	if outer && !inner {
		a.separate("an aggregate over an outer query")
	}
}

// columnsIn calls f for the columns of an expression, subqueries left out.
func (a *analysis) columnsIn(x querytree.Expr, f func(*querytree.Column)) {
	walk(x, func(x querytree.Expr) bool {
		if c, ok := x.(*querytree.Column); ok {
			f(c)
		}
		_, sub := x.(*querytree.Subquery)
		return !sub
	})
}

// effect notes a function that does more than compute.
func (a *analysis) effect(class functionClass, f *querytree.Function, l *level) {
	switch class {
	case functionLastval:
		a.flags |= FlagLastval | FlagVolatile
	case functionSequence:
		a.flags |= FlagSequence | FlagVolatile
		a.write, a.atHome = true, true
		a.separate("a sequence")
	case functionSetval:
		a.setvalElsewhere()
	case functionSessionLock:
		a.flags |= FlagSessionLock | FlagVolatile
		a.atHomeOnly(f.Name + "() takes locks at home")
	case functionTransactionLock:
		a.flags |= FlagTransactionLock | FlagVolatile
		a.atHomeOnly(f.Name + "() takes locks at home")
	case functionNotify:
		a.flags |= FlagNotify | FlagVolatile
		a.atHomeOnly(f.Name + "() notifies at home")
	case functionSetConfig:
		a.flags |= FlagSetConfig | FlagVolatile
		a.separate("set_config()")
	case functionSize:
		a.nodeWide = true
		a.separate("a size of all nodes in an expression")
	case functionNode:
		a.block(sqlerr.Unroutable("function " + f.Name + "() acts on one server").
			WithHint("Name the server: /* shardproxy: node=NAME */."))
		a.needsNode = true
	default:
		a.unknownFunction(f.Name)
	}
}

// atHomeOnly notes an effect that must happen at home.
func (a *analysis) atHomeOnly(what string) {
	a.write = true
	a.needHome(what)
}
