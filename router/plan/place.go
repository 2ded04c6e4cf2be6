package plan

import (
	"bytes"

	"shardproxy/meta/topology"
	"shardproxy/protocol/sqlerr"
	"shardproxy/ring"
	"shardproxy/router/sqlscan"
)

// plan works out where one execution runs.
func (t *Template) plan(db *topology.Database, env *Env, lits, params sqlscan.Keys, drawn [][]byte, out *Plan) {
	out.reset(t.compiled)
	switch {
	case t.failure != nil:
		out.UnknownTable = t.unknown
		out.reject(t.failure, 0)
		return
	case t.hint.err != nil:
		out.reject(t.hint.err, 0)
		return
	case t.class == Local:
		out.Class = Local
		return
	}
	ev := &out.eval
	ev.begin(out, db, lits, params, drawn)
	if t.hint.node != "" {
		t.planAtNode(db, env, out)
	} else {
		t.place(db, env, out)
	}
	ev.end()
}

// reset empties a plan for a template.
func (p *Plan) reset(t *compiled) {
	p.Class = 0
	p.Node, p.Nodes = 0, NodeSet{}
	p.Partition, p.Several, p.Partitions = 0, false, nil
	p.Write, p.Flags = t.write, t.flags
	p.Keyed, p.Kind, p.KeyType, p.Key = false, "", 0, p.Key[:0]
	p.Merge, p.Rewrite, p.Copy = nil, t.rewrite, t.copy
	p.Statement = t.statement
	p.Err, p.Would, p.UnknownTable = nil, 0, false
}

func (p *Plan) reject(err *sqlerr.Error, would Would) {
	p.Class, p.Err, p.Would = Reject, err, would
	p.Rewrite, p.Copy = nil, nil
}

// place finds the nodes of a statement by its keys and hints.
func (t *Template) place(db *topology.Database, env *Env, out *Plan) {
	ev := &out.eval
	if t.class == All {
		out.Class = All
		out.UnknownTable = t.unknown
		for i := range db.Nodes {
			out.Nodes.Add(topology.NodeIndex(i))
		}
		return
	}
	kind, err := t.readKeyHint(db, env, ev)
	if err != nil {
		out.reject(err, 0)
		return
	}
	if t.blocked != nil {
		if kind == "" || t.needsNode {
			out.reject(t.blocked, 0)
			return
		}
		ev.useHint(out)
	}
	if t.home {
		ev.touch(db.HomePartition())
	}
	if !t.placeGroups(db, kind, out) {
		return
	}
	t.conclude(db, kind, out)
}

// placeGroups evaluates all groups. It returns false where the plan is made:
// refused, or waiting for something.
func (t *Template) placeGroups(db *topology.Database, kind ring.KeyKind, out *Plan) bool {
	ev := &out.eval
	open, late, everywhere := false, false, t.replicated != nil
	err := t.replicated
	for _, g := range t.groups {
		if g.drawn && ev.drawn == nil {
			out.Class = Draw
			return false
		}
		result := ev.outcome(g)
		switch {
		case result == deferred:
			late = true
		case result == refusal:
			out.reject(ev.refusalOf(g), 0)
			return false
		case result == copied:
			everywhere, err = true, g.writesCopies()
		case result == unbound && kind != "" && g.kind == kind && !t.noHint:
			ev.useHint(out)
		case result == unbound:
			open = true
			if g.orNull {
				everywhere, err = true, g.writesCopies()
			}
		case !t.note(g, kind, out):
			return false
		}
	}
	if late {
		out.Class = Deferred
		return false
	}
	if everywhere && len(db.Nodes) > 1 {
		out.reject(err, WouldReplicate)
		return false
	}
	if everywhere {
		ev.touch(db.HomePartition())
	}
	if open || t.nodeWide {
		t.spread(db, open, out)
		return false
	}
	return true
}

// outcome evaluates a group and the values assigned to its key.
func (ev *evaluation) outcome(g *group) outcome {
	if g.rows {
		return ev.newRows(g)
	}
	result := ev.group(g)
	for _, s := range g.keeps {
		switch {
		case result == deferred:
		case result == bound && ev.count == 0: // no row matches
		default:
			result = ev.kept(s, g)
		}
	}
	return result
}

// refusalOf is the error of a group whose outcome is a refusal.
func (ev *evaluation) refusalOf(g *group) *sqlerr.Error {
	if g.rows {
		return ev.rowError(g)
	}
	return g.moves
}

