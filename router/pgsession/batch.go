package pgsession

import (
	"shardproxy/meta/topology"
	"shardproxy/protocol/pgwire"
	"shardproxy/protocol/sqlerr"
	"shardproxy/router/plan"
)

// batch is what the client sent of the extended protocol since the last Sync or
// Flush. It is planned as a whole before any of it is sent, so that a part that
// must fail is known first.
type batch struct {
	messages []message
	ops      []op
	// running: the machine works on this batch, not on a script.
	running bool
	// sync: the batch ended with Sync, not with Flush.
	sync bool
	// failed: an error was sent; the rest is skipped up to Sync.
	failed bool
	// leaving: the link is being given up for the node that the keys name.
	leaving bool
	// first is work that must be done before the batch can be planned.
	first task
	// multi is the batch as a task for several nodes.
	multi task

	// What an earlier Flush left open; void after Sync.

	// open: the link was used since the last Sync.
	open bool
	// tied: something other than Parse and Describe ran there.
	tied bool
	// ended: a COMMIT, ROLLBACK or ROLLBACK TO went there.
	ended bool

	// target is the node that the batch's keys bind, if keyed.
	target topology.NodeIndex
	keyed  bool
	write  bool
}

// message is one frame of a batch, valid until the batch has run.
type message struct {
	typ   byte
	frame []byte
}

// op is what becomes of one message.
type op struct {
	message
	// local is the answer where no server is needed.
	local []byte
	// err fails the message, and with it the rest of the batch.
	err *sqlerr.Error

	statement *prepared
	portal    *portal
	name      []byte // of the portal that an Execute runs
	rebind    bool   // the portal has to be made on the server first
	bind      pgwire.Bind
	params    bindKeys // of bind
	replaced  *portal  // the unnamed portal that a Bind replaced
	spare     *portal  // memory for the next portal
	// undo is the statement that a Parse replaced or nil; undoes says that the
	// name must be restored when the batch fails before this op.
	undo   *prepared
	undoes bool
}

// portal is a portal of the client.
type portal struct {
	statement *prepared
	plan      plan.Plan
	local     bool
	extra     []pgwire.Param // values that the proxy adds
}

func (b *batch) add(typ byte, frame []byte) {
	b.messages = append(b.messages, message{typ, frame})
}

// reset forgets the messages; what a Flush left open stays.
func (b *batch) reset() {
	clear(b.messages)
	b.messages = b.messages[:0]
	for i := range b.ops {
		o := &b.ops[i]
		o.statement, o.portal, o.replaced, o.undo, o.err = nil, nil, nil, nil, nil
	}
	b.ops = b.ops[:0]
	b.running, b.failed, b.leaving = false, false, false
	b.keyed, b.write = false, false
	b.first, b.multi = nil, nil
}

// maxSpare is how many ops keep the memory of their portal.
const maxSpare = 64

// recycle keeps the memory of the portals that the batch made, once nobody can
// name them any more.
func (b *batch) recycle() {
	for i := range b.ops[:min(maxSpare, len(b.ops))] {
		if o := &b.ops[i]; o.typ == pgwire.MsgBind && o.portal != nil {
			o.spare = o.portal
		}
	}
}

// next returns a fresh op, reusing memory.
func (b *batch) next(msg message) *op {
	if len(b.ops) < cap(b.ops) {
		b.ops = b.ops[:len(b.ops)+1]
	} else {
		b.ops = append(b.ops, op{})
	}
	o := &b.ops[len(b.ops)-1]
	o.message, o.local, o.err, o.rebind = msg, nil, nil, false
	o.statement, o.portal, o.replaced, o.undo, o.undoes = nil, nil, nil, nil, false
	return o
}

// sync handles a Sync message.
func (m *machine) sync() {
	if m.state == stateSkip {
		m.endSkip()
		return
	}
	m.batch.sync = true
	m.runBatch()
}

// flush handles a Flush message.
func (m *machine) flush() {
	m.batch.sync = false
	if len(m.batch.messages) > 0 {
		m.runBatch()
	}
}

// runBatch plans the batch and starts it.
func (m *machine) runBatch() {
	m.see(m.cfg.topology())
	clear(m.heard)
	m.batch.running = true
	noted := len(m.planned)
	m.planBatch()
	if first := m.batch.first; first != nil {
		m.batch.first = nil
		m.planned = m.planned[:noted] // planned again
		m.undoFrom(0)
		m.runTask(first)
		return
	}
	switch remote := m.needsServer(); {
	case m.batch.multi != nil:
		m.runTask(m.batch.multi)
	case !remote && (m.link == nil || !m.batch.open):
		m.answerBatch()
	case m.link == nil:
		if !m.batch.keyed {
			m.batch.target = m.convenient()
		}
		m.acquire(m.batch.target)
	case m.batch.keyed && m.batch.target != m.link.node:
		m.leaveNode()
	default:
		m.begin()
	}
}

