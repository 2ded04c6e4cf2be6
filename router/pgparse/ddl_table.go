package pgparse

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"shardproxy/router/querytree"
)

// tableStatement fills in a statement that makes or alters a table or
// something that hangs on one; false for others.
func (c *converter) tableStatement(s *querytree.Statement, n *pg.Node) bool {
	switch n := n.GetNode().(type) {
	case *pg.Node_CreateStmt:
		define(s, querytree.ActionCreate, "table")
		c.createTable(s, n.CreateStmt)
		c.keep(s, n.CreateStmt)
	case *pg.Node_CreateForeignTableStmt:
		define(s, querytree.ActionCreate, "foreign table")
		c.createTable(s, n.CreateForeignTableStmt.GetBaseStmt())
		c.keep(s, n.CreateForeignTableStmt)
	case *pg.Node_AlterTableStmt:
		define(s, querytree.ActionAlter, objectType(n.AlterTableStmt.GetObjtype()))
		c.alterTable(s, n.AlterTableStmt)
		c.keep(s, n.AlterTableStmt)
	case *pg.Node_IndexStmt:
		c.createIndex(s, n.IndexStmt)
		c.keep(s, n.IndexStmt)
	case *pg.Node_ViewStmt:
		c.createView(s, n.ViewStmt)
	case *pg.Node_CreateSeqStmt:
		c.createSequence(s, n.CreateSeqStmt)
	case *pg.Node_AlterSeqStmt:
		c.alterSequence(s, n.AlterSeqStmt)
	case *pg.Node_CreateTrigStmt:
		define(s, querytree.ActionCreate, "trigger", n.CreateTrigStmt.GetTrigname())
		s.DDL.OrReplace = n.CreateTrigStmt.GetReplace()
		c.keep(s, n.CreateTrigStmt)
	case *pg.Node_RuleStmt:
		define(s, querytree.ActionCreate, "rule", n.RuleStmt.GetRulename())
		s.DDL.OrReplace = n.RuleStmt.GetReplace()
		c.keep(s, n.RuleStmt)
	case *pg.Node_CreatePolicyStmt:
		define(s, querytree.ActionCreate, "policy", n.CreatePolicyStmt.GetPolicyName())
		c.keep(s, n.CreatePolicyStmt)
	case *pg.Node_AlterPolicyStmt:
		define(s, querytree.ActionAlter, "policy", n.AlterPolicyStmt.GetPolicyName())
		c.keep(s, n.AlterPolicyStmt)
	case *pg.Node_CreateStatsStmt:
		define(s, querytree.ActionCreate, "statistics", words(n.CreateStatsStmt.GetDefnames())...)
		s.DDL.IfNotExists = n.CreateStatsStmt.GetIfNotExists()
		c.keep(s, n.CreateStatsStmt)
	default:
		return false
	}
	return true
}

// createTable fills in the definition of CREATE TABLE. What it names is
// gathered by its caller.
func (c *converter) createTable(s *querytree.Statement, t *pg.CreateStmt) {
	d := s.DDL
	d.IfNotExists = t.GetIfNotExists()
	d.Options = options(t.GetOptions())
	s.Temporary = t.GetRelation().GetRelpersistence() == temporary
	d.PartitionOf = t.GetPartbound() != nil
	d.Parents = relations(t.GetInhRelations())
	for _, n := range t.GetTableElts() {
		switch n := n.GetNode().(type) {
		case *pg.Node_ColumnDef:
			column, constraints := c.columnDefinition(n.ColumnDef)
			d.Columns = append(d.Columns, column)
			d.Constraints = append(d.Constraints, constraints...)
		case *pg.Node_Constraint:
			d.Constraints = append(d.Constraints, constraint(n.Constraint))
		case *pg.Node_TableLikeClause:
			d.Like = append(d.Like, relation(n.TableLikeClause.GetRelation()))
		}
	}
	for _, n := range t.GetPartspec().GetPartParams() {
		d.PartitionBy = append(d.PartitionBy, n.GetPartitionElem().GetName())
	}
}

