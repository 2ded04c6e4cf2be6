package sqlscan

import (
	"bytes"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	pgquery "github.com/pganalyze/pg_query_go/v6"

	"shardproxy/router/querytree"
)

// sameTree holds the trees of PostgreSQL's parser of a statement and of its
// parse text against each other: they must be equal but for the slots, and a
// slot's literals must be the constants of the statement, in order.
func sameTree(s *Scan) error {
	text := string(s.Text[s.Span.Start:s.Span.End])
	want, err := parseJSON(text)
	if err != nil {
		return nil //nolint:nilerr // not SQL, or not this version's
	}
	parseText := string(s.AppendParseText(nil))
	got, err := parseJSON(parseText)
	if err != nil {
		return fmt.Errorf("parse text %q: %w", parseText, err)
	}
	m := matcher{scan: s, used: make([]int, s.Slots)}
	if err := m.same(want, got); err != nil {
		return fmt.Errorf("parse text %q: %w", parseText, err)
	}
	for slot, n := range m.used {
		if want := len(literalsOf(s, slot)); n != want {
			return fmt.Errorf("parse text %q: slot %d: %d of %d literals found in the tree", parseText, slot, n, want)
		}
	}
	return nil
}

func parseJSON(text string) (any, error) {
	tree, err := pgquery.ParseToJSON(text)
	if err != nil {
		return nil, err
	}
	var v struct{ Stmts any }
	d := json.NewDecoder(strings.NewReader(tree))
	d.UseNumber()
	err = d.Decode(&v)
	return v.Stmts, err
}

func literalsOf(s *Scan, slot int) (literals []Literal) {
	for _, l := range s.Literals {
		if int(l.Slot) == slot {
			literals = append(literals, l)
		}
	}
	return literals
}

// matcher compares the tree of a statement with that of its parse text.
type matcher struct {
	scan *Scan
	used []int // the number of constants found so far, per slot
}

func (m *matcher) same(want, got any) error {
	if slot, ok := slotOf(got); ok {
		return m.constant(want, slot)
	}
	if w, g, ok := signs(want, got); ok {
		return m.same(w, g)
	}
	switch want := want.(type) {
	case map[string]any:
		got, ok := got.(map[string]any)
		if !ok {
			return fmt.Errorf("%v became %v", want, got)
		}
		return m.sameObject(want, got)
	case []any:
		got, ok := got.([]any)
		if !ok {
			return fmt.Errorf("%v became %v", want, got)
		}
		return m.sameList(want, got)
	default:
		if !reflect.DeepEqual(want, got) {
			return fmt.Errorf("%v became %v", want, got)
		}
		return nil
	}
}

func (m *matcher) sameObject(want, got map[string]any) error {
	for key := range got {
		if _, ok := want[key]; !ok && !isLocation(key) {
			return fmt.Errorf("%s came out of nowhere: %v", key, got[key])
		}
	}
	for key, w := range want {
		if isLocation(key) || key == "source" && isRepeated(want["colno"]) {
			continue
		}
		g, ok := got[key]
		if !ok {
			return fmt.Errorf("%s was lost: %v", key, w)
		}
		if key == "valuesLists" {
			if err := m.sameRows(w.([]any), g.([]any)); err != nil {
				return err
			}
			continue
		}
		if err := m.same(w, g); err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
	}
	return nil
}

// isRepeated reports whether a column of (a, b) = (1, 2) is not the first: the
// JSON form repeats the source for each.
func isRepeated(column any) bool { return column != nil && fmt.Sprint(column) != "1" }

func isLocation(key string) bool {
	return strings.HasSuffix(key, "location") || key == "stmt_len"
}

func (m *matcher) sameList(want, got []any) error {
	if len(got) == 1 {
		if slot, ok := listSlotOf(got[0]); ok {
			for _, w := range want {
				if err := m.constant(w, slot); err != nil {
					return err
				}
			}
			return nil
		}
	}
	if len(want) != len(got) {
		return fmt.Errorf("%d elements became %d", len(want), len(got))
	}
	for i := range want {
		if err := m.same(want[i], got[i]); err != nil {
			return fmt.Errorf("[%d]: %w", i, err)
		}
	}
	return nil
}

// sameRows matches each kept row with one or more rows of the statement.
func (m *matcher) sameRows(want, got []any) error {
	var last any
	for i, g := range got {
		matched := 0
		for len(want) > 0 {
			before := bytes.Clone(intBytes(m.used))
			err := m.same(want[0], g)
			if err != nil && matched == 0 {
				return fmt.Errorf("row %d: %w", i, err)
			}
			if err != nil {
				m.used = intsOf(before)
				break
			}
			matched++
			last = want[0]
			want = want[1:]
		}
		// Rows without slots may have one tree and two forms: (a), ((a)).
		if matched == 0 && (last == nil || m.same(last, g) != nil) {
			return fmt.Errorf("row %d came out of nowhere", i)
		}
	}
	if len(want) > 0 {
		return fmt.Errorf("%d rows were lost", len(want))
	}
	return nil
}

func intBytes(v []int) []byte {
	b, _ := json.Marshal(v)
	return b
}

func intsOf(b []byte) (v []int) {
	_ = json.Unmarshal(b, &v)
	return v
}

