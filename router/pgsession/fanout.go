package pgsession

import (
	"context"

	"shardproxy/meta/topology"
	"shardproxy/protocol/pgwire"
	"shardproxy/protocol/sqlerr"
	"shardproxy/router/plan"
)

// fanout runs one read on several nodes and makes one result of theirs: rows
// concatenated, or the one row of an ungrouped aggregate merged. All nodes get
// the statement before the first answer is read.
type fanout struct {
	nodes []topology.NodeIndex
	merge *plan.Merge // nil: the rows are concatenated
	// send writes the statement to a link, up to Sync or as a Query.
	send func(l *link) error
	// binary says for each column of a merged row whether the client asked
	// for the binary format.
	binary func(column int) bool
	// quietParse: the Parse was ours, the client must not see its answer.
	quietParse bool
	// quietDescribe: so was the Describe, for the types of the merged row.
	quietDescribe bool
	// before is what the proxy answered itself, ahead of the nodes.
	before []byte

	links []*link
	rows  int64
	row   mergedRow
}

// run executes the statement and emits everything the client has to see but
// ReadyForQuery.
func (f *fanout) run(ctx context.Context, w worker) error {
	defer f.release(w)
	for _, node := range f.nodes {
		l, err := w.acquire(ctx, node)
		if err != nil {
			return err
		}
		f.links = append(f.links, l)
		if err := w.withSettings(ctx, l); err != nil {
			return err
		}
	}
	for _, l := range f.links {
		if err := f.start(l); err != nil {
			return err
		}
	}
	if err := w.emit(f.before); err != nil {
		return err
	}
	for i, l := range f.links {
		if err := f.read(ctx, w, l, i == 0); err != nil {
			return err
		}
	}
	return f.finish(w)
}

// start sends the statement to one node.
func (f *fanout) start(l *link) error {
	if err := f.send(l); err != nil {
		return err
	}
	l.owes = true
	if err := l.write(); err != nil {
		l.broken = true
		return err
	}
	return nil
}

// read relays one node's answer; what only describes it comes from the first.
func (f *fanout) read(ctx context.Context, w worker, l *link, first bool) error {
	m := w.session()
	err := l.exchange(ctx, func(typ byte, frame []byte) error {
		switch typ {
		case pgwire.MsgDataRow:
			if f.merge != nil {
				return f.row.add(f.merge, frame)
			}
			return w.emit(frame)
		case pgwire.MsgCommandComplete:
			return f.count(frame)
		case pgwire.MsgRowDescription:
			if err := m.mapColumns(l.node, frame); err != nil || !first {
				return err
			}
			return f.describe(w, frame)
		case pgwire.MsgParameterDescription:
			if _, err := m.mapParameters(l.node, frame); err != nil || !first {
				return err
			}
			return w.emit(frame)
		case pgwire.MsgNoticeResponse:
			return w.emit(frame)
		case pgwire.MsgParameterStatus:
		case pgwire.MsgParseComplete:
			if first && !f.quietParse {
				return w.emit(frame)
			}
		case pgwire.MsgCopyInResponse, pgwire.MsgCopyOutResponse:
			return sqlerr.NodeProtocol(string(l.id), "COPY in a statement for several nodes")
		default:
			if first {
				return w.emit(frame)
			}
		}
		return nil
	})
	l.owes = false
	return err
}

// count adds up the rows of CommandComplete.
func (f *fanout) count(frame []byte) error {
	var c pgwire.CommandComplete
	if err := c.Decode(frame); err != nil {
		return err
	}
	n, _ := c.Rows()
	f.rows += n
	return nil
}

// describe forwards the RowDescription of the first node.
func (f *fanout) describe(w worker, frame []byte) error {
	if f.merge == nil {
		return w.emit(frame)
	}
	if err := f.row.describe(frame, f.binary); err != nil || f.quietDescribe {
		return err
	}
	return w.emit(frame)
}

// finish emits the merged row and CommandComplete.
func (f *fanout) finish(w worker) error {
	if f.merge != nil {
		row, err := f.row.encode()
		if err != nil {
			return err
		}
		if err := w.emit(row); err != nil {
			return err
		}
		f.rows = 1
	}
	return w.emit(pgwire.AppendCommandComplete(nil, "SELECT "+itoa(f.rows)))
}

// release gives all links back; those that still owe an answer are closed,
// which ends their statements.
func (f *fanout) release(w worker) {
	for _, l := range f.links {
		if l.owes {
			l.broken = true
		}
		l.owes = false
		w.release(l)
	}
}

// startScatter runs a statement of the simple protocol on several nodes.
func (m *machine) startScatter(st *step) bool {
	if err := m.allowScatter(); err != nil {
		m.refuse(err)
		return false
	}
	text := st.text
	m.noticePlan(&st.plan, st.text, nil)
	m.runTask(&scatterTask{fanout{
		nodes: nodesOf(&st.plan), merge: oneRow(st.plan.Merge),
		send: func(l *link) error {
			l.query(text)
			return nil
		},
		binary: func(int) bool { return false },
	}})
	return true
}

// allowScatter says whether a read over several nodes is exact in the
// transaction that is open.
func (m *machine) allowScatter() *sqlerr.Error {
	switch {
	case m.tied():
		return sqlerr.NotSupported("a statement for several nodes is not supported in a transaction on one node").
			WithDetail("The transaction is on node " + string(m.link.id) + ".").
			WithHint("Run it before the transaction, or add the shard key to its conditions.")
	case m.tx.open() && m.tx.snapshot:
		return sqlerr.NotSupported("a statement for several nodes is not supported in a transaction with one snapshot").
			WithHint("Use READ COMMITTED, or add the shard key to its conditions.")
	}
	return nil
}

