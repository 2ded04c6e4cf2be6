package plan

import (
	"slices"
	"strconv"

	"shardproxy/ring"
	"shardproxy/router/querytree"
	"shardproxy/router/sqlscan"
)

// sourceKind says where the values of a key come from.
type sourceKind uint8

const (
	sourceSlot       sourceKind = iota + 1 // one literal of the text
	sourceSlotList                         // a list of literals, or a literal array
	sourceParam                            // a parameter
	sourceParamArray                       // a parameter that is an array
	sourceText                             // a constant that stands in the shape, by its spelling
	sourceTextArray                        // an array constant, by its spelling
	sourceKey                              // canonical bytes
	sourceNull                             // NULL: equals nothing
	sourceUnion                            // the values of all parts
)

// source is where the values of a key come from. It is evaluated against the
// literals and parameters of each execution.
type source struct {
	kind   sourceKind
	n      int
	family family // of a cast around the value; familyAny without one
	rows   bool   // sourceSlotList: one literal of each row of VALUES
	text   string // sourceText: the spelling; sourceKey: the canonical bytes
	quoted bool   // sourceText: a string, not a number
	parts  []*source
}

// single reports whether the source yields at most one value.
func (s *source) single() bool {
	switch s.kind {
	case sourceSlotList, sourceParamArray, sourceTextArray, sourceUnion:
		return false
	}
	return true
}

// params reports whether the source needs parameters.
func (s *source) params() bool {
	return s.kind == sourceParam || s.kind == sourceParamArray || slices.ContainsFunc(s.parts, (*source).params)
}

func (s *source) equal(o *source) bool {
	return s.kind == o.kind && s.n == o.n && s.family == o.family && s.text == o.text && s.quoted == o.quoted &&
		slices.EqualFunc(s.parts, o.parts, (*source).equal)
}

func union(parts []*source) *source {
	if len(parts) == 1 {
		return parts[0]
	}
	return &source{kind: sourceUnion, family: familyAny, parts: parts}
}

// resolve returns the source as it yields keys of type t: casts checked,
// constants turned into canonical bytes. nil where it cannot yield any.
func (s *source) resolve(t ring.KeyType) *source {
	if s.family != familyAny && s.family != keyFamily(t) {
		return nil
	}
	switch s.kind {
	case sourceText:
		if !s.quoted && t != ring.KeyInt {
			return nil
		}
		canonical, ok := ring.AppendText(nil, t, []byte(s.text))
		if !ok {
			return nil
		}
		return &source{kind: sourceKey, family: familyAny, text: string(canonical)}
	case sourceTextArray:
		return s.elements(t)
	case sourceUnion:
		parts := make([]*source, len(s.parts))
		for i, part := range s.parts {
			if parts[i] = part.resolve(t); parts[i] == nil {
				return nil
			}
		}
		return &source{kind: sourceUnion, family: familyAny, parts: parts}
	}
	return s
}

// elements returns the keys in an array constant, nil where one of them is none.
func (s *source) elements(t ring.KeyType) *source {
	out := &source{kind: sourceUnion, family: familyAny}
	bad := false
	state := sqlscan.EachArrayText([]byte(s.text), t, func(canonical []byte, state sqlscan.KeyState) bool {
		switch state {
		case sqlscan.KeyOK:
			out.parts = append(out.parts, &source{kind: sourceKey, family: familyAny, text: string(canonical)})
		case sqlscan.KeyNull:
			out.parts = append(out.parts, &source{kind: sourceNull, family: familyAny})
		default:
			bad = true
		}
		return !bad
	})
	if state != sqlscan.KeyOK || bad {
		return nil
	}
	return out
}

// describe returns the source in words, as keys of type t.
func (s *source) describe(t ring.KeyType) string {
	switch s.kind {
	case sourceSlot:
		return "literal " + strconv.Itoa(s.n+1)
	case sourceSlotList:
		if s.rows {
			return "literal " + strconv.Itoa(s.n+1)
		}
		return "the list in literal " + strconv.Itoa(s.n+1)
	case sourceParam:
		return "$" + strconv.Itoa(s.n)
	case sourceParamArray:
		return "the array $" + strconv.Itoa(s.n)
	case sourceText, sourceTextArray:
		return "constant " + s.text
	case sourceKey:
		return "constant " + ring.FormatKey(t, []byte(s.text))
	case sourceNull:
		return "NULL"
	}
	text := ""
	for i, part := range s.parts {
		if i > 0 {
			text += " or "
		}
		if i == maxDescribed {
			return text + "..."
		}
		text += part.describe(t)
	}
	return text
}

// maxDescribed is the number of values that are listed in words.
const maxDescribed = 4

// value returns the source of an expression that is a plain value, or nil. Only
// casts that cannot change a key's value are seen through. rows says that the
// expression is inside of a row of VALUES: there a slot stands for one literal
// of each of the rows that have this form.
func (d *dialect) value(e querytree.Expr, rows bool) *source {
	switch e := e.(type) {
	case *querytree.Slot:
		if e.List || rows {
			return &source{kind: sourceSlotList, n: e.N, rows: !e.List, family: familyAny}
		}
		return &source{kind: sourceSlot, n: e.N, family: familyAny}
	case *querytree.Param:
		return &source{kind: sourceParam, n: e.N, family: familyAny}
	case *querytree.Null:
		return &source{kind: sourceNull, family: familyAny}
	case *querytree.Literal:
		if e.String || e.Integer {
			return &source{kind: sourceText, text: e.Text, quoted: e.String, family: familyAny}
		}
	case *querytree.Cast:
		if !e.Array {
			return d.cast(e, d.value(e.Value, rows))
		}
	}
	return nil
}

// array returns the source of the elements of an array expression, or nil.
func (d *dialect) array(e querytree.Expr, rows bool) *source {
	switch e := e.(type) {
	case *querytree.Slot:
		if !e.List {
			return &source{kind: sourceSlotList, n: e.N, family: familyAny}
		}
	case *querytree.Param:
		return &source{kind: sourceParamArray, n: e.N, family: familyAny}
	case *querytree.Null:
		return &source{kind: sourceNull, family: familyAny}
	case *querytree.Literal:
		if e.String {
			return &source{kind: sourceTextArray, text: e.Text, quoted: true, family: familyAny}
		}
	case *querytree.ArrayExpr:
		return d.values(e.Elements, rows)
	case *querytree.Cast:
		if e.Array {
			return d.cast(e, d.array(e.Value, rows))
		}
	}
	return nil
}

// values returns the source of all the values of a list, nil where one of them
// is no plain value or the list is empty.
func (d *dialect) values(list []querytree.Expr, rows bool) *source {
	parts := make([]*source, len(list))
	for i, e := range list {
		if parts[i] = d.value(e, rows); parts[i] == nil {
			return nil
		}
	}
	if len(parts) == 0 {
		return nil
	}
	return union(parts)
}

// cast applies a cast to a source: nil where the cast might change the value.
func (d *dialect) cast(c *querytree.Cast, inner *source) *source {
	f := d.families[c.Type]
	if inner == nil || c.Modified || f == familyUnknown || inner.family != familyAny && inner.family != f {
		return nil
	}
	if inner.kind == sourceUnion {
		parts := make([]*source, len(inner.parts))
		for i, part := range inner.parts {
			if part.family != familyAny && part.family != f {
				return nil
			}
			p := *part
			p.family = f
			parts[i] = &p
		}
		return &source{kind: sourceUnion, family: f, parts: parts}
	}
	s := *inner
	s.family = f
	return &s
}
