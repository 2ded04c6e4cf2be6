package pgsession

import (
	"fmt"

	"shardproxy/protocol/pgwire"
	"shardproxy/protocol/sqlerr"
	"shardproxy/router/plan"
	"shardproxy/router/querytree"
)

// Answers that need no server.
var (
	parseComplete = pgwire.AppendParseComplete(nil)
	bindComplete  = pgwire.AppendBindComplete(nil)
	closeComplete = pgwire.AppendCloseComplete(nil)
	noParameters  = pgwire.AppendParameterDescription(nil, nil)
	noData        = pgwire.AppendNoData(nil)
)

// planBatch turns the messages into ops. It stops at the first that must fail,
// and at one that needs a task before it can be planned.
func (m *machine) planBatch() {
	b := &m.batch
	for _, msg := range b.messages[len(b.ops):] {
		before := b.placement
		o := b.next(msg)
		err := m.planMessage(o)
		if b.first != nil {
			m.undoFrom(len(b.ops) - 1)
			b.ops = b.ops[:len(b.ops)-1]
			b.placement = before
			return
		}
		if err != nil {
			o.err = err
		}
		if o.err != nil {
			return
		}
	}
}

func (m *machine) planMessage(o *op) *sqlerr.Error {
	switch o.typ {
	case pgwire.MsgParse:
		return m.planParse(o)
	case pgwire.MsgBind:
		return m.planBind(o)
	case pgwire.MsgDescribe:
		return m.planDescribe(o)
	case pgwire.MsgExecute:
		return m.planExecute(o)
	case pgwire.MsgClose:
		return m.planClose(o)
	}
	return sqlerr.From(pgwire.CheckEmpty(o.frame, o.typ)) // a Sync or Flush with a body
}

// planParse makes a prepared statement of the client (PostgreSQL manual 55.2.3).
func (m *machine) planParse(o *op) *sqlerr.Error {
	var msg pgwire.Parse
	if err := msg.Decode(o.frame); err != nil {
		return sqlerr.From(err)
	}
	name := string(msg.Name)
	old := m.stmts[name]
	var p *prepared
	if name == "" && old != nil && old.holds(&msg, m.scanMode()) {
		p = old // drivers send the same text again and again
		m.refreshPrepared(p)
	} else {
		p = m.newPrepared(name, &msg)
	}
	if p.scan.End < int32(len(p.sql)) && !blank(p.sql[p.scan.End:]) {
		return sqlerr.SyntaxError("cannot insert multiple commands into a prepared statement", 0)
	}
	if m.blocked(&p.static) && !syntaxError(&p.static) && !p.scan.Empty {
		return sqlerr.InFailedTransaction()
	}
	if err := m.refusedAlways(p); err != nil {
		return err
	}
	if name != "" && old != nil {
		return sqlerr.DuplicatePreparedStatement(name)
	}
	o.statement, o.undo, o.undoes = p, old, true
	m.stmts[name] = p
	m.tx.queried = m.tx.queried || p.static.Class != plan.Local
	if m.answers(p) {
		o.local = parseComplete
	}
	return nil
}

// planBind plans one execution of a statement.
func (m *machine) planBind(o *op) *sqlerr.Error {
	if err := o.bind.Decode(o.frame); err != nil {
		return sqlerr.From(err)
	}
	p := m.stmts[string(o.bind.Statement)]
	if p == nil {
		return sqlerr.UndefinedPreparedStatement(string(o.bind.Statement))
	}
	m.refreshPrepared(p)
	if m.blocked(&p.static) {
		return sqlerr.InFailedTransaction()
	}
	if p.mode != m.scanMode() {
		return sqlerr.NotSupported("a statement that was prepared under another standard_conforming_strings is not supported").
			WithHint("Prepare it again.")
	}
	name := string(o.bind.Portal)
	if name != "" && m.portals[name] != nil {
		return sqlerr.DuplicatePortal(name)
	}
	if !m.columnsKept(o, p) {
		o.err = errColumnsChanged()
		return nil
	}
	if m.batch.first != nil {
		return nil
	}
	po := o.newPortal(p)
	m.planPrepared(p, &o.params, &po.plan)
	err := m.planPortal(o, &o.params)
	if m.batch.first != nil {
		return nil
	}
	m.notePlan(&po.plan)
	if err != nil {
		return err
	}
	po.serial = m.tx.serial
	o.replaced = m.portals[name]
	m.portals[name] = po
	return nil
}

// newPortal makes the portal of a Bind, reusing memory.
func (o *op) newPortal(p *prepared) *portal {
	po := o.spare
	if po == nil {
		po = new(portal)
	}
	o.spare = nil
	po.statement, po.local, po.done, po.extra, po.configs = p, false, false, po.extra[:0], nil
	o.statement, o.portal = p, po
	o.params = bindKeys{bind: &o.bind, statement: p}
	return po
}

