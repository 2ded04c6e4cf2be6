package plan

import (
	"slices"
	"strings"

	"shardproxy/meta/topology"
	"shardproxy/protocol/sqlerr"
	"shardproxy/router/querytree"
)

// otherStatement plans statements that are neither queries nor session control.
func (a *analysis) otherStatement(t *compiled, s *querytree.Statement) {
	a.write = true
	switch s.Kind {
	case querytree.DDL, querytree.Privileges:
		a.ddl(t, s)
	case querytree.Maintain:
		a.maintain(t, s)
	case querytree.Truncate:
		a.truncate(t, s)
	case querytree.LockTable:
		a.lockTable(t, s)
	case querytree.Call:
		a.block(sqlerr.Unroutable(s.Tag + " runs code that may read or change any row").
			WithHint("Say where it runs: /* shardproxy: key=project:42 */."))
	case querytree.Checkpoint:
		a.needsNode = true
		a.block(sqlerr.Unroutable(s.Tag + " acts on one server").
			WithHint("Name the server: /* shardproxy: node=NAME */."))
	default:
		a.block(sqlerr.NotSupported(s.Tag + " is not supported through shardproxy").
			WithHint("Run it on the nodes directly, or say where it runs: /* shardproxy: key=project:42 */."))
	}
}

// createTableAs plans CREATE TABLE AS, SELECT INTO and CREATE MATERIALIZED VIEW.
// Only temporary tables can be made of rows: they belong to one node.
func (a *analysis) createTableAs(t *compiled, s *querytree.Statement) {
	a.write = true
	if !s.Temporary {
		a.fail(sqlerr.NotSupported(s.Tag + " is not supported through shardproxy").
			WithDetail("Every node would make its own rows.").
			WithHint("Create the table, then use INSERT ... SELECT."))
		return
	}
	a.flags |= FlagTemp
	a.separate("a temporary table")
	q := s.Query
	if q == nil && s.Inner != nil {
		q = s.Inner.Query
	}
	a.topQuery(t, q)
}

// ddl plans a change of the schema: it runs on every node.
func (a *analysis) ddl(t *compiled, s *querytree.Statement) {
	if s.Temporary {
		a.flags |= FlagTemp
		return
	}
	d := s.DDL
	if d != nil && a.dialect.serverObjects[d.Object] {
		a.fail(sqlerr.NotSupported(s.Tag + " is not supported through shardproxy").
			WithHint("It concerns a server, not the database: run it on the nodes."))
		return
	}
	if d == nil && s.Kind == querytree.DDL {
		a.block(sqlerr.NotSupported(s.Tag + " is not understood by shardproxy"))
		return
	}
	t.class = All
	for i, part := range s.Parts {
		if part.Kind == querytree.DDL && part.DDL != nil {
			a.ddl(t, s.Parts[i])
		}
	}
	if d == nil {
		return
	}
	if d.Action != querytree.ActionCreate || d.Object == "index" || d.Object == "trigger" || d.Object == "rule" {
		a.ddlTargets(s, d)
	}
	a.sequenceChange(s, d)
}

// ddlTargets checks what a change does to the tables it names.
func (a *analysis) ddlTargets(s *querytree.Statement, d *querytree.DDLSpec) {
	for i, name := range s.Relations {
		rel, temporary := a.relation(name)
		if rel == nil {
			onTable := d.Object == "table" || d.Object == "trigger" || d.Object == "rule" || d.Object == "index" && d.Action == querytree.ActionCreate
			a.unknown = a.unknown || onTable && (temporary || name.Schema == "")
			continue
		}
		if i > 0 && d.Action != querytree.ActionDrop {
			continue // tables that the change only refers to
		}
		a.keepsRule(rel, d)
		a.keepsCopies(rel, s, d)
	}
}

