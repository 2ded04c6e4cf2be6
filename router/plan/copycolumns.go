package plan

import (
	"slices"

	"shardproxy/meta/topology"
	"shardproxy/protocol/sqlerr"
	"shardproxy/router/querytree"
)

// copyColumns refuses a column list of COPY as a server does, in its order: the
// proxy asks for the rows before any server sees the list.
func (a *analysis) copyColumns(rel *topology.Relation, c *querytree.CopySpec) {
	for i, name := range c.Columns {
		at := slices.IndexFunc(rel.Columns, func(c topology.Column) bool { return c.Name == name })
		switch {
		case at < 0:
			a.fail(sqlerr.UndefinedColumn(rel.Name.Name, name))
		case rel.Columns[at].Generated:
			a.fail(generatedColumn(name))
		case slices.Contains(c.Columns[:i], name):
			a.fail(columnTwice(name))
		default:
			continue
		}
		return
	}
}

// generatedColumn (42P10): COPY cannot write the column.
func generatedColumn(name string) *sqlerr.Error {
	err := *sqlerr.UndefinedColumn("", name).WithDetail("Generated columns cannot be used in COPY.")
	err.SQLState, err.Message = "42P10", "column \""+name+"\" is a generated column"
	return &err
}

// columnTwice (42701): the list names the column twice.
func columnTwice(name string) *sqlerr.Error {
	err := *sqlerr.UndefinedColumn("", name)
	err.SQLState, err.MySQL, err.Message = "42701", 1110, "column \""+name+"\" specified more than once"
	return &err
}
