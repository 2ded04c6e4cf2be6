package plan

import (
	"shardproxy/meta/topology"
	"shardproxy/protocol/sqlerr"
	"shardproxy/router/querytree"
)

// keepsCopies refuses changes that write values into rows that every node has a
// copy of, where the nodes would not all write the same ones.
func (a *analysis) keepsCopies(rel *topology.Relation, s *querytree.Statement, d *querytree.DDLSpec) {
	if rel.Placement != topology.Reference && !rel.Key.NullReplicated || d.Action != querytree.ActionAlter {
		return
	}
	for i := range d.Changes {
		c := &d.Changes[i]
		fills := c.Kind == "alter type" || c.Kind == "add column"
		counts := c.Kind == "add identity" ||
			c.Definition != nil && (c.Definition.Identity != "" || a.dialect.countingTypes[c.Definition.Type])
		if counts || fills && a.differs(s.Exprs) {
			a.fail(sqlerr.NotSupported("\"" + c.Kind + "\" of table \"" + rel.Name.String() + "\" with values that each node would make for itself").
				WithDetail("Every node has a copy of its rows (" + ruleOf(rel) + ").").
				WithHint("Add the column without a default, set its values by UPDATE, then set the default."))
			return
		}
	}
}

// differs reports whether expressions may have another value on each node.
func (a *analysis) differs(list []querytree.Expr) bool {
	found := false
	walkAll(list, func(x querytree.Expr) bool {
		switch x := x.(type) {
		case *querytree.Special, *querytree.Unknown:
			found = true
		case *querytree.Function:
			class := a.dialect.functions.class(x.Name)
			found = found || class != functionPure || a.db.Functions[x.Name] || a.dialect.clockFunctions[x.Name]
		}
		return !found
	})
	return found
}
