package plan

import (
	"slices"

	"shardproxy/protocol/sqlerr"
	"shardproxy/router/querytree"
)

// withScope are the WITH queries that a place can name, innermost first.
type withScope struct {
	parent *withScope
	own    []*withQuery
}

// withQuery is one WITH query.
type withQuery struct {
	cte  *querytree.CTE
	with *withScope // what it can name itself
	at   place      // where it stands
	// once: it is looked through where it stands, because it writes or is
	// recursive; out is what it gives. Other queries are looked through at each
	// reference, as if they stood there.
	once bool
	out  output
	// trial is set while the recursive part of a recursive query is looked
	// through.
	trial *trial
	busy  bool
	used  bool
}

func (w *withScope) find(name string) *withQuery {
	for ; w != nil; w = w.parent {
		// A later query of the same list hides no earlier one: names are unique.
		for _, q := range w.own {
			if q.cte.Name == name {
				return q
			}
		}
	}
	return nil
}

// withQueries looks through the WITH of a level and returns what names mean in
// the level.
func (a *analysis) withQueries(q *querytree.Query, l *level, p place) *withScope {
	if len(q.With) == 0 {
		return p.with
	}
	w := &withScope{parent: p.with}
	at := place{env: l.env, outer: p.outer, up: l, rows: p.rows}
	var list []*withQuery
	for i := range q.With {
		cte := &q.With[i]
		list = append(list, &withQuery{cte: cte, at: at, once: isWrite(cte.Query) || cte.Recursive && mentions(cte.Query, cte.Name)})
	}
	for i, query := range list {
		query.with = &withScope{parent: p.with, own: list[:i]}
		if query.cte.Recursive {
			query.with.own = list
		}
	}
	w.own = list
	for _, query := range list {
		if query.once {
			a.lookThrough(query)
		}
		a.exprs(query.cte.Marks, l)
	}
	l.unread = list
	return w
}

// unreferenced looks through the WITH queries that nothing refers to: the server
// checks them all the same.
func (a *analysis) unreferenced(l *level) {
	for _, query := range l.unread {
		if !query.once && !query.used {
			query.busy = true
			a.sub(query.cte.Query, query.place(query.at.env))
			query.busy = false
		}
	}
}

func (w *withQuery) place(e *env) place {
	at := w.at
	at.env, at.with = e, w.with
	return at
}

// lookThrough looks through a query that runs once, however often it is
// referred to.
func (a *analysis) lookThrough(w *withQuery) {
	w.busy = true
	defer func() { w.busy = false }()
	if !isWrite(w.cte.Query) {
		a.recursive(w)
		return
	}
	if w.at.up.up != nil {
		a.fail(sqlerr.NotSupported("a WITH query that writes, inside of a subquery"))
		return
	}
	a.separate("a WITH query that writes")
	w.out = a.sub(w.cte.Query, w.place(w.at.env))
	w.out.passes = nil
}

// withReference gives what a reference to a WITH query adds to its level.
func (a *analysis) withReference(w *withQuery, ref *querytree.TableRef, l *level, e *env) rows {
	w.used = true
	var r rows
	switch {
	case w.trial != nil:
		r = a.supposed(w.trial, e)
	case w.busy:
		a.fail(sqlerr.NotSupported("WITH queries that refer to each other"))
		return rows{open: true}
	case w.once:
		r = a.lift(w.out, e)
		l.sharded = l.sharded || w.out.level != nil && w.out.level.sharded
	default:
		if a.expansions++; a.expansions > maxExpansions {
			a.fail(sqlerr.NotSupported("a statement with so many references to WITH queries"))
			return rows{open: true}
		}
		w.busy = true
		at := w.place(e)
		at.up, at.from = l, true
		r = a.lift(a.sub(w.cte.Query, at), e)
		w.busy = false
	}
	for i, name := range w.cte.Columns {
		if i < len(r.columns) {
			r.columns[i].name = name
		}
	}
	for _, name := range w.cte.Extra {
		r.columns = append(r.columns, column{name: name, v: noVariable})
	}
	name := ref.Alias
	if name == "" {
		name = ref.Name.Name
	}
	return r.named(name, ref.Columns)
}

