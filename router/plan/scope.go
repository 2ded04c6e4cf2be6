package plan

import (
	"slices"

	"shardproxy/meta/topology"
	"shardproxy/router/querytree"
)

// column is a column of a from item or of a query's output.
type column struct {
	name string
	v    variable
}

// item is something that a name before a dot can mean: a table reference, a
// derived table, a join with an alias.
type item struct {
	name string // alias, or the table's name
	// schema is the table's schema where the reference has no alias: then
	// schema.table.column finds it too.
	schema  string
	columns []column
	// open: there may be columns that are not listed.
	open bool
	// system: the table's system columns exist too.
	system bool
}

// rows is what a from item gives to its level: the names it adds and its columns
// in order.
type rows struct {
	items   []*item
	columns []column
	open    bool
}

// scope is what the names of one query level can mean. A name that is not found
// is looked up in the parent.
type scope struct {
	parent *scope
	rows
}

// found is the result of looking a column up.
type found struct {
	v variable
	// level is the scope where the name was found, nil where it was not.
	level *scope
	// attribute: the name follows a table it is no column of. PostgreSQL takes
	// it for a function of the row then.
	attribute bool
}

// lookup finds the column that a reference means. v is noVariable where that is
// not certain.
func (s *scope) lookup(c *querytree.Column, d *dialect) found {
	for ; s != nil; s = s.parent {
		if f := s.here(c, d); f.level != nil {
			return f
		}
	}
	return found{v: noVariable}
}

func (s *scope) here(c *querytree.Column, d *dialect) found {
	if len(c.Qualifier) == 0 {
		return s.unqualified(c.Name)
	}
	var hit *item
	for _, it := range s.items {
		if !it.matches(c.Qualifier) {
			continue
		}
		if hit != nil { // the server refuses an ambiguous name
			return found{v: noVariable, level: s}
		}
		hit = it
	}
	if hit == nil {
		return found{v: noVariable}
	}
	v, n := pick(hit.columns, c.Name)
	return found{
		v: v, level: s,
		attribute: n == 0 && !(hit.system && d.systemColumns[c.Name]),
	}
}

func (it *item) matches(qualifier []string) bool {
	last := len(qualifier) - 1
	if it.name != qualifier[last] {
		return false
	}
	return last == 0 || it.schema != "" && it.schema == qualifier[last-1]
}

// unqualified finds a bare name: a column, or a whole row by its table's name.
func (s *scope) unqualified(name string) found {
	v, n := pick(s.columns, name)
	switch {
	case n > 0:
		return found{v: v, level: s}
	case s.open, slices.ContainsFunc(s.items, func(it *item) bool { return it.name == name }):
		return found{v: noVariable, level: s}
	}
	return found{v: noVariable}
}

// pick returns the variable of the only column of that name, and the number of
// such columns.
func pick(columns []column, name string) (variable, int) {
	v, n := noVariable, 0
	for _, c := range columns {
		if c.name == name {
			v = c.v
			n++
		}
	}
	if n != 1 {
		return noVariable, n
	}
	return v, n
}

// beside joins what two from items give.
func beside(x, y rows) rows {
	return rows{
		items:   slices.Concat(x.items, y.items),
		columns: slices.Concat(x.columns, y.columns),
		open:    x.open || y.open,
	}
}

// named returns rows under a new name, with column aliases. A row that has an
// alias hides the names inside of it.
func (r rows) named(alias string, aliases []string) rows {
	out := rows{columns: slices.Clone(r.columns), open: r.open}
	for i, name := range aliases {
		if i < len(out.columns) {
			out.columns[i].name = name
		}
	}
	if len(aliases) > len(out.columns) || r.open && len(aliases) > 0 {
		// Which columns the aliases name is not known.
		out.columns, out.open = nil, true
	}
	out.items = []*item{{name: alias, columns: out.columns, open: out.open}}
	return out
}

// table makes the rows of a table reference.
func (a *analysis) table(rel *topology.Relation, e *env) rows {
	first := variable(len(a.vars))
	out := rows{columns: make([]column, len(rel.Columns))}
	for i := range rel.Columns {
		c := &rel.Columns[i]
		a.vars = append(a.vars, variableInfo{
			family: a.dialect.columnFamily(rel, c), env: e, relation: rel, column: i,
		})
		out.columns[i] = column{name: c.Name, v: first + variable(i)}
	}
	return out
}

// columnFamily returns the family of a table's column. Text columns other than
// shard keys may compare by a collation that takes different texts for equal.
func (d *dialect) columnFamily(rel *topology.Relation, c *topology.Column) family {
	if rel.Placement == topology.Sharded && rel.Key.Column == c.Name {
		return keyFamily(rel.Key.Type)
	}
	if f := d.families[c.Type]; f != familyText {
		return f
	}
	return familyUnknown
}

// fresh makes a variable that is no column of a table.
func (a *analysis) fresh(f family, e *env) variable {
	a.vars = append(a.vars, variableInfo{family: f, env: e})
	return variable(len(a.vars) - 1)
}
