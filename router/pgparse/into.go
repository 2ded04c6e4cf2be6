package pgparse

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"shardproxy/router/querytree"
)

// createTableAs converts CREATE TABLE AS and CREATE MATERIALIZED VIEW.
func (c *converter) createTableAs(s *querytree.Statement, t *pg.CreateTableAsStmt) {
	s.Kind, s.Tag = querytree.CreateTableAs, "CREATE TABLE AS"
	s.DDL = &querytree.DDLSpec{
		Object: "table", Action: querytree.ActionCreate, IfNotExists: t.GetIfNotExists(),
	}
	if t.GetObjtype() == pg.ObjectType_OBJECT_MATVIEW {
		s.Tag, s.DDL.Object = "CREATE MATERIALIZED VIEW", "materialized view"
	}
	into(s, t.GetInto())
	if t.GetQuery().GetExecuteStmt() != nil {
		s.Inner = c.statement(t.GetQuery())
		return
	}
	if s.Query = c.query(t.GetQuery()); s.Query == nil {
		s.Kind = querytree.Unsupported
	}
}

// selectInto fills in what SELECT INTO has besides its query.
func selectInto(s *querytree.Statement, i *pg.IntoClause) {
	s.Kind, s.Tag = querytree.CreateTableAs, "SELECT INTO"
	s.DDL = &querytree.DDLSpec{Object: "table", Action: querytree.ActionCreate}
	into(s, i)
}

func into(s *querytree.Statement, i *pg.IntoClause) {
	s.Relations = []querytree.RelationName{relation(i.GetRel())}
	s.Temporary = i.GetRel().GetRelpersistence() == temporary || inTemporarySchema(s.Relations)
	s.DDL.Options = options(i.GetOptions())
	for _, name := range words(i.GetColNames()) {
		s.DDL.Columns = append(s.DDL.Columns, querytree.ColumnDefinition{Name: name})
	}
}
