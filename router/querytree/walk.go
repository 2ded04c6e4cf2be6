package querytree

// Walk calls visit for n and, where visit returns true, for the nodes below
// it, each before its own parts and in about the order of the text. It visits
// every query, expression and from item there is; DDLSpec's columns are left
// out, as their defaults are in Statement.Exprs. A nil node is not visited.
func Walk(n Node, visit func(Node) bool) {
	if n == nil || !visit(n) {
		return
	}
	switch n := n.(type) {
	case *Statement:
		walkStatement(n, visit)
	case *Query:
		walkQuery(n, visit)
	case FromItem:
		walkFrom(n, visit)
	case Expr:
		walkExpr(n, visit)
	}
}

func walkStatement(s *Statement, visit func(Node) bool) {
	walkSub(s.Query, visit)
	if s.Inner != nil {
		Walk(s.Inner, visit)
	}
	if s.Copy != nil {
		walkSub(s.Copy.Query, visit)
		Walk(s.Copy.Where, visit)
	}
	walkExprs(s.Exprs, visit)
	for _, part := range s.Parts {
		Walk(part, visit)
	}
}

func walkSub(q *Query, visit func(Node) bool) {
	if q != nil {
		Walk(q, visit)
	}
}

func walkExprs(list []Expr, visit func(Node) bool) {
	for _, e := range list {
		Walk(e, visit)
	}
}

func walkTargets(list []Target, visit func(Node) bool) {
	for i := range list {
		Walk(list[i].Expr, visit)
	}
}

func walkKeys(list []OrderKey, visit func(Node) bool) {
	for i := range list {
		Walk(list[i].Expr, visit)
	}
}

func walkAssignments(list []Assignment, visit func(Node) bool) {
	for i := range list {
		walkExprs(list[i].Subscripts, visit)
		Walk(list[i].Value, visit)
		Walk(list[i].Source, visit)
	}
}

func walkQuery(q *Query, visit func(Node) bool) {
	for i := range q.With {
		walkSub(q.With[i].Query, visit)
		walkExprs(q.With[i].Marks, visit)
	}
	walkModified(q, visit)
	walkSub(q.Left, visit)
	walkSub(q.Right, visit)
	for _, row := range q.Rows {
		walkExprs(row, visit)
	}
	walkExprs(q.DistinctOn, visit)
	walkTargets(q.Targets, visit)
	for _, f := range q.From {
		Walk(f, visit)
	}
	Walk(q.MergeOn, visit)
	for i := range q.MergeWhens {
		walkWhen(&q.MergeWhens[i], visit)
	}
	Walk(q.Where, visit)
	walkExprs(q.GroupBy, visit)
	Walk(q.Having, visit)
	walkExprs(q.WindowExprs, visit)
	walkKeys(q.OrderBy, visit)
	Walk(q.Limit, visit)
	Walk(q.Offset, visit)
	walkTargets(q.Returning, visit)
}

// walkModified visits the parts that only a query that writes has, but those
// of MERGE and RETURNING.
func walkModified(q *Query, visit func(Node) bool) {
	if q.Target != nil {
		Walk(q.Target, visit)
	}
	walkExprs(q.Subscripts, visit)
	walkSub(q.Source, visit)
	walkAssignments(q.Set, visit)
	if c := q.Conflict; c != nil {
		walkExprs(c.Exprs, visit)
		Walk(c.Predicate, visit)
		walkAssignments(c.Set, visit)
		Walk(c.Where, visit)
	}
}

func walkWhen(w *MergeWhen, visit func(Node) bool) {
	Walk(w.Condition, visit)
	walkExprs(w.Subscripts, visit)
	walkExprs(w.Values, visit)
	walkAssignments(w.Set, visit)
}

func walkFrom(f FromItem, visit func(Node) bool) {
	switch f := f.(type) {
	case *TableRef:
		walkExprs(f.SampleArgs, visit)
	case *Join:
		Walk(f.Left, visit)
		Walk(f.Right, visit)
		Walk(f.On, visit)
	case *SubqueryRef:
		walkSub(f.Query, visit)
	case *FunctionRef:
		walkExprs(f.Calls, visit)
	}
}

func walkExpr(e Expr, visit func(Node) bool) {
	switch e := e.(type) {
	case *Cast:
		Walk(e.Value, visit)
	case *Compare:
		Walk(e.Left, visit)
		Walk(e.Right, visit)
	case *And:
		walkExprs(e.Terms, visit)
	case *Or:
		walkExprs(e.Terms, visit)
	case *Not:
		Walk(e.Term, visit)
	case *In:
		Walk(e.Left, visit)
		walkExprs(e.List, visit)
	case *AnyArray:
		Walk(e.Left, visit)
		Walk(e.Array, visit)
	case *ArrayExpr:
		walkExprs(e.Elements, visit)
	case *Row:
		walkExprs(e.Elements, visit)
	case *IsNull:
		Walk(e.Value, visit)
	case *Operator:
		walkExprs(e.Operands, visit)
	case *Function:
		walkExprs(e.Args, visit)
		walkKeys(e.OrderBy, visit)
		Walk(e.Filter, visit)
		walkExprs(e.OverExprs, visit)
	case *Subquery:
		Walk(e.Test, visit)
		walkSub(e.Query, visit)
	case *Group:
		walkExprs(e.Parts, visit)
	}
}
