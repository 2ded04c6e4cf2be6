package pgparse

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"shardproxy/router/querytree"
)

// relations returns the names in a list of RangeVars.
func relations(nodes []*pg.Node) []querytree.RelationName {
	var out []querytree.RelationName
	for _, n := range nodes {
		out = append(out, relation(n.GetRangeVar()))
	}
	return out
}

func (c *converter) truncate(s *querytree.Statement, t *pg.TruncateStmt) {
	s.Kind, s.Tag = querytree.Truncate, "TRUNCATE TABLE"
	s.Relations = relations(t.GetRelations())
	s.DDL = &querytree.DDLSpec{
		Object: "table", Action: querytree.ActionTruncate, Cascade: cascades(t.GetBehavior()),
	}
	if t.GetRestartSeqs() {
		s.DDL.Options = map[string]string{"restart_identity": "true"}
	}
}

func cascades(b pg.DropBehavior) bool { return b == pg.DropBehavior_DROP_CASCADE }

// vacuum converts VACUUM and ANALYZE.
func vacuum(s *querytree.Statement, v *pg.VacuumStmt) {
	s.Kind, s.Tag = querytree.Maintain, "ANALYZE"
	if v.GetIsVacuumcmd() {
		s.Tag, s.InTransaction = "VACUUM", false
	}
	for _, n := range v.GetRels() {
		s.Relations = append(s.Relations, relation(n.GetVacuumRelation().GetRelation()))
	}
	s.DDL = &querytree.DDLSpec{
		Object: "table", Action: querytree.ActionMaintain, Options: options(v.GetOptions()),
	}
}

// cluster converts CLUSTER, which without a table works on all of them in
// transactions of its own.
func cluster(s *querytree.Statement, t *pg.ClusterStmt) {
	s.Kind, s.Tag = querytree.Maintain, "CLUSTER"
	s.DDL = &querytree.DDLSpec{
		Object: "table", Action: querytree.ActionMaintain, Options: options(t.GetParams()),
	}
	if t.GetRelation() == nil {
		s.InTransaction = false
		return
	}
	s.Relations = []querytree.RelationName{relation(t.GetRelation())}
	if t.GetIndexname() != "" {
		s.DDL.Names = []querytree.RelationName{{Name: t.GetIndexname()}}
	}
}

func reindex(s *querytree.Statement, r *pg.ReindexStmt) {
	s.Kind, s.Tag = querytree.Maintain, "REINDEX"
	s.DDL = &querytree.DDLSpec{
		Action: querytree.ActionMaintain, Options: options(r.GetParams()),
	}
	for _, n := range r.GetParams() {
		if d := n.GetDefElem(); d.GetDefname() == "concurrently" {
			s.DDL.Concurrently = !isOff(d.GetArg())
		}
	}
	s.InTransaction = !s.DDL.Concurrently
	switch r.GetKind() {
	case pg.ReindexObjectType_REINDEX_OBJECT_INDEX:
		s.DDL.Object = "index"
	case pg.ReindexObjectType_REINDEX_OBJECT_TABLE:
		s.DDL.Object = "table"
	case pg.ReindexObjectType_REINDEX_OBJECT_SCHEMA:
		s.DDL.Object, s.InTransaction = "schema", false
	default:
		s.DDL.Object, s.InTransaction = "database", false
	}
	if r.GetRelation() != nil {
		s.Relations = []querytree.RelationName{relation(r.GetRelation())}
	}
	if r.GetName() != "" {
		s.DDL.Names = []querytree.RelationName{{Name: r.GetName()}}
	}
}

func refresh(s *querytree.Statement, r *pg.RefreshMatViewStmt) {
	s.Kind, s.Tag = querytree.Maintain, "REFRESH MATERIALIZED VIEW"
	s.Relations = []querytree.RelationName{relation(r.GetRelation())}
	s.DDL = &querytree.DDLSpec{
		Object: "materialized view", Action: querytree.ActionRefresh, Concurrently: r.GetConcurrent(),
	}
}
