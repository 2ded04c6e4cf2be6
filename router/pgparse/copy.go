package pgparse

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"shardproxy/router/querytree"
)

func (c *converter) copy(s *querytree.Statement, p *pg.CopyStmt) {
	s.Kind, s.Tag = querytree.Copy, "COPY"
	s.Copy = &querytree.CopySpec{
		Columns: words(p.GetAttlist()),
		From:    p.GetIsFrom(),
		Program: p.GetIsProgram(),
		File:    p.GetFilename(),
		Stdio:   p.GetFilename() == "" && !p.GetIsProgram(),
		Options: options(p.GetOptions()),
		Where:   c.expr(p.GetWhereClause()),
	}
	if p.GetRelation() != nil {
		s.Copy.Relation = relation(p.GetRelation())
	}
	if p.GetQuery() != nil {
		if s.Copy.Query = c.query(p.GetQuery()); s.Copy.Query == nil {
			s.Kind = querytree.Unsupported
		}
	}
}
