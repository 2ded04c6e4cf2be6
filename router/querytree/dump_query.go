package querytree

import "strings"

func (k QueryKind) dump() string {
	switch k {
	case QuerySelect:
		return "select"
	case QueryValues:
		return "values"
	case QuerySetOp:
		return "set operation"
	case QueryInsert:
		return "insert"
	case QueryUpdate:
		return "update"
	case QueryDelete:
		return "delete"
	case QueryMerge:
		return "merge"
	}
	return "nothing"
}

func dumpQuery(q *Query) *block {
	if q == nil {
		return &block{text: "none"}
	}
	b := &block{text: q.Kind.dump()}
	for i := range q.With {
		b.add(dumpCTE(&q.With[i]))
	}
	dumpModified(b, q)
	if q.SetOp != "" {
		inner := b.line(q.SetOp, word("all", q.SetAll))
		inner.add(dumpQuery(q.Left), dumpQuery(q.Right))
	}
	for _, row := range q.Rows {
		b.line("row", "("+dumpExprs(row)+")")
	}
	b.flag("distinct", q.Distinct)
	b.some("distinct on", dumpExprs(q.DistinctOn))
	dumpTargets(b, "target", q.Targets)
	for _, f := range q.From {
		b.part("from", dumpFrom(f))
	}
	b.some("on", dumpExpr(q.MergeOn))
	for i := range q.MergeWhens {
		b.add(dumpWhen(&q.MergeWhens[i]))
	}
	dumpTail(b, q)
	return b
}

func dumpTail(b *block, q *Query) {
	b.some("where", dumpExpr(q.Where))
	b.some("current of", q.CurrentOf)
	b.some("group by", word("distinct ", q.GroupDistinct)+word("sets ", q.GroupingSets)+dumpExprs(q.GroupBy))
	b.some("having", dumpExpr(q.Having))
	if q.HasWindow {
		b.line("window", dumpExprs(q.WindowExprs))
	}
	b.some("order by", dumpKeys(q.OrderBy))
	b.some("limit", dumpExpr(q.Limit)+word(" with ties", q.WithTies))
	b.some("offset", dumpExpr(q.Offset))
	if q.Locking {
		b.line("locking", idents(q.Locked))
	}
	if q.IntoTable != nil {
		b.line("into", q.IntoTable.dump())
	}
	b.flag("selects into", q.Into && q.IntoTable == nil)
	dumpTargets(b, "returning", q.Returning)
}

func dumpModified(b *block, q *Query) {
	if q.Target != nil {
		b.part("into", dumpFrom(q.Target))
	}
	b.some("columns", idents(q.Columns)+word(" partial", q.Partial))
	b.some("subscripts", dumpExprs(q.Subscripts))
	b.flag("overriding"+word(" user value", q.OverridingUser), q.Overriding)
	if q.Source != nil {
		b.part("source", dumpQuery(q.Source))
	}
	dumpAssignments(b, q.Set)
	if c := q.Conflict; c != nil {
		inner := b.line("on conflict", word("do nothing", c.DoNothing), word("replace", c.Replace))
		inner.some("arbiter", idents(c.Columns))
		inner.some("arbiter expressions", dumpExprs(c.Exprs))
		inner.some("arbiter where", dumpExpr(c.Predicate))
		inner.flag("expression", c.Expression)
		inner.some("constraint", c.Constraint)
		dumpAssignments(inner, c.Set)
		inner.some("where", dumpExpr(c.Where))
	}
}

func dumpCTE(c *CTE) *block {
	b := &block{text: "with " + ident(c.Name) + columnNames(c.Columns) + word(" recursive", c.Recursive)}
	b.add(dumpQuery(c.Query))
	b.some("extra", idents(c.Extra))
	b.some("marks", dumpExprs(c.Marks))
	return b
}

func dumpTargets(b *block, name string, list []Target) {
	for _, t := range list {
		as := ""
		if t.Name != "" {
			as = "as " + ident(t.Name)
		}
		b.line(name, dumpExpr(t.Expr), as)
	}
}

func dumpAssignments(b *block, list []Assignment) {
	for _, a := range list {
		line := b.line("set", ident(a.Column), word("partial", a.Partial))
		if a.Value != nil {
			line.text += " = " + dumpExpr(a.Value)
		}
		line.some("subscripts", dumpExprs(a.Subscripts))
		line.some("source", dumpExpr(a.Source))
	}
}

func dumpWhen(w *MergeWhen) *block {
	b := &block{text: "when " + word("not ", !w.Matched) + "matched" + word(" by source", w.BySource)}
	b.some("and", dumpExpr(w.Condition))
	inner := b.line(w.Action.dump(), columnNames(w.Columns), word("partial", w.Partial), word("overriding", w.Overriding),
		word("user value", w.OverridingUser))
	inner.some("subscripts", dumpExprs(w.Subscripts))
	inner.some("values", dumpExprs(w.Values))
	dumpAssignments(inner, w.Set)
	return b
}

func dumpFrom(f FromItem) *block {
	switch f := f.(type) {
	case *TableRef:
		b := &block{text: strings.TrimRight("table "+f.Name.dump()+alias(f.Alias, f.Columns)+word(" only", f.Only), " ")}
		if f.Sample {
			b.line("sample", f.SampleMethod, "("+dumpExprs(f.SampleArgs)+")")
		}
		return b
	case *Join:
		return dumpJoin(f)
	case *SubqueryRef:
		b := &block{text: word("lateral ", f.Lateral) + "subquery" + alias(f.Alias, f.Columns)}
		b.add(dumpQuery(f.Query))
		return b
	case *FunctionRef:
		b := &block{text: word("lateral ", f.Lateral) + "function" + alias(f.Alias, f.Columns) + word(" ordinality", f.Ordinality)}
		for _, call := range f.Calls {
			b.line(dumpExpr(call))
		}
		return b
	case *UnknownFrom:
		return &block{text: "?" + f.What + "?"}
	}
	return &block{text: "none"}
}

func dumpJoin(j *Join) *block {
	kind := map[JoinKind]string{
		InnerJoin: "inner", LeftJoin: "left", RightJoin: "right", FullJoin: "full", CrossJoin: "cross",
	}[j.Kind]
	b := &block{text: kind + " join" + alias(j.Alias, j.Columns) + word(" natural", j.Natural) + word(" lateral", j.Lateral)}
	b.add(dumpFrom(j.Left), dumpFrom(j.Right))
	b.some("on", dumpExpr(j.On))
	if j.Using != nil {
		b.line("using", idents(j.Using)+alias(j.UsingAlias, nil))
	}
	return b
}

func alias(name string, columns []string) string {
	out := ""
	if name != "" {
		out = " as " + ident(name)
	}
	return out + columnNames(columns)
}
