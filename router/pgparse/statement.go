package pgparse

import (
	"fmt"
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
	switch n := n.GetNode().(type) {
	case *pg.Node_SelectStmt, *pg.Node_InsertStmt, *pg.Node_UpdateStmt, *pg.Node_DeleteStmt, *pg.Node_MergeStmt:
		c.queryStatement(s, &pg.Node{Node: n})
	case *pg.Node_TransactionStmt:
		transaction(s, n.TransactionStmt)
	case *pg.Node_VariableSetStmt:
		c.variableSet(s, n.VariableSetStmt)
	case *pg.Node_VariableShowStmt:
		s.Kind, s.Tag = querytree.Show, "SHOW"
		s.Setting.Name = strings.ToLower(n.VariableShowStmt.GetName())
	default:
		s.Kind, s.Tag = querytree.Unsupported, fmt.Sprintf("%T", n)
	}
	return s
}

// queryStatement fills in a statement that is a query.
func (c *converter) queryStatement(s *querytree.Statement, n *pg.Node) {
	s.Query = c.query(n)
	switch s.Query.Kind {
	case querytree.QueryInsert:
		s.Kind, s.Tag = querytree.Insert, "INSERT"
	case querytree.QueryUpdate:
		s.Kind, s.Tag = querytree.Update, "UPDATE"
	case querytree.QueryDelete:
		s.Kind, s.Tag = querytree.Delete, "DELETE"
	case querytree.QueryMerge:
		s.Kind, s.Tag = querytree.Merge, "MERGE"
	default:
		s.Kind, s.Tag = querytree.Select, "SELECT"
	}
}
