package pgparse

import (
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"shardproxy/router/querytree"
)

// objectType is an object's kind as commands spell it, in lower case.
func objectType(t pg.ObjectType) string {
	switch t {
	case pg.ObjectType_OBJECT_COLUMN, pg.ObjectType_OBJECT_TABCONSTRAINT, pg.ObjectType_OBJECT_DEFAULT:
		return "table"
	case pg.ObjectType_OBJECT_ATTRIBUTE:
		return "type"
	case pg.ObjectType_OBJECT_DOMCONSTRAINT:
		return "domain"
	case pg.ObjectType_OBJECT_FDW:
		return "foreign data wrapper"
	case pg.ObjectType_OBJECT_FOREIGN_SERVER:
		return "server"
	case pg.ObjectType_OBJECT_LARGEOBJECT:
		return "large object"
	case pg.ObjectType_OBJECT_MATVIEW:
		return "materialized view"
	case pg.ObjectType_OBJECT_OPCLASS:
		return "operator class"
	case pg.ObjectType_OBJECT_OPFAMILY:
		return "operator family"
	case pg.ObjectType_OBJECT_PARAMETER_ACL:
		return "parameter"
	case pg.ObjectType_OBJECT_STATISTIC_EXT:
		return "statistics"
	case pg.ObjectType_OBJECT_TSCONFIGURATION:
		return "text search configuration"
	case pg.ObjectType_OBJECT_TSDICTIONARY:
		return "text search dictionary"
	case pg.ObjectType_OBJECT_TSPARSER:
		return "text search parser"
	case pg.ObjectType_OBJECT_TSTEMPLATE:
		return "text search template"
	}
	// The other constants are spelled as the commands: OBJECT_ACCESS_METHOD.
	name := strings.TrimPrefix(t.String(), "OBJECT_")
	return strings.ToLower(strings.ReplaceAll(name, "_", " "))
}

// object notes the object that DROP, COMMENT, ALTER ... RENAME and their like
// name: relations in s.Relations, others in s.DDL.Names.
func object(s *querytree.Statement, t pg.ObjectType, n *pg.Node) {
	parts := words(n.GetList().GetItems())
	switch t {
	case pg.ObjectType_OBJECT_TABLE, pg.ObjectType_OBJECT_VIEW, pg.ObjectType_OBJECT_MATVIEW,
		pg.ObjectType_OBJECT_FOREIGN_TABLE, pg.ObjectType_OBJECT_SEQUENCE, pg.ObjectType_OBJECT_INDEX:
		s.Relations = append(s.Relations, relationOf(parts))
		return
	case pg.ObjectType_OBJECT_COLUMN, pg.ObjectType_OBJECT_TABCONSTRAINT, pg.ObjectType_OBJECT_TRIGGER,
		pg.ObjectType_OBJECT_RULE, pg.ObjectType_OBJECT_POLICY:
		ofTable(s, t, parts)
		return
	case pg.ObjectType_OBJECT_OPCLASS, pg.ObjectType_OBJECT_OPFAMILY:
		if len(parts) > 0 {
			parts = parts[1:] // the access method
		}
	case pg.ObjectType_OBJECT_CAST, pg.ObjectType_OBJECT_TRANSFORM, pg.ObjectType_OBJECT_LARGEOBJECT:
		return // they have no name
	case pg.ObjectType_OBJECT_DOMCONSTRAINT:
		if items := n.GetList().GetItems(); len(items) == 2 && items[0].GetTypeName() != nil {
			n = items[0] // COMMENT: the constraint's name follows the domain
		}
	}
	if name, ok := objectName(n, parts); ok {
		s.DDL.Names = append(s.DDL.Names, name)
	}
}

// ofTable notes an object whose name has its table before it.
func ofTable(s *querytree.Statement, t pg.ObjectType, parts []string) {
	if len(parts) < 2 {
		return
	}
	last := len(parts) - 1
	s.Relations = append(s.Relations, relationOf(parts[:last]))
	if t == pg.ObjectType_OBJECT_COLUMN {
		s.DDL.Column = parts[last]
		return
	}
	s.DDL.Names = append(s.DDL.Names, querytree.RelationName{Name: parts[last]})
}

func objectName(n *pg.Node, parts []string) (querytree.RelationName, bool) {
	switch n := n.GetNode().(type) {
	case *pg.Node_String_:
		return querytree.RelationName{Name: n.String_.GetSval()}, true
	case *pg.Node_TypeName:
		return relationOf(words(n.TypeName.GetNames())), true
	case *pg.Node_ObjectWithArgs:
		return relationOf(words(n.ObjectWithArgs.GetObjname())), true
	case *pg.Node_RoleSpec:
		return querytree.RelationName{Name: roleName(n.RoleSpec)}, true
	case *pg.Node_List:
		if len(parts) > 0 {
			return relationOf(parts), true
		}
	}
	return querytree.RelationName{}, false
}
