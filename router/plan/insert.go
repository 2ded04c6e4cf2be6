package plan

import (
	"slices"

	"shardproxy/meta/topology"
	"shardproxy/protocol/sqlerr"
	"shardproxy/router/querytree"
)

// target finds the table that a statement writes, refuses what cannot be
// written, and gives the row that it changes a name.
func (a *analysis) target(l *level, w topology.Writes, assigned []string) (*topology.Relation, rows) {
	a.write = true
	ref := l.query.Target
	if ref == nil {
		a.fail(sqlerr.Unroutable("a write without a table"))
		return nil, rows{open: true}
	}
	rel, temporary := a.relation(ref.Name)
	if rel == nil {
		a.unknownTable(ref.Name, temporary)
		return nil, rows{open: true}
	}
	a.writable(rel, w, assigned)
	return rel, a.tableItem(rel, ref, a.table(rel, l.env))
}

// writable refuses writes that a relation's placement or constraints do not
// allow, and notes where they have to run.
func (a *analysis) writable(rel *topology.Relation, w topology.Writes, assigned []string) {
	name := "\"" + rel.Name.String() + "\""
	switch rel.Placement {
	case topology.Sharded:
	case topology.Reference:
		a.replicates(sqlerr.NotSupported("writes to reference table " + name + " are not supported yet").
			WithDetail("Every node has a copy of the table."))
	case topology.Global:
		a.needHome("table " + rel.Name.String() + " is global")
	case topology.System:
		a.fail(sqlerr.NotSupported("a write to " + name + ", a relation of the server"))
	case topology.View:
		a.fail(sqlerr.NotSupported("a write through view " + name).WithHint("Write to the table of the view."))
	default:
		a.fail(refused(rel))
	}
	if rel.HasTriggers {
		a.fail(sqlerr.NotSupported("writes to table " + name + " are refused because of its triggers or rules").
			WithDetail("They might touch rows of other nodes.").
			WithHint("Declare them in the rule of the table: triggers: local."))
	}
	if r := rel.Refuses(w, assigned); r != nil {
		a.fail(sqlerr.NotSupported("writes to table " + name + " are refused: " + r.Reason).WithHint(r.Hint))
	}
}

// replicates notes a write to rows that every node has a copy of.
func (a *analysis) replicates(err *sqlerr.Error) {
	if a.replicated == nil {
		a.replicated = err
	}
}

// insert looks through INSERT.
func (a *analysis) insert(l *level) output {
	q := l.query
	w := topology.WriteInsert
	var assigned []string
	if q.Conflict != nil && (len(q.Conflict.Set) > 0 || q.Conflict.Replace) {
		w |= topology.WriteUpdate
		assigned = assignedColumns(q.Conflict.Set)
	}
	if q.Conflict != nil && q.Conflict.Replace {
		w |= topology.WriteDelete
	}
	rel, r := a.target(l, w, assigned)
	var source *output
	if q.Source != nil && q.Source.Kind != querytree.QueryValues {
		out := a.sub(q.Source, place{env: l.env, outer: l.outer, with: l.with, up: l})
		source = &out
	} else if q.Source != nil {
		a.insertValues(q.Source, l)
	}
	a.exprs(q.Subscripts, l)
	if rel == nil {
		return output{open: true}
	}
	ins := &insertion{a: a, l: l, rel: rel, rows: r, source: source}
	ins.plan()
	l.scope = &scope{rows: r}
	a.conflict(l, rel, r, ins)
	if q.Conflict == nil {
		ins.known(r)
	}
	return a.targets(q.Returning, l)
}

// insertValues looks through the rows of INSERT ... VALUES.
func (a *analysis) insertValues(values *querytree.Query, l *level) {
	sub := &level{query: values, up: l, env: l.env, outer: l.outer, values: true}
	sub.scope = &scope{parent: l.outer}
	sub.with = a.withQueries(values, sub, place{env: l.env, outer: l.outer, with: l.with, up: l, rows: true})
	for _, row := range values.Rows {
		a.exprs(row, sub)
	}
	sub.values = false
	a.tail(sub)
	a.unreferenced(sub)
	sub.close(a)
}

func assignedColumns(list []querytree.Assignment) []string {
	out := make([]string, len(list))
	for i := range list {
		out[i] = list[i].Column
	}
	return out
}

// insertion plans the key of the rows of an INSERT.
type insertion struct {
	a      *analysis
	l      *level
	rel    *topology.Relation
	rows   rows
	source *output // INSERT ... SELECT
	// columns are those the values are for, in order.
	columns []string
	// added: the statement has no column list.
	added bool
	// ref is the reference that stands for the new rows of a sharded table.
	ref *reference
}

// refer notes the reference that stands for the new rows.
func (ins *insertion) refer(ref *reference) {
	ins.ref = ref
	ins.a.refs = append(ins.a.refs, ref)
}

func (ins *insertion) plan() {
	q := ins.l.query
	ins.columns = q.Columns
	if q.Columns == nil && !ins.listColumns() {
		return
	}
	if ins.added && ins.rel.Placement == topology.Sharded && ins.rel.Key.Column != "" {
		ins.a.rewrite = &Rewrite{AddColumns: ins.columns, Relation: ins.rel, KeyIndex: -1}
	}
	if ins.rel.Placement != topology.Sharded {
		return
	}
	ref := &reference{relation: ins.rel, alias: q.Target.Alias, env: ins.l.env, key: noVariable, rows: true, level: ins.l}
	if ins.rel.Key.Column == "" {
		ins.refer(ref)
		return
	}
	at := slices.Index(ins.columns, ins.rel.Key.Column)
	switch {
	case q.Partial && at >= 0:
		ins.a.fail(sqlerr.NotSupported("an INSERT into a part of a column"))
	case at < 0:
		ins.missing(ref)
	case ins.source != nil:
		ins.selected(ref, at)
	default:
		ins.valued(ref, at)
	}
}

