package plan

import (
	"slices"

	"shardproxy/meta/topology"
	"shardproxy/protocol/sqlerr"
	"shardproxy/ring"
)

// group is a set of references to sharded tables that have the same key by the
// same reasons: they are placed together.
type group struct {
	kind ring.KeyKind
	typ  ring.KeyType
	// candidates are sources of the key. The first one that yields keys in
	// canonical spelling counts; one is enough, because all are true.
	candidates []candidate
	// write: the rows are changed. rows: they are new rows, each key of which
	// must be valid.
	write, rows bool
	// drawn: the keys are made ahead.
	drawn bool
	// replicated: rows with a NULL key are on every node; a statement may
	// change or make such.
	replicated bool
	// orNull: rows with a NULL key may be among those that are changed.
	orNull bool
	// maxLength is the limit of a text key's column, in characters.
	maxLength int
	// keeps are values assigned to the key, which must not change it; moves is
	// the error if one does.
	keeps []*source
	moves *sqlerr.Error

	table, column string
}

// candidate is a source of a group's key. Where null is set, rows with a NULL
// key are wanted too; source may then be nil.
type candidate struct {
	source *source
	null   bool
}

func (c candidate) equal(o candidate) bool {
	switch {
	case c.null != o.null || (c.source == nil) != (o.source == nil):
		return false
	case c.source == nil:
		return true
	}
	return c.source.equal(o.source)
}

// groups places the references of the statement in groups. It also says, for
// each reference, which group it is in.
func (a *analysis) groups() (list []*group, of []int) {
	of = make([]int, len(a.refs))
	for i, r := range a.refs {
		g := a.group(r)
		at := -1
		if len(g.keeps) == 0 && !g.drawn {
			at = slices.IndexFunc(list, g.joins)
		}
		if at < 0 {
			at = len(list)
			list = append(list, g)
		}
		of[i] = at
	}
	return list, of
}

// joins reports whether a reference's group adds nothing to another one.
func (g *group) joins(o *group) bool {
	return g.kind == o.kind && g.typ == o.typ && g.write == o.write && g.rows == o.rows && !o.drawn &&
		g.orNull == o.orNull && g.replicated == o.replicated && g.maxLength == o.maxLength &&
		(len(g.candidates) > 0 || g.table == o.table) && slices.EqualFunc(g.candidates, o.candidates, candidate.equal)
}

// group makes the group of one reference.
func (a *analysis) group(r *reference) *group {
	key := &r.relation.Key
	g := &group{
		kind: key.Kind, typ: key.Type, write: r.write || r.rows, rows: r.rows, drawn: r.drawn,
		replicated: key.NullReplicated,
		table:      r.relation.Name.String(), column: key.Column,
	}
	if key.Column == "" {
		g.rows = false // the name is the key, whatever the rows hold
		s := (&source{kind: sourceText, text: key.FromName, quoted: true, family: familyAny}).resolve(key.Type)
		if s == nil {
			a.fail(sqlerr.InvalidKey(g.table, "(name)", key.Type.String(), key.FromName))
			return g
		}
		g.candidates = []candidate{{source: s}}
		return g
	}
	if r.rows {
		g.maxLength = key.MaxLength
	}
	for _, s := range r.keeps {
		if s = s.resolve(key.Type); s == nil {
			a.fail(movesKey(r.relation))
			return g
		}
		g.keeps = append(g.keeps, s)
		g.moves = movesKey(r.relation)
	}
	a.bind(g, r)
	return g
}

// bind finds the candidates of a reference's group.
func (a *analysis) bind(g *group, r *reference) {
	sources := r.sources
	var nulls []*source
	if r.key != noVariable {
		c := a.closureOf(r.key, r.env)
		sources = slices.Concat(sources, c.values)
		nulls = c.orNulls
	}
	for _, s := range sources {
		if s = s.resolve(g.typ); s != nil {
			g.candidates = append(g.candidates, candidate{source: s})
		}
	}
	slices.SortStableFunc(g.candidates, func(x, y candidate) int { return compareSources(x.source, y.source) })
	if len(nulls) > 0 {
		a.bindOrNull(g, r, nulls)
	}
	if r.rows && !r.drawn && len(g.candidates) == 0 {
		a.fail(sqlerr.Unroutable("the shard key \"" + g.table + "." + g.column + "\" of the new rows is not bound to a value").
			WithHint("Give the key as a literal or a parameter of its type, or select it from rows that WHERE restricts to one key."))
	}
}

// bindOrNull adds the candidates that leave a NULL key open.
func (a *analysis) bindOrNull(g *group, r *reference, nulls []*source) {
	notNull := false
	if c := r.relation.Column(g.column); c != nil {
		notNull = c.NotNull
	}
	for _, s := range nulls {
		if s != nil {
			if s = s.resolve(g.typ); s == nil {
				continue
			}
		}
		switch {
		case notNull && s != nil:
			g.candidates = append(g.candidates, candidate{source: s})
		case notNull || !g.replicated || r.rows:
			// Where such rows would be is not known.
		case r.write:
			g.orNull = true
		default:
			g.candidates = append(g.candidates, candidate{source: s, null: true})
		}
	}
}

// params reports whether a group needs parameters.
func (g *group) params() bool {
	return slices.ContainsFunc(g.candidates, func(c candidate) bool { return c.source != nil && c.source.params() }) ||
		slices.ContainsFunc(g.keeps, (*source).params)
}

// nullKey is the error of a new row whose key is NULL.
func (g *group) nullKey() *sqlerr.Error { return sqlerr.NullKey(g.table, g.column) }

// ruleOf describes a relation's rule in words.
func ruleOf(rel *topology.Relation) string {
	switch rel.Placement {
	case topology.Sharded:
		if rel.Key.Column == "" {
			return "sharded by " + string(rel.Key.Kind) + " (table name: " + rel.Key.FromName + ")"
		}
		rule := "sharded by " + string(rel.Key.Kind) + " (" + rel.Key.Column + ")"
		if rel.Key.NullReplicated {
			rule += ", NULL keys on every node"
		}
		return rule
	case topology.Reference:
		return "reference: a copy on every node"
	case topology.Global:
		return "global: at home"
	case topology.System:
		return "catalog of the server: at home"
	case topology.View:
		return "view"
	}
	return "refused"
}
