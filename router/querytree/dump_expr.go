package querytree

import (
	"strconv"
	"strings"
)

func dumpExprs(list []Expr) string {
	out := make([]string, len(list))
	for i, e := range list {
		out[i] = dumpExpr(e)
	}
	return strings.Join(out, ", ")
}

func dumpExpr(e Expr) string {
	switch e := e.(type) {
	case nil:
		return ""
	case *Column:
		return dumpColumn(e)
	case *Slot:
		return "#" + strconv.Itoa(e.N) + word("*", e.List)
	case *Param:
		return "$" + strconv.Itoa(e.N)
	case *Null:
		return "null"
	case *Literal:
		return dumpLiteral(e)
	case *Cast:
		return dumpExpr(e.Value) + "::" + dumpType(e.Type, e.Array, e.Modified)
	case *Compare:
		return "(" + dumpExpr(e.Left) + " " + e.Op + " " + dumpExpr(e.Right) + ")"
	case *And:
		return "and(" + dumpExprs(e.Terms) + ")"
	case *Or:
		return "or(" + dumpExprs(e.Terms) + ")"
	case *Not:
		return "not(" + dumpExpr(e.Term) + ")"
	case *In:
		return "(" + dumpExpr(e.Left) + word(" not", e.Not) + " in (" + dumpExprs(e.List) + "))"
	case *AnyArray:
		quantifier := " any("
		if e.All {
			quantifier = " all("
		}
		return "(" + dumpExpr(e.Left) + " " + e.Op + quantifier + dumpExpr(e.Array) + "))"
	case *IsNull:
		return "(" + dumpExpr(e.Value) + " is" + word(" not", e.Not) + " null)"
	}
	return dumpCompound(e)
}

func dumpCompound(e Expr) string {
	switch e := e.(type) {
	case *ArrayExpr:
		return "array[" + dumpExprs(e.Elements) + "]"
	case *Row:
		return "row(" + dumpExprs(e.Elements) + ")"
	case *Operator:
		name := e.Name
		if e.Schema != "" {
			name = e.Schema + "." + name
		}
		return "operator " + name + "(" + dumpExprs(e.Operands) + ")"
	case *Function:
		return dumpFunction(e)
	case *Subquery:
		return dumpSubquery(e)
	case *Group:
		return "<" + e.What + ">(" + dumpExprs(e.Parts) + ")"
	case *Special:
		return "@" + e.Name
	case *Unknown:
		return "?" + e.What + "?"
	}
	return "?"
}

func dumpColumn(c *Column) string {
	out := ""
	for _, q := range c.Qualifier {
		out += ident(q) + "."
	}
	if c.Star {
		return out + "*"
	}
	return out + ident(c.Name)
}

func dumpLiteral(l *Literal) string {
	switch {
	case l.String:
		return "'" + strings.ReplaceAll(l.Text, "'", "''") + "'"
	case l.Integer, l.Default:
		return l.Text
	}
	return "`" + l.Text + "`"
}

func dumpType(name string, array, modified bool) string {
	return name + word("(...)", modified) + word("[]", array)
}

func dumpFunction(f *Function) string {
	out := ident(f.Name)
	if f.Schema != "" {
		out = ident(f.Schema) + "." + out
	}
	out += "(" + word("distinct ", f.Distinct) + word("variadic ", f.Variadic) + word("*", f.Star) + dumpExprs(f.Args)
	if len(f.OrderBy) > 0 && !f.WithinGroup {
		out += " order by " + dumpKeys(f.OrderBy)
	}
	out += ")"
	if f.WithinGroup {
		out += " within group (" + dumpKeys(f.OrderBy) + ")"
	}
	if f.Filter != nil {
		out += " filter (" + dumpExpr(f.Filter) + ")"
	}
	if f.Over {
		out += " over (" + dumpExprs(f.OverExprs) + ")"
	}
	return out
}

func dumpSubquery(s *Subquery) string {
	text := "scalar"
	switch s.Kind {
	case Exists:
		text = "exists"
	case AnySubquery:
		text = "any"
	case AllSubquery:
		text = "all"
	case ArraySubquery:
		text = "array"
	}
	text += " {" + dumpQuery(s.Query).short() + "}"
	if s.Test == nil && s.Op == "" {
		return text
	}
	return "(" + dumpExpr(s.Test) + " " + s.Op + " " + text + ")"
}

func dumpKeys(list []OrderKey) string {
	out := make([]string, len(list))
	for i, k := range list {
		out[i] = dumpExpr(k.Expr) + word(" desc", k.Descending) +
			word(" nulls first", k.NullsFirst == Yes) + word(" nulls last", k.NullsFirst == No)
		if k.Using != "" {
			out[i] += " using " + k.Using
		}
	}
	return strings.Join(out, ", ")
}
