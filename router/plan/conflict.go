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
	if rel.Placement == topology.Sharded && rel.Key.Column != "" {
		a.arbiters(c, rel, ins.columns)
		a.keepsKey(c.Set, rel, func(x querytree.Expr) bool { return sameKey(x, rel, l.query.Target) })
	}
	tail := target
	proposed := a.table(rel, l.env)
	proposed.items = []*item{{name: excluded, columns: proposed.columns}}
	// The names of the row proposed need their table; bare names are the
	// target's.
	tail.items = slices.Concat(target.items, proposed.items)
	saved := l.scope
	l.scope = &scope{rows: tail}
	if rel.Placement == topology.Sharded {
		// All arbiters hold the key: the row that is there has the same one.
		ins.known(proposed)
	}
	for _, s := range c.Set {
		a.assignment(s, l)
	}
	a.expr(c.Where, l)
	l.scope = saved
}

// arbiters refuses an upsert that one of its arbiter indexes could decide
// wrongly, because a row that collides may be on another node.
func (a *analysis) arbiters(c *querytree.Conflict, rel *topology.Relation, given []string) {
	if c.Constraint == "" && len(c.Columns) == 0 && !c.Expression {
		for i := range rel.Uniques {
			if u := &rel.Uniques[i]; !a.decides(u, rel, given) {
				a.fail(a.badArbiter(rel, "unique index \""+u.Name+"\" does"))
				return
			}
		}
		return
	}
	if c.Constraint != "" {
		i := slices.IndexFunc(rel.Uniques, func(u topology.UniqueIndex) bool { return u.Name == c.Constraint })
		if i < 0 || !a.decides(&rel.Uniques[i], rel, nil) {
			a.fail(a.badArbiter(rel, "constraint \""+c.Constraint+"\" does"))
		}
		return
	}
	if slices.Contains(c.Columns, rel.Key.Column) {
		return
	}
	found := false
	for i := range rel.Uniques {
		u := &rel.Uniques[i]
		if !sameColumns(u.Columns, c.Columns) {
			continue
		}
		if !a.decides(u, rel, nil) {
			found = false
			break
		}
		found = true
	}
	if !found || c.Expression {
		a.fail(a.badArbiter(rel, "the ON CONFLICT columns do"))
	}
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

// sameKey reports whether an expression is the shard key of the target row or of
// the row proposed, which are equal.
func sameKey(x querytree.Expr, rel *topology.Relation, target *querytree.TableRef) bool {
	c, ok := x.(*querytree.Column)
	if !ok || c.Star || c.Name != rel.Key.Column {
		return false
	}
	switch len(c.Qualifier) {
	case 0:
		return true
	case 1:
		return c.Qualifier[0] == excluded || c.Qualifier[0] == referenceName(target)
	}
	return false
}

// assignment looks through the right side of SET column = value.
func (a *analysis) assignment(s querytree.Assignment, l *level) {
	a.expr(s.Value, l)
	a.expr(s.Source, l)
	a.exprs(s.Subscripts, l)
}
