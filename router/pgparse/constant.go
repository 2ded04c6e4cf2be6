package pgparse

import (
	"strconv"

	pg "github.com/pganalyze/pg_query_go/v6"

	"shardproxy/router/querytree"
)

// param tells a client's parameter from a slot of the stripped text.
func param(p *pg.ParamRef) querytree.Expr {
	n := int(p.GetNumber())
	switch {
	case n <= 0:
		return &querytree.Unknown{What: "parameter $" + strconv.Itoa(n)}
	case n >= querytree.ListBase:
		return &querytree.Slot{N: n - querytree.ListBase, List: true}
	case n >= querytree.SlotBase:
		return &querytree.Slot{N: n - querytree.SlotBase}
	}
	return &querytree.Param{N: n}
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
