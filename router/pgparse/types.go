package pgparse

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"shardproxy/router/querytree"
)

// typeName returns a type's name without pg_catalog, and whether it is an
// array type or has a modifier.
func typeName(t *pg.TypeName) (name string, array, modified bool) {
	name = operator(t.GetNames())
	if t.GetPctType() {
		name += "%type"
	}
	return name, len(t.GetArrayBounds()) > 0, len(t.GetTypmods()) > 0
}

// plainModifiers is false for a type modifier that is more than a constant or
// a word. Servers refuse those, but the grammar lets any expression pass.
func plainModifiers(t *pg.TypeName) bool {
	for _, n := range t.GetTypmods() {
		switch n := n.GetNode().(type) {
		case *pg.Node_AConst:
		case *pg.Node_ColumnRef:
			fields := n.ColumnRef.GetFields()
			if len(fields) != 1 || fields[0].GetString_() == nil {
				return false
			}
		default:
			return false
		}
	}
	return true
}

func (c *converter) cast(t *pg.TypeCast) querytree.Expr {
	if !plainModifiers(t.GetTypeName()) {
		return oddModifier()
	}
	name, array, modified := typeName(t.GetTypeName())
	return &querytree.Cast{Value: c.expr(t.GetArg()), Type: name, Array: array, Modified: modified}
}

func oddModifier() querytree.Expr {
	return &querytree.Unknown{What: "type modifier that is no constant"}
}
