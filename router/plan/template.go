package plan

import (
	"shardproxy/meta/topology"
	"shardproxy/protocol/sqlerr"
	"shardproxy/router/querytree"
	"shardproxy/router/sqlscan"
)

// Template is a planned shape: everything about the place of its statements
// that does not depend on literals and parameters. It is immutable and belongs
// to the schema epoch it was made for. The template of a statement with a hint
// comment carries the hint.
type Template struct {
	*compiled
	hint hint
}

// compiled is the part of a template that statements of one shape share.
type compiled struct {
	statement *querytree.Statement
	// class is Local, All or ByRows; 0 where the place has to be worked out.
	class Class
	// failure refuses the statement, blocked refuses it without a hint;
	// needsNode: without a node hint.
	failure   *sqlerr.Error
	blocked   *sqlerr.Error
	needsNode bool
	unknown   bool

	write bool
	flags Flags
	// home: a part can only run at home (elsewhere is the error otherwise).
	home      bool
	elsewhere *sqlerr.Error
	// atHome: at home unless a key says otherwise.
	atHome bool
	// copies: reads reference tables; lockedCopies: locks their rows.
	copies, lockedCopies bool
	// replicated refuses a write to rows that every node has a copy of.
	replicated *sqlerr.Error
	// anyKey: counts as touching all of its node.
	anyKey bool
	// nodeWide: the result is the sum of all nodes.
	nodeWide bool

	groups []*group
	// apart refuses the statement where its rows are on several nodes; would
	// says what it needs then. nil: merge says how the results become one.
	apart *sqlerr.Error
	would Would
	merge *Merge

	rewrite *Rewrite
	copy    *CopyPlan
	// oneNode: though its class is All, a node hint may send it to one.
	oneNode bool
	// noHint: a key hint must not decide where the rows are (TRUNCATE).
	noHint bool

	needsParams bool
	tables      []tableNote
	why         []string
}

// tableNote is what Explain says of a table reference.
type tableNote struct {
	name   string
	column string // of its shard key
	rule   string
	group  int // index of its group, -1 for tables without a key
}

// NeedsParams reports whether the place depends on parameters: without them Plan
// answers Deferred.
func (t *Template) NeedsParams() bool { return t.needsParams }

// Statement returns the parsed statement, nil where it does not parse. It is
// shared and must not be changed.
func (t *Template) Statement() *querytree.Statement { return t.statement }

// Rejects returns the error of a statement that is refused whatever its literals
// and parameters are, nil where they matter.
func (t *Template) Rejects() *sqlerr.Error { return t.failure }

// Plan fills out with the plan of one execution. lits are the literals of the
// scanned text, params the bound parameters, nil where they are not known yet.
// out may be used again and again; it shares read-only memory with the
// template, and its Key and Partitions are valid until it is filled again.
// Plan leaves out.Epoch alone.
func (t *Template) Plan(db *topology.Database, env *Env, lits, params sqlscan.Keys, out *Plan) {
	t.plan(db, env, lits, params, nil, out)
}

// PlanDrawn is Plan for a statement of class Draw, once the keys of its rows are
// known: canonical bytes, one key per row.
func (t *Template) PlanDrawn(db *topology.Database, env *Env, lits, params sqlscan.Keys, drawn [][]byte, out *Plan) {
	t.plan(db, env, lits, params, drawn, out)
}
