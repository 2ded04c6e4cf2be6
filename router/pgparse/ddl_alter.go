package pgparse

import (
	"strconv"
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"shardproxy/router/querytree"
)

// alterTable fills in the parts of ALTER TABLE and its like.
func (c *converter) alterTable(s *querytree.Statement, t *pg.AlterTableStmt) {
	s.DDL.IfExists = t.GetMissingOk()
	for _, n := range t.GetCmds() {
		cmd := n.GetAlterTableCmd()
		s.DDL.Changes = append(s.DDL.Changes, c.change(s, cmd))
		s.DDL.Cascade = s.DDL.Cascade || cascades(cmd.GetBehavior())
	}
}

func (c *converter) change(s *querytree.Statement, cmd *pg.AlterTableCmd) querytree.Change {
	out := querytree.Change{
		Kind: changeKind(cmd.GetSubtype()), Name: cmd.GetName(),
		Cascade: cascades(cmd.GetBehavior()), IfExists: cmd.GetMissingOk(),
	}
	if out.Name == "" && cmd.GetNum() > 0 {
		out.Name = strconv.Itoa(int(cmd.GetNum())) // a column of an index
	}
	if cmd.GetSubtype() == pg.AlterTableType_AT_ColumnDefault {
		c.changedDefault(&out, cmd.GetDef())
		return out
	}
	switch d := cmd.GetDef().GetNode().(type) {
	case *pg.Node_ColumnDef:
		s.DDL.Constraints = append(s.DDL.Constraints, c.changedColumn(&out, d.ColumnDef)...)
	case *pg.Node_Constraint:
		c.changedConstraint(&out, d.Constraint)
	case *pg.Node_RangeVar: // INHERIT
		s.DDL.Parents = append(s.DDL.Parents, relation(d.RangeVar))
	case *pg.Node_PartitionCmd:
		s.DDL.Concurrently = d.PartitionCmd.GetConcurrent()
		s.InTransaction = s.InTransaction && !s.DDL.Concurrently
	case *pg.Node_List:
		out.Options = options(d.List.GetItems())
		if cmd.GetSubtype() == pg.AlterTableType_AT_SetIdentity {
			out.Options = sequence(d.List.GetItems())
		}
	}
	return out
}

// changedDefault tells SET DEFAULT from DROP DEFAULT.
func (c *converter) changedDefault(out *querytree.Change, n *pg.Node) {
	if n == nil {
		out.Kind = "drop default"
		return
	}
	out.Kind = "set default"
	out.Definition = &querytree.ColumnDefinition{Name: out.Name, Default: c.expr(n)}
}

// changedColumn converts a new column, or the new type of one, and returns the
// constraints written at it.
func (c *converter) changedColumn(out *querytree.Change, d *pg.ColumnDef) []querytree.Constraint {
	definition, constraints := c.columnDefinition(d)
	if out.Name == "" {
		out.Name = definition.Name
	}
	definition.Name = out.Name
	out.Definition = &definition
	out.Using = c.expr(d.GetRawDefault())
	return constraints
}

// changedConstraint tells a new constraint of the table from the identity that
// ADD GENERATED gives to a column.
func (c *converter) changedConstraint(out *querytree.Change, k *pg.Constraint) {
	if k.GetContype() == pg.ConstrType_CONSTR_IDENTITY {
		out.Definition = &querytree.ColumnDefinition{
			Name: out.Name, Identity: identity(k.GetGeneratedWhen()), Sequence: sequence(k.GetOptions()),
		}
		return
	}
	converted := constraint(k)
	out.Constraint = &converted
	if out.Name == "" {
		out.Name = converted.Name
	}
}

// changeKind names a part of ALTER TABLE.
func changeKind(t pg.AlterTableType) string {
	switch t {
	case pg.AlterTableType_AT_AlterColumnType:
		return "alter type"
	case pg.AlterTableType_AT_ChangeOwner:
		return "set owner"
	case pg.AlterTableType_AT_AddInherit:
		return "inherit"
	case pg.AlterTableType_AT_DropInherit:
		return "no inherit"
	case pg.AlterTableType_AT_SetUnLogged:
		return "set unlogged"
	case pg.AlterTableType_AT_SetTableSpace:
		return "set tablespace"
	}
	// The other constants are spelled about as the commands: AT_AddColumn.
	var b strings.Builder
	for i, r := range strings.TrimPrefix(t.String(), "AT_") {
		if r >= 'A' && r <= 'Z' {
			if i > 0 {
				b.WriteByte(' ')
			}
			r += 'a' - 'A'
		}
		b.WriteRune(r)
	}
	return strings.Replace(b.String(), " trig", " trigger", 1)
}

