package plan

import (
	"shardproxy/protocol/sqlerr"
	"shardproxy/router/querytree"
)

const setvalName = "setval"

// setval plans SELECT setval(...) alone, perhaps over the rows of one query: the
// session sets the counter of every node, each in the node's class, and plans what
// the arguments read by itself.
func (a *analysis) setval(t *compiled, s *querytree.Statement) bool {
	q := s.Query
	if a.dialect.functions.class(setvalName) != functionSetval || q == nil || !isPlain(q) || q.Into ||
		len(q.Targets) != 1 || len(q.With) > 0 || len(q.OrderBy) > 0 {
		return false
	}
	if !isSetval(q.Targets[0].Expr) || callsOf(s, setvalName) > 1 || a.db.Functions[setvalName] { // a user's own
		return false
	}
	t.class = Local
	a.write = true
	a.flags |= FlagSequence | FlagVolatile
	return true
}

// isSetval reports whether an expression calls the function as such.
func isSetval(x querytree.Expr) bool {
	f, ok := x.(*querytree.Function)
	return ok && f.Name == setvalName && (f.Schema == "" || f.Schema == "pg_catalog") && f.Filter == nil && !f.Over && !f.Distinct && !f.Variadic
}

// callsOf counts the calls of a function.
func callsOf(s *querytree.Statement, name string) (n int) {
	querytree.Walk(s, func(x querytree.Node) bool {
		if f, ok := x.(*querytree.Function); ok && f.Name == name {
			n++
		}
		return true
	})
	return n
}

// setvalElsewhere refuses setval() as a part of something else: the counters would
// leave the classes of their nodes.
func (a *analysis) setvalElsewhere() {
	a.fail(sqlerr.NotSupported("setval() inside of another statement is not supported").
		WithDetail("Every node draws from a class of its own, so that ids stay unique.").
		WithHint("Send SELECT setval('name', value) alone: it sets the counter of every node."))
}