// oneRow returns m where the results become one row, nil where they are
// concatenated.
func oneRow(m *plan.Merge) *plan.Merge {
	if m == nil || m.Columns == nil {
		return nil
	}
	return m
}

func nodesOf(p *plan.Plan) []topology.NodeIndex {
	var nodes []topology.NodeIndex
	for node := range p.Nodes.All() {
		nodes = append(nodes, node)
	}
	return nodes
}

// scatterTask is a fanout for one step of a script.
type scatterTask struct{ fanout }

func (t *scatterTask) done(m *machine, err error) {
	if err != nil {
		m.emitNodeError(err)
		m.script.failed = true
	}
	m.script.at++
	m.advance()
}

// batchTask is a fanout for a batch of the extended protocol.
type batchTask struct{ fanout }

func (t *batchTask) done(m *machine, err error) {
	if err != nil {
		m.undoFrom(0)
		m.emitNodeError(err)
	}
	m.finishBatch(err != nil)
}

// planMulti makes the batch a fanout. Only a batch with this one execution can
// be one.
func (m *machine) planMulti(o *op) *sqlerr.Error {
	if o.portal.plan.Class == plan.All {
		return m.planDDL(o)
	}
	if err := m.allowScatter(); err != nil {
		return err
	}
	before, ok := m.aloneInBatch(o)
	if !ok {
		return sqlerr.NotSupported("a statement for several nodes is not supported in a pipeline or cursor").
			WithHint("Send it alone, followed by Sync.")
	}
	if waits, err := m.needSignature(o); waits || err != nil {
		return err
	}
	if err := m.checkBinary(o); err != nil {
		return err
	}
	m.noticePlan(&o.portal.plan, o.statement.sql, &bindKeys{bind: &o.bind, statement: o.statement})
	m.batch.multi = &batchTask{fanout{
		nodes: nodesOf(&o.portal.plan), merge: oneRow(o.portal.plan.Merge),
		before: before, quietParse: !m.parsedInBatch(o.statement), quietDescribe: !m.describedInBatch(),
		send:   m.sendFanned,
		binary: func(i int) bool { return o.bind.ResultFormat(i) == pgwire.FormatBinary },
	}}
	return nil
}

// aloneInBatch reports whether the batch executes nothing but o, and returns the
// answers of ours that come first.
func (m *machine) aloneInBatch(o *op) (before []byte, ok bool) {
	executes := 0
	for _, msg := range m.batch.messages {
		if msg.typ == pgwire.MsgExecute {
			executes++
		}
	}
	if executes != 1 || !m.batch.sync || m.batch.open || len(o.bind.Portal) > 0 {
		return nil, false
	}
	remote := false
	for i := range m.batch.ops[:len(m.batch.ops)-1] {
		earlier := &m.batch.ops[i]
		switch {
		case earlier.local == nil:
			remote = true
		case remote:
			return nil, false
		default:
			before = append(before, earlier.local...)
		}
	}
	return before, true
}

// parsedInBatch reports whether the client's Parse of the statement is part of
// the batch.
func (m *machine) parsedInBatch(p *prepared) bool {
	for i := range m.batch.ops {
		if o := &m.batch.ops[i]; o.typ == pgwire.MsgParse && o.statement == p {
			return true
		}
	}
	return false
}

// describedInBatch reports whether the client asks for the columns of the portal.
func (m *machine) describedInBatch() bool {
	for _, msg := range m.batch.messages {
		if msg.typ == pgwire.MsgDescribe && len(msg.frame) > pgwire.HeaderSize && msg.frame[pgwire.HeaderSize] == pgwire.KindPortal {
			return true
		}
	}
	return false
}

// sendFanned writes the batch to one of several links.
func (m *machine) sendFanned(l *link) error {
	merged := false
	for i := range m.batch.ops {
		if o := &m.batch.ops[i]; o.typ == pgwire.MsgBind {
			merged = oneRow(o.portal.plan.Merge) != nil
		}
	}
	for i := range m.batch.ops {
		o := &m.batch.ops[i]
		switch {
		case o.err != nil:
			return o.err
		case o.typ == pgwire.MsgParse:
			l.unnamed = statementKey{}
			l.out = pgwire.AppendParse(l.out, "", o.statement.key.Value().sql, m.parameterTypes(o.statement, l.node))
		case o.typ == pgwire.MsgBind:
			m.fanBind(l, o, merged)
			if merged && !m.describedInBatch() {
				l.out = pgwire.AppendDescribe(l.out, pgwire.KindPortal, string(o.bind.Portal))
			}
		case o.typ == pgwire.MsgDescribe && o.statement != nil:
			l.out = pgwire.AppendDescribe(l.out, pgwire.KindStatement, "")
		case o.local == nil:
			l.out = append(l.out, o.frame...)
		}
	}
	l.out = pgwire.AppendSync(l.out)
	return nil
}

// fanBind writes a Bind, and the Parse it needs; merged results are read as
// text.
func (m *machine) fanBind(l *link, o *op, merged bool) {
	if !m.parsedInBatch(o.statement) {
		l.unnamed = statementKey{}
		l.out = pgwire.AppendParse(l.out, "", o.statement.key.Value().sql, m.parameterTypes(o.statement, l.node))
	}
	if !merged {
		l.out, _ = o.bind.Append(l.out, o.bind.Portal, nil) // cannot fail without extra parameters
		return
	}
	params := make([]pgwire.Param, o.bind.Params())
	for i := range params {
		value, _, format := o.bind.Param(i)
		params[i] = pgwire.Param{Value: value, Format: format}
	}
	l.out = pgwire.AppendBind(l.out, o.bind.Portal, "", params, nil)
}