// replanBatch plans the batch again after what its planning asked for was done.
func (m *machine) replanBatch() {
	m.batch.ops = m.batch.ops[:0]
	m.batch.keyed, m.batch.write, m.batch.multi = false, false, nil
	m.batch.ended = m.batch.ended && m.batch.open
	m.runBatch()
}

// needsServer reports whether any message has to be answered by a server.
func (m *machine) needsServer() bool {
	for i := range m.batch.ops {
		if o := &m.batch.ops[i]; o.local == nil && o.err == nil {
			return true
		}
	}
	return false
}

// leaveNode gives up a node where only Parse and Describe ran since the last
// Sync, for the node that the keys name.
func (m *machine) leaveNode() {
	m.link.sync(true)
	m.batch.leaving = true
	m.state = stateReplies
}

// answerBatch answers a batch that needs no server.
func (m *machine) answerBatch() {
	failed := false
	for i := range m.batch.ops {
		o := &m.batch.ops[i]
		if o.err != nil {
			m.undoFrom(i)
			m.emitError(o.err)
			failed = true
			break
		}
		m.out = append(m.out, o.local...)
	}
	m.finishBatch(failed)
}

// finishBatch ends a batch: after Sync the client is told that the proxy is
// ready; after Flush a failed batch is skipped up to its Sync.
func (m *machine) finishBatch(failed bool) {
	sync := m.batch.sync
	if sync && !m.tx.open() {
		m.batch.recycle()
	}
	m.batch.reset()
	switch {
	case sync:
		m.batch.open, m.batch.tied, m.batch.ended = false, false, false
		if !m.tx.open() {
			clear(m.portals)
		}
		m.state = stateIdle
		m.emitReady()
	case failed:
		m.state = stateSkip
	default:
		m.state = stateIdle
	}
}

// sendBatch writes the batch to the link, each message in the server's terms.
func (m *machine) sendBatch() {
	l := m.link
	m.bindBatch()
	trial := m.onTrial() && m.batch.tied
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
		l.sync(false)
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
	tied := m.batch.keyed || m.batch.write || !m.batch.sync && m.onTrial()
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
	l.replies.push(reply{kind: replyDescribe, seq: seq, describes: o.statement})
}

// sendFailure puts an error of ours in its place among the server's answers. The
// server has to fail as well, since a bare Sync would commit what came before.
func (m *machine) sendFailure(o *op, seq int32) {
	l := m.link
	m.undoFrom(int(seq))
	if !m.tx.bound && !m.batch.tied {
		l.replies.push(reply{kind: replyLocal, seq: seq, local: pgwire.AppendErrorResponse(nil, o.err), err: o.err})
		return
	}
	l.out = pgwire.AppendExecute(l.out, noPortal, 0)
	l.replies.push(reply{kind: replyExecute, seq: seq, err: o.err})
}

// undoFrom takes back what messages from the i-th on did to the client's
// statements and portals: the server has not seen them.
func (m *machine) undoFrom(i int) {
	for j := len(m.batch.ops) - 1; j >= i; j-- {
		o := &m.batch.ops[j]
		if o.typ == pgwire.MsgBind && o.portal != nil && m.portals[string(o.bind.Portal)] == o.portal {
			restore(m.portals, string(o.bind.Portal), o.replaced)
		}
		if !o.undoes {
			continue
		}
		restore(m.stmts, o.statement.name, o.undo)
		o.undoes = false
	}
}

// restore puts back what was under a name, or nothing.
func restore[T any](under map[string]*T, name string, old *T) {
	if old == nil {
		delete(under, name)
		return
	}
	under[name] = old
}

// failBatch fails the whole batch: nothing of it was sent.
func (m *machine) failBatch(err *sqlerr.Error) {
	m.undoFrom(0)
	m.emitError(err)
	m.finishBatch(true)
}

// endSkip ends the skipping of a failed batch at its Sync.
func (m *machine) endSkip() {
	m.batch.reset()
	if m.link != nil && m.batch.open {
		m.batch.running, m.batch.sync = true, true
		m.link.sync(false)
		m.state = stateReplies
		return
	}
	m.batch.sync = true
	m.finishBatch(false)
}
