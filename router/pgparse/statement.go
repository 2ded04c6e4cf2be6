package pgparse

import (
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"shardproxy/router/querytree"
)

// rawStatement converts one statement of the text.
func (c *converter) rawStatement(raw *pg.RawStmt) *querytree.Statement {
	s := c.statement(raw.GetStmt())
	s.Start, s.End = c.span(int(raw.GetStmtLocation()), int(raw.GetStmtLen()))
	return s
}

// span trims white space off a statement's place in the text. Length 0 means
// up to the end.
func (c *converter) span(start, length int) (int, int) {
	end := start + length
	if length == 0 || end > len(c.text) {
		end = len(c.text)
	}
	start = min(max(start, 0), end)
	const space = " \t\n\r\f\v"
	text := c.text[start:end]
	start += len(text) - len(strings.TrimLeft(text, space))
	return start, start + len(strings.Trim(text, space))
}

// statement converts a statement of any kind.
func (c *converter) statement(n *pg.Node) *querytree.Statement {
	s := &querytree.Statement{InTransaction: true}
	if !c.enter() {
		s.Tag = "nested too deeply"
		return s
	}
	defer c.leave()
	if !c.queryStatement(s, n) && !c.sessionStatement(s, n) && !c.dataStatement(s, n) && !c.catalogStatement(s, n) {
		s.Kind, s.Tag = querytree.Unsupported, nodeName(n)
	}
	return s
}

// queryStatement fills in a statement that is a query; false for others.
func (c *converter) queryStatement(s *querytree.Statement, n *pg.Node) bool {
	switch n := n.GetNode().(type) {
	case *pg.Node_SelectStmt:
		s.Kind, s.Tag = querytree.Select, "SELECT"
		if into := leftmost(n.SelectStmt).GetIntoClause(); into != nil {
			selectInto(s, into)
		}
	case *pg.Node_InsertStmt:
		s.Kind, s.Tag = querytree.Insert, "INSERT"
	case *pg.Node_UpdateStmt:
		s.Kind, s.Tag = querytree.Update, "UPDATE"
	case *pg.Node_DeleteStmt:
		s.Kind, s.Tag = querytree.Delete, "DELETE"
	case *pg.Node_MergeStmt:
		s.Kind, s.Tag = querytree.Merge, "MERGE"
	default:
		return false
	}
	s.Query = c.query(n)
	return true
}

// leftmost is the SELECT whose INTO is that of the statement.
func leftmost(s *pg.SelectStmt) *pg.SelectStmt {
	for s.GetLarg() != nil {
		s = s.GetLarg()
	}
	return s
}

// sessionStatement fills in a statement that changes or asks the session and
// not the data; false for others.
func (c *converter) sessionStatement(s *querytree.Statement, n *pg.Node) bool {
	switch n := n.GetNode().(type) {
	case *pg.Node_TransactionStmt:
		transaction(s, n.TransactionStmt)
	case *pg.Node_VariableSetStmt:
		c.variableSet(s, n.VariableSetStmt)
	case *pg.Node_VariableShowStmt:
		s.Kind, s.Tag = querytree.Show, "SHOW"
		s.Setting.Name = strings.ToLower(n.VariableShowStmt.GetName())
	case *pg.Node_ConstraintsSetStmt:
		setConstraints(s, n.ConstraintsSetStmt)
	case *pg.Node_DiscardStmt:
		discard(s, n.DiscardStmt)
	case *pg.Node_ListenStmt:
		s.Kind, s.Tag, s.Name = querytree.Listen, "LISTEN", n.ListenStmt.GetConditionname()
	case *pg.Node_UnlistenStmt:
		s.Kind, s.Tag, s.Name = querytree.Unlisten, "UNLISTEN", n.UnlistenStmt.GetConditionname()
	case *pg.Node_NotifyStmt:
		s.Kind, s.Tag, s.Name = querytree.Notify, "NOTIFY", n.NotifyStmt.GetConditionname()
		s.Payload = n.NotifyStmt.GetPayload()
	case *pg.Node_DeclareCursorStmt:
		c.declareCursor(s, n.DeclareCursorStmt)
	case *pg.Node_FetchStmt:
		fetch(s, n.FetchStmt)
	case *pg.Node_ClosePortalStmt:
		closePortal(s, n.ClosePortalStmt)
	case *pg.Node_PrepareStmt:
		c.prepare(s, n.PrepareStmt)
	case *pg.Node_ExecuteStmt:
		c.execute(s, n.ExecuteStmt)
	case *pg.Node_DeallocateStmt:
		deallocate(s, n.DeallocateStmt)
	default:
		return false
	}
	return true
}

// dataStatement fills in a statement that works on tables or runs code; false
// for others.
func (c *converter) dataStatement(s *querytree.Statement, n *pg.Node) bool {
	switch n := n.GetNode().(type) {
	case *pg.Node_ExplainStmt:
		c.explain(s, n.ExplainStmt)
	case *pg.Node_CopyStmt:
		c.copy(s, n.CopyStmt)
	case *pg.Node_CreateTableAsStmt:
		c.createTableAs(s, n.CreateTableAsStmt)
	case *pg.Node_TruncateStmt:
		c.truncate(s, n.TruncateStmt)
	case *pg.Node_LockStmt:
		s.Kind, s.Tag = querytree.LockTable, "LOCK TABLE"
		s.Relations = relations(n.LockStmt.GetRelations())
	case *pg.Node_VacuumStmt:
		vacuum(s, n.VacuumStmt)
	case *pg.Node_ClusterStmt:
		cluster(s, n.ClusterStmt)
	case *pg.Node_ReindexStmt:
		reindex(s, n.ReindexStmt)
	case *pg.Node_RefreshMatViewStmt:
		refresh(s, n.RefreshMatViewStmt)
	case *pg.Node_CallStmt:
		s.Kind, s.Tag = querytree.Call, "CALL"
		s.Exprs = []querytree.Expr{c.call(n.CallStmt.GetFunccall())}
	case *pg.Node_DoStmt:
		s.Kind, s.Tag = querytree.Call, "DO"
	case *pg.Node_CheckPointStmt:
		s.Kind, s.Tag = querytree.Checkpoint, "CHECKPOINT"
	case *pg.Node_LoadStmt:
		s.Kind, s.Tag = querytree.Unsupported, "LOAD"
	default:
		return false
	}
	return true
}
