package pgsession

import "shardproxy/protocol/pgwire"

// sendBatch writes the batch to the link, each message in the server's terms.
func (m *machine) sendBatch() {
	l := m.link
	if !m.batch.open {
		m.batch.inForce = l.vars
	}
	m.bindBatch()
	trial := m.onTrial() && m.batch.tied
	l.trial = trial
	if trial {
		l.quietQuery(m.tx.appendPrelude(nil))
	}
	for i := range m.batch.ops {
		o := &m.batch.ops[i]
		if o.err != nil {
			m.sendFailure(o, int32(i))
			break
		}
		m.sendOp(o, int32(i))
	}
	for i := range m.batch.ops {
		if o := &m.batch.ops[i]; o.typ == pgwire.MsgBind && o.portal != nil && o.local == nil && o.err == nil {
			m.mark(&o.portal.plan)
		}
	}
	m.batch.open = true
	if m.batch.sync {
		l.sync(false, int32(len(m.batch.ops)))
	} else {
		l.out = pgwire.AppendFlush(l.out)
	}
	if trial {
		l.quietQuery([]byte("ROLLBACK"))
	}
	m.state = stateReplies
	m.emitLocals()
	if l.replies.empty() {
		m.linkSettled()
	}
}

// bindBatch ties an open transaction to the link if the batch does.
func (m *machine) bindBatch() {
	tied := m.batch.binds || m.batch.write
	for i := range m.batch.ops {
		o := &m.batch.ops[i]
		if o.local != nil || o.err != nil {
			continue
		}
		switch o.typ {
		case pgwire.MsgBind:
			m.noticePlan(&o.portal.plan, o.statement.sql, &o.params)
			tied = tied || len(o.bind.Portal) > 0
			m.batch.tied = true
		case pgwire.MsgExecute, pgwire.MsgClose:
			m.batch.tied = true
		}
	}
	if !m.batch.sync && m.batch.tied && m.onTrial() {
		tied = true // the portal has to survive the Flush
	}
	if m.tx.open() && !m.tx.bound && tied {
		m.open()
	}
	if !m.tx.bound {
		return
	}
	for i := range m.batch.ops {
		if o := &m.batch.ops[i]; o.typ == pgwire.MsgBind && o.portal != nil && o.err == nil {
			m.touch(&o.portal.plan)
		}
	}
}

// sendOp writes one message.
func (m *machine) sendOp(o *op, seq int32) {
	l := m.link
	if o.local != nil {
		l.replies.push(reply{kind: replyLocal, seq: seq, local: o.local})
		return
	}
	switch o.typ {
	case pgwire.MsgParse:
		if o.statement.sent != "" && l.has(o.statement) {
			l.replies.push(reply{kind: replyLocal, seq: seq, local: parseComplete})
			return
		}
		l.parse(o.statement, m.parameterTypes(o.statement, l.node), false, seq)
	case pgwire.MsgBind:
		m.sendBind(o, seq)
	case pgwire.MsgDescribe:
		m.sendDescribe(o, seq)
	case pgwire.MsgExecute:
		m.ensurePortal(o, seq)
		l.out = append(l.out, o.frame...)
		l.replies.push(reply{kind: replyExecute, seq: seq, portal: o.portal})
		m.sendAtLogin(o.portal.plan.Statement, seq)
	case pgwire.MsgClose:
		l.out = append(l.out, o.frame...)
		l.replies.push(reply{kind: replyClose, seq: seq})
	}
}

// sendBind writes a Bind, and a Parse before it where the backend lacks the
// statement.
func (m *machine) sendBind(o *op, seq int32) {
	l := m.link
	if !l.has(o.statement) {
		l.parse(o.statement, m.parameterTypes(o.statement, l.node), true, seq)
	}
	if o.statement.sent == "" && o.statement.hidden == 0 {
		l.out = append(l.out, o.frame...)
	} else {
		l.out, _ = o.bind.Append(l.out, o.bind.Portal, []byte(o.statement.sent), o.portal.extra...)
	}
	l.replies.push(reply{kind: replyBind, seq: seq, binds: o.statement})
	if m.guarded(o) {
		l.out = pgwire.AppendDescribe(l.out, pgwire.KindPortal, string(o.bind.Portal))
		l.replies.push(reply{kind: replyDescribe, quiet: true, seq: seq})
	}
}

// ensurePortal makes a portal that the proxy would have run itself, had it not
// to run in order behind what a server answers.
func (m *machine) ensurePortal(o *op, seq int32) {
	l, po := m.link, o.portal
	if !o.rebind {
		return
	}
	if !l.has(po.statement) {
		l.parse(po.statement, m.parameterTypes(po.statement, l.node), true, seq)
	}
	l.out = pgwire.AppendBind(l.out, o.name, po.statement.sent, nil, nil)
	l.replies.push(reply{kind: replyBind, quiet: true, seq: seq})
}

func (m *machine) sendDescribe(o *op, seq int32) {
	l := m.link
	if o.statement == nil { // a portal
		l.out = append(l.out, o.frame...)
	} else {
		if !l.has(o.statement) {
			l.parse(o.statement, m.parameterTypes(o.statement, l.node), true, seq)
		}
		l.out = pgwire.AppendDescribe(l.out, pgwire.KindStatement, o.statement.sent)
	}
	tells := o.statement
	if o.portal != nil {
		tells = o.portal.statement
	}
	l.replies.push(reply{kind: replyDescribe, seq: seq, describes: o.statement, tells: tells})
}

// sendFailure puts an error of ours in its place among the server's answers. The
// server has to fail as well, since a bare Sync would commit what came before.
func (m *machine) sendFailure(o *op, seq int32) {
	l := m.link
	m.undoFrom(int(seq))
	if !m.tx.bound && !m.batch.tied {
		l.replies.push(reply{kind: replyLocal, seq: seq, err: o.err})
		return
	}
	l.out = pgwire.AppendExecute(l.out, noPortal, 0)
	l.replies.push(reply{kind: replyExecute, seq: seq, err: o.err})
}