// planPortal decides where a bound statement runs.
func (m *machine) planPortal(o *op, params *bindKeys) *sqlerr.Error {
	po := o.portal
	pl := &po.plan
	if params.unsure {
		m.batch.first = &describeTask{statement: po.statement}
		return nil
	}
	if m.batch.shifted && pl.Class != plan.Local {
		return sqlerr.NotSupported("a statement in one pipeline with a change of settings that it depends on is not supported").
			WithHint("Send Sync before it.")
	}
	switch pl.Class {
	case plan.Reject:
		if m.pinned == "" || !pl.UnknownTable {
			return pl.Err
		}
	case plan.Local:
		if kindOf(pl) == querytree.Select {
			return m.planSetval(o)
		}
		if n := o.bind.Params(); n > 0 {
			return sqlerr.ProtocolViolation(fmt.Sprintf(
				"bind message supplies %d parameters, but prepared statement %q requires 0", n, o.bind.Statement))
		}
		return m.planControl(o)
	case plan.Subset, plan.Scatter, plan.All:
		return m.planMulti(o)
	case plan.Single:
		if m.aside(pl) {
			return m.planMulti(o)
		}
		if err := m.requireNode(pl); err != nil {
			return err
		}
	case plan.Deferred:
		return sqlerr.Unroutable("a parameter that the shard key depends on is missing")
	}
	if err := checkBoundCopy(pl); err != nil {
		return err
	}
	if err := m.allowed(pl); err != nil {
		return err
	}
	if err := m.portalConfigs(o); err != nil {
		return err
	}
	m.batch.write = m.batch.write || pl.Write && pl.Flags&plan.FlagCatalog == 0
	if waits, err := m.needSignature(o); waits || err != nil {
		return err
	}
	if err := m.planRewrite(o); err != nil || m.batch.first != nil {
		return err
	}
	return m.checkBinary(o)
}

// requireNode makes the batch a batch of the plan's node, unless it is another's.
func (m *machine) requireNode(pl *plan.Plan) *sqlerr.Error {
	b := &m.batch
	switch {
	case b.keyed && b.target != pl.Node:
		return sqlerr.NotSupported("a pipeline over several nodes is not supported").
			WithDetail("The statements before it belong to node " + string(m.db.Nodes[b.target].ID) +
				", this one to node " + string(m.db.Nodes[pl.Node].ID) + ".").
			WithHint("Send Sync between the rows of different shard keys.")
	case m.link != nil && m.link.node != pl.Node && (m.tx.bound || m.pinned != "" || b.tied):
		return m.elsewhere(pl.Node)
	}
	b.target, b.keyed = pl.Node, true
	b.binds = b.binds || binds(pl)
	return nil
}

// planDescribe handles Describe of a statement or portal.
func (m *machine) planDescribe(o *op) *sqlerr.Error {
	var msg pgwire.Describe
	if err := msg.Decode(o.frame); err != nil {
		return sqlerr.From(err)
	}
	name := string(msg.Name)
	if msg.Kind == pgwire.KindPortal {
		po := m.portals[name]
		switch {
		case po == nil && m.mayBeCursor(name): // the server knows
		case po == nil:
			return sqlerr.UndefinedPortal(name)
		case po.local:
			o.local = m.describeLocal(po.statement, false)
		}
		o.portal = po
		return nil
	}
	p := m.stmts[name]
	if p == nil {
		return sqlerr.UndefinedPreparedStatement(name)
	}
	m.refreshPrepared(p)
	if kind := kindOf(&p.static); m.blocked(&p.static) && !m.tx.bound && (kind == querytree.Select || kind == querytree.Show) {
		return sqlerr.InFailedTransaction() // of statements that return rows, as the server
	}
	o.statement = p
	kind := kindOf(&p.static)
	rowless := p.static.Class == plan.Local && kind != querytree.Show && kind != querytree.Select
	if rowless || m.answers(p) {
		o.local = m.describeLocal(p, true)
	}
	return nil
}

// planExecute handles Execute.
func (m *machine) planExecute(o *op) *sqlerr.Error {
	var msg pgwire.Execute
	if err := msg.Decode(o.frame); err != nil {
		return sqlerr.From(err)
	}
	po := m.portals[string(msg.Portal)]
	if po == nil {
		return sqlerr.UndefinedPortal(string(msg.Portal))
	}
	if m.blocked(&po.plan) {
		return sqlerr.InFailedTransaction()
	}
	o.portal, o.name = po, msg.Portal
	if done, err := o.executeAgain(); done {
		return err
	}
	if msg.MaxRows > 0 {
		m.batch.write = true // the portal must survive: it ties the transaction
	}
	if po.local {
		if m.answers(po.statement) {
			return m.executeLocal(o)
		}
		if err := m.inOrder(po.statement); err != nil {
			return err
		}
		po.local, o.rebind = false, true // the portal becomes the server's
	}
	m.foresee(po)
	return nil
}

// blocked reports whether a failed transaction keeps the statement from running.
// Behind a COMMIT or ROLLBACK of the same batch only the server knows.
func (m *machine) blocked(p *plan.Plan) bool {
	return m.tx.status == txFailed && !m.batch.ended && !endsFailure(p)
}

// planClose handles Close: statements are the client's own, portals live on the
// backend.
func (m *machine) planClose(o *op) *sqlerr.Error {
	var msg pgwire.Close
	if err := msg.Decode(o.frame); err != nil {
		return sqlerr.From(err)
	}
	name := string(msg.Name)
	if msg.Kind == pgwire.KindStatement {
		if p := m.stmts[name]; p != nil {
			o.statement, o.undo, o.undoes = p, p, true
			delete(m.stmts, name)
		}
		o.local = closeComplete
		return nil
	}
	po := m.portals[name]
	delete(m.portals, name)
	if po == nil && !m.mayBeCursor(name) || po != nil && po.local || m.batch.multi != nil {
		o.local = closeComplete
	}
	return nil
}

// mayBeCursor reports whether a portal that the client did not make with Bind may
// have been made with DECLARE: for a server the two are one.
func (m *machine) mayBeCursor(name string) bool { return m.tx.bound && name != "" }

func blank(b []byte) bool {
	for _, c := range b {
		switch c {
		case ' ', '\t', '\r', '\n', ';', '\f', '\v':
		default:
			return false
		}
	}
	return true
}
