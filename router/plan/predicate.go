package plan

import (
	"shardproxy/router/querytree"
)

// predicate looks through a condition that must be true of all rows that matter
// at e, and notes what follows from it. What stands inside of NOT or only in
// one arm of an OR says nothing.
func (a *analysis) predicate(x querytree.Expr, e *env, l *level) {
	switch x := x.(type) {
	case nil:
		return
	case *querytree.And:
		for _, term := range x.Terms {
			a.predicate(term, e, l)
		}
		return
	case *querytree.Subquery:
		if x.Kind == querytree.AnySubquery && x.Op == "=" && a.builtinOperators() {
			a.semiJoin(x, e, l)
			return
		}
	case *querytree.Compare:
		if x.Op == "=" {
			a.equality(x.Left, x.Right, e, l)
		} else {
			a.ordering(x, e, l)
		}
	case *querytree.IsNull:
		a.nullTest(x, e, l)
	case *querytree.Operator:
		if x.Name == "between" && len(x.Operands) > 0 {
			a.notNull(x.Operands[0], e, l)
		}
	case *querytree.In, *querytree.AnyArray, *querytree.Or:
		for v, t := range a.terms(x, l) {
			if t.null {
				a.assignOrNull(e, v, t.source)
			} else {
				a.assign(e, v, t.source)
			}
		}
		a.oneElement(x, e, l)
	}
	a.exprAt(x, e, l)
}

// equality notes that two sides are equal: columns, values, or rows of them.
func (a *analysis) equality(left, right querytree.Expr, e *env, l *level) {
	lr, lok := left.(*querytree.Row)
	rr, rok := right.(*querytree.Row)
	if lok && rok {
		if len(lr.Elements) == len(rr.Elements) {
			for i := range lr.Elements {
				a.equality(lr.Elements[i], rr.Elements[i], e, l)
			}
		}
		return
	}
	lv, rv := a.columnVariable(left, l), a.columnVariable(right, l)
	switch {
	case lv != noVariable && rv != noVariable:
		a.compared(e, lv, rv)
	case lv != noVariable:
		a.valued(e, lv, right, l)
	case rv != noVariable:
		a.valued(e, rv, left, l)
	}
}

// compared notes x = y.
func (a *analysis) compared(e *env, x, y variable) {
	if a.builtinOperators() {
		a.equate(e, x, y)
	}
}

func (a *analysis) valued(e *env, v variable, x querytree.Expr, l *level) {
	s := a.dialect.value(x, l.values)
	if s != nil && a.builtinOperators() {
		a.assign(e, v, s)
	}
}

// ordering notes that what is compared is not NULL.
func (a *analysis) ordering(x *querytree.Compare, e *env, l *level) {
	switch x.Op {
	case "<", ">", "<=", ">=", "<>", "!=":
		a.notNull(x.Left, e, l)
		a.notNull(x.Right, e, l)
	}
}

func (a *analysis) notNull(x querytree.Expr, e *env, l *level) {
	v := a.columnVariable(x, l)
	if v != noVariable && a.vars[v].family != familyUnknown && a.builtinOperators() {
		e.excludeNull(v)
	}
}

func (a *analysis) nullTest(x *querytree.IsNull, e *env, l *level) {
	v := a.columnVariable(x.Value, l)
	switch {
	case v == noVariable:
	case x.Not:
		e.excludeNull(v)
	default:
		a.assignOrNull(e, v, nil)
	}
}

// oneElement treats x IN (y) as x = y, where y may be a column.
func (a *analysis) oneElement(x querytree.Expr, e *env, l *level) {
	in, ok := x.(*querytree.In)
	if !ok || in.Not || len(in.List) != 1 {
		return
	}
	if _, ok := in.List[0].(*querytree.Slot); !ok {
		a.equality(in.Left, in.List[0], e, l)
	}
}

// semiJoin looks through x IN (SELECT ...): x equals one of the rows, and rows
// that equal no x do not matter.
func (a *analysis) semiJoin(x *querytree.Subquery, e *env, l *level) {
	a.exprAt(x.Test, e, l)
	out := a.sub(x.Query, place{env: e, outer: l.scope, with: l.with, up: l, rows: l.values})
	tests := []querytree.Expr{x.Test}
	if row, ok := x.Test.(*querytree.Row); ok {
		tests = row.Elements
	}
	if out.open || len(tests) != len(out.columns) {
		return
	}
	for i, test := range tests {
		v, inner := a.columnVariable(test, l), out.columns[i].v
		if v == noVariable || inner == noVariable || !a.comparable(v, inner) {
			continue
		}
		e.link(v, edge{to: inner, in: out.env})
		e.excludeNull(v)
		if i < len(out.passes) && out.passes[i] {
			a.equate(out.env, inner, v)
		}
	}
}

