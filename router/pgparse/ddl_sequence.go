package pgparse

import (
	pg "github.com/pganalyze/pg_query_go/v6"

	"shardproxy/router/querytree"
)

func (c *converter) createSequence(s *querytree.Statement, t *pg.CreateSeqStmt) {
	define(s, querytree.ActionCreate, "sequence")
	s.DDL.IfNotExists = t.GetIfNotExists()
	s.Temporary = t.GetSequence().GetRelpersistence() == temporary
	c.keep(s, t)
	sequenceOptions(s, t.GetOptions())
}

func (c *converter) alterSequence(s *querytree.Statement, t *pg.AlterSeqStmt) {
	define(s, querytree.ActionAlter, "sequence")
	s.DDL.IfExists = t.GetMissingOk()
	c.keep(s, t)
	sequenceOptions(s, t.GetOptions())
}

// sequenceOptions fills in the options of a sequence; the table of OWNED BY is
// one of the statement's relations.
func sequenceOptions(s *querytree.Statement, nodes []*pg.Node) {
	s.DDL.Options = sequence(nodes)
	for _, n := range nodes {
		d := n.GetDefElem()
		if d.GetDefname() != "owned_by" {
			continue
		}
		if parts := words(d.GetArg().GetList().GetItems()); len(parts) > 1 {
			s.Relations = append(s.Relations, relationOf(parts[:len(parts)-1]))
		}
	}
}

// sequence returns the options of a sequence: "no" for NO MINVALUE and NO
// MAXVALUE, "always" or "by default" for SET GENERATED.
func sequence(nodes []*pg.Node) map[string]string {
	out := options(nodes)
	for _, n := range nodes {
		d := n.GetDefElem()
		switch name := d.GetDefname(); name {
		case "minvalue", "maxvalue":
			if d.GetArg() == nil {
				out[name] = "no"
			}
		case "generated":
			out[name] = identity(string(d.GetArg().GetInteger().GetIval()))
		}
	}
	return out
}
