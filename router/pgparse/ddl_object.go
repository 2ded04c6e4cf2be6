package pgparse

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"shardproxy/router/querytree"
)

// objectStatement fills in a statement on schemas, types, extensions and text
// search; false for others.
func (c *converter) objectStatement(s *querytree.Statement, n *pg.Node) bool {
	switch n := n.GetNode().(type) {
	case *pg.Node_CreateSchemaStmt:
		c.createSchema(s, n.CreateSchemaStmt)
	case *pg.Node_CreateExtensionStmt:
		define(s, querytree.ActionCreate, "extension", n.CreateExtensionStmt.GetExtname())
		s.DDL.IfNotExists = n.CreateExtensionStmt.GetIfNotExists()
		s.DDL.Options = options(n.CreateExtensionStmt.GetOptions())
	case *pg.Node_AlterExtensionStmt:
		define(s, querytree.ActionAlter, "extension", n.AlterExtensionStmt.GetExtname())
	case *pg.Node_AlterExtensionContentsStmt:
		t := n.AlterExtensionContentsStmt
		define(s, querytree.ActionAlter, "extension", t.GetExtname())
		object(s, t.GetObjtype(), t.GetObject())
		c.optional(s, t.GetObject())
	case *pg.Node_CompositeTypeStmt:
		r := relation(n.CompositeTypeStmt.GetTypevar())
		define(s, querytree.ActionCreate, "type")
		s.DDL.Names = []querytree.RelationName{r}
		for _, column := range n.CompositeTypeStmt.GetColdeflist() {
			c.optional(s, column)
		}
	case *pg.Node_CreateEnumStmt:
		define(s, querytree.ActionCreate, "type", words(n.CreateEnumStmt.GetTypeName())...)
	case *pg.Node_CreateRangeStmt:
		define(s, querytree.ActionCreate, "type", words(n.CreateRangeStmt.GetTypeName())...)
		c.keep(s, n.CreateRangeStmt)
	case *pg.Node_AlterEnumStmt:
		define(s, querytree.ActionAlter, "type", words(n.AlterEnumStmt.GetTypeName())...)
	case *pg.Node_AlterTypeStmt:
		define(s, querytree.ActionAlter, "type", words(n.AlterTypeStmt.GetTypeName())...)
		c.keep(s, n.AlterTypeStmt)
	case *pg.Node_CreateDomainStmt:
		define(s, querytree.ActionCreate, "domain", words(n.CreateDomainStmt.GetDomainname())...)
		c.keep(s, n.CreateDomainStmt)
	case *pg.Node_AlterDomainStmt:
		define(s, querytree.ActionAlter, "domain", words(n.AlterDomainStmt.GetTypeName())...)
		s.DDL.IfExists = n.AlterDomainStmt.GetMissingOk()
		s.DDL.Cascade = cascades(n.AlterDomainStmt.GetBehavior())
		c.keep(s, n.AlterDomainStmt)
	case *pg.Node_DefineStmt:
		define(s, querytree.ActionCreate, objectType(n.DefineStmt.GetKind()), words(n.DefineStmt.GetDefnames())...)
		s.DDL.IfNotExists, s.DDL.OrReplace = n.DefineStmt.GetIfNotExists(), n.DefineStmt.GetReplace()
		c.keep(s, n.DefineStmt)
	case *pg.Node_AlterCollationStmt:
		define(s, querytree.ActionAlter, "collation", words(n.AlterCollationStmt.GetCollname())...)
	case *pg.Node_CreateConversionStmt:
		define(s, querytree.ActionCreate, "conversion", words(n.CreateConversionStmt.GetConversionName())...)
	case *pg.Node_AlterStatsStmt:
		define(s, querytree.ActionAlter, "statistics", words(n.AlterStatsStmt.GetDefnames())...)
		s.DDL.IfExists = n.AlterStatsStmt.GetMissingOk()
	case *pg.Node_AlterTsdictionaryStmt:
		define(s, querytree.ActionAlter, "text search dictionary", words(n.AlterTsdictionaryStmt.GetDictname())...)
	case *pg.Node_AlterTsconfigurationStmt:
		define(s, querytree.ActionAlter, "text search configuration", words(n.AlterTsconfigurationStmt.GetCfgname())...)
	default:
		return false
	}
	return true
}

// createSchema converts CREATE SCHEMA. A schema without a name has its
// owner's.
func (c *converter) createSchema(s *querytree.Statement, t *pg.CreateSchemaStmt) {
	name := t.GetSchemaname()
	if name == "" {
		name = roleName(t.GetAuthrole())
	}
	define(s, querytree.ActionCreate, "schema", name)
	s.DDL.IfNotExists = t.GetIfNotExists()
	c.keep(s, t)
}
