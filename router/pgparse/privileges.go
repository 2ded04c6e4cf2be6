package pgparse

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"shardproxy/router/querytree"
)

// privilegeStatement fills in a statement on roles and their rights; false for
// others.
func (c *converter) privilegeStatement(s *querytree.Statement, n *pg.Node) bool {
	s.Kind = querytree.Privileges
	switch n := n.GetNode().(type) {
	case *pg.Node_GrantStmt:
		c.grant(s, n.GrantStmt)
	case *pg.Node_GrantRoleStmt:
		t := n.GrantRoleStmt
		granted(s, t.GetIsGrant(), "role")
		s.Tag += " ROLE"
		for _, p := range t.GetGrantedRoles() {
			s.DDL.Names = append(s.DDL.Names, querytree.RelationName{Name: p.GetAccessPriv().GetPrivName()})
		}
		s.Names = roles(t.GetGranteeRoles())
	case *pg.Node_AlterDefaultPrivilegesStmt:
		c.grant(s, n.AlterDefaultPrivilegesStmt.GetAction())
		s.Tag = "ALTER DEFAULT PRIVILEGES"
		s.DDL.Action = querytree.ActionAlter
	case *pg.Node_CreateRoleStmt:
		define(s, querytree.ActionCreate, "role", n.CreateRoleStmt.GetRole())
	case *pg.Node_AlterRoleStmt:
		define(s, querytree.ActionAlter, "role", roleName(n.AlterRoleStmt.GetRole()))
	case *pg.Node_AlterRoleSetStmt:
		define(s, querytree.ActionAlter, "role")
		if n.AlterRoleSetStmt.GetRole() != nil { // nil: ALTER ROLE ALL
			s.DDL.Names = []querytree.RelationName{{Name: roleName(n.AlterRoleSetStmt.GetRole())}}
		}
		c.defaultSetting(s, n.AlterRoleSetStmt.GetSetstmt())
	case *pg.Node_DropRoleStmt:
		define(s, querytree.ActionDrop, "role")
		s.DDL.Names = roles(n.DropRoleStmt.GetRoles())
		s.DDL.IfExists = n.DropRoleStmt.GetMissingOk()
	case *pg.Node_DropOwnedStmt:
		define(s, querytree.ActionDrop, "owned")
		s.DDL.Cascade = cascades(n.DropOwnedStmt.GetBehavior())
		s.Names = roles(n.DropOwnedStmt.GetRoles())
	case *pg.Node_ReassignOwnedStmt:
		define(s, querytree.ActionSetOwner, "owned")
		s.Tag = "REASSIGN OWNED"
		s.Names = roles(n.ReassignOwnedStmt.GetRoles())
	default:
		return false
	}
	return true
}

func granted(s *querytree.Statement, isGrant bool, object string) {
	s.Tag, s.DDL.Action, s.DDL.Object = "GRANT", querytree.ActionGrant, object
	if !isGrant {
		s.Tag, s.DDL.Action = "REVOKE", querytree.ActionRevoke
	}
}

// grant converts GRANT and REVOKE. ALL TABLES IN SCHEMA names schemas.
func (c *converter) grant(s *querytree.Statement, g *pg.GrantStmt) {
	granted(s, g.GetIsGrant(), objectType(g.GetObjtype()))
	s.DDL.Cascade = cascades(g.GetBehavior())
	s.Names = roles(g.GetGrantees())
	if g.GetTargtype() == pg.GrantTargetType_ACL_TARGET_ALL_IN_SCHEMA {
		s.DDL.Object = "schema"
	}
	for _, n := range g.GetObjects() {
		if r := n.GetRangeVar(); r != nil {
			s.Relations = append(s.Relations, relation(r))
			continue
		}
		if name, ok := objectName(n, words(n.GetList().GetItems())); ok {
			s.DDL.Names = append(s.DDL.Names, name)
		}
		c.optional(s, n)
	}
}

func roles(nodes []*pg.Node) []querytree.RelationName {
	var out []querytree.RelationName
	for _, n := range nodes {
		out = append(out, querytree.RelationName{Name: roleName(n.GetRoleSpec())})
	}
	return out
}
