package plan

import (
	"slices"

	"shardproxy/meta/topology"
	"shardproxy/protocol/sqlerr"
	"shardproxy/router/querytree"
)

// compiler makes templates for one database.
type compiler struct {
	dialect *dialect
	parser  Parser
}

// compile plans a parsed statement as far as it goes without values.
func (c *compiler) compile(db *topology.Database, en *Env, s *querytree.Statement) *compiled {
	a := newAnalysis(db, en, c.dialect, c.parser)
	t := &compiled{statement: s}
	c.statement(a, t, s)
	a.finish(t)
	return t
}

// statement plans a statement by its kind.
func (c *compiler) statement(a *analysis, t *compiled, s *querytree.Statement) {
	switch s.Kind {
	case querytree.Select, querytree.Insert, querytree.Update, querytree.Delete, querytree.Merge:
		if s.Kind != querytree.Select || !a.setval(t, s) {
			a.topQuery(t, s.Query)
		}
	case querytree.Explain:
		c.explain(a, t, s)
	case querytree.DeclareCursor:
		a.separate("a cursor")
		a.topQuery(t, s.Query)
	case querytree.CreateTableAs:
		a.createTableAs(t, s)
	case querytree.Copy:
		a.copyStatement(t, s)
	case querytree.Begin, querytree.Commit, querytree.Rollback, querytree.Savepoint, querytree.ReleaseSavepoint,
		querytree.RollbackTo, querytree.SetTransaction, querytree.SetConstraints,
		querytree.Set, querytree.Reset, querytree.Show, querytree.Discard,
		querytree.Listen, querytree.Unlisten, querytree.Fetch, querytree.CloseCursor,
		querytree.Prepare, querytree.Execute, querytree.Deallocate:
		t.class = Local
	case querytree.Notify:
		a.flags |= FlagNotify
		a.atHomeOnly("NOTIFY notifies at home")
	case querytree.PrepareTransaction:
		a.fail(sqlerr.NotSupported("two-phase commit by the client").WithHint("Use an ordinary transaction."))
	default:
		a.otherStatement(t, s)
	}
}

// explain plans EXPLAIN as the statement it explains. Without ANALYZE nothing is
// executed.
func (c *compiler) explain(a *analysis, t *compiled, s *querytree.Statement) {
	if s.Inner == nil {
		a.fail(sqlerr.Unroutable("an EXPLAIN without a statement"))
		return
	}
	c.statement(a, t, s.Inner)
	switch {
	case t.class == Local || t.class == All || t.class == ByRows:
		t.class = 0
		a.fail(sqlerr.NotSupported("EXPLAIN of " + s.Inner.Tag))
	case !s.Analyze:
		a.write, a.flags = false, 0
		a.rewrite = nil
		a.refs = slices.DeleteFunc(a.refs, func(r *reference) bool { return r.drawn })
	}
	if t.merge != nil {
		t.merge = &Merge{} // the rows are those of EXPLAIN
	}
}

// topQuery plans a statement that is a query.
func (a *analysis) topQuery(t *compiled, q *querytree.Query) {
	if q == nil {
		a.block(sqlerr.Unroutable("shardproxy does not understand the statement"))
		return
	}
	if q.Into && a.flags&FlagTemp == 0 {
		a.fail(sqlerr.NotSupported("SELECT INTO").WithHint("Create the table, then use INSERT ... SELECT."))
	}
	out := a.query(q, a.root, place{})
	if a.failure != nil {
		return
	}
	a.settle()
	a.conclude(t, q, out.level)
}

// conclude decides what happens if the rows are on several nodes.
func (a *analysis) conclude(t *compiled, q *querytree.Query, top *level) {
	switch {
	case a.nodeWide && a.onlyCatalogs():
		a.nodeWide = false
		a.flags |= FlagHomeSizes
	case a.nodeWide:
		a.concludeSizes(t, q)
		return
	}
	if a.onlyDraws(q) {
		a.flags |= FlagCatalog
	}
	merge, reason := a.merging(q, top)
	if reason == "" {
		t.merge = merge
		return
	}
	t.apart, t.would = a.spreadError(q, reason)
}

// onlyCatalogs reports whether the statement reads the server's own catalogs, and
// nothing else.
func (a *analysis) onlyCatalogs() bool {
	return a.catalogs > 0 && a.catalogs == len(a.home) && len(a.refs)+len(a.copies) == 0 && !a.write
}

// onlyDraws reports whether the statement draws from sequences, and does nothing
// else: SELECT nextval('name'). That is not undone with a transaction.
func (a *analysis) onlyDraws(q *querytree.Query) bool {
	if q.Kind != querytree.QuerySelect || len(q.With)+len(q.From) > 0 || q.Where != nil || !isPlain(q) ||
		len(a.refs)+len(a.copies)+len(a.home) > 0 {
		return false
	}
	for i := range q.Targets {
		f, ok := q.Targets[i].Expr.(*querytree.Function)
		if !ok || a.dialect.functions.class(f.Name) != functionSequence || len(f.Args) != 1 ||
			!a.isName(f.Args[0]) && a.dialect.value(f.Args[0], false) == nil {
			return false
		}
	}
	return len(q.Targets) > 0
}

