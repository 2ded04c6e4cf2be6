package pgsession

import (
	"shardproxy/meta/topology"
	"shardproxy/protocol/sqlerr"
	"shardproxy/router/plan"
	"shardproxy/router/querytree"
	"shardproxy/router/sqlscan"
)

// script is the text of a Query message, which may hold several statements.
type script struct {
	text  []byte // points into the frame
	steps []step
	at    int
	// failed: a statement failed; the rest is not run.
	failed bool
	// several: the text runs in several steps, as one implicit transaction
	// where it does not say otherwise, as PostgreSQL would run it.
	several bool
	mode    sqlscan.Mode // that the text was cut with
}

// step is a part of a script that runs as one.
type step struct {
	plan       plan.Plan
	text       []byte
	statements int
	copied     *prepared // the query of a COPY, where its types matter
	configs    []configCall
	single     bool   // text has statements of ours behind the client's
	path, hint string // search path and key hint of the plan
}

// begin resets the script for a new text.
func (s *script) begin(text []byte) {
	for i := range s.steps {
		s.steps[i].plan.Statement, s.steps[i].plan.Err, s.steps[i].plan.Rewrite = nil, nil, nil
		s.steps[i].plan.Merge = nil
	}
	*s = script{text: text, steps: s.steps[:0]}
}

// done reports whether nothing is left to run.
func (s *script) done() bool { return s.failed || s.at >= len(s.steps) }

// add returns a new step, reusing memory.
func (s *script) add(text []byte) *step {
	if len(s.steps) < cap(s.steps) {
		s.steps = s.steps[:len(s.steps)+1]
	} else {
		s.steps = append(s.steps, step{})
	}
	st := &s.steps[len(s.steps)-1]
	st.text, st.statements, st.copied, st.configs = text, 1, nil, nil
	st.single = false
	return st
}

// planScript scans and plans each statement of the text.
func (m *machine) planScript(text []byte) {
	m.script.begin(text)
	m.script.mode = m.scanMode()
	for at := 0; at < len(text); {
		m.scan.Statement(text, at, m.script.mode)
		at = int(m.scan.End)
		if !m.scan.Empty {
			m.planStep(m.script.add(text[m.scan.Span.Start:m.scan.Span.End]))
		}
	}
	if len(m.script.steps) > 1 && !m.script.keepSyntaxError() {
		m.joinSteps()
	}
	m.script.several = len(m.script.steps) > 1
}

// planStep plans the statement that was scanned last.
func (m *machine) planStep(st *step) {
	template := m.cfg.plans.Template(m.db, &m.env, &m.scan)
	template.Plan(m.db, &m.env, &m.scan, nil, &st.plan)
	st.plan.Epoch = m.topo.Epoch
	st.path, st.hint = m.env.SearchPathKey, m.env.KeyHint
}

// renewStep brings a step of several in line with what those before it did: it
// runs in a transaction, and is planned with the settings that are in force now.
func (m *machine) renewStep(st *step) *sqlerr.Error {
	if !m.tx.open() {
		m.tx.start("BEGIN", m.vars, true)
	}
	if m.script.mode != m.scanMode() {
		return sqlerr.NotSupported("a text that goes on after a change of standard_conforming_strings is not supported").
			WithHint("Send the SET alone: what follows it is read differently.")
	}
	if st.path != m.env.SearchPathKey || st.hint != m.env.KeyHint {
		m.scan.Statement(st.text, 0, m.script.mode)
		m.planStep(st)
	}
	if class := st.plan.Class; class == plan.All || class == plan.Subset || class == plan.Scatter {
		return sqlerr.NotSupported("a text that mixes statements for several nodes with others is not supported").
			WithHint("Send the statements one at a time.")
	}
	return nil
}

// keepSyntaxError leaves nothing but the first syntax error of a text that has
// one: servers parse the whole text before they run any of it.
func (s *script) keepSyntaxError() bool {
	for i := range s.steps {
		if syntaxError(&s.steps[i].plan) {
			s.steps[0], s.steps[i] = s.steps[i], s.steps[0]
			s.steps = s.steps[:1]
			return true
		}
	}
	return false
}

func (m *machine) scanMode() sqlscan.Mode {
	if m.env.Backslash {
		return sqlscan.BackslashStrings
	}
	return 0
}

// joinSteps makes one step of statements that may be sent together: all on one
// node, or all DDL. Whatever is left apart runs as one implicit transaction,
// which can bind one node only; the transaction rules see to that.
func (m *machine) joinSteps() {
	s := &m.script
	first := 0
	all, one := true, true
	node, bound := topology.NodeIndex(0), false
	for i := range s.steps {
		p := &s.steps[i].plan
		all = all && p.Class == plan.All
		switch {
		case !forwardable(p):
			one = false
		case p.Class == plan.Single && bound && p.Node != node:
			one = false
		case p.Class == plan.Single && !bound:
			node, bound = p.Node, true
			first = i
		}
	}
	if !all && !one {
		return
	}
	write := false
	for i := range s.steps {
		write = write || s.steps[i].plan.Write
	}
	statements := len(s.steps)
	s.steps[0], s.steps[first] = s.steps[first], s.steps[0]
	s.steps = s.steps[:1]
	joined := &s.steps[0]
	joined.plan.Write = write
	joined.plan.Several, joined.plan.Partitions = true, nil
	joined.text, joined.statements = s.text, statements
}

// forwardable reports whether a statement can be sent as part of a longer text
// without the proxy acting on it.
func forwardable(p *plan.Plan) bool {
	switch p.Class {
	case plan.Single, plan.Any, plan.Nothing:
	default:
		return false
	}
	switch kindOf(p) {
	case querytree.Copy, querytree.DeclareCursor, querytree.Explain:
		return false
	}
	return p.Rewrite == nil && p.Flags&watched == 0
}
