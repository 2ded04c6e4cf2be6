package pgparse

import (
	"strconv"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
)

// options returns options by name in lower case; the last one of a name
// counts.
func options(nodes []*pg.Node) map[string]string {
	if len(nodes) == 0 {
		return nil
	}
	out := make(map[string]string, len(nodes))
	for _, n := range nodes {
		d := n.GetDefElem()
		if d == nil {
			continue
		}
		name := d.GetDefname()
		if d.GetDefnamespace() != "" {
			name = d.GetDefnamespace() + "." + name
		}
		out[strings.ToLower(name)] = optionText(d.GetArg())
	}
	return out
}

// optionText is an option's value as text, words in the case they have after
// folding. An option without a value is "true".
func optionText(n *pg.Node) string {
	switch n := n.GetNode().(type) {
	case nil:
		return "true"
	case *pg.Node_String_:
		return n.String_.GetSval()
	case *pg.Node_Integer:
		return strconv.Itoa(int(n.Integer.GetIval()))
	case *pg.Node_Float:
		return n.Float.GetFval()
	case *pg.Node_Boolean:
		return strconv.FormatBool(n.Boolean.GetBoolval())
	case *pg.Node_AStar:
		return "*"
	case *pg.Node_TypeName:
		name, array, _ := typeName(n.TypeName)
		if array {
			name += "[]"
		}
		return name
	case *pg.Node_List:
		return listText(n.List.GetItems())
	case *pg.Node_RoleSpec:
		return roleName(n.RoleSpec)
	}
	return ""
}

// listText joins words with commas, each quoted so that it can be told from
// the others.
func listText(nodes []*pg.Node) string {
	var b strings.Builder
	for i, n := range nodes {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(quoteIdent(optionText(n)))
	}
	return b.String()
}

func quoteIdent(s string) string {
	return `"` + strings.ReplaceAll(s, `"`, `""`) + `"`
}

// roleName is a role's name, or the keyword that stands for it.
func roleName(r *pg.RoleSpec) string {
	switch r.GetRoletype() {
	case pg.RoleSpecType_ROLESPEC_CURRENT_ROLE:
		return "current_role"
	case pg.RoleSpecType_ROLESPEC_CURRENT_USER:
		return "current_user"
	case pg.RoleSpecType_ROLESPEC_SESSION_USER:
		return "session_user"
	case pg.RoleSpecType_ROLESPEC_PUBLIC:
		return "public"
	}
	return r.GetRolename()
}