// changeStatement fills in DROP, COMMENT, and the ALTERs that are alike for
// all kinds of objects; false for others.
func (c *converter) changeStatement(s *querytree.Statement, n *pg.Node) bool {
	switch n := n.GetNode().(type) {
	case *pg.Node_DropStmt:
		c.drop(s, n.DropStmt)
	case *pg.Node_CommentStmt:
		c.describe(s, "COMMENT", n.CommentStmt.GetObjtype(), n.CommentStmt.GetObject())
	case *pg.Node_SecLabelStmt:
		c.describe(s, "SECURITY LABEL", n.SecLabelStmt.GetObjtype(), n.SecLabelStmt.GetObject())
	case *pg.Node_RenameStmt:
		c.rename(s, n.RenameStmt)
	case *pg.Node_AlterObjectSchemaStmt:
		t := n.AlterObjectSchemaStmt
		define(s, querytree.ActionSetSchema, objectType(t.GetObjectType()))
		s.DDL.NewSchema, s.DDL.IfExists = t.GetNewschema(), t.GetMissingOk()
		c.altered(s, t.GetObjectType(), t.GetRelation(), t.GetObject())
	case *pg.Node_AlterOwnerStmt:
		t := n.AlterOwnerStmt
		define(s, querytree.ActionSetOwner, objectType(t.GetObjectType()))
		c.altered(s, t.GetObjectType(), t.GetRelation(), t.GetObject())
	case *pg.Node_AlterObjectDependsStmt:
		t := n.AlterObjectDependsStmt
		define(s, querytree.ActionAlter, objectType(t.GetObjectType()))
		c.altered(s, t.GetObjectType(), t.GetRelation(), t.GetObject())
	default:
		return false
	}
	if s.DDL.Object == "role" {
		s.Kind = querytree.Privileges
	}
	return true
}

// altered notes the object of an ALTER. Where it belongs to a relation, the
// object is its name alone.
func (c *converter) altered(s *querytree.Statement, t pg.ObjectType, r *pg.RangeVar, n *pg.Node) {
	if r != nil {
		s.Relations = append(s.Relations, relation(r))
		for _, part := range words(n.GetList().GetItems()) {
			s.DDL.Names = append(s.DDL.Names, querytree.RelationName{Name: part})
		}
		return
	}
	object(s, t, n)
	c.optional(s, n)
}

func (c *converter) drop(s *querytree.Statement, d *pg.DropStmt) {
	define(s, querytree.ActionDrop, objectType(d.GetRemoveType()))
	s.DDL.IfExists = d.GetMissingOk()
	s.DDL.Cascade = cascades(d.GetBehavior())
	s.DDL.Concurrently = d.GetConcurrent()
	s.InTransaction = !d.GetConcurrent()
	for _, n := range d.GetObjects() {
		object(s, d.GetRemoveType(), n)
		c.optional(s, n)
	}
}

// describe converts COMMENT and SECURITY LABEL.
func (c *converter) describe(s *querytree.Statement, tag string, t pg.ObjectType, n *pg.Node) {
	s.Tag = tag
	s.DDL.Action, s.DDL.Object = querytree.ActionComment, objectType(t)
	object(s, t, n)
	c.optional(s, n)
}

func (c *converter) rename(s *querytree.Statement, r *pg.RenameStmt) {
	kind := r.GetRenameType()
	if kind == pg.ObjectType_OBJECT_COLUMN {
		kind = r.GetRelationType() // also of views and foreign tables
	}
	define(s, querytree.ActionRename, objectType(kind))
	s.DDL.NewName, s.DDL.IfExists = r.GetNewname(), r.GetMissingOk()
	s.DDL.Cascade = cascades(r.GetBehavior())
	switch r.GetRenameType() {
	case pg.ObjectType_OBJECT_COLUMN, pg.ObjectType_OBJECT_ATTRIBUTE:
		s.DDL.Column = r.GetSubname()
	default:
		if r.GetSubname() != "" {
			s.DDL.Names = append(s.DDL.Names, querytree.RelationName{Name: r.GetSubname()})
		}
	}
	if r.GetRelation() != nil || r.GetObject() != nil {
		c.altered(s, r.GetRenameType(), r.GetRelation(), r.GetObject())
	}
}
