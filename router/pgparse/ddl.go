package pgparse

import (
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/proto"

	"shardproxy/router/querytree"
)

// catalogStatement fills in a statement that changes the catalog; false for
// others.
func (c *converter) catalogStatement(s *querytree.Statement, n *pg.Node) bool {
	s.Kind = querytree.DDL
	s.DDL = &querytree.DDLSpec{}
	if c.tableStatement(s, n) || c.objectStatement(s, n) || c.codeStatement(s, n) || c.serverStatement(s, n) ||
		c.changeStatement(s, n) || c.privilegeStatement(s, n) {
		if s.DDL.Object == "type" { // a composite type, which is no relation
			s.DDL.Names = append(s.Relations, s.DDL.Names...)
			s.Relations = nil
		}
		s.Temporary = s.Temporary || inTemporarySchema(s.Relations) || inTemporarySchema(s.DDL.Names)
		return true
	}
	s.Kind, s.DDL = querytree.Unsupported, nil
	return false
}

// inTemporarySchema is true where a name is in pg_temp, which is the session's
// own, or in the schema pg_temp_n behind it.
func inTemporarySchema(names []querytree.RelationName) bool {
	for _, n := range names {
		if n.Schema == "pg_temp" || strings.HasPrefix(n.Schema, "pg_temp_") {
			return true
		}
	}
	return false
}

const temporary = "t" // RangeVar.relpersistence of TEMPORARY

// define fills in what all statements have that change one kind of object.
// Names are the parts of the object's name where it is no relation.
func define(s *querytree.Statement, action querytree.Action, object string, names ...string) {
	verb := "CREATE "
	switch action {
	case querytree.ActionAlter, querytree.ActionRename, querytree.ActionSetSchema, querytree.ActionSetOwner:
		verb = "ALTER "
	case querytree.ActionDrop:
		verb = "DROP "
	}
	s.Tag = verb + strings.ToUpper(object)
	s.DDL.Action, s.DDL.Object = action, object
	if len(names) > 0 {
		s.DDL.Names = append(s.DDL.Names, relationOf(names))
	}
}

// keep adds what gather finds in a message to the statement.
func (c *converter) keep(s *querytree.Statement, messages ...proto.Message) {
	var f finds
	for _, m := range messages {
		c.gather(&f, m)
	}
	s.Relations = append(s.Relations, f.relations...)
	s.Exprs = append(s.Exprs, f.exprs...)
	s.Parts = append(s.Parts, f.parts...)
}

// optional adds what gather finds in a node that may be missing.
func (c *converter) optional(s *querytree.Statement, nodes ...*pg.Node) {
	for _, n := range nodes {
		if n != nil {
			c.keep(s, n)
		}
	}
}
