package plan

import (
	"bytes"
	"slices"
	"strconv"
	"unicode/utf8"

	"shardproxy/meta/topology"
	"shardproxy/protocol/sqlerr"
	"shardproxy/ring"
	"shardproxy/router/sqlscan"
)

// maxPartitions is the number of partitions a plan lists one by one; a statement
// that touches more counts as touching all of its node.
const maxPartitions = 64

// evaluation is the working memory of a Plan. It is kept from call to call, so
// that planning does not allocate.
type evaluation struct {
	owner *Plan
	// each is owner's method as EachKey wants it, made once.
	each func([]byte, sqlscan.KeyState) bool

	db           *topology.Database
	lits, params sqlscan.Keys
	drawn        [][]byte

	nodes NodeSet
	// partitions are those touched so far; whole: too many, or all.
	partitions []ring.Partition
	whole      bool
	// nulls: rows with a NULL key are wanted, which every node has.
	nulls bool

	// Of the source being evaluated.
	typ   ring.KeyType
	state sqlscan.KeyState
	// first is the first key of the group, count the number of keys, others
	// says that not all of them are equal.
	first  []byte
	count  int
	others bool
	// ordinal is the number of the value looked at last, from 1.
	ordinal int
	// tooLong: a text key is longer than its column (maxLength).
	maxLength int
	tooLong   bool

	scratch []byte
	// hintKey is the canonical key of the key hint; hinted: it decided, or is
	// that of one of the statement's keys.
	hintKey []byte
	hinted  bool
}

// outcome is the result of evaluating a group.
type outcome uint8

const (
	bound    outcome = iota + 1 // its keys, if any, are on known nodes
	unbound                     // its rows may be anywhere
	deferred                    // parameters are missing
	refusal                     // the statement is refused
	copied                      // it writes rows that every node has
)

// begin prepares for a new evaluation.
func (ev *evaluation) begin(p *Plan, db *topology.Database, lits, params sqlscan.Keys, drawn [][]byte) {
	if ev.owner != p {
		ev.owner = p
		ev.each = p.eachKey
		// A copied Plan must not share memory with the original.
		ev.partitions, ev.first, ev.scratch, ev.hintKey = nil, nil, nil, nil
		p.Key = nil
	}
	ev.db, ev.lits, ev.params, ev.drawn = db, lits, params, drawn
	ev.nodes = NodeSet{}
	ev.partitions = ev.partitions[:0]
	ev.whole, ev.nulls, ev.hinted = false, false, false
}

// end lets go of what belongs to the caller.
func (ev *evaluation) end() { ev.db, ev.lits, ev.params, ev.drawn = nil, nil, nil, nil }

// touch adds a partition and its owner.
func (ev *evaluation) touch(p ring.Partition) {
	ev.nodes.Add(ev.db.Owner(p))
	switch {
	case ev.whole || slices.Contains(ev.partitions, p):
	case len(ev.partitions) == maxPartitions:
		ev.whole = true
	default:
		ev.partitions = append(ev.partitions, p)
	}
}

// key takes one canonical key of the group.
func (ev *evaluation) key(canonical []byte) {
	if ev.count == 0 {
		ev.first = append(ev.first[:0], canonical...)
	} else if !ev.others && !bytes.Equal(ev.first, canonical) {
		ev.others = true
	}
	ev.count++
	if ev.maxLength > 0 && len(canonical) > ev.maxLength && utf8.RuneCount(canonical) > ev.maxLength {
		ev.tooLong = true
	}
	ev.touch(ring.PartitionOf(canonical, ev.db.PartitionCount()))
}

// eachKey is called for each element of a list.
func (p *Plan) eachKey(canonical []byte, state sqlscan.KeyState) bool {
	return p.eval.element(canonical, state)
}

func (ev *evaluation) element(canonical []byte, state sqlscan.KeyState) bool {
	ev.ordinal++
	switch state {
	case sqlscan.KeyOK:
		ev.key(canonical)
	case sqlscan.KeyNull:
		ev.state = max(ev.state, sqlscan.KeyNull)
	default:
		ev.state = sqlscan.KeyMismatch
		return false
	}
	return true
}

// evaluate takes the keys of a source. Afterwards state is KeyOK, KeyNull if at
// least one value is NULL, KeyMismatch if one is no key, 0 if a parameter is
// missing.
func (ev *evaluation) evaluate(s *source) {
	switch s.kind {
	case sourceKey:
		ev.scratch = append(ev.scratch[:0], s.text...)
		ev.element(ev.scratch, sqlscan.KeyOK)
	case sourceNull:
		ev.element(nil, sqlscan.KeyNull)
	case sourceUnion:
		for _, part := range s.parts {
			ev.evaluate(part)
			if ev.state == 0 || ev.state == sqlscan.KeyMismatch {
				return
			}
		}
	case sourceSlot:
		ev.one(ev.lits, s.n)
	case sourceParam:
		ev.one(ev.params, s.n)
	case sourceSlotList:
		ev.list(ev.lits, s.n)
	case sourceParamArray:
		ev.list(ev.params, s.n)
	default:
		ev.state = sqlscan.KeyMismatch
	}
}

