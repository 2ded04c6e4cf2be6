package pgparse

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"shardproxy/router/querytree"
)

// serverStatement fills in a statement on what is more than a schema's
// objects: databases, tablespaces, replication, foreign servers; false for
// others.
func (c *converter) serverStatement(s *querytree.Statement, n *pg.Node) bool {
	switch t := n.GetNode().(type) {
	case *pg.Node_CreatedbStmt:
		define(s, querytree.ActionCreate, "database", t.CreatedbStmt.GetDbname())
		s.DDL.Options = options(t.CreatedbStmt.GetOptions())
		s.InTransaction = false
	case *pg.Node_DropdbStmt:
		define(s, querytree.ActionDrop, "database", t.DropdbStmt.GetDbname())
		s.DDL.IfExists = t.DropdbStmt.GetMissingOk()
		s.InTransaction = false
	case *pg.Node_AlterDatabaseStmt:
		define(s, querytree.ActionAlter, "database", t.AlterDatabaseStmt.GetDbname())
		s.DDL.Options = options(t.AlterDatabaseStmt.GetOptions())
		_, moves := s.DDL.Options["tablespace"]
		s.InTransaction = !moves
	case *pg.Node_AlterDatabaseRefreshCollStmt:
		define(s, querytree.ActionAlter, "database", t.AlterDatabaseRefreshCollStmt.GetDbname())
	case *pg.Node_AlterDatabaseSetStmt:
		define(s, querytree.ActionAlter, "database", t.AlterDatabaseSetStmt.GetDbname())
		c.defaultSetting(s, t.AlterDatabaseSetStmt.GetSetstmt())
	case *pg.Node_AlterSystemStmt:
		define(s, querytree.ActionAlter, "system")
		c.defaultSetting(s, t.AlterSystemStmt.GetSetstmt())
		s.InTransaction = false
	case *pg.Node_CreateTableSpaceStmt:
		define(s, querytree.ActionCreate, "tablespace", t.CreateTableSpaceStmt.GetTablespacename())
		s.InTransaction = false
	case *pg.Node_DropTableSpaceStmt:
		define(s, querytree.ActionDrop, "tablespace", t.DropTableSpaceStmt.GetTablespacename())
		s.DDL.IfExists = t.DropTableSpaceStmt.GetMissingOk()
		s.InTransaction = false
	case *pg.Node_AlterTableSpaceOptionsStmt:
		define(s, querytree.ActionAlter, "tablespace", t.AlterTableSpaceOptionsStmt.GetTablespacename())
	case *pg.Node_AlterTableMoveAllStmt:
		// ALTER TABLE ALL IN TABLESPACE names no relation.
		define(s, querytree.ActionAlter, objectType(t.AlterTableMoveAllStmt.GetObjtype()))
		s.DDL.Object = "tablespace"
		s.DDL.Names = []querytree.RelationName{{Name: t.AlterTableMoveAllStmt.GetOrigTablespacename()}}
	default:
		return c.replicationStatement(s, n) || c.foreignStatement(s, n)
	}
	return true
}

// defaultSetting notes the setting of ALTER SYSTEM, DATABASE and ROLE.
func (c *converter) defaultSetting(s *querytree.Statement, v *pg.VariableSetStmt) {
	var set querytree.Statement
	c.variableSet(&set, v)
	s.Setting = set.Setting
}

func (c *converter) replicationStatement(s *querytree.Statement, n *pg.Node) bool {
	switch n := n.GetNode().(type) {
	case *pg.Node_CreatePublicationStmt:
		define(s, querytree.ActionCreate, "publication", n.CreatePublicationStmt.GetPubname())
		c.keep(s, n.CreatePublicationStmt)
	case *pg.Node_AlterPublicationStmt:
		define(s, querytree.ActionAlter, "publication", n.AlterPublicationStmt.GetPubname())
		c.keep(s, n.AlterPublicationStmt)
	case *pg.Node_CreateSubscriptionStmt:
		t := n.CreateSubscriptionStmt
		define(s, querytree.ActionCreate, "subscription", t.GetSubname())
		s.InTransaction = optionIsOff(t.GetOptions(), "connect") || optionIsOff(t.GetOptions(), "create_slot")
	case *pg.Node_AlterSubscriptionStmt:
		t := n.AlterSubscriptionStmt
		define(s, querytree.ActionAlter, "subscription", t.GetSubname())
		switch t.GetKind() {
		case pg.AlterSubscriptionType_ALTER_SUBSCRIPTION_REFRESH:
			s.InTransaction = false
		case pg.AlterSubscriptionType_ALTER_SUBSCRIPTION_SET_PUBLICATION,
			pg.AlterSubscriptionType_ALTER_SUBSCRIPTION_ADD_PUBLICATION,
			pg.AlterSubscriptionType_ALTER_SUBSCRIPTION_DROP_PUBLICATION:
			s.InTransaction = optionIsOff(t.GetOptions(), "refresh")
		}
	case *pg.Node_DropSubscriptionStmt:
		define(s, querytree.ActionDrop, "subscription", n.DropSubscriptionStmt.GetSubname())
		s.DDL.IfExists = n.DropSubscriptionStmt.GetMissingOk()
		s.DDL.Cascade = cascades(n.DropSubscriptionStmt.GetBehavior())
		s.InTransaction = false
	default:
		return false
	}
	return true
}

func optionIsOff(nodes []*pg.Node, name string) bool {
	for _, n := range nodes {
		if d := n.GetDefElem(); d.GetDefname() == name && isOff(d.GetArg()) {
			return true
		}
	}
	return false
}

func (c *converter) foreignStatement(s *querytree.Statement, n *pg.Node) bool {
	const wrapper, server, mapping = "foreign data wrapper", "server", "user mapping"
	switch n := n.GetNode().(type) {
	case *pg.Node_CreateFdwStmt:
		define(s, querytree.ActionCreate, wrapper, n.CreateFdwStmt.GetFdwname())
	case *pg.Node_AlterFdwStmt:
		define(s, querytree.ActionAlter, wrapper, n.AlterFdwStmt.GetFdwname())
	case *pg.Node_CreateForeignServerStmt:
		define(s, querytree.ActionCreate, server, n.CreateForeignServerStmt.GetServername())
		s.DDL.IfNotExists = n.CreateForeignServerStmt.GetIfNotExists()
	case *pg.Node_AlterForeignServerStmt:
		define(s, querytree.ActionAlter, server, n.AlterForeignServerStmt.GetServername())
	case *pg.Node_CreateUserMappingStmt:
		define(s, querytree.ActionCreate, mapping, roleName(n.CreateUserMappingStmt.GetUser()))
		s.DDL.IfNotExists = n.CreateUserMappingStmt.GetIfNotExists()
	case *pg.Node_AlterUserMappingStmt:
		define(s, querytree.ActionAlter, mapping, roleName(n.AlterUserMappingStmt.GetUser()))
	case *pg.Node_DropUserMappingStmt:
		define(s, querytree.ActionDrop, mapping, roleName(n.DropUserMappingStmt.GetUser()))
		s.DDL.IfExists = n.DropUserMappingStmt.GetMissingOk()
	case *pg.Node_ImportForeignSchemaStmt:
		t := n.ImportForeignSchemaStmt
		define(s, querytree.ActionCreate, "foreign schema", t.GetRemoteSchema())
		s.Tag = "IMPORT FOREIGN SCHEMA"
		s.DDL.NewSchema = t.GetLocalSchema()
		s.Relations = relations(t.GetTableList())
	default:
		return false
	}
	return true
}