// known notes what is known of the key of the new rows, for what else the
// statement says of them: RETURNING and the tail of an upsert.
func (ins *insertion) known(r rows) {
	ref := ins.ref
	if ref == nil || ref.drawn || ins.rel.Key.Column == "" {
		return
	}
	v, n := pick(r.columns, ins.rel.Key.Column)
	switch {
	case n != 1:
	case ref.key != noVariable:
		ins.l.env.link(v, edge{to: ref.key, in: ref.env, same: true})
	case len(ref.sources) == 1 && ins.a.takes(v, ref.sources[0]):
		ins.l.env.suppose(v, valueFact{source: ref.sources[0]})
	}
}

// listColumns finds the columns that an INSERT without a list fills.
func (ins *insertion) listColumns() bool {
	q := ins.l.query
	n := 0
	switch {
	case q.Source == nil:
		return true // DEFAULT VALUES
	case ins.source != nil:
		n = len(ins.source.columns)
		if ins.source.open {
			n = -1
		}
	case len(q.Source.Rows) > 0:
		n = len(q.Source.Rows[0])
	}
	if n < 0 {
		ins.a.fail(sqlerr.NotSupported("an INSERT without a column list from a query whose columns are not known").
			WithHint("Name the columns: INSERT INTO table (column, ...)."))
		return false
	}
	for i := range ins.rel.Columns {
		if c := &ins.rel.Columns[i]; len(ins.columns) < n && (!c.Generated || ins.a.dialect.countGenerated) {
			ins.columns = append(ins.columns, c.Name)
		}
	}
	if len(ins.columns) < n {
		ins.a.fail(sqlerr.SyntaxError("INSERT has more expressions than target columns", 0))
		return false
	}
	ins.added = true
	return true
}

// missing plans rows whose key the statement leaves out: the database makes it,
// or it is NULL.
func (ins *insertion) missing(ref *reference) {
	key := &ins.rel.Key
	c := ins.rel.Column(key.Column)
	switch {
	case key.Draw.Kind != topology.DrawNothing:
		ins.draw(ref, -1)
	case c != nil && c.HasDefault:
		ins.a.fail(sqlerr.NotSupported("the default of shard key \"" + ins.keyName() + "\" cannot be made ahead of the INSERT").
			WithHint("Give the key in the INSERT."))
	default:
		ins.null(ref)
	}
}

func (ins *insertion) keyName() string { return ins.rel.Name.String() + "." + ins.rel.Key.Column }

// null plans rows whose key is NULL.
func (ins *insertion) null(ref *reference) {
	ref.sources = append(ref.sources, &source{kind: sourceNull, family: familyAny})
	ins.refer(ref)
}

// draw plans rows whose key must be made first. at is the place in the list
// where they say DEFAULT, or -1.
func (ins *insertion) draw(ref *reference, at int) {
	q := ins.l.query
	a := ins.a
	if ins.l.up != nil {
		a.fail(sqlerr.NotSupported("an INSERT inside of a WITH query that leaves out the shard key \"" + ins.keyName() + "\"").
			WithHint("Give the key in the INSERT."))
		return
	}
	if ins.source != nil {
		a.fail(sqlerr.NotSupported("INSERT ... SELECT that leaves out the shard key \"" + ins.keyName() + "\"").
			WithHint("Select the key."))
		return
	}
	if ins.rel.Key.Draw.Kind == topology.DrawNothing {
		ins.missing(ref)
		return
	}
	if a.rewrite == nil {
		a.rewrite = &Rewrite{Relation: ins.rel}
	}
	a.rewrite.Draw, a.rewrite.Column, a.rewrite.KeyIndex = &ins.rel.Key.Draw, ins.rel.Key.Column, at
	a.rewrite.DefaultValues = q.Source == nil
	ref.drawn = true
	ins.refer(ref)
}

// valued plans the rows of INSERT ... VALUES.
func (ins *insertion) valued(ref *reference, at int) {
	defaults := 0
	rows := ins.l.query.Source.Rows
	for _, row := range rows {
		if at >= len(row) {
			continue // the server refuses rows that are too short
		}
		if lit, ok := row[at].(*querytree.Literal); ok && lit.Default {
			defaults++
			continue
		}
		s := ins.a.dialect.value(row[at], true)
		if s == nil {
			ins.a.fail(sqlerr.NotSupported("the value of shard key \"" + ins.keyName() + "\" is an expression").
				WithHint("Give the key as a literal or a parameter."))
			return
		}
		ref.sources = append(ref.sources, s)
	}
	switch {
	case defaults == 0 && len(ref.sources) > 0:
		ref.sources = []*source{union(ref.sources)}
		ins.refer(ref)
	case defaults == len(rows):
		ins.draw(ref, at)
	default:
		ins.a.fail(sqlerr.NotSupported("an INSERT of which only some rows say DEFAULT for shard key \"" + ins.keyName() + "\""))
	}
}

// selected plans INSERT ... SELECT: the key comes from the query's column.
func (ins *insertion) selected(ref *reference, at int) {
	out := ins.source
	if out.open || at >= len(out.columns) || out.columns[at].v == noVariable {
		ins.a.fail(sqlerr.NotSupported("INSERT ... SELECT whose value for shard key \"" + ins.keyName() + "\" is not bound to one key").
			WithHint("Select the key's column of a table that WHERE restricts to one key, or a constant."))
		return
	}
	ref.key, ref.env = out.columns[at].v, out.env
	ins.refer(ref)
}
