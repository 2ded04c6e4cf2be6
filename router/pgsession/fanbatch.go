package pgsession

import (
	"shardproxy/protocol/pgwire"
	"shardproxy/protocol/sqlerr"
	"shardproxy/router/plan"
)

// batchTask is a fanout for a batch of the extended protocol.
type batchTask struct{ fanout }

func (t *batchTask) done(m *machine, err error) {
	if err != nil {
		m.failBatch(err)
		return
	}
	remote := false
	for i := range m.batch.ops { // the answers of ours behind the nodes'
		o := &m.batch.ops[i]
		if remote = remote || o.local == nil; remote {
			m.out = append(m.out, o.local...)
		}
	}
	delete(m.portals, "") // no server has it
	m.finishBatch(false)
}

// planMulti makes the batch a fanout. Only a batch with this one execution can
// be one.
func (m *machine) planMulti(o *op) *sqlerr.Error {
	if o.portal.plan.Class == plan.All {
		return m.planDDL(o)
	}
	if err := m.allowScatter(&o.portal.plan); err != nil {
		return err
	}
	if err := m.aloneSoFar(o); err != nil {
		return err
	}
	if waits, err := m.needSignature(o); waits || err != nil {
		return err
	}
	if err := m.checkBinary(o); err != nil {
		return err
	}
	m.noticePlan(&o.portal.plan, o.statement.sql, &bindKeys{bind: &o.bind, statement: o.statement})
	var tells *prepared
	if m.describedInBatch() || m.statementDescribed() {
		tells = o.statement
	}
	m.asideDone(&o.portal.plan)
	m.batch.multi = &batchTask{fanout{
		draws:  drawsOnly(&o.portal.plan),
		tells:  tells,
		before: m.answersBefore(), limit: m.rowLimit(),
		nodes: nodesOf(&o.portal.plan), merge: oneRow(o.portal.plan.Merge),
		quietParse: !m.parsedInBatch(o.statement), quietDescribe: !m.describedInBatch(),
		send:   m.sendFanned,
		binary: func(i int) bool { return o.bind.ResultFormat(i) == pgwire.FormatBinary },
	}}
	return nil
}

// aloneSoFar refuses a statement for several nodes in a batch with others.
func (m *machine) aloneSoFar(o *op) *sqlerr.Error {
	executes := 0
	for _, msg := range m.batch.messages {
		if msg.typ == pgwire.MsgExecute {
			executes++
		}
	}
	if executes != 1 || !m.batch.sync || m.batch.open && m.batch.tied || len(o.bind.Portal) > 0 {
		return notAlone()
	}
	return nil
}

func notAlone() *sqlerr.Error {
	return sqlerr.NotSupported("a statement for several nodes is not supported in a pipeline or cursor").
		WithHint("Send it alone, followed by Sync, without a cursor or fetch size; or add the shard key to its conditions.")
}

// rowLimit is how many rows the only Execute of the batch asks for; 0: all.
func (m *machine) rowLimit() int64 {
	for _, message := range m.batch.messages {
		var msg pgwire.Execute
		if message.typ == pgwire.MsgExecute && msg.Decode(message.frame) == nil && msg.MaxRows > 0 {
			return int64(msg.MaxRows)
		}
	}
	return 0
}

// answersBefore are the answers of ours ahead of the first of a server.
func (m *machine) answersBefore() (before []byte) {
	for i := range m.batch.ops {
		if m.batch.ops[i].local == nil {
			break
		}
		before = append(before, m.batch.ops[i].local...)
	}
	return before
}

// alone reports whether a batch with a statement for several nodes holds nothing
// else that a server would have to answer: Parse and Describe of the statement,
// Bind, Describe of the portal, Execute, in this order.
func (b *batch) alone() bool {
	var bound *prepared
	for i := range b.ops {
		if o := &b.ops[i]; o.typ == pgwire.MsgBind && o.local == nil {
			bound = o.statement
			break
		}
	}
	stage := 0
	for i := range b.ops {
		o := &b.ops[i]
		next := 0
		switch {
		case o.local != nil: // ours: ahead of the nodes' answers or behind them
			if stage == 0 || stage == 5 {
				continue
			}
			return false
		case o.typ == pgwire.MsgParse && o.statement == bound:
			next = 1
		case o.typ == pgwire.MsgDescribe && o.statement != nil && o.statement == bound:
			next = 2
		case o.typ == pgwire.MsgBind:
			next = 3
		case o.typ == pgwire.MsgDescribe && o.statement == nil:
			next = 4
		case o.typ == pgwire.MsgExecute:
			next = 5
		}
		if next <= stage {
			return false
		}
		stage = next
	}
	return stage == 5
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

// statementDescribed reports whether the batch describes a statement.
func (m *machine) statementDescribed() bool {
	for i := range m.batch.ops {
		if o := &m.batch.ops[i]; o.typ == pgwire.MsgDescribe && o.statement != nil {
			return true
		}
	}
	return false
}

// sendFanned writes the batch to one of several links. Merged results are read as
// text.
func (m *machine) sendFanned(l *link) error {
	parsed := false
	parse := func(p *prepared) {
		if !parsed {
			l.unnamed = statementKey{}
			l.out = pgwire.AppendParse(l.out, "", p.key.Value().sql, m.parameterTypes(p, l.node))
		}
		parsed = true
	}
	for i := range m.batch.ops {
		o := &m.batch.ops[i]
		switch {
		case o.local != nil:
		case o.typ == pgwire.MsgParse:
			parse(o.statement)
		case o.typ == pgwire.MsgBind:
			parse(o.statement)
			m.fanBind(l, o)
		case o.typ == pgwire.MsgDescribe && o.statement != nil:
			parse(o.statement)
			l.out = pgwire.AppendDescribe(l.out, pgwire.KindStatement, "")
		default:
			l.out = append(l.out, o.frame...)
		}
	}
	l.out = pgwire.AppendSync(l.out)
	return nil
}

func (m *machine) fanBind(l *link, o *op) {
	if oneRow(o.portal.plan.Merge) == nil {
		l.out, _ = o.bind.Append(l.out, o.bind.Portal, nil) // cannot fail without extra parameters
		return
	}
	params := make([]pgwire.Param, o.bind.Params())
	for i := range params {
		value, _, format := o.bind.Param(i)
		params[i] = pgwire.Param{Value: value, Format: format}
	}
	l.out = pgwire.AppendBind(l.out, o.bind.Portal, "", params, nil)
	if !m.describedInBatch() {
		l.out = pgwire.AppendDescribe(l.out, pgwire.KindPortal, string(o.bind.Portal))
	}
}
