package plan

import (
	"slices"

	"shardproxy/meta/topology"
	"shardproxy/protocol/sqlerr"
	"shardproxy/router/querytree"
)

// excluded is the name of the row that an upsert could not insert.
const excluded = "excluded"

// conflict looks through the tail of an upsert. The unique indexes that decide
// whether a row is there already must see all rows that could be.
func (a *analysis) conflict(l *level, rel *topology.Relation, target rows, ins *insertion) {
	c := l.query.Conflict
	if c == nil {
		return
	}
	a.exprs(c.Exprs, l)
	a.expr(c.Predicate, l)
	sharded := rel.Placement == topology.Sharded && rel.Key.Column != ""
	sameRow := false
	if sharded {
		sameRow = a.arbiters(c, rel, ins.columns)
		a.keepsKey(c.Set, rel, func(x querytree.Expr) bool { return sameKey(x, rel, l.query.Target, sameRow) })
		// A row that an arbiter without the key finds is one of any key.
		a.anyKey = a.anyKey || !sameRow
	}
	tail := target
	proposed := a.table(rel, l.env)
	proposed.items = []*item{{name: excluded, columns: proposed.columns}}
	// The names of the row proposed need their table; bare names are the
	// target's.
	tail.items = slices.Concat(target.items, proposed.items)
	saved := l.scope
	l.scope = &scope{rows: tail}
	if sharded {
		ins.known(proposed)
	}
	if sharded && sameRow {
		ins.known(target)
	}
	for _, s := range c.Set {
		a.assignment(s, l)
	}
	a.expr(c.Where, l)
	l.scope = saved
}

// arbiters refuses an upsert that one of its arbiter indexes could decide
// wrongly, because a row that collides may be on another node. It reports
// whether all arbiters hold the shard key, so that a row that collides has the
// key of the row proposed.
func (a *analysis) arbiters(c *querytree.Conflict, rel *topology.Relation, given []string) bool {
	list := arbitersOf(c, rel)
	inferred := c.Constraint == "" && (len(c.Columns) > 0 || c.Expression)
	switch {
	case len(list) == 0 && inferred && slices.Contains(c.Columns, rel.Key.Column):
		return true // the server refuses the statement if there is no such index
	case len(list) == 0 && inferred:
		a.fail(a.badArbiter(rel, "the ON CONFLICT columns do"))
	case len(list) == 0 && c.Constraint != "":
		a.fail(a.badArbiter(rel, "constraint \""+c.Constraint+"\" does"))
	}
	if inferred || c.Constraint != "" {
		given = nil
	}
	holds := true
	for _, u := range list {
		switch {
		case a.decides(u, rel, given):
		case inferred:
			a.fail(a.badArbiter(rel, "the ON CONFLICT columns do"))
		default:
			a.fail(a.badArbiter(rel, "unique index \""+u.Name+"\" does"))
		}
		// Generated values find no other row.
		holds = holds && (u.Scope == topology.UniqueByGeneration || slices.Contains(u.Columns, rel.Key.Column))
	}
	return holds
}

// arbitersOf returns the unique indexes that decide an upsert.
func arbitersOf(c *querytree.Conflict, rel *topology.Relation) []*topology.UniqueIndex {
	var list []*topology.UniqueIndex
	for i := range rel.Uniques {
		u := &rel.Uniques[i]
		matches := len(c.Columns) == 0 && !c.Expression || !c.Expression && sameColumns(u.Columns, c.Columns)
		if c.Constraint != "" {
			matches = u.Name == c.Constraint
		}
		if matches {
			list = append(list, u)
		}
	}
	return list
}

func (a *analysis) badArbiter(rel *topology.Relation, what string) *sqlerr.Error {
	return sqlerr.NotSupported("an upsert into \"" + rel.Name.String() + "\": " + what + " not contain the shard key \"" + rel.Key.Column + "\"").
		WithDetail("A row that collides could be on another node.").
		WithHint("Use a unique index that has " + rel.Key.Column + " among its columns, or accept the index in the rule of the table: unique.")
}

// decides reports whether a unique index sees all rows that could collide. One
// whose values the database generates does, as long as the statement does not
// give them (given are its columns; nil: it may).
func (a *analysis) decides(u *topology.UniqueIndex, rel *topology.Relation, given []string) bool {
	switch u.Scope {
	case topology.UniqueEverywhere, topology.UniquePerNode:
		return true
	case topology.UniqueByGeneration:
		return given != nil && slices.ContainsFunc(u.Columns, func(name string) bool {
			c := rel.Column(name)
			return c != nil && c.HasDefault && !slices.Contains(given, name)
		})
	case 0:
		return slices.Contains(u.Columns, rel.Key.Column)
	}
	return false
}

func sameColumns(x, y []string) bool {
	if len(x) != len(y) {
		return false
	}
	for _, name := range x {
		if !slices.Contains(y, name) {
			return false
		}
	}
	return true
}

// keepsKey refuses assignments to the shard key that could change it.
func (a *analysis) keepsKey(list []querytree.Assignment, rel *topology.Relation, same func(querytree.Expr) bool) {
	for _, s := range list {
		if s.Column == rel.Key.Column && (s.Partial || s.Value == nil || !same(s.Value)) {
			a.fail(movesKey(rel))
		}
	}
}

func movesKey(rel *topology.Relation) *sqlerr.Error {
	return sqlerr.NotSupported("changing the shard key \"" + rel.Name.String() + "." + rel.Key.Column + "\" of a row").
		WithHint("Insert the row under the new key and delete the old one.")
}

// sameKey reports whether an expression is the shard key of the target row, or of
// the row proposed where that is the same.
func sameKey(x querytree.Expr, rel *topology.Relation, target *querytree.TableRef, sameRow bool) bool {
	c, ok := x.(*querytree.Column)
	if !ok || c.Star || c.Name != rel.Key.Column {
		return false
	}
	switch len(c.Qualifier) {
	case 0:
		return true
	case 1:
		return c.Qualifier[0] == excluded && sameRow || c.Qualifier[0] == referenceName(target)
	}
	return false
}

// assignment looks through the right side of SET column = value.
func (a *analysis) assignment(s querytree.Assignment, l *level) {
	a.expr(s.Value, l)
	a.expr(s.Source, l)
	a.exprs(s.Subscripts, l)
}