// writesCopies refuses a write to rows with a NULL key.
func (g *group) writesCopies() *sqlerr.Error {
	return sqlerr.NotSupported("writes to rows of \"" + g.table + "\" with a NULL shard key are not supported yet").
		WithDetail("Every node has a copy of them.").
		WithHint("Restrict the statement to rows with a key: " + g.column + " = value.")
}

// note remembers the first key, and compares the keys with the hint. It returns
// false where they contradict it.
func (t *Template) note(g *group, kind ring.KeyKind, out *Plan) bool {
	ev := &out.eval
	if ev.count == 0 {
		return true
	}
	ev.hinted = ev.hinted || g.kind == kind
	if kind != "" && g.kind == kind && (ev.others || !bytes.Equal(ev.first, ev.hintKey)) {
		found := string(kind) + ":" + ring.FormatKey(g.typ, ev.first)
		out.reject(sqlerr.ConflictingHint(t.hintText(kind, g.typ, ev), found), 0)
		return false
	}
	if !out.Keyed {
		out.Keyed, out.Kind, out.KeyType = true, g.kind, g.typ
		out.Key = append(out.Key[:0], ev.first...)
	}
	return true
}

func (t *Template) hintText(kind ring.KeyKind, typ ring.KeyType, ev *evaluation) string {
	if !t.hint.empty() {
		return t.hint.text
	}
	return "key=" + string(kind) + ":" + ring.FormatKey(typ, ev.hintKey)
}

// spread plans a statement whose rows may be on any node. Where one node has
// all of them, it runs there.
func (t *Template) spread(db *topology.Database, open bool, out *Plan) {
	ev := &out.eval
	if open {
		for _, n := range db.Owners[:db.PartitionCount()] {
			ev.nodes.Add(n)
		}
	}
	if t.nodeWide {
		for i := range db.Nodes {
			ev.nodes.Add(topology.NodeIndex(i))
		}
	}
	ev.whole = true
	out.Keyed, out.Kind, out.KeyType, out.Key = false, "", 0, out.Key[:0]
	if ev.nodes.Len() == 1 {
		t.single(db, out)
		return
	}
	t.several(Scatter, out)
}

// conclude plans a statement all of whose groups are bound.
func (t *Template) conclude(db *topology.Database, kind ring.KeyKind, out *Plan) {
	ev := &out.eval
	ev.whole = ev.whole || t.anyKey
	switch n := ev.nodes.Len(); {
	case n == 1 && t.hint.kind != "" && !ev.hinted && !ev.nodes.Has(db.Owner(ring.PartitionOf(ev.hintKey, db.PartitionCount()))):
		out.reject(sqlerr.ConflictingHint(t.hint.text, "on another node"), 0)
	case n == 1:
		t.single(db, out)
	case n > 1:
		t.several(Subset, out)
	case t.class == ByRows:
		out.Class = ByRows
	case t.atHome || t.flags&FlagLocking != 0 && (ev.nulls || t.copies):
		ev.touch(db.HomePartition())
		t.single(db, out)
	case kind != "":
		ev.touch(ring.PartitionOf(ev.hintKey, db.PartitionCount()))
		out.Flags |= FlagHinted
		t.single(db, out)
	case len(t.groups) > 0 && !ev.nulls && !t.copies:
		out.Class = Nothing
	default:
		out.Class = Any
		if ev.nulls || t.copies {
			out.Flags |= FlagReplicated
		}
	}
}

// single plans a statement for the one node in the set.
func (t *Template) single(db *topology.Database, out *Plan) {
	ev := &out.eval
	for n := range ev.nodes.All() {
		out.Node = n
	}
	if t.lockedCopies && out.Node != db.Home() {
		out.reject(sqlerr.NotSupported("FOR UPDATE of rows of a reference table together with rows of another node than home").
			WithHint("Name the tables whose rows are to be locked: FOR UPDATE OF table."), 0)
		return
	}
	out.Class = Single
	out.Partition = db.HomePartition()
	if len(ev.partitions) > 0 {
		out.Partition = ev.partitions[0]
	}
	if ev.whole {
		out.Several = true
	} else if len(ev.partitions) > 1 {
		out.Several, out.Partitions = true, ev.partitions
	}
}

