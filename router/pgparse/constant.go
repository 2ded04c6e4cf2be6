package pgparse

import (
	"strconv"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"shardproxy/router/querytree"
)

// param tells a client's parameter from a slot of the stripped text. The
// server's scanner cuts numbers to 32 bits; a number that is not spelled as it
// was read must not pass for another one.
func (c *converter) param(p *pg.ParamRef) querytree.Expr {
	n := int(p.GetNumber())
	spelled := "$" + strconv.Itoa(n)
	at := int(p.GetLocation())
	switch {
	case n <= 0, at < 0, at > len(c.text), !strings.HasPrefix(c.text[at:], spelled), isDigitAt(c.text, at+len(spelled)):
		return &querytree.Unknown{What: "parameter number"}
	case n >= querytree.ListBase:
		return &querytree.Slot{N: n - querytree.ListBase, List: true}
	case n >= querytree.SlotBase:
		return &querytree.Slot{N: n - querytree.SlotBase}
	}
	return &querytree.Param{N: n}
}

func isDigitAt(s string, i int) bool {
	return i < len(s) && s[i] >= '0' && s[i] <= '9'
}

func constant(a *pg.A_Const) querytree.Expr {
	if a.GetIsnull() {
		return &querytree.Null{}
	}
	switch v := a.GetVal().(type) {
	case *pg.A_Const_Ival:
		return &querytree.Literal{Text: strconv.Itoa(int(v.Ival.GetIval())), Integer: true}
	case *pg.A_Const_Fval:
		text := v.Fval.GetFval()
		return &querytree.Literal{Text: text, Integer: isDigits(text)}
	case *pg.A_Const_Boolval:
		return &querytree.Literal{Text: strconv.FormatBool(v.Boolval.GetBoolval())}
	case *pg.A_Const_Sval:
		return &querytree.Literal{Text: v.Sval.GetSval(), String: true}
	case *pg.A_Const_Bsval:
		return &querytree.Literal{Text: v.Bsval.GetBsval()}
	}
	return &querytree.Unknown{What: "constant"}
}

// isDigits is true for an integer of any length, with or without a minus sign.
func isDigits(s string) bool {
	if s != "" && s[0] == '-' {
		s = s[1:]
	}
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}