func (ev *evaluation) one(keys sqlscan.Keys, n int) {
	if keys == nil {
		ev.state = 0
		return
	}
	var state sqlscan.KeyState
	ev.scratch, state = keys.AppendKey(ev.scratch[:0], n, ev.typ)
	ev.element(ev.scratch, state)
}

func (ev *evaluation) list(keys sqlscan.Keys, n int) {
	if keys == nil {
		ev.state = 0
		return
	}
	switch state := keys.EachKey(n, ev.typ, ev.each); state {
	case sqlscan.KeyOK:
	case sqlscan.KeyNull:
		ev.element(nil, state)
	default:
		ev.state = sqlscan.KeyMismatch
	}
}

// try evaluates a source of a group; a source that does not count leaves no
// trace but state.
func (ev *evaluation) try(s *source, g *group) {
	nodes, partitions, whole := ev.nodes, len(ev.partitions), ev.whole
	ev.typ, ev.maxLength = g.typ, g.maxLength
	ev.state, ev.count, ev.others, ev.tooLong, ev.ordinal = sqlscan.KeyOK, 0, false, false, 0
	ev.evaluate(s)
	if ev.state == 0 || ev.state == sqlscan.KeyMismatch {
		ev.nodes, ev.partitions, ev.whole = nodes, ev.partitions[:partitions], whole
		ev.count = 0
	}
}

// group evaluates a group of references.
func (ev *evaluation) group(g *group) outcome {
	missing := false
	ev.count = 0
	for i := range g.candidates {
		c := &g.candidates[i]
		if c.source == nil {
			ev.nulls, ev.count = true, 0
			return bound
		}
		ev.try(c.source, g)
		switch ev.state {
		case sqlscan.KeyOK, sqlscan.KeyNull:
			ev.nulls = ev.nulls || c.null
			return bound
		case 0:
			missing = true
		}
	}
	if missing {
		return deferred
	}
	return unbound
}

// newRows evaluates the keys of new rows, each of which must be one.
func (ev *evaluation) newRows(g *group) outcome {
	if g.drawn {
		return ev.drawnRows(g)
	}
	for i := range g.candidates {
		ev.try(g.candidates[i].source, g)
		switch {
		case ev.state == 0:
			return deferred
		case ev.state == sqlscan.KeyMismatch:
		case ev.tooLong:
			return refusal
		case ev.state == sqlscan.KeyNull && g.replicated:
			return copied
		case ev.state == sqlscan.KeyNull:
			return refusal
		default:
			return bound
		}
	}
	return refusal
}

func (ev *evaluation) drawnRows(g *group) outcome {
	ev.typ, ev.maxLength = g.typ, g.maxLength
	ev.count, ev.others, ev.tooLong = 0, false, false
	for _, canonical := range ev.drawn {
		ev.key(canonical)
	}
	return bound
}

// rowError is the error of new rows whose keys are refused.
func (ev *evaluation) rowError(g *group) *sqlerr.Error {
	switch {
	case ev.tooLong:
		return sqlerr.InvalidKey(g.table, g.column, g.typ.String(), ring.FormatKey(g.typ, ev.first)).
			WithDetail("The value is longer than the column.")
	case ev.state == sqlscan.KeyNull:
		return g.nullKey()
	}
	return sqlerr.InvalidKey(g.table, g.column, g.typ.String(), ev.spelling(g))
}

// spelling is the value that is no key, as far as it can be told.
func (ev *evaluation) spelling(g *group) string {
	if len(g.candidates) == 0 {
		return ""
	}
	s := g.candidates[0].source
	literals, ok := ev.lits.(interface {
		AppendValue(dst []byte, n int) ([]byte, bool)
	})
	if ok && (s.kind == sourceSlot || s.kind == sourceSlotList && ev.ordinal == 1) {
		if text, ok := literals.AppendValue(nil, s.n); ok {
			return string(text)
		}
	}
	if ev.ordinal > 1 {
		return s.describe(g.typ) + " of row " + strconv.Itoa(ev.ordinal)
	}
	return s.describe(g.typ)
}

// kept reports whether a value assigned to a group's key is the key it has.
// Until then first, count and others are those of the group.
func (ev *evaluation) kept(s *source, g *group) outcome {
	if ev.count == 0 || ev.others {
		return refusal
	}
	var key []byte
	state := sqlscan.KeyOK
	switch s.kind {
	case sourceKey:
		key = []byte(s.text)
	case sourceSlot:
		if ev.lits == nil {
			return deferred
		}
		key, state = ev.lits.AppendKey(nil, s.n, g.typ)
	case sourceParam:
		if ev.params == nil {
			return deferred
		}
		key, state = ev.params.AppendKey(nil, s.n, g.typ)
	default:
		return refusal
	}
	if state != sqlscan.KeyOK || !bytes.Equal(key, ev.first) {
		return refusal
	}
	return bound
}
