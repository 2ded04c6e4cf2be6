package plan

import (
	"slices"

	"shardproxy/meta/topology"
)

// variable is a column of one table reference, derived table or set operation
// of the statement: a place where values come by. Two references to one table
// have different variables.
type variable int32

// noVariable is an expression that is no column, or a column not understood.
const noVariable variable = -1

// variableInfo is what is known of a variable.
type variableInfo struct {
	family family
	// env is where the variable's table reference stands: there its value is
	// that of a row of the table, not of a row made up by an outer join.
	env *env
	// relation and column are set for columns of tables.
	relation *topology.Relation
	column   int
}

// env holds what is known of the rows that matter at one place of a statement:
// equalities that are true of every combination of rows that can have an effect
// on the result. What is known in an env is known in its children too.
//
// A query level has one for its WHERE and inner joins, and one more for the
// nullable side of each outer join: what the ON of an outer join says is true
// of the rows of that side that find a partner, and the others do not matter.
// Only predicates that NULL cannot satisfy are facts, because the rows that an
// outer join makes up would satisfy others.
type env struct {
	parent *env
	// nullable: the env of a nullable side.
	nullable bool
	// plain: a derived table or CTE that neither groups, limits nor combines:
	// its rows are rows of the level above.
	plain bool

	edges    map[variable][]edge
	values   map[variable][]valueFact
	orNulls  map[variable][]*source
	nonNulls []variable

	// joins is the result of matches, once all facts are there; known says so.
	joins []*env
	known bool
}

// edge says that two variables are equal. Where in is set, to is a variable of
// another place, and equal for every row that comes from there. same edges join
// two names of one value, which may be NULL; the others are an "=" that is true.
type edge struct {
	to   variable
	in   *env
	same bool
}

// valueFact says that a variable equals one of the values of a source. while
// limits it to a supposition that may turn out wrong (recursive queries).
type valueFact struct {
	source *source
	while  *supposition
}

// supposition is a fact about a recursive query that holds for all its rows if
// it holds for the first ones and passes from each to the next.
type supposition struct {
	source *source
	wrong  bool
}

func newEnv(parent *env) *env { return &env{parent: parent} }

// equate notes that x = y. Types whose values could be equal without having
// equal key bytes are left out.
func (a *analysis) equate(e *env, x, y variable) {
	if x == noVariable || y == noVariable || x == y || !a.comparable(x, y) {
		return
	}
	e.link(x, edge{to: y})
	e.link(y, edge{to: x})
	e.excludeNull(x)
	e.excludeNull(y)
}

// identify notes that x and y name one value, as an output column of a derived
// table and the column it comes from do.
func (a *analysis) identify(e *env, x, y variable) {
	if x == noVariable || y == noVariable || !a.comparable(x, y) {
		return
	}
	e.link(x, edge{to: y, same: true})
	e.link(y, edge{to: x, same: true})
}

func (a *analysis) comparable(x, y variable) bool {
	fx, fy := a.vars[x].family, a.vars[y].family
	return fx != familyUnknown && fy != familyUnknown && (fx == fy || fx == familyAny || fy == familyAny)
}

func (e *env) link(x variable, to edge) {
	if e.edges == nil {
		e.edges = make(map[variable][]edge)
	}
	e.edges[x] = append(e.edges[x], to)
}

// assign notes that x equals one of the values of s.
func (a *analysis) assign(e *env, x variable, s *source) {
	if x == noVariable || s == nil || !a.takes(x, s) {
		return
	}
	e.excludeNull(x)
	e.suppose(x, valueFact{source: s})
}

// takes reports whether the values of s can be compared with x as keys.
func (a *analysis) takes(x variable, s *source) bool {
	f := a.vars[x].family
	return f != familyUnknown && (f == familyAny || s.family == familyAny || s.family == f)
}

func (e *env) suppose(x variable, fact valueFact) {
	if e.values == nil {
		e.values = make(map[variable][]valueFact)
	}
	e.values[x] = append(e.values[x], fact)
}

// assignOrNull notes that x equals one of the values of s, or is NULL. s is nil
// where it can only be NULL. It counts only where no outer join can make x NULL.
func (a *analysis) assignOrNull(e *env, x variable, s *source) {
	if x == noVariable || a.vars[x].env != e || s != nil && !a.takes(x, s) {
		return
	}
	if e.orNulls == nil {
		e.orNulls = make(map[variable][]*source)
	}
	e.orNulls[x] = append(e.orNulls[x], s)
}

// excludeNull notes that x is not NULL.
func (e *env) excludeNull(x variable) {
	if !slices.Contains(e.nonNulls, x) {
		e.nonNulls = append(e.nonNulls, x)
	}
}

// visible calls f for the envs whose facts are known at e, until f returns true:
// those around it, and those of nullable sides that must have found a partner.
func (a *analysis) visible(e *env, f func(*env) bool) bool {
	for up := e; up != nil; up = up.parent {
		if f(up) {
			return true
		}
	}
	return slices.ContainsFunc(a.matches(e), f)
}

// matches returns the nullable sides that must have found a partner in all rows
// that matter at e, because one of their columns is known not to be NULL.
func (a *analysis) matches(e *env) []*env {
	if e.known {
		return e.joins
	}
	var list []*env
	for up := e; up != nil; up = up.parent {
		list = a.match(up, e, list)
	}
	for i := 0; i < len(list); i++ {
		list = a.match(list[i], e, list)
	}
	if a.settled {
		e.joins, e.known = list, true
	}
	return list
}

// match adds the nullable sides that the facts of one env visible at e show to
// have a partner. list are those that are known already.
func (a *analysis) match(from, e *env, list []*env) []*env {
	for _, x := range from.nonNulls {
		var sides []*env
		at := a.vars[x].env
		for at != nil && at.nullable && !at.around(e) && !slices.Contains(list, at) {
			sides = append(sides, at)
			at = at.parent
		}
		if at != nil && (at.around(e) || slices.Contains(list, at)) {
			list = append(list, sides...)
		}
	}
	return list
}

// around reports whether e is other or one of the envs around it.
func (e *env) around(other *env) bool {
	for ; other != nil; other = other.parent {
		if other == e {
			return true
		}
	}
	return false
}

// nonNull reports whether x is known not to be NULL at e.
func (a *analysis) nonNull(x variable, e *env) bool {
	return a.visible(e, func(e *env) bool { return slices.Contains(e.nonNulls, x) })
}
