package plan

import (
	"bytes"
	"strings"

	"shardproxy/meta/topology"
	"shardproxy/protocol/sqlerr"
	"shardproxy/ring"
	"shardproxy/router/sqlscan"
)

// hint is what a comment says about the place of a statement.
type hint struct {
	text string // the hint as it was written
	kind ring.KeyKind
	key  string
	node string
	err  *sqlerr.Error
}

func (h *hint) empty() bool { return h.text == "" }

// hintsOf reads the hint comments of a statement. Several that say the same are
// one.
func hintsOf(sc *sqlscan.Scan) hint {
	var out hint
	for _, span := range sc.Hints {
		body := bytes.TrimSpace(sc.Text[span.Start:span.End])
		h := parseHint(string(body))
		switch {
		case h.err != nil:
			return h
		case out.empty():
			out = h
		case out.text != h.text:
			h.err = sqlerr.InvalidHint(h.text, "the statement has another hint: "+out.text)
			return h
		}
	}
	return out
}

const hintSyntax = "expected key=KIND:VALUE or node=NAME"

func parseHint(text string) hint {
	h := hint{text: text}
	name, value, ok := strings.Cut(text, "=")
	name, value = strings.TrimSpace(name), strings.TrimSpace(value)
	switch {
	case ok && name == "key":
		h.kind, h.key, ok = splitKey(value)
	case ok && name == "node":
		h.node, ok = value, value != ""
	default:
		ok = false
	}
	if !ok {
		if h.text == "" {
			h.text = " "
		}
		h.err = sqlerr.InvalidHint(text, hintSyntax)
	}
	return h
}

// splitKey splits project:42.
func splitKey(text string) (ring.KeyKind, string, bool) {
	kind, key, ok := strings.Cut(text, ":")
	return ring.KeyKind(strings.TrimSpace(kind)), strings.TrimSpace(key), ok && kind != "" && key != ""
}

// CheckKeyHint returns the error of a value of SET shardproxy.key that cannot be
// a key of the database; nil for a good one and for "".
func CheckKeyHint(db *topology.Database, value string) *sqlerr.Error {
	if value == "" {
		return nil
	}
	kind, key, ok := splitKey(value)
	if !ok {
		return sqlerr.InvalidHint(value, "expected KIND:VALUE")
	}
	typ := keyTypeOf(db, kind)
	if typ == 0 {
		return sqlerr.InvalidHint(value, "no table has a shard key of kind "+string(kind))
	}
	if _, ok := ring.AppendText(nil, typ, []byte(key)); !ok {
		return sqlerr.InvalidHint(value, "the value is not a key of type "+typ.String())
	}
	return nil
}

// keyTypeOf returns the type of a kind's keys, 0 if no table has one.
func keyTypeOf(db *topology.Database, kind ring.KeyKind) ring.KeyType {
	for _, rel := range db.Relations {
		if rel.Placement == topology.Sharded && rel.Key.Kind == kind {
			return rel.Key.Type
		}
	}
	return 0
}

// nodeNamed returns the index of a node.
func nodeNamed(db *topology.Database, name string) (topology.NodeIndex, bool) {
	for i := range db.Nodes {
		if string(db.Nodes[i].ID) == name {
			return topology.NodeIndex(i), true
		}
	}
	return 0, false
}