// columnDefinition converts a column with the constraints written at it.
func (c *converter) columnDefinition(d *pg.ColumnDef) (querytree.ColumnDefinition, []querytree.Constraint) {
	out := querytree.ColumnDefinition{Name: d.GetColname(), NotNull: d.GetIsNotNull()}
	out.Type, out.Array, out.Modified = typeName(d.GetTypeName())
	var constraints []querytree.Constraint
	for _, n := range d.GetConstraints() {
		k := n.GetConstraint()
		switch k.GetContype() {
		case pg.ConstrType_CONSTR_NOTNULL:
			out.NotNull = true
		case pg.ConstrType_CONSTR_DEFAULT:
			out.Default = c.expr(k.GetRawExpr())
		case pg.ConstrType_CONSTR_IDENTITY:
			out.Identity = identity(k.GetGeneratedWhen())
			out.Sequence = sequence(k.GetOptions())
		case pg.ConstrType_CONSTR_GENERATED:
			out.Generated = true
		case pg.ConstrType_CONSTR_PRIMARY, pg.ConstrType_CONSTR_UNIQUE, pg.ConstrType_CONSTR_CHECK,
			pg.ConstrType_CONSTR_FOREIGN:
			own := constraint(k)
			own.Columns = []string{d.GetColname()}
			constraints = append(constraints, own)
		}
	}
	return out, constraints
}

func identity(when string) string {
	if when == "a" {
		return "always"
	}
	return "by default"
}

// constraint converts a constraint of a table, or one written at a column.
func constraint(k *pg.Constraint) querytree.Constraint {
	out := querytree.Constraint{
		Name: k.GetConname(), Columns: words(k.GetKeys()),
		Predicate: k.GetWhereClause() != nil, UsingIndex: k.GetIndexname(),
	}
	switch k.GetContype() {
	case pg.ConstrType_CONSTR_PRIMARY:
		out.Kind = "primary key"
	case pg.ConstrType_CONSTR_UNIQUE:
		out.Kind = "unique"
	case pg.ConstrType_CONSTR_CHECK:
		out.Kind = "check"
	case pg.ConstrType_CONSTR_EXCLUSION:
		out.Kind = "exclude"
		for _, n := range k.GetExclusions() {
			if pair := n.GetList().GetItems(); len(pair) > 0 {
				out.Columns = append(out.Columns, pair[0].GetIndexElem().GetName())
			}
		}
	case pg.ConstrType_CONSTR_FOREIGN:
		out.Kind = "foreign key"
		out.Columns = words(k.GetFkAttrs())
		if k.GetPktable() != nil { // nil: ALTER CONSTRAINT
			name := relation(k.GetPktable())
			out.References, out.RefColumns = &name, words(k.GetPkAttrs())
		}
	case pg.ConstrType_CONSTR_NOTNULL:
		out.Kind = "not null"
	default:
		out.Kind = k.GetContype().String()
	}
	return out
}

func (c *converter) createIndex(s *querytree.Statement, i *pg.IndexStmt) {
	define(s, querytree.ActionCreate, "index")
	if i.GetIdxname() != "" {
		s.DDL.Names = []querytree.RelationName{{Name: i.GetIdxname()}}
	}
	s.DDL.IfNotExists = i.GetIfNotExists()
	s.DDL.Concurrently = i.GetConcurrent()
	s.InTransaction = !i.GetConcurrent()
	key := querytree.Constraint{Kind: "index", Name: i.GetIdxname(), Predicate: i.GetWhereClause() != nil}
	if i.GetUnique() {
		key.Kind = "unique"
	}
	for _, n := range i.GetIndexParams() {
		key.Columns = append(key.Columns, n.GetIndexElem().GetName())
	}
	s.DDL.Constraints = []querytree.Constraint{key}
}

func (c *converter) createView(s *querytree.Statement, v *pg.ViewStmt) {
	define(s, querytree.ActionCreate, "view")
	s.DDL.OrReplace = v.GetReplace()
	s.DDL.Options = options(v.GetOptions())
	s.Temporary = v.GetView().GetRelpersistence() == temporary
	s.Relations = []querytree.RelationName{relation(v.GetView())}
	if s.Query = c.query(v.GetQuery()); s.Query == nil {
		s.Kind = querytree.Unsupported
	}
	for i, alias := range words(v.GetAliases()) {
		if i == 0 {
			s.DDL.Columns = make([]querytree.ColumnDefinition, 0, len(v.GetAliases()))
		}
		s.DDL.Columns = append(s.DDL.Columns, querytree.ColumnDefinition{Name: alias})
	}
}
