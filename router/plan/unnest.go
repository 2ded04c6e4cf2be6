package plan

import "shardproxy/router/querytree"

// unnest is the function that makes rows of arrays.
const unnest = "unnest"

// unnested looks through unnest() of arrays of plain types, as many as there are:
// UNNEST($1::bigint[], $2::text[]). Each gives one column, whose values are the
// elements of its array, and NULL where another array is longer.
func (a *analysis) unnested(ref *querytree.FunctionRef, l *level, e *env) (rows, bool) {
	if len(ref.Calls) != 1 {
		return rows{}, false
	}
	f, ok := ref.Calls[0].(*querytree.Function)
	if !ok || !a.isUnnest(f) {
		return rows{}, false
	}
	name := unnest
	if ref.Alias != "" {
		name = ref.Alias
	}
	var r rows
	for _, x := range f.Args {
		c := column{name: unnest, v: a.elements(x.(*querytree.Cast), len(f.Args) > 1, l, e)}
		if len(f.Args) == 1 {
			c.name = name
		}
		r.columns = append(r.columns, c)
	}
	if ref.Ordinality {
		r.columns = append(r.columns, column{name: "ordinality", v: noVariable})
	}
	return r.named(name, ref.Columns), true
}

// isUnnest reports whether a call is the server's own unnest() of arrays whose
// elements are certain to be one column each: a row would be many.
func (a *analysis) isUnnest(f *querytree.Function) bool {
	if f.Name != unnest || f.Schema != "" && f.Schema != a.dialect.builtin || f.Schema == "" && a.db.Functions[unnest] {
		return false
	}
	for _, x := range f.Args {
		if c, ok := x.(*querytree.Cast); !ok || !c.Array || !a.dialect.scalars[c.Type] {
			return false
		}
	}
	return len(f.Args) > 0
}

// elements is the variable of an array's elements. padded: other arrays may be
// longer.
func (a *analysis) elements(x *querytree.Cast, padded bool, l *level, e *env) variable {
	s := a.dialect.array(x, l.values)
	if s == nil {
		return noVariable
	}
	v := a.fresh(s.family, e)
	if padded {
		a.assignOrNull(e, v, s)
	} else {
		e.suppose(v, valueFact{source: s})
	}
	return v
}
