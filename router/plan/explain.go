package plan

import (
	"shardproxy/meta/topology"
	"shardproxy/ring"
	"shardproxy/router/sqlscan"
)

// Explanation is a plan in words, for shardctl explain and EXPLAIN.
type Explanation struct {
	Class Class
	// Nodes are the nodes the statement runs on; empty where any will do.
	Nodes []topology.NodeID
	// Partitions are those of its keys, in the order of the statement; Whole
	// says that the statement counts as touching all of its nodes.
	Partitions []ring.Partition
	Whole      bool
	// Key is "project:42", or "".
	Key    string
	Tables []TableExplanation
	// Why are the reasons, one sentence each.
	Why []string
	// Error, Detail and Hint are those of a Reject; Would says what the
	// statement would have needed.
	Error, Detail, Hint string
	Would               Would
}

// TableExplanation says how one table reference of the statement is bound.
type TableExplanation struct {
	Table string // schema.table, and the alias
	Rule  string // "sharded by project (_tenant)", "reference", "global" ...
	Bound string // "_tenant = literal 1", or why it is not bound
}

// Explain says where the statement runs and why.
func (t *Template) Explain(db *topology.Database, env *Env, lits, params sqlscan.Keys) Explanation {
	var p Plan
	t.Plan(db, env, lits, params, &p)
	e := Explanation{Class: p.Class, Would: p.Would, Partitions: p.touched(), Whole: p.Several && p.Partitions == nil}
	switch p.Class {
	case Single:
		e.Nodes = []topology.NodeID{db.Nodes[p.Node].ID}
	case Subset, Scatter, All:
		for n := range p.Nodes.All() {
			e.Nodes = append(e.Nodes, db.Nodes[n].ID)
		}
	case Reject:
		e.Error, e.Detail, e.Hint = p.Err.Message, p.Err.Detail, p.Err.Hint
	}
	if p.Keyed {
		e.Key = string(p.Kind) + ":" + ring.FormatKey(p.KeyType, p.Key)
	}
	for i := range t.tables {
		note := &t.tables[i]
		bound := ""
		if note.group >= 0 {
			bound = t.boundBy(note, t.counts(db, lits, params, note.group))
		}
		e.Tables = append(e.Tables, TableExplanation{Table: note.name, Rule: note.rule, Bound: bound})
	}
	e.Why = append(t.reasons(&p), t.why...)
	return e
}

// counts returns which candidate of a group counts, -1 if none does.
func (t *compiled) counts(db *topology.Database, lits, params sqlscan.Keys, group int) int {
	var p Plan
	ev := &p.eval
	ev.begin(&p, db, lits, params, nil)
	g := t.groups[group]
	missing := -1
	for i := range g.candidates {
		c := &g.candidates[i]
		if c.source == nil {
			return i
		}
		switch ev.try(c.source, g); ev.state {
		case sqlscan.KeyOK, sqlscan.KeyNull:
			return i
		case 0:
			missing = i
		}
	}
	return missing
}

// touched lists the partitions a plan touches.
func (p *Plan) touched() []ring.Partition {
	switch {
	case p.Partitions != nil:
		return append([]ring.Partition(nil), p.Partitions...)
	case p.Class == Single && !p.Several:
		return []ring.Partition{p.Partition}
	}
	return nil
}

// boundBy says what binds a table reference: candidate i of its group.
func (t *compiled) boundBy(note *tableNote, i int) string {
	g := t.groups[note.group]
	switch {
	case g.drawn:
		return note.column + " is made by the database"
	case len(g.candidates) == 0 && g.orNull:
		return "not bound: rows with a NULL key may be among them"
	case len(g.candidates) == 0:
		return "not bound"
	case i < 0:
		return "not bound: " + g.candidates[0].source.describe(g.typ) + " is no " + g.typ.String() + " key in canonical spelling"
	}
	c := g.candidates[i]
	if note.column == "" {
		return "by its name"
	}
	if c.source == nil {
		return note.column + " IS NULL"
	}
	text := note.column + " = " + c.source.describe(g.typ)
	if c.null {
		text += ", or NULL"
	}
	return text
}

// reasons says in words why a plan is what it is.
func (t *compiled) reasons(p *Plan) []string {
	var out []string
	add := func(s string) { out = append(out, s) }
	if p.Flags&FlagHinted != 0 {
		add("A hint says where the statement runs.")
	}
	switch p.Class {
	case Single:
		switch {
		case p.Keyed:
			add("All sharded tables of the statement are bound to keys of this node.")
		case p.Flags&FlagHinted == 0 && p.Several:
			add("This node has the rows of all partitions.")
		case p.Flags&FlagHinted == 0:
			add("The statement runs at home.")
		}
		if t.flags&FlagLocking != 0 && p.Keyed && t.locksCopies() {
			add("Its locks on rows with a NULL key hold on this node only.")
		}
	case Subset:
		add("The keys are on several nodes, and each row of the result comes from one of them.")
	case Scatter:
		add("Nothing restricts the statement to one key, and each row of the result comes from one node.")
	case Any:
		add("Any node answers alike.")
	case Nothing:
		add("The key is compared with NULL: no row matches.")
	case All:
		add("A change of the schema runs on every node, home first.")
	case Local:
		add("The proxy answers by itself.")
	case Draw:
		add("The key of the new row is made first, then the row goes to the key's node.")
	case ByRows:
		add("Each row goes to the node of its key.")
	case Deferred:
		add("The node follows from the parameters.")
	}
	return out
}

// locksCopies reports whether the statement may lock rows with a NULL key.
func (t *compiled) locksCopies() bool {
	for _, g := range t.groups {
		for _, c := range g.candidates {
			if c.null {
				return true
			}
		}
	}
	return false
}
