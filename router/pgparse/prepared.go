package pgparse

import (
	"strings"

	pg "github.com/pganalyze/pg_query_go/v6"

	"shardproxy/router/querytree"
)

// Options of DECLARE, as in the server's parsenodes.h.
const cursorWithHold = 0x0020

func (c *converter) declareCursor(s *querytree.Statement, d *pg.DeclareCursorStmt) {
	s.Kind, s.Tag, s.Name = querytree.DeclareCursor, "DECLARE CURSOR", d.GetPortalname()
	s.WithHold = d.GetOptions()&cursorWithHold != 0
	if s.Query = c.query(d.GetQuery()); s.Query == nil {
		s.Kind = querytree.Unsupported
	}
}

func fetch(s *querytree.Statement, f *pg.FetchStmt) {
	s.Kind, s.Tag, s.Name = querytree.Fetch, "FETCH", f.GetPortalname()
	if f.GetIsmove() {
		s.Tag = "MOVE"
	}
}

func closePortal(s *querytree.Statement, p *pg.ClosePortalStmt) {
	s.Kind, s.Tag, s.Name = querytree.CloseCursor, "CLOSE CURSOR", p.GetPortalname()
	if s.Name == "" {
		s.Tag = "CLOSE CURSOR ALL"
	}
}

func (c *converter) prepare(s *querytree.Statement, p *pg.PrepareStmt) {
	s.Kind, s.Tag, s.Name = querytree.Prepare, "PREPARE", p.GetName()
	s.Inner = c.statement(p.GetQuery())
	for _, n := range p.GetArgtypes() {
		if !plainModifiers(n.GetTypeName()) {
			s.Kind = querytree.Unsupported
		}
	}
}

func (c *converter) execute(s *querytree.Statement, e *pg.ExecuteStmt) {
	s.Kind, s.Tag, s.Name = querytree.Execute, "EXECUTE", e.GetName()
	s.Exprs = c.exprs(e.GetParams())
}

func deallocate(s *querytree.Statement, d *pg.DeallocateStmt) {
	s.Kind, s.Tag, s.Name = querytree.Deallocate, "DEALLOCATE", d.GetName()
	if s.Name == "" {
		s.Tag = "DEALLOCATE ALL"
	}
}

// explain converts EXPLAIN. As on the server the last option of a name counts.
func (c *converter) explain(s *querytree.Statement, e *pg.ExplainStmt) {
	s.Kind, s.Tag = querytree.Explain, "EXPLAIN"
	s.Inner = c.statement(e.GetQuery())
	for _, n := range e.GetOptions() {
		if d := n.GetDefElem(); d.GetDefname() == "analyze" {
			s.Analyze = !isOff(d.GetArg())
		}
	}
}

// isOff is true for an option's value that says no for certain.
func isOff(n *pg.Node) bool {
	switch strings.ToLower(optionText(n)) {
	case "false", "off", "0":
		return true
	}
	return false
}
