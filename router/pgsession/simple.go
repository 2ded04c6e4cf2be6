package pgsession

import (
	"errors"

	"shardproxy/meta/topology"
	"shardproxy/protocol/pgwire"
	"shardproxy/protocol/sqlerr"
	"shardproxy/router/plan"
	"shardproxy/router/querytree"
)

// query handles a Query message (PostgreSQL manual 55.2.2).
func (m *machine) query(frame []byte) {
	var q pgwire.Query
	if err := q.Decode(frame); err != nil {
		m.emitError(sqlerr.From(err))
		m.emitReady()
		return
	}
	if len(m.batch.messages) > 0 || m.batch.open {
		m.queryInBatch(frame)
		return
	}
	if !m.enter(frame) {
		return
	}
	delete(m.stmts, "")
	clear(m.heard)
	m.planScript(q.Text)
	m.notePlans()
	if len(m.script.steps) == 0 {
		m.out = pgwire.AppendEmptyQueryResponse(m.out)
	}
	m.advance()
}

// queryInBatch handles a Query message without a Sync before it. Where what came
// before it changes nothing it is as good as with one; otherwise the two would be
// one transaction.
func (m *machine) queryInBatch(frame []byte) {
	if m.batch.tied || !m.batch.onlyPrepares() {
		m.emitError(sqlerr.ProtocolViolation("Query message before the Sync of a batch").Fatal())
		m.state = stateEnd
		return
	}
	m.batch.query, m.batch.sync = frame, true
	m.runBatch()
}

// advance runs the steps of the script until one needs the outside, and ends
// the request after the last.
func (m *machine) advance() {
	m.abandonCopy()
	for !m.script.done() {
		if m.dispatch(&m.script.steps[m.script.at]) {
			return
		}
		m.script.at++
	}
	if m.tx.implicit && m.endImplicit() {
		return
	}
	m.state = stateIdle
	m.emitReady()
}

// endImplicit ends the implicit transaction of a text of several statements. It
// reports whether a backend has to be asked.
func (m *machine) endImplicit() bool {
	if !m.tx.bound {
		m.endTransaction(!m.script.failed)
		return false
	}
	command := "COMMIT"
	if m.script.failed || m.tx.status == txFailed {
		command = "ROLLBACK"
	}
	m.tx.implicit = false
	m.lastTag = append(m.lastTag[:0], command...)
	m.link.query([]byte(command))
	m.link.replies.push(reply{kind: replyQuery, quiet: true, commit: true})
	m.state = stateReplies
	return true
}

// dispatch starts one step. It reports whether the step waits for the outside;
// otherwise the step has ended, perhaps with an error.
func (m *machine) dispatch(st *step) (waiting bool) {
	if m.script.several {
		if err := m.renewStep(st); err != nil {
			m.refuse(err)
			return false
		}
	}
	p := &st.plan
	if m.tx.status == txFailed && !endsFailure(p) && !syntaxError(p) {
		m.refuse(sqlerr.InFailedTransaction())
		return false
	}
	switch p.Class {
	case plan.Reject:
		if m.pinned != "" && p.UnknownTable {
			if !m.copiesQuery(st, m.link.node) {
				return m.state == stateTask
			}
			return m.acquire(m.link.node)
		}
		m.refuse(p.Err)
		return false
	case plan.Local:
		return m.local(st)
	}
	m.tx.queried = true
	if err := m.stepConfigs(st); err != nil {
		m.refuse(err)
		return false
	}
	if kindOf(p) == querytree.Copy && p.Copy != nil && p.Copy.From {
		return m.startCopy(st)
	}
	if p.Rewrite != nil && !m.rewrite(st) {
		return m.state == stateTask
	}
	if answered, err := m.special(p); err != nil {
		m.refuse(err)
		return false
	} else if answered {
		return false
	}
	switch {
	case p.Class == plan.Subset, p.Class == plan.Scatter, m.aside(p):
		return m.startScatter(st)
	case p.Class == plan.All:
		return m.startDDL(st)
	}
	node, err := m.place(p)
	if err == nil {
		err = m.checkCopy(p, node)
	}
	if err != nil {
		m.refuse(err)
		return false
	}
	if !m.copiesQuery(st, node) {
		return m.state == stateTask
	}
	return m.acquire(node)
}