// several plans a statement for all nodes in the set.
func (t *Template) several(class Class, out *Plan) {
	ev := &out.eval
	if t.hint.kind != "" && !ev.hinted && !t.noHint {
		out.reject(sqlerr.InvalidHint(t.hint.text, "no table of the statement has a shard key of kind "+string(t.hint.kind)), 0)
		return
	}
	if t.apart != nil {
		err := t.apart
		if t.home && class == Subset && t.elsewhere != nil {
			err = t.elsewhere
		}
		out.reject(err, t.would)
		return
	}
	out.Class, out.Nodes, out.Merge = class, ev.nodes, t.merge
	out.Several = true
	if !ev.whole {
		out.Partitions = ev.partitions
	}
}

// readKeyHint reads the key hint in force, if the statement can use one: its
// kind, with the canonical key in ev.hintKey; "" without one. A comment is
// stronger than the session's setting.
func (t *Template) readKeyHint(db *topology.Database, env *Env, ev *evaluation) (ring.KeyKind, *sqlerr.Error) {
	kind, key, text := t.hint.kind, t.hint.key, t.hint.text
	if kind == "" {
		if env.KeyHint == "" || t.class != 0 && t.class != ByRows || t.home && len(t.groups) == 0 && t.blocked == nil {
			return "", nil
		}
		var ok bool
		text = env.KeyHint
		if kind, key, ok = splitKey(env.KeyHint); !ok {
			return "", sqlerr.InvalidHint(text, "expected KIND:VALUE")
		}
	}
	typ := t.keyType(kind)
	if typ == 0 {
		typ = keyTypeOf(db, kind)
	}
	if typ == 0 {
		return "", sqlerr.InvalidHint(text, "no table has a shard key of kind "+string(kind))
	}
	ev.scratch = append(ev.scratch[:0], key...)
	var ok bool
	if ev.hintKey, ok = ring.AppendText(ev.hintKey[:0], typ, ev.scratch); !ok {
		return "", sqlerr.InvalidHint(text, "the value is not a key of type "+typ.String())
	}
	return kind, nil
}

// keyType returns the type of a kind's keys by the statement's own tables.
func (t *compiled) keyType(kind ring.KeyKind) ring.KeyType {
	for _, g := range t.groups {
		if g.kind == kind {
			return g.typ
		}
	}
	return 0
}

// useHint places what nothing else places at the hint's key. What it touches
// there is not known.
func (ev *evaluation) useHint(out *Plan) {
	ev.touch(ring.PartitionOf(ev.hintKey, ev.db.PartitionCount()))
	ev.whole, ev.hinted = true, true
	out.Flags |= FlagHinted
}

// planAtNode plans a statement whose hint names a node: reads, and what acts on
// one server. Writes stay where their keys put them.
func (t *Template) planAtNode(db *topology.Database, env *Env, out *Plan) {
	node, ok := nodeNamed(db, t.hint.node)
	switch {
	case !env.NodeHints:
		out.reject(sqlerr.InsufficientPrivilege("permission denied for the hint that names a node").
			WithHint("The right node_hints of the user allows it."), 0)
		return
	case !ok:
		out.reject(sqlerr.InvalidHint(t.hint.text, "the database has no such node"), 0)
		return
	case t.class == All && t.oneNode:
		t.atNode(node, out)
		return
	case t.class == All:
		out.reject(sqlerr.NotSupported("a statement for all nodes with the hint "+t.hint.text), 0)
		return
	case t.blocked != nil && !t.needsNode:
		out.reject(t.blocked, 0)
		return
	}
	if t.blocked == nil {
		t.place(db, &Env{}, out)
		switch {
		case out.Class == Deferred, out.Class == Draw:
			return
		case out.Class == Single && !out.eval.whole && (out.Keyed || t.write):
			if out.Node != node {
				out.reject(sqlerr.ConflictingHint(t.hint.text, "on node "+string(db.Nodes[out.Node].ID)), 0)
			}
			return
		case t.write:
			if out.Class != Reject {
				out.reject(sqlerr.NotSupported("a write with the hint "+t.hint.text).
					WithHint("Name the shard key instead: /* shardproxy: key=project:42 */."), 0)
			}
			return
		}
	}
	t.atNode(node, out)
}

// atNode sends a statement to a node, whatever it touches there.
func (t *Template) atNode(node topology.NodeIndex, out *Plan) {
	keyed, kind, typ := out.Keyed, out.Kind, out.KeyType
	out.reset(t.compiled)
	out.Keyed, out.Kind, out.KeyType = keyed, kind, typ
	out.Class, out.Node = Single, node
	out.Partition = out.eval.db.HomePartition()
	out.Several = true
	out.Flags |= FlagHinted
}
