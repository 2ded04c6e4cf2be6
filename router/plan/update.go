package plan

import (
	"slices"

	"shardproxy/meta/topology"
	"shardproxy/protocol/sqlerr"
	"shardproxy/router/querytree"
)

// update looks through UPDATE: the table it changes is joined with FROM.
func (a *analysis) update(l *level) output {
	q := l.query
	rel, r := a.target(l, topology.WriteUpdate, assignedColumns(q.Set))
	ref := a.changes(rel, r, l)
	from := a.fromList(q.From, l)
	l.scope.rows = beside(r, from)
	a.currentOf(q)
	a.predicate(q.Where, l.env, l)
	a.tail(l)
	for _, s := range q.Set {
		a.assignment(s, l)
	}
	if ref != nil && rel.Key.Column != "" {
		a.movesNoRow(q.Set, ref, l)
	}
	return a.targets(q.Returning, l)
}

// delete looks through DELETE: the table it changes is joined with USING.
func (a *analysis) delete(l *level) output {
	q := l.query
	rel, r := a.target(l, topology.WriteDelete, nil)
	a.changes(rel, r, l)
	from := a.fromList(q.From, l)
	l.scope.rows = beside(r, from)
	a.currentOf(q)
	a.predicate(q.Where, l.env, l)
	a.tail(l)
	return a.targets(q.Returning, l)
}

// currentOf refuses WHERE CURRENT OF: the cursor knows its node, we do not.
func (a *analysis) currentOf(q *querytree.Query) {
	if q.CurrentOf != "" {
		a.fail(sqlerr.NotSupported("WHERE CURRENT OF").WithHint("Restrict the statement by the shard key and the primary key."))
	}
}

// changes notes the rows that an UPDATE, DELETE or MERGE changes.
func (a *analysis) changes(rel *topology.Relation, r rows, l *level) *reference {
	if rel == nil || rel.Placement != topology.Sharded {
		return nil
	}
	l.sharded = true
	ref := a.refer(rel, l.query.Target, l, l.env, r)
	ref.write = true
	return ref
}

// movesNoRow refuses assignments to the shard key unless they assign the value
// it has: the column itself, or a value that turns out to be the key that the
// statement is bound to.
func (a *analysis) movesNoRow(list []querytree.Assignment, ref *reference, l *level) {
	rel := ref.relation
	for _, s := range list {
		if s.Column != rel.Key.Column {
			continue
		}
		if s.Partial || s.Value == nil {
			a.fail(movesKey(rel))
			continue
		}
		if v := a.columnVariable(s.Value, l); v != noVariable && v == ref.key {
			continue
		}
		value := a.dialect.value(s.Value, false)
		if value == nil || !value.single() {
			a.fail(movesKey(rel))
			continue
		}
		ref.keeps = append(ref.keeps, value)
	}
}

// merge looks through MERGE: source LEFT JOIN target ON condition, or JOIN where
// it acts on rows that match only.
func (a *analysis) merge(l *level) output {
	q := l.query
	w, assigned := mergeWrites(q.MergeWhens)
	rel, _ := a.target(l, w, assigned)
	te := l.env
	if slices.ContainsFunc(q.MergeWhens, func(w querytree.MergeWhen) bool { return !w.Matched }) {
		// Rows of the source count without a partner in the target, whose rows
		// have an env of their own.
		te = newEnv(l.env)
		te.nullable = true
	}
	src := a.fromList(q.From, l)
	var target rows
	if rel != nil {
		target = a.tableItem(rel, q.Target, a.table(rel, te))
	}
	var ref *reference
	if rel != nil && rel.Placement == topology.Sharded {
		l.sharded = true
		ref = a.refer(rel, q.Target, l, te, target)
		ref.write = true
	}
	l.scope.rows = beside(target, src)
	a.predicate(q.MergeOn, te, l)
	for i := range q.MergeWhens {
		a.mergeWhen(&q.MergeWhens[i], rel, ref, src, te, l)
	}
	return a.targets(q.Returning, l)
}

func mergeWrites(whens []querytree.MergeWhen) (w topology.Writes, assigned []string) {
	for i := range whens {
		switch whens[i].Action {
		case querytree.QueryInsert:
			w |= topology.WriteInsert
		case querytree.QueryUpdate:
			w |= topology.WriteUpdate
			assigned = append(assigned, assignedColumns(whens[i].Set)...)
		case querytree.QueryDelete:
			w |= topology.WriteDelete
		}
	}
	return w, assigned
}

func (a *analysis) mergeWhen(w *querytree.MergeWhen, rel *topology.Relation, ref *reference, src rows, te *env, l *level) {
	if w.BySource {
		// It acts on rows of the target that the ON says nothing of.
		a.fail(sqlerr.NotSupported("MERGE with WHEN NOT MATCHED BY SOURCE").WithHint("Use a DELETE or UPDATE."))
		return
	}
	e := l.env
	if w.Matched {
		e = te
	}
	a.exprAt(w.Condition, e, l)
	a.exprsAt(w.Values, l, e)
	a.exprsAt(w.Subscripts, l, e)
	for _, s := range w.Set {
		a.exprAt(s.Value, e, l)
		a.exprAt(s.Source, e, l)
		a.exprsAt(s.Subscripts, l, e)
	}
	if ref == nil || rel.Key.Column == "" {
		return
	}
	switch w.Action {
	case querytree.QueryUpdate:
		a.movesNoRow(w.Set, ref, l)
	case querytree.QueryInsert:
		a.mergeInsert(w, rel, src, l)
	}
}

// mergeInsert plans the key of the rows that a MERGE inserts: a column of the
// source, or a constant.
func (a *analysis) mergeInsert(w *querytree.MergeWhen, rel *topology.Relation, src rows, l *level) {
	columns := w.Columns
	if columns == nil {
		for i := range rel.Columns {
			columns = append(columns, rel.Columns[i].Name)
		}
	}
	at := slices.Index(columns, rel.Key.Column)
	if at < 0 || at >= len(w.Values) || w.Partial || w.Columns == nil {
		a.fail(sqlerr.NotSupported("a MERGE that inserts rows without naming the shard key \"" + rel.Name.String() + "." + rel.Key.Column + "\"").
			WithHint("Name the columns and give the key."))
		return
	}
	ref := &reference{relation: rel, env: l.env, key: noVariable, rows: true, level: l}
	saved := l.scope
	l.scope = &scope{parent: l.outer, rows: src}
	ref.key = a.columnVariable(w.Values[at], l)
	l.scope = saved
	if ref.key == noVariable {
		s := a.dialect.value(w.Values[at], false)
		if s == nil {
			a.fail(sqlerr.NotSupported("a MERGE whose value for shard key \"" + rel.Name.String() + "." + rel.Key.Column + "\" is an expression"))
			return
		}
		ref.sources = []*source{s}
	}
	a.refs = append(a.refs, ref)
}