// endsFailure reports whether a statement may run in a failed transaction.
func endsFailure(p *plan.Plan) bool {
	switch kindOf(p) {
	case querytree.Commit, querytree.Rollback, querytree.RollbackTo, querytree.PrepareTransaction:
		return true
	}
	return false
}

// syntaxError reports whether a statement does not parse, which comes before
// everything else.
func syntaxError(p *plan.Plan) bool {
	return p.Class == plan.Reject && p.Err.SQLState == sqlerr.CodeSyntaxError
}

// place says on which node a plan for one node runs, given the transaction.
func (m *machine) place(p *plan.Plan) (topology.NodeIndex, *sqlerr.Error) {
	if p.Class == plan.Single {
		if m.link != nil && p.Node != m.link.node {
			return 0, m.elsewhere(p.Node)
		}
		return p.Node, nil
	}
	if m.link != nil {
		return m.link.node, nil
	}
	return m.convenient(), nil
}

// aside reports whether a statement only reads the server's catalogs, at home,
// while the transaction or the session is tied to another node: a driver's
// look-up of types runs beside the transaction then, on a connection of its own.
func (m *machine) aside(p *plan.Plan) bool {
	return p.Class == plan.Single && p.Flags&plan.FlagCatalog != 0 && m.tied() && m.link.node != p.Node
}

// convenient picks a node for what any node can answer: the owner of some
// partition, since a node that owns none need not even have the tables. A node
// that is down is passed over as long as another is up.
func (m *machine) convenient() topology.NodeIndex {
	owners := m.db.Owners
	node := owners[m.cfg.spread()%uint32(len(owners))]
	if m.cfg.up(m.db, node) {
		return node
	}
	for _, other := range m.db.OwnerNodes() {
		if m.cfg.up(m.db, other) {
			return other
		}
	}
	return node
}

// elsewhere is the refusal of a statement for another node than the one that the
// transaction or the session is tied to.
func (m *machine) elsewhere(node topology.NodeIndex) *sqlerr.Error {
	here, there := string(m.link.id), string(m.db.Nodes[node].ID)
	if m.pinned != "" {
		return sqlerr.NotSupported("a statement for node " + there + " is not supported in a session tied to node " + here).
			WithDetail("The session is tied to its node because of " + m.pinned + ".").
			WithHint("DISCARD ALL unties the session.")
	}
	return sqlerr.NotSupported("a transaction over several nodes is not supported").
		WithDetail("The transaction is on node " + here + ", this statement belongs to node " + there + ".").
		WithHint("Use one transaction for the rows of one shard key.")
}

// acquire makes the current step wait for a connection to node. A link that the
// session holds already is used at once.
func (m *machine) acquire(node topology.NodeIndex) bool {
	m.target = node
	if m.link != nil {
		m.begin()
		return true
	}
	m.state = stateAcquire
	return true
}

// acquired is told that the link of machine.target is there, or why not.
func (m *machine) acquired(l *link, err error) {
	if errors.Is(err, errOutdated) && m.startsAgain() {
		return
	}
	if err != nil {
		m.fail(sqlerr.From(err))
		return
	}
	l.node = m.target
	l.refresh(m.db.SchemaEpoch)
	m.link = l
	m.begin()
}