// columnVariable returns the variable of an expression that is a column, or a
// column in a cast that cannot change its value.
func (a *analysis) columnVariable(x querytree.Expr, l *level) variable {
	switch x := x.(type) {
	case *querytree.Column:
		if !x.Star {
			return l.scope.lookup(x, a.dialect).v
		}
	case *querytree.Cast:
		v := a.columnVariable(x.Value, l)
		if v == noVariable || x.Array || x.Modified || a.dialect.families[x.Type] != a.vars[v].family {
			return noVariable
		}
		return v
	}
	return noVariable
}

// term is what a condition says of a variable: it has one of the values of a
// source, or is NULL. source is nil where only NULL is left.
type term struct {
	source *source
	null   bool
}

// terms returns what a condition says of variables, each for itself.
func (a *analysis) terms(x querytree.Expr, l *level) map[variable]term {
	if !a.builtinOperators() {
		return nil
	}
	out := make(map[variable]term)
	switch x := x.(type) {
	case *querytree.Compare:
		if x.Op == "=" {
			a.equalityTerms(out, x.Left, x.Right, l)
		}
	case *querytree.In:
		if !x.Not {
			a.inTerms(out, x, l)
		}
	case *querytree.AnyArray:
		if x.Op == "=" && !x.All {
			a.note(out, x.Left, a.dialect.array(x.Array, l.values), l)
		}
	case *querytree.IsNull:
		if v := a.columnVariable(x.Value, l); v != noVariable && !x.Not {
			out[v] = term{null: true}
		}
	case *querytree.And:
		for _, part := range x.Terms {
			for v, t := range a.terms(part, l) {
				if old, ok := out[v]; !ok || old.null && !t.null {
					out[v] = t
				}
			}
		}
	case *querytree.Or:
		return a.orTerms(x, l)
	}
	return out
}

// note adds what x = one of s says.
func (a *analysis) note(out map[variable]term, x querytree.Expr, s *source, l *level) {
	if v := a.columnVariable(x, l); v != noVariable && s != nil {
		out[v] = term{source: s}
	}
}

func (a *analysis) equalityTerms(out map[variable]term, left, right querytree.Expr, l *level) {
	lr, lok := left.(*querytree.Row)
	rr, rok := right.(*querytree.Row)
	switch {
	case lok && rok && len(lr.Elements) == len(rr.Elements):
		for i := range lr.Elements {
			a.equalityTerms(out, lr.Elements[i], rr.Elements[i], l)
		}
	case !lok && !rok:
		a.note(out, left, a.dialect.value(right, l.values), l)
		a.note(out, right, a.dialect.value(left, l.values), l)
	}
}

// inTerms notes what x IN (...) says, or (x, y) IN ((...), ...).
func (a *analysis) inTerms(out map[variable]term, x *querytree.In, l *level) {
	row, ok := x.Left.(*querytree.Row)
	if !ok {
		a.note(out, x.Left, a.dialect.values(x.List, l.values), l)
		return
	}
	for i, e := range row.Elements {
		values := make([]querytree.Expr, 0, len(x.List))
		for _, item := range x.List {
			if r, ok := item.(*querytree.Row); ok && len(r.Elements) == len(row.Elements) {
				values = append(values, r.Elements[i])
			}
		}
		if len(values) == len(x.List) {
			a.note(out, e, a.dialect.values(values, l.values), l)
		}
	}
}

// orTerms returns what all arms of an OR say: a variable has one of the values
// of one of the arms.
func (a *analysis) orTerms(x *querytree.Or, l *level) map[variable]term {
	var merged map[variable]*alternatives
	for i, part := range x.Terms {
		terms := a.terms(part, l)
		if i == 0 {
			merged = make(map[variable]*alternatives, len(terms))
			for v := range terms {
				merged[v] = &alternatives{}
			}
		}
		for v, m := range merged {
			if t, ok := terms[v]; ok {
				m.add(t)
			} else {
				delete(merged, v)
			}
		}
		if len(merged) == 0 {
			break
		}
	}
	out := make(map[variable]term, len(merged))
	for v, m := range merged {
		out[v] = m.term()
	}
	return out
}

// alternatives collects what the arms of an OR say of one variable.
type alternatives struct {
	parts []*source
	null  bool
}

func (m *alternatives) add(t term) {
	m.null = m.null || t.null
	switch {
	case t.source == nil:
	case t.source.kind == sourceUnion:
		m.parts = append(m.parts, t.source.parts...)
	default:
		m.parts = append(m.parts, t.source)
	}
}

func (m *alternatives) term() term {
	if len(m.parts) == 0 {
		return term{null: m.null}
	}
	return term{source: union(m.parts), null: m.null}
}