// keepsRule refuses changes after which a table's rule would not hold.
func (a *analysis) keepsRule(rel *topology.Relation, d *querytree.DDLSpec) {
	table := rel.Placement == topology.Sharded || rel.Placement == topology.Reference || rel.Placement == topology.Global
	if !table {
		return
	}
	switch d.Action {
	case querytree.ActionRename:
		if d.Column == "" && (d.Object == "table" || d.Object == "") || d.Column != "" && a.isKey(rel, d.Column) {
			a.renames(rel, d)
		}
	case querytree.ActionSetSchema:
		if d.Object == "table" {
			a.renames(rel, d)
		}
	case querytree.ActionAlter:
		for i := range d.Changes {
			a.keepsKeyColumn(rel, &d.Changes[i])
		}
	}
	for i := range d.Constraints {
		a.keepsUnique(rel, &d.Constraints[i])
	}
}

func (a *analysis) isKey(rel *topology.Relation, column string) bool {
	return rel.Placement == topology.Sharded && column != "" && rel.Key.Column == column
}

// renames refuses a new name of a shard key, and of a table whose rule goes by
// its name.
func (a *analysis) renames(rel *topology.Relation, d *querytree.DDLSpec) {
	if d.Column != "" {
		a.fail(sqlerr.NotSupported("renaming the shard key \"" + rel.Name.String() + "." + d.Column + "\"").
			WithHint("The rule of the table goes by the column's name."))
		return
	}
	if rel.Placement == topology.Global && rel.Source == topology.FromDefault {
		return
	}
	a.fail(sqlerr.NotSupported("giving table \"" + rel.Name.String() + "\" another name or schema").
		WithDetail("Its rule (" + ruleOf(rel) + ") may go by its name.").
		WithHint("Create a table with the new name and copy the rows."))
}

// keepsKeyColumn refuses changes of the shard key's column.
func (a *analysis) keepsKeyColumn(rel *topology.Relation, c *querytree.Change) {
	if a.isKey(rel, c.Name) {
		switch c.Kind {
		case "drop column", "alter type", "rename column":
			a.fail(sqlerr.NotSupported("\"" + c.Kind + "\" of the shard key \"" + rel.Name.String() + "." + c.Name + "\"").
				WithHint("The rows of the table are placed by this column."))
		}
	}
	if rel.Placement == topology.Sharded && strings.Contains(c.Kind, "identity") && c.Kind != "add identity" && c.Kind != "drop identity" {
		a.fail(sqlerr.NotSupported("changing the numbers of an identity column of \"" + rel.Name.String() + "\"").
			WithDetail("Every node draws from a class of its own, so that ids stay unique."))
	}
	switch c.Kind {
	case "attach partition", "detach partition", "inherit", "no inherit":
		a.fail(sqlerr.NotSupported("\"" + c.Kind + "\" of table \"" + rel.Name.String() + "\"").
			WithDetail("Rows would change their rule without being moved.").
			WithHint("Create a new table and copy the rows."))
	}
	if c.Constraint != nil {
		a.keepsUnique(rel, c.Constraint)
	}
}

// keepsUnique refuses unique indexes of a sharded table that would hold on each
// node only, unless the rule accepts them or the database makes the values.
func (a *analysis) keepsUnique(rel *topology.Relation, c *querytree.Constraint) {
	if rel.Placement != topology.Sharded || c.Kind != "unique" && c.Kind != "primary key" && c.Kind != "exclude" {
		return
	}
	if rel.Key.Column == "" || c.UsingIndex != "" || slices.Contains(c.Columns, rel.Key.Column) || a.accepted(rel, c.Name) {
		return
	}
	generated := func(name string) bool {
		col := rel.Column(name)
		return col != nil && col.HasDefault
	}
	if slices.ContainsFunc(c.Columns, generated) {
		return
	}
	a.fail(sqlerr.NotSupported("a unique index of \"" + rel.Name.String() + "\" without the shard key \"" + rel.Key.Column + "\"").
		WithDetail("It would hold for the rows of each node only.").
		WithHint("Add " + rel.Key.Column + " to its columns, or accept it in the rule of the table: unique: [" + c.Name + "]."))
}

