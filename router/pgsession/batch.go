package pgsession

import (
	"maps"
	"slices"

	"shardproxy/meta/topology"
	"shardproxy/protocol/pgwire"
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

	// query is a Query message that ended the batch in the place of a Sync.
	query []byte

	// What an earlier Flush left open; void after Sync.

	// open: the link was used since the last Sync.
	open bool
	// tied: something other than Parse and Describe ran there.
	tied bool
	// ended: a COMMIT, ROLLBACK or ROLLBACK TO went there.
	ended bool
	// vars are the session's settings, and inForce the link's, to which an error
	// outside of a transaction block returns.
	vars, inForce *vars

	placement
	// shifted: a statement before may change the settings that plans depend on.
	shifted bool
}

// placement is where the statements of a batch run.
type placement struct {
	// target is the node that the batch's keys bind, if keyed.
	target topology.NodeIndex
	keyed  bool
	// binds: what runs there ties an open transaction to the node.
	binds bool
	// write: the statements belong into the transaction that is open.
	write bool
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
	err error

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
	// dropped are the statements that a DEALLOCATE ALL dropped.
	dropped map[string]*prepared
}

// portal is a portal of the client.
type portal struct {
	statement *prepared
	plan      plan.Plan
	local     bool
	done      bool           // a portal of the proxy has run
	serial    int            // of the savepoint before it; see txn
	extra     []pgwire.Param // values that the proxy adds
	configs   []configCall
}

func (b *batch) add(typ byte, frame []byte) {
	b.messages = append(b.messages, message{typ, frame})
}

// reset forgets the messages; what a Flush left open stays.
func (b *batch) reset() {
	clear(b.messages)
	b.messages = b.messages[:0]
	if len(b.ops) > maxOps {
		b.messages, b.ops = nil, nil
	}
	for i := range b.ops {
		o := &b.ops[i]
		o.statement, o.portal, o.replaced, o.undo, o.dropped, o.err = nil, nil, nil, nil, nil, nil
	}
	b.ops = b.ops[:0]
	b.running, b.failed, b.leaving, b.shifted = false, false, false, false
	b.placement = placement{}
	b.first, b.multi = nil, nil
}

// maxOps is the longest batch whose memory is kept for the next.
const maxOps = 1024

// onlyPrepares reports whether the messages neither run anything nor make a
// portal.
func (b *batch) onlyPrepares() bool {
	return !slices.ContainsFunc(b.messages, func(m message) bool {
		return m.typ != pgwire.MsgParse && m.typ != pgwire.MsgDescribe && m.typ != pgwire.MsgClose
	})
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
	o.statement, o.portal, o.replaced, o.undo, o.undoes, o.dropped = nil, nil, nil, nil, false, nil
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
	m.batch.running = true
	if !m.enter(nil) {
		return
	}
	clear(m.heard)
	if m.batch.vars == nil && !m.tx.open() {
		m.batch.vars = m.vars
	}
	m.planBatch()
	m.startBatch()
}

// resumeBatch goes on with the planning after the task that the next message
// needed, or fails that message with the task's error.
func (m *machine) resumeBatch(err error) {
	if err == nil {
		m.planBatch()
	} else {
		m.batch.next(m.batch.messages[len(m.batch.ops)]).err = err
	}
	m.startBatch()
}

// startBatch starts what was planned.
func (m *machine) startBatch() {
	b := &m.batch
	switch remote := m.needsServer(); {
	case b.first != nil:
		first := b.first
		b.first = nil
		m.runTask(first)
	case b.multi != nil && b.failure() != nil:
		m.failBatch(b.failure())
	case b.multi != nil && !b.alone():
		m.failBatch(notAlone())
	case b.multi != nil && m.link != nil && !m.tied():
		m.leaveNode()
	case b.multi != nil:
		m.runTask(b.multi)
	case !remote && (m.link == nil || !b.open):
		m.answerBatch()
	case m.link == nil:
		if !b.keyed {
			b.target = m.convenient()
		}
		m.acquire(b.target)
	case b.keyed && b.target != m.link.node:
		m.leaveNode()
	default:
		m.begin()
	}
}

// failure is what the batch has to fail with: the planning stops there.
func (b *batch) failure() error {
	if len(b.ops) == 0 {
		return nil
	}
	return b.ops[len(b.ops)-1].err
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
	m.link.sync(true, 0)
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
	if failed {
		m.restoreSettings()
	}
	sync := m.batch.sync
	if sync && !m.tx.open() {
		m.batch.recycle()
	}
	m.batch.reset()
	query := m.batch.query
	m.batch.query = nil
	switch {
	case sync:
		m.batch.open, m.batch.tied, m.batch.ended = false, false, false
		m.batch.vars, m.batch.inForce = nil, nil
		if !m.tx.open() {
			clear(m.portals)
		}
		m.state = stateIdle
		switch {
		case query == nil:
			m.emitReady()
		case failed: // it is skipped as well, up to a Sync
			m.state = stateSkip
		default:
			m.query(query)
		}
	case failed:
		m.state = stateSkip
	default:
		m.state = stateIdle
	}
}

// settingsBefore are the settings to which the rollback of a block returns that
// begins now: in a batch the statements before it are part of it.
func (m *machine) settingsBefore() *vars {
	if m.batch.running && m.batch.vars != nil {
		return m.batch.vars
	}
	return m.vars
}

// keepSettings notes that a transaction of the batch has ended: what follows fails
// without it.
func (m *machine) keepSettings() {
	m.batch.vars = m.vars
	if m.link != nil {
		m.batch.inForce = m.link.vars
	}
}

// restoreSettings takes back the settings of a batch that failed, as the server
// does, where no transaction block is there to be rolled back.
func (m *machine) restoreSettings() {
	b := &m.batch
	if b.vars == nil || m.tx.open() {
		return
	}
	if l := m.holder(); l != nil && b.inForce != nil {
		l.vars = b.inForce
	}
	m.changeVars(b.vars)
	m.settingsChanged()
}

// undoFrom takes back what messages from the i-th on did to the client's
// statements and portals: the server has not seen them.
func (m *machine) undoFrom(i int) {
	for j := len(m.batch.ops) - 1; j >= i; j-- {
		o := &m.batch.ops[j]
		if o.typ == pgwire.MsgBind && o.portal != nil && m.portals[string(o.bind.Portal)] == o.portal {
			restore(m.portals, string(o.bind.Portal), o.replaced)
		}
		maps.Copy(m.stmts, o.dropped)
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
func (m *machine) failBatch(err error) {
	m.undoFrom(0)
	m.emitError(err)
	m.finishBatch(true)
}

// endSkip ends the skipping of a failed batch at its Sync.
func (m *machine) endSkip() {
	m.batch.reset()
	if m.link != nil && m.batch.open {
		m.batch.running, m.batch.sync, m.batch.failed = true, true, true
		m.link.sync(false, 0)
		m.state = stateReplies
		return
	}
	m.batch.sync = true
	m.finishBatch(false)
}
