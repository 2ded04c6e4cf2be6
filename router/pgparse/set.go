package pgparse

import (
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"shardproxy/router/querytree"
)

// variableSet converts SET and RESET in all their forms.
func (c *converter) variableSet(s *querytree.Statement, v *pg.VariableSetStmt) {
	s.Kind, s.Tag = querytree.Set, "SET"
	s.Setting.Name = strings.ToLower(v.GetName())
	s.Setting.Local = v.GetIsLocal()
	switch v.GetKind() {
	case pg.VariableSetKind_VAR_SET_VALUE:
		c.settingValues(s, v.GetArgs())
	case pg.VariableSetKind_VAR_SET_DEFAULT:
		s.Setting.Default = true
	case pg.VariableSetKind_VAR_SET_CURRENT:
		s.Setting.FromCurrent = true
	case pg.VariableSetKind_VAR_SET_MULTI:
		setTransaction(s, v)
	case pg.VariableSetKind_VAR_RESET, pg.VariableSetKind_VAR_RESET_ALL:
		s.Kind, s.Tag = querytree.Reset, "RESET"
	default:
		s.Kind, s.Tag = querytree.Unsupported, v.GetKind().String()
	}
}

// setTransaction converts SET TRANSACTION, and SET SESSION CHARACTERISTICS,
// which is a Set of the name "session characteristics".
func setTransaction(s *querytree.Statement, v *pg.VariableSetStmt) {
	if v.GetName() == "TRANSACTION SNAPSHOT" {
		s.Kind, s.Setting = querytree.SetTransaction, querytree.Setting{}
		s.Transaction.Other = "snapshot"
		for _, n := range v.GetArgs() {
			s.Name = n.GetAConst().GetSval().GetSval()
		}
		return
	}
	s.Transaction = transactionOptions(v.GetArgs())
	if v.GetName() == "TRANSACTION" {
		s.Kind, s.Setting = querytree.SetTransaction, querytree.Setting{}
	}
}

func (c *converter) settingValues(s *querytree.Statement, args []*pg.Node) {
	for _, n := range args {
		text, quoted, ok := c.settingValue(n)
		if !ok {
			s.Kind = querytree.Unsupported
			s.Setting = querytree.Setting{}
			return
		}
		s.Setting.Values = append(s.Setting.Values, text)
		s.Setting.Quoted = append(s.Setting.Quoted, quoted)
	}
}

// settingValue returns the text of one value of a SET, and whether it was
// written as a string literal.
func (c *converter) settingValue(n *pg.Node) (text string, quoted, ok bool) {
	if cast := n.GetTypeCast(); cast != nil {
		text, ok = interval(cast)
		return text, false, ok
	}
	a := n.GetAConst()
	l, isLiteral := constant(a).(*querytree.Literal)
	if a == nil || !isLiteral {
		return "", false, false
	}
	return l.Text, l.String && c.isStringAt(int(a.GetLocation())), true
}

// isStringAt tells a string literal from a word by its first characters.
func (c *converter) isStringAt(at int) bool {
	if at < 0 || at >= len(c.text) {
		return false
	}
	text := strings.ToLower(c.text[at:min(at+3, len(c.text))])
	for _, prefix := range []string{"'", "$", "e'", "n'", "u&'"} {
		if strings.HasPrefix(text, prefix) {
			return true
		}
	}
	return false
}

// interval spells the value of SET TIME ZONE INTERVAL '...' HOUR TO MINUTE, the only
// value of a SET that is no constant, as SET TimeZone = '...' takes it: that has no
// room for the modifier.
func interval(t *pg.TypeCast) (string, bool) {
	name, array, modified := typeName(t.GetTypeName())
	value := t.GetArg().GetAConst().GetSval()
	if name != "interval" || array || value == nil || strings.Contains(value.GetSval(), "'") {
		return "", false
	}
	text := value.GetSval()
	if modified {
		unit, ok := intervalUnit(t.GetTypeName().GetTypmods(), text)
		if !ok {
			return "", false
		}
		text += unit
	}
	return "INTERVAL '" + text + "'", true
}

// intervalUnit is the unit that the modifier of an interval gives to its text: HOUR
// or HOUR TO MINUTE, as bits of the server's datetime.h.
func intervalUnit(modifiers []*pg.Node, text string) (unit string, ok bool) {
	const minute, hour = 1 << 11, 1 << 10
	hours, minutes, clock := strings.Cut(strings.TrimLeft(text, "+-"), ":")
	if len(modifiers) == 0 {
		return "", true
	}
	switch modifiers[0].GetAConst().GetIval().GetIval() {
	case hour:
		return " hours", len(modifiers) == 1 && !clock && isNumber(hours)
	case hour | minute:
		return "", len(modifiers) == 1 && clock && isNumber(hours) && isNumber(minutes)
	}
	return "", false
}

// isNumber reports whether a text is one or two digits.
func isNumber(s string) bool {
	return (len(s) == 1 || len(s) == 2) && strings.Trim(s, "0123456789") == ""
}

// setConstraints converts SET CONSTRAINTS; no names mean ALL.
func setConstraints(s *querytree.Statement, v *pg.ConstraintsSetStmt) {
	s.Kind, s.Tag = querytree.SetConstraints, "SET CONSTRAINTS"
	s.Names = relations(v.GetConstraints())
	s.Transaction.Deferrable = querytree.No
	if v.GetDeferred() {
		s.Transaction.Deferrable = querytree.Yes
	}
}

// discard converts DISCARD; the name is what is discarded.
func discard(s *querytree.Statement, d *pg.DiscardStmt) {
	s.Kind = querytree.Discard
	switch d.GetTarget() {
	case pg.DiscardMode_DISCARD_ALL:
		s.Name, s.InTransaction = "all", false
	case pg.DiscardMode_DISCARD_PLANS:
		s.Name = "plans"
	case pg.DiscardMode_DISCARD_SEQUENCES:
		s.Name = "sequences"
	case pg.DiscardMode_DISCARD_TEMP:
		s.Name = "temp"
	default:
		s.Kind, s.Name = querytree.Unsupported, d.GetTarget().String()
	}
	s.Tag = "DISCARD " + strings.ToUpper(s.Name)
}