// accepted reports whether the rule of a table accepts an index by name.
func (a *analysis) accepted(rel *topology.Relation, index string) bool {
	if index == "" {
		return false
	}
	for _, name := range []string{rel.Name.String(), rel.Name.Name} {
		if rule, ok := a.db.Rules.Tables[name]; ok && slices.Contains(rule.Unique, index) {
			return true
		}
	}
	return false
}

// sequenceChange refuses changes of sequences whose numbers are kept apart by
// node.
func (a *analysis) sequenceChange(s *querytree.Statement, d *querytree.DDLSpec) {
	if d.Object != "sequence" || d.Action != querytree.ActionAlter {
		return
	}
	for _, option := range []string{"increment", "restart", "start", "minvalue", "maxvalue", "cycle"} {
		if _, ok := d.Options[option]; ok {
			a.fail(sqlerr.NotSupported("changing the numbers of a sequence").
				WithDetail("Every node draws from a class of its own, so that ids stay unique."))
			return
		}
	}
}

// maintain plans VACUUM, ANALYZE, REINDEX, CLUSTER: each node does its part.
func (a *analysis) maintain(t *compiled, s *querytree.Statement) {
	t.class, t.oneNode = All, true
	for _, name := range s.Relations {
		rel, temporary := a.relation(name)
		switch {
		case rel == nil:
			a.unknown = a.unknown || temporary || name.Schema == ""
		case rel.Placement == topology.Refused && s.DDL != nil && s.DDL.Action == querytree.ActionRefresh:
			a.fail(refused(rel))
		}
	}
}

// truncate plans TRUNCATE: rows of a sharded table are on all nodes.
func (a *analysis) truncate(t *compiled, s *querytree.Statement) {
	t.noHint = true
	a.tables(s, topology.WriteDelete)
	t.apart, t.would = sqlerr.NotSupported("TRUNCATE of a sharded table is not supported yet").
		WithHint("Use DELETE with the shard key."), WouldBroadcast
}

// lockTable plans LOCK TABLE, which locks a table on one node.
func (a *analysis) lockTable(t *compiled, s *querytree.Statement) {
	l := &level{query: &querytree.Query{}, env: a.root, scope: &scope{}}
	for _, name := range s.Relations {
		rel, temporary := a.relation(name)
		switch {
		case rel == nil:
			a.unknownTable(name, temporary)
		case rel.Placement == topology.Sharded:
			a.refer(rel, &querytree.TableRef{Name: name}, l, a.root, a.table(rel, a.root)).write = true
		case rel.Placement == topology.Global:
			a.needHome("table " + rel.Name.String() + " is global")
		default:
			a.fail(sqlerr.NotSupported("LOCK TABLE of \"" + rel.Name.String() + "\" (" + ruleOf(rel) + ")").WithHint(dumpHint))
		}
	}
	t.apart, t.would = sqlerr.Unroutable("LOCK TABLE of a sharded table would lock the rows of one node only").
		WithHint(sqlerr.UnroutableHint+" "+dumpHint), WouldBroadcast
}

// dumpHint is for those who run pg_dump, which locks all tables first.
const dumpHint = "To dump tables run pg_dump on each node itself."

// tables notes the tables that a statement without a query works on.
func (a *analysis) tables(s *querytree.Statement, w topology.Writes) {
	l := &level{query: &querytree.Query{}, env: a.root, scope: &scope{}}
	for _, name := range s.Relations {
		rel, temporary := a.relation(name)
		if rel == nil {
			a.unknownTable(name, temporary)
			continue
		}
		a.writable(rel, w, nil)
		if rel.Placement == topology.Sharded {
			ref := &querytree.TableRef{Name: name}
			a.refer(rel, ref, l, a.root, a.table(rel, a.root)).write = true
		}
	}
}
