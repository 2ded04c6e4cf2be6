package plan

import (
	"slices"

	"shardproxy/meta/topology"
	"shardproxy/protocol/sqlerr"
	"shardproxy/router/querytree"
)

// copyStatement plans COPY.
func (a *analysis) copyStatement(t *compiled, s *querytree.Statement) {
	c := s.Copy
	a.separate("COPY")
	switch {
	case c == nil:
		a.block(sqlerr.Unroutable("shardproxy does not understand the COPY"))
	case !c.Stdio:
		a.fail(sqlerr.NotSupported("COPY with a file or program of the server").
			WithHint("Use COPY ... FROM STDIN or TO STDOUT (\\copy in psql)."))
	case c.Query != nil:
		a.topQuery(t, c.Query)
	case c.From:
		a.copyFrom(t, c)
	default:
		a.copyTo(t, c)
	}
}

// copyTarget finds the table of a COPY.
func (a *analysis) copyTarget(c *querytree.CopySpec) *topology.Relation {
	rel, temporary := a.relation(c.Relation)
	if rel == nil {
		a.unknownTable(c.Relation, temporary)
	}
	return rel
}

// copyFrom plans COPY table FROM STDIN: the rows of a sharded table go to the
// nodes of their keys one by one.
func (a *analysis) copyFrom(t *compiled, c *querytree.CopySpec) {
	rel := a.copyTarget(c)
	if rel == nil {
		return
	}
	a.write = true
	a.copyColumns(rel, c)
	a.writable(rel, topology.WriteInsert, nil)
	l := &level{query: &querytree.Query{}, env: a.root, scope: &scope{}}
	l.scope.rows = a.tableItem(rel, &querytree.TableRef{Name: c.Relation}, a.table(rel, a.root))
	a.expr(c.Where, l)
	p := &CopyPlan{From: true, Relation: rel, Columns: c.Columns, KeyIndex: -1}
	if c.Columns == nil {
		p.Columns = writtenColumns(rel)
	}
	t.copy = p
	if rel.Placement != topology.Sharded {
		return
	}
	p.Key = rel.Key
	if rel.Key.Column == "" {
		a.refs = append(a.refs, &reference{relation: rel, env: a.root, key: noVariable, write: true, level: l})
		return
	}
	if c.Columns == nil {
		a.rewrite = &Rewrite{AddColumns: p.Columns, Relation: rel, KeyIndex: -1}
	}
	if p.KeyIndex = slices.Index(p.Columns, rel.Key.Column); p.KeyIndex < 0 {
		a.fail(sqlerr.NotSupported("COPY into \"" + rel.Name.String() + "\" without its shard key \"" + rel.Key.Column + "\"").
			WithHint("Add the column to the data and to the column list."))
		return
	}
	t.class = ByRows
}

// writtenColumns are the columns that COPY without a list means.
func writtenColumns(rel *topology.Relation) []string {
	var out []string
	for i := range rel.Columns {
		if !rel.Columns[i].Generated {
			out = append(out, rel.Columns[i].Name)
		}
	}
	return out
}

// copyTo plans COPY table TO STDOUT as a query of the table.
func (a *analysis) copyTo(t *compiled, c *querytree.CopySpec) {
	rel := a.copyTarget(c)
	if rel == nil {
		return
	}
	if rel.Placement == topology.View {
		a.fail(sqlerr.NotSupported("COPY of a view").WithHint("Use COPY (SELECT * FROM view) TO STDOUT."))
		return
	}
	a.copyColumns(rel, c)
	p := &CopyPlan{Relation: rel, Columns: c.Columns, KeyIndex: -1}
	if c.Columns == nil {
		p.Columns = writtenColumns(rel)
	}
	if rel.Placement == topology.Sharded {
		p.Key = rel.Key
		p.KeyIndex = slices.Index(p.Columns, rel.Key.Column)
	}
	t.copy = p
	l := &level{query: &querytree.Query{}, env: a.root, scope: &scope{}}
	a.reads(rel, &querytree.TableRef{Name: c.Relation}, l, a.root)
	t.apart, t.would = a.spreadError(l.query, "COPY")
}