// trial is a recursive query whose recursive part is being looked through under
// the supposition that its columns keep the values of the first rows.
type trial struct {
	// columns are those of the part that is not recursive; holds has one
	// supposition for each, nil where nothing is known of it.
	columns []column
	open    bool
	holds   []*supposition
	// step is what the recursive part gives.
	step output
}

// recursive looks through a recursive query: first UNION step.
func (a *analysis) recursive(w *withQuery) {
	q := w.cte.Query
	a.separate("a recursive query")
	if q.Kind != querytree.QuerySetOp || q.SetOp != "union" || mentions(q.Left, w.cte.Name) {
		a.block(sqlerr.Unroutable("shardproxy does not understand the recursive query \"" + w.cte.Name + "\""))
		return
	}
	l := &level{query: q, up: w.at.up, env: newEnv(w.at.env), outer: w.at.outer, with: w.with, values: w.at.rows}
	l.scope = &scope{parent: l.outer}
	l.with = a.withQueries(q, l, place{env: l.env, outer: l.outer, with: w.with, up: w.at.up})
	a.tail(l)
	at := place{env: l.env, outer: l.outer, with: l.with, up: l}
	first := a.sub(q.Left, at)
	t := &trial{columns: first.columns, open: first.open, holds: make([]*supposition, len(first.columns))}
	for i, c := range first.columns {
		if c.v == noVariable {
			continue
		}
		if s := best(a.closureOf(c.v, first.env).values); s != nil {
			t.holds[i] = &supposition{source: s}
		}
	}
	a.trials = append(a.trials, t)
	w.trial = t
	t.step = a.sub(q.Right, at)
	w.trial = nil
	a.unreferenced(l)
	w.out = a.recursiveOutput(t, l.env)
	w.out.level = l
	l.close(a)
}

// supposed gives what the recursive part sees of its own query.
func (a *analysis) supposed(t *trial, e *env) rows {
	r := rows{open: t.open, columns: make([]column, len(t.columns))}
	for i, c := range t.columns {
		r.columns[i] = column{name: c.name, v: noVariable}
		if h := t.holds[i]; h != nil {
			v := a.fresh(a.vars[c.v].family, e)
			e.suppose(v, valueFact{source: h.source, while: h})
			r.columns[i].v = v
		}
	}
	return r
}

// recursiveOutput makes the output columns of a recursive query.
func (a *analysis) recursiveOutput(t *trial, e *env) output {
	out := output{columns: make([]column, len(t.columns)), open: t.open, env: e}
	for i, c := range t.columns {
		out.columns[i] = column{name: c.name, v: noVariable}
		if h := t.holds[i]; h != nil {
			v := a.fresh(a.vars[c.v].family, e)
			e.suppose(v, valueFact{source: h.source, while: h})
			out.columns[i].v = v
		}
	}
	return out
}

// settle finds out which suppositions about recursive queries hold: those that
// each step passes on. Dropping one may topple others, so it is repeated until
// all that are left hold together.
func (a *analysis) settle() {
	a.settled = true
	a.forgetArms()
	for again := true; again; {
		again = false
		for _, t := range a.trials {
			for i, h := range t.holds {
				if h != nil && !h.wrong && !a.keeps(t, i) {
					h.wrong = true
					again = true
					a.forgetArms()
				}
			}
		}
	}
}

// forgetArms drops conclusions that may rest on a wrong supposition.
func (a *analysis) forgetArms() {
	for _, set := range a.arms {
		set.known, set.source = false, nil
	}
}

// keeps reports whether column i has the supposed value after each step.
func (a *analysis) keeps(t *trial, i int) bool {
	if i >= len(t.step.columns) || t.step.columns[i].v == noVariable {
		return false
	}
	values := a.closureOf(t.step.columns[i].v, t.step.env).values
	return slices.ContainsFunc(values, t.holds[i].source.equal)
}

// isWrite reports whether a query changes rows.
func isWrite(q *querytree.Query) bool {
	switch q.Kind {
	case querytree.QueryInsert, querytree.QueryUpdate, querytree.QueryDelete, querytree.QueryMerge:
		return true
	}
	return false
}
