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

	// sees is the result of visible, once all facts are there.
	sees []*env
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

// visible returns the envs whose facts are known at e: those around it, and
// those of nullable sides that must have found a partner, because one of their
// columns is known not to be NULL.
func (a *analysis) visible(e *env) []*env {
	if e.sees != nil {
		return e.sees
	}
	var list []*env
	for up := e; up != nil; up = up.parent {
		list = append(list, up)
	}
	for i := 0; i < len(list); i++ {
		for _, x := range list[i].nonNulls {
			list = append(list, matched(a.vars[x].env, list)...)
		}
	}
	if a.settled {
		e.sees = list
	}
	return list
}

// matched returns the nullable sides from e up to an env of the list that are
// not in it, nil where something else is between them.
func matched(e *env, list []*env) []*env {
	var out []*env
	for ; e != nil && !slices.Contains(list, e); e = e.parent {
		if !e.nullable {
			return nil
		}
		out = append(out, e)
	}
	if e == nil {
		return nil
	}
	return out
}

// nonNull reports whether x is known not to be NULL at e.
func (a *analysis) nonNull(x variable, e *env) bool {
	return slices.ContainsFunc(a.visible(e), func(e *env) bool { return slices.Contains(e.nonNulls, x) })
}

// node is a variable as it is known at a place.
type node struct {
	v   variable
	env *env
}

// closure is everything that is equal to a variable at a place.
type closure struct {
	nodes []reached
	// seen holds for each node the best way to it.
	seen map[node]way
	// values are sources one of whose values the variable has; each of them
	// alone is enough.
	values []*source
	// orNulls are such sources that leave NULL open. A nil one: only NULL.
	orNulls []*source
	// pending are the set operations being resolved, against endless descent.
	pending map[variable]bool
}

// reached is a node of a closure, with what is known of the way to it.
type reached struct {
	node
	way way
}

// way says how a node of a closure was reached.
type way uint8

const (
	// loosely: it names the same value, but where an outer join makes up a row
	// the start has none.
	loosely way = iota + 1
	// directly: it names the same value of the same row.
	directly
	// strictly: an "=" led here, so that the value is not NULL.
	strictly
)

// closureOf returns what is equal to x at e.
func (a *analysis) closureOf(x variable, e *env) *closure { return a.close(x, e, nil) }

func (a *analysis) close(x variable, e *env, pending map[variable]bool) *closure {
	c := &closure{seen: make(map[node]way), pending: pending}
	c.add(node{x, e}, directly)
	for i := 0; i < len(c.nodes); i++ {
		a.expand(c, c.nodes[i])
	}
	return c
}

func (c *closure) add(n node, w way) {
	if c.seen[n] < w {
		c.seen[n] = w
		c.nodes = append(c.nodes, reached{n, w})
	}
}

// along returns the way over an edge that is noted at e.
func (a *analysis) along(n reached, to edge, e *env) way {
	switch {
	case !to.same || n.way == strictly:
		return strictly
	case n.way == loosely, a.vars[n.v].env != e, to.in != nil && a.vars[to.to].env != to.in:
		return loosely
	}
	return directly
}

// expand follows what is known of one node.
func (a *analysis) expand(c *closure, n reached) {
	for _, e := range a.visible(n.env) {
		for _, to := range e.edges[n.v] {
			at := n.env
			if to.in != nil {
				at = to.in
			}
			c.add(node{to.to, at}, a.along(n, to, e))
		}
		for _, fact := range e.values[n.v] {
			if fact.while == nil || !fact.while.wrong {
				c.addValue(fact.source)
			}
		}
		for _, s := range e.orNulls[n.v] {
			switch {
			case n.way == directly:
				c.orNulls = append(c.orNulls, s)
			case n.way == strictly && s != nil:
				c.addValue(s)
			}
		}
	}
	a.expandArms(c, n.node)
}

func (c *closure) addValue(s *source) {
	if !slices.ContainsFunc(c.values, s.equal) {
		c.values = append(c.values, s)
	}
}

// reaches reports whether v is among the equal variables.
func (c *closure) reaches(v variable) bool {
	return slices.ContainsFunc(c.nodes, func(n reached) bool { return n.v == v })
}

// expandArms finds the values of an output column of a set operation: those of
// all arms together.
func (a *analysis) expandArms(c *closure, n node) {
	arms := a.arms[n.v]
	if len(arms) == 0 || c.pending[n.v] {
		return
	}
	pending := map[variable]bool{n.v: true}
	for v := range c.pending {
		pending[v] = true
	}
	parts := make([]*source, 0, len(arms))
	for _, arm := range arms {
		s := arm.source
		if s == nil {
			s = best(a.close(arm.v, arm.env, pending).values)
		}
		if s == nil {
			return
		}
		parts = append(parts, s)
	}
	c.addValue(union(dedupe(parts)))
}

// arm is where an output column of a set operation or of VALUES gets some of its
// values: a variable, or a plain value.
type arm struct {
	node
	source *source
}

// best returns the source that says most, or nil.
func best(sources []*source) *source {
	if len(sources) == 0 {
		return nil
	}
	return slices.MinFunc(sources, compareSources)
}

// compareSources orders sources: one value before many.
func compareSources(x, y *source) int { return x.rank() - y.rank() }

func (s *source) rank() int {
	switch {
	case s.kind == sourceNull:
		return 0
	case s.single():
		return 1
	}
	return 2
}

func dedupe(list []*source) []*source {
	out := list[:0]
	for _, s := range list {
		if !slices.ContainsFunc(out, s.equal) {
			out = append(out, s)
		}
	}
	return out
}
