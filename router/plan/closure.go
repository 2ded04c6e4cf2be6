package plan

import "slices"

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
	barrier variable
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

// maxValues is the number of sources that a closure keeps: each alone is enough.
const maxValues = 32

// closureOf returns what is equal to x at e.
func (a *analysis) closureOf(x variable, e *env) *closure { return a.closureWithin(x, e, noVariable) }

// closureWithin is closureOf without what only follows by way of barrier.
func (a *analysis) closureWithin(x variable, e *env, barrier variable) *closure {
	c := &closure{seen: make(map[node]way), barrier: barrier}
	c.add(node{x, e}, directly)
	for i := 0; i < len(c.nodes); i++ {
		a.expand(c, c.nodes[i])
	}
	return c
}

func (c *closure) add(n node, w way) {
	if n.v != c.barrier && c.seen[n] < w {
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
	a.visible(n.env, func(e *env) bool {
		a.follow(c, n, e)
		return false
	})
	a.expandArms(c, n.node)
}

// follow follows what e knows of a node.
func (a *analysis) follow(c *closure, n reached, e *env) {
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

func (c *closure) addValue(s *source) {
	if len(c.values) < maxValues && !slices.ContainsFunc(c.values, s.equal) {
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
	set := a.arms[n.v]
	if set == nil {
		return
	}
	if !set.known && !set.busy {
		set.busy = true
		set.source, set.known = a.armValues(n.v, set.list), true
		set.busy = false
	}
	if set.source != nil {
		c.addValue(set.source)
	}
}

// armValues returns the values of all arms of v together, nil where those of one
// are not known. What is known outside of the set operation does not count.
func (a *analysis) armValues(v variable, list []arm) *source {
	parts := make([]*source, 0, len(list))
	for _, arm := range list {
		s := arm.source
		if s == nil {
			s = best(a.closureWithin(arm.v, arm.env, v).values)
		}
		if s == nil {
			return nil
		}
		parts = append(parts, s)
	}
	return union(parts)
}

// armSet is what an output column of a set operation is made of. source is the
// result of armValues, once known.
type armSet struct {
	list   []arm
	source *source
	known  bool
	busy   bool
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
