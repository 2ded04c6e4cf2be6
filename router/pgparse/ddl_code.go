package pgparse

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"shardproxy/router/querytree"
)

// codeStatement fills in a statement on functions, operators and languages;
// false for others. A function whose body is a string is not looked into.
func (c *converter) codeStatement(s *querytree.Statement, n *pg.Node) bool {
	switch n := n.GetNode().(type) {
	case *pg.Node_CreateFunctionStmt:
		kind := "function"
		if n.CreateFunctionStmt.GetIsProcedure() {
			kind = "procedure"
		}
		define(s, querytree.ActionCreate, kind, words(n.CreateFunctionStmt.GetFuncname())...)
		s.DDL.OrReplace = n.CreateFunctionStmt.GetReplace()
		c.keep(s, n.CreateFunctionStmt)
	case *pg.Node_AlterFunctionStmt:
		t := n.AlterFunctionStmt
		define(s, querytree.ActionAlter, objectType(t.GetObjtype()), words(t.GetFunc().GetObjname())...)
		c.keep(s, t)
	case *pg.Node_CreateEventTrigStmt:
		define(s, querytree.ActionCreate, "event trigger", n.CreateEventTrigStmt.GetTrigname())
	case *pg.Node_AlterEventTrigStmt:
		define(s, querytree.ActionAlter, "event trigger", n.AlterEventTrigStmt.GetTrigname())
	case *pg.Node_CreatePlangStmt:
		define(s, querytree.ActionCreate, "language", n.CreatePlangStmt.GetPlname())
		s.DDL.OrReplace = n.CreatePlangStmt.GetReplace()
	case *pg.Node_CreateAmStmt:
		define(s, querytree.ActionCreate, "access method", n.CreateAmStmt.GetAmname())
	case *pg.Node_CreateOpClassStmt:
		define(s, querytree.ActionCreate, "operator class", words(n.CreateOpClassStmt.GetOpclassname())...)
		c.keep(s, n.CreateOpClassStmt)
	case *pg.Node_CreateOpFamilyStmt:
		define(s, querytree.ActionCreate, "operator family", words(n.CreateOpFamilyStmt.GetOpfamilyname())...)
	case *pg.Node_AlterOpFamilyStmt:
		define(s, querytree.ActionAlter, "operator family", words(n.AlterOpFamilyStmt.GetOpfamilyname())...)
		c.keep(s, n.AlterOpFamilyStmt)
	case *pg.Node_AlterOperatorStmt:
		define(s, querytree.ActionAlter, "operator", words(n.AlterOperatorStmt.GetOpername().GetObjname())...)
		c.keep(s, n.AlterOperatorStmt)
	case *pg.Node_CreateCastStmt:
		define(s, querytree.ActionCreate, "cast")
		c.keep(s, n.CreateCastStmt)
	case *pg.Node_CreateTransformStmt:
		define(s, querytree.ActionCreate, "transform")
		s.DDL.OrReplace = n.CreateTransformStmt.GetReplace()
		c.keep(s, n.CreateTransformStmt)
	default:
		return false
	}
	return true
}