// begin sends what must come before the request: settings, and BEGIN when the
// request binds the transaction to its node.
func (m *machine) begin() {
	l := m.link
	l.closeStale()
	if !m.tx.bound && !m.batch.open && l.status == txIdle && !l.vars.equal(m.vars) {
		sql, confirm := appendDifference(nil, l.vars, m.vars)
		l.vars = m.vars
		if len(sql) > 0 {
			l.quietQuery(sql)
		}
		if confirm {
			m.state = stateConfirm
			return
		}
	}
	m.send()
}

// send sends the request itself.
func (m *machine) send() {
	if m.batch.running {
		m.sendBatch()
		return
	}
	l, st := m.link, &m.script.steps[m.script.at]
	m.bind(&st.plan)
	m.noticePlan(&st.plan, st.text, nil)
	trial := m.onTrial()
	l.trial = trial
	if trial {
		l.quietQuery(m.tx.appendPrelude(nil))
	}
	l.query(st.text)
	l.replies.push(reply{kind: replyQuery, single: st.single})
	if trial {
		l.quietQuery([]byte("ROLLBACK"))
	}
	m.mark(&st.plan)
	m.state = stateReplies
}

// bind ties an open transaction to the link, if this plan does.
func (m *machine) bind(p *plan.Plan) {
	if !m.tx.open() {
		return
	}
	if !m.tx.bound && binds(p) {
		m.open()
	}
	if m.tx.bound {
		m.touch(p)
	}
}

// onTrial reports whether a statement that does not bind the transaction has to
// run in a copy of it, because the transaction has options or settings of its
// own: SHOW after SET LOCAL must tell the truth.
func (m *machine) onTrial() bool {
	return m.tx.open() && !m.tx.bound && (len(m.tx.replay) > 0 || m.tx.begin != "BEGIN")
}

// open begins the transaction on the link. Values that another client drew from
// sequences there must not be seen by lastval().
func (m *machine) open() {
	if m.batch.open && m.onTrial() {
		m.link.sync(true, 0) // only Parse and Describe ran: the options must come first
	}
	prelude := m.tx.appendPrelude(nil)
	if l := m.link; l.drew != nil && l.drew != m.self {
		prelude = append(prelude, "DISCARD SEQUENCES;"...)
		l.drew = nil
	}
	m.link.quietQuery(prelude)
	m.tx.bound = true
	if m.tx.status == txFailed {
		m.link.abort()
	}
}

// binds reports whether a statement ties its transaction to a node. A read
// without keys does not: a driver's type look-up must not choose the node.
func binds(p *plan.Plan) bool {
	switch {
	case kindOf(p) == querytree.DeclareCursor, p.Flags&plan.FlagTransactionLock != 0:
		return true
	case p.Class == plan.Single:
		return p.Flags&plan.FlagCatalog == 0
	}
	return p.Write && p.Class != plan.Nothing
}

// touch notes the partitions that the transaction has touched.
func (m *machine) touch(p *plan.Plan) {
	t := &m.tx.touched
	if t.epoch == 0 {
		t.epoch = p.Epoch
	}
	switch {
	case p.Class != plan.Single:
	case !p.Several:
		t.add(p.Partition)
	case p.Partitions == nil:
		t.whole = true
	default:
		for _, partition := range p.Partitions {
			t.add(partition)
		}
	}
}

// refuse ends the current step with an error of ours.
func (m *machine) refuse(err error) {
	m.emitError(err)
	m.script.failed = true
}

// fail ends the request that waited for the outside with an error, unless the
// client was sent one already.
func (m *machine) fail(err error) {
	switch {
	case m.batch.running && m.batch.failed:
		m.finishBatch(true)
	case m.batch.running:
		m.failBatch(err)
	default:
		if !m.script.failed {
			m.refuse(err)
		}
		m.advance()
	}
}

// stepDone goes on after the link has answered the current step.
func (m *machine) stepDone() {
	if s := &m.script; !s.failed && s.at < len(s.steps) {
		st := &s.steps[s.at]
		m.effects(st.plan.Statement, st.text)
		m.configsDone(st.configs)
	}
	m.script.at++
	m.advance()
}