// concludeSizes plans a size, which is the sum over all nodes if it is all that
// is asked for.
func (a *analysis) concludeSizes(t *compiled, q *querytree.Query) {
	t.would = WouldScatter
	if q.Kind == querytree.QuerySelect && len(q.Targets) == 1 && len(q.From) == 0 && q.Where == nil && isPlain(q) &&
		len(q.OrderBy) == 0 && len(q.With) == 0 && a.flags == 0 && len(a.home) == 0 {
		if f, ok := q.Targets[0].Expr.(*querytree.Function); ok && a.isSize(f) {
			t.merge = &Merge{Columns: []MergeColumn{MergeSum}}
			return
		}
	}
	t.apart = sqlerr.NotSupported("a size on disk in a larger query").
		WithDetail("The size is the sum of those on all nodes.").
		WithHint("Ask for the size alone: SELECT pg_total_relation_size('table'); or of one node: /* shardproxy: node=NAME */.")
}

// isSize reports whether a call is a size whose arguments are plain values.
func (a *analysis) isSize(f *querytree.Function) bool {
	if a.dialect.functions.class(f.Name) != functionSize {
		return false
	}
	for _, x := range f.Args {
		f, _ := x.(*querytree.Function)
		own := f != nil && len(f.Args) == 0 && a.dialect.functions.class(f.Name) == functionPure && !a.db.Functions[f.Name]
		if !own && !a.isName(x) && a.dialect.value(x, false) == nil {
			return false
		}
	}
	return true
}

// isName reports whether an expression is 'table'::regclass.
func (a *analysis) isName(x querytree.Expr) bool {
	c, ok := x.(*querytree.Cast)
	return ok && a.dialect.nameTypes[c.Type] && a.dialect.value(c.Value, false) != nil
}

// spreadError is the refusal of a statement whose rows are on several nodes.
func (a *analysis) spreadError(q *querytree.Query, reason string) (*sqlerr.Error, Would) {
	if isWrite(q) || a.hasWrite() {
		return sqlerr.NotSupported("a write to rows on several nodes is not supported yet").
			WithDetail(a.unboundDetail()).WithHint(sqlerr.UnroutableHint), WouldBroadcast
	}
	return sqlerr.Unroutable("a query over several nodes is not supported with " + reason).
		WithDetail(a.unboundDetail()), WouldScatter
}

// hasWrite reports whether the statement changes rows of sharded tables.
func (a *analysis) hasWrite() bool {
	for _, r := range a.refs {
		if r.write || r.rows {
			return true
		}
	}
	return false
}

// unboundDetail names the tables that no predicate binds to a key.
func (a *analysis) unboundDetail() string {
	list, of := a.groups()
	for i, r := range a.refs {
		if len(list[of[i]].candidates) == 0 && !list[of[i]].drawn {
			return "Nothing restricts table \"" + r.String() + "\" to one value of its shard key \"" + r.relation.Key.Column + "\"."
		}
	}
	if len(a.refs) == 0 {
		return ""
	}
	return "The shard keys of the statement are on different nodes, or have no canonical spelling."
}

// finish fills in the template from what the analysis found.
func (a *analysis) finish(t *compiled) {
	if a.failure != nil {
		t.failure, t.unknown, t.write, t.flags = a.failure, a.unknown, a.write, a.flags
		return
	}
	list, of := a.groups()
	t.groups = list
	for i, r := range a.refs {
		t.tables = append(t.tables, tableNote{name: r.String(), column: r.relation.Key.Column, rule: ruleOf(r.relation), group: of[i]})
	}
	for _, rel := range a.copies {
		t.tables = append(t.tables, tableNote{name: rel.Name.String(), rule: ruleOf(rel), group: -1})
	}
	t.failure, t.blocked, t.needsNode, t.unknown = a.failure, a.blocked, a.needsNode, a.unknown
	t.write, t.flags = a.write, a.flags
	if a.onlyCatalogs() {
		t.flags |= FlagCatalog
	}
	t.home, t.atHome = len(a.home) > 0, a.atHome
	t.why = a.home
	t.copies, t.lockedCopies = len(a.copies) > 0, len(a.lockedCopies) > 0
	t.replicated, t.nodeWide, t.rewrite = a.replicated, a.nodeWide, a.rewrite
	t.anyKey = a.anyKey
	if t.home {
		t.elsewhere = sqlerr.NotSupported("a statement whose parts are on different nodes").
			WithDetail("At home is what only runs there (" + a.home[0] + "), on another node the rows of its shard key.").
			WithHint("Use two statements.")
	}
	if t.replicated != nil {
		t.would = WouldReplicate
	}
	if t.apart == nil && t.merge == nil {
		t.apart, t.would = sqlerr.Unroutable("a statement for rows on several nodes").WithDetail(a.unboundDetail()), WouldBroadcast
	}
	for _, g := range list {
		t.needsParams = t.needsParams || g.params()
	}
}