// constant checks that want is the next literal of the slot.
func (m *matcher) constant(want any, slot int) error {
	literals := literalsOf(m.scan, slot)
	if slot >= m.scan.Slots || m.used[slot] >= len(literals) {
		return fmt.Errorf("slot %d has too few literals", slot)
	}
	lit := literals[m.used[slot]]
	one := Scan{Text: m.scan.Text, Literals: []Literal{lit}, slots: []slotAlias{{}}}
	value, ok := one.AppendValue(nil, 0)
	if !ok {
		return fmt.Errorf("slot %d: %q cannot be decoded", slot, m.scan.Text[lit.Start:lit.End])
	}
	if e, ok := unary(want, "+"); ok && value[0] == '+' {
		want, value = e, value[1:]
	}
	text, isString, ok := constantOf(want)
	if !ok {
		return fmt.Errorf("slot %d: %v is no constant", slot, want)
	}
	if lit.Kind < String {
		value, text = numeral(string(value)), string(numeral(text))
	}
	if isString != (lit.Kind >= String) || text != string(value) {
		return fmt.Errorf("slot %d: constant %q, literal %q", slot, text, value)
	}
	m.used[slot]++
	return nil
}

type slotAlias = slot

// numeral writes a number as the parser would, its sign included.
func numeral(text string) []byte {
	sign := ""
	if text = strings.TrimPrefix(text, "+"); text[0] == '-' {
		sign, text = "-", text[1:]
	}
	if digits := strings.TrimLeft(text, "0123456789"); digits == "" {
		text = strings.TrimLeft(text[:len(text)-1], "0") + text[len(text)-1:]
	} else if n, err := strconv.ParseInt(text, 0, 64); err == nil {
		text = strconv.FormatInt(n, 10) // 0x1F
	}
	if text == "0" {
		sign = ""
	}
	return []byte(sign + text)
}

// signs moves a sign of the statement's tree to where the parse text has it.
func signs(want, got any) (any, any, bool) {
	if g, ok := unary(got, "-"); ok {
		if w, ok := negated(want); ok { // - -5 is the constant 5
			return w, g, true
		}
	}
	if w, ok := unary(want, "-"); ok && node(got, "TypeCast") != nil { // -5::int
		if w, ok := negated(w); ok {
			return w, got, true
		}
	}
	if w, ok := unary(want, "+"); ok && node(got, "TypeCast") != nil {
		return signed(w), got, true
	}
	return nil, nil, false
}

// node returns the fields of v if it is a node of that kind.
func node(v any, kind string) map[string]any {
	object, _ := v.(map[string]any)
	fields, _ := object[kind].(map[string]any)
	return fields
}

// unary returns the operand of a prefix operator.
func unary(v any, op string) (any, bool) {
	e := node(v, "A_Expr")
	if e == nil || e["lexpr"] != nil {
		return nil, false
	}
	names, _ := e["name"].([]any)
	if len(names) != 1 || node(names[0], "String")["sval"] != op {
		return nil, false
	}
	return e["rexpr"], true
}

// negated returns a constant, perhaps in casts, with the other sign.
func negated(v any) (any, bool) {
	if cast := node(v, "TypeCast"); cast != nil {
		arg, ok := negated(cast["arg"])
		return replaced(cast, arg), ok
	}
	text, isString, ok := constantOf(v)
	if !ok || isString {
		return nil, false
	}
	if rest, ok := strings.CutPrefix(text, "-"); ok {
		return numberNode(rest), true
	}
	return numberNode("-" + text), true
}

// signed returns a constant, perhaps in casts, with a plus sign before it.
func signed(v any) any {
	if cast := node(v, "TypeCast"); cast != nil {
		return replaced(cast, signed(cast["arg"]))
	}
	text, _, _ := constantOf(v)
	return numberNode("+" + text)
}

func replaced(cast map[string]any, arg any) any {
	c := map[string]any{}
	for k, v := range cast {
		c[k] = v
	}
	c["arg"] = arg
	return map[string]any{"TypeCast": c}
}

func numberNode(text string) any {
	return map[string]any{"A_Const": map[string]any{"fval": map[string]any{"fval": text}}}
}

// constantOf returns the value of a constant.
func constantOf(v any) (text string, isString, ok bool) {
	c := node(v, "A_Const")
	for kind, value := range c {
		fields, _ := value.(map[string]any)
		switch kind {
		case "ival":
			if fields["ival"] == nil {
				return "0", false, true
			}
			return fmt.Sprint(fields["ival"]), false, true
		case "fval":
			return fmt.Sprint(fields["fval"]), false, true
		case "sval":
			if fields["sval"] == nil {
				return "", true, true
			}
			return fmt.Sprint(fields["sval"]), true, true
		}
	}
	return "", false, false
}

func paramNumber(v any) int {
	n, _ := node(v, "ParamRef")["number"].(json.Number)
	i, _ := n.Int64()
	return int(i)
}

func slotOf(v any) (int, bool) {
	switch n := paramNumber(v); {
	case n >= querytree.ListBase:
		return n - querytree.ListBase, true
	case n >= querytree.SlotBase:
		return n - querytree.SlotBase, true
	}
	return 0, false
}

func listSlotOf(v any) (int, bool) {
	n := paramNumber(v)
	return n - querytree.ListBase, n >= querytree.ListBase
}
