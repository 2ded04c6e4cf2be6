package querytree

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// Dump returns a readable text of a tree for tests and explanations: one
// clause a line, the queries inside expressions in braces on the line of the
// expression. It shows every field that is not at its zero value.
func Dump(n Node) string {
	switch n := n.(type) {
	case *Statement:
		return dumpStatement(n).lines("")
	case *Query:
		return dumpQuery(n).lines("")
	case FromItem:
		return dumpFrom(n).lines("")
	case Expr:
		return dumpExpr(n) + "\n"
	}
	return ""
}

// block is a line with the lines that belong to it.
type block struct {
	text  string
	inner []*block
}

func (b *block) add(inner ...*block) { b.inner = append(b.inner, inner...) }

// line adds a line of a name and values, the empty ones left out.
func (b *block) line(name string, values ...string) *block {
	text := name
	for _, v := range values {
		if v != "" {
			text += " " + v
		}
	}
	out := &block{text: text}
	b.add(out)
	return out
}

// part adds a block with a word before its text.
func (b *block) part(name string, inner *block) {
	inner.text = name + " " + inner.text
	b.add(inner)
}

// some adds a line unless the value is empty.
func (b *block) some(name, value string) {
	if value != "" {
		b.line(name, value)
	}
}

// flag adds a line where something is set.
func (b *block) flag(name string, on bool) {
	if on {
		b.line(name)
	}
}

// lines writes the block, each level two spaces further right.
func (b *block) lines(indent string) string {
	out := indent + b.text + "\n"
	for _, i := range b.inner {
		out += i.lines(indent + "  ")
	}
	return out
}

// short writes the block in one line.
func (b *block) short() string {
	if len(b.inner) == 0 {
		return b.text
	}
	parts := make([]string, len(b.inner))
	for i, inner := range b.inner {
		parts[i] = inner.short()
	}
	return b.text + " {" + strings.Join(parts, "; ") + "}"
}

// ident spells a name, in quotes unless it is a plain word.
func ident(s string) string {
	plain := s != ""
	for i := range len(s) {
		b := s[i]
		plain = plain && (b >= 'a' && b <= 'z' || b == '_' || b >= '0' && b <= '9' && i > 0)
	}
	if plain {
		return s
	}
	return strconv.Quote(s)
}

func idents(list []string) string {
	out := make([]string, len(list))
	for i, s := range list {
		out[i] = ident(s)
	}
	return strings.Join(out, ", ")
}

// columnNames is a list of columns in parentheses, or nothing.
func columnNames(list []string) string {
	if len(list) == 0 {
		return ""
	}
	return "(" + idents(list) + ")"
}

func (r RelationName) dump() string {
	out := ""
	for _, part := range []string{r.Catalog, r.Schema} {
		if part != "" {
			out += ident(part) + "."
		}
	}
	return out + ident(r.Name)
}

func relationNames(list []RelationName) string {
	out := make([]string, len(list))
	for i, r := range list {
		out[i] = r.dump()
	}
	return strings.Join(out, ", ")
}

func dumpOptions(m map[string]string) string {
	out := make([]string, 0, len(m))
	for _, k := range slices.Sorted(maps.Keys(m)) {
		out = append(out, fmt.Sprintf("%s=%q", k, m[k]))
	}
	return strings.Join(out, " ")
}

// word is the word where it applies.
func word(s string, on bool) string {
	if on {
		return s
	}
	return ""
}

func (t Tristate) dump() string {
	switch t {
	case No:
		return "no"
	case Yes:
		return "yes"
	}
	return ""
}
