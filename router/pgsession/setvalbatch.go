package pgsession

import (
	"shardproxy/protocol/pgwire"
	"shardproxy/protocol/sqlerr"
)

// batchSetval is a setvalTask for a batch of the extended protocol.
type batchSetval struct {
	*setvalTask
	format  int16
	limited bool // the client asked for one row
}

// planSetval makes the batch a setval(). Only a batch with this one execution can
// be one.
func (m *machine) planSetval(o *op) *sqlerr.Error {
	if err := m.aloneSoFar(o); err != nil {
		return err
	}
	t, err := m.newSetval(o.statement, &o.portal.plan, &o.bind)
	if err != nil {
		return err
	}
	m.noticePlan(&o.portal.plan, o.statement.sql, &bindKeys{bind: &o.bind, statement: o.statement})
	m.batch.multi = &batchSetval{t, o.bind.ResultFormat(0), m.rowLimit() == 1}
	return nil
}

func (t *batchSetval) done(m *machine, err error) {
	switch {
	case m.link != nil && m.link.broken:
		m.lost(err)
		return
	case err != nil && !t.described:
		m.failBatch(err)
		return
	}
	m.tx.queried = true
	for i := range m.batch.ops {
		o := &m.batch.ops[i]
		if o.typ == pgwire.MsgExecute && err != nil {
			m.undoFrom(i)
			m.emitError(err)
			m.finishBatch(true)
			return
		}
		t.answer(m, o)
	}
	delete(m.portals, "") // no server has it
	m.finishBatch(false)
}

// answer answers one message.
func (t *batchSetval) answer(m *machine, o *op) {
	if o.local != nil {
		m.out = append(m.out, o.local...)
		return
	}
	switch o.typ {
	case pgwire.MsgParse:
		m.out = append(m.out, parseComplete...)
	case pgwire.MsgBind:
		m.out = append(m.out, bindComplete...)
	case pgwire.MsgDescribe:
		format := t.format
		if o.portal == nil {
			m.out = pgwire.AppendParameterDescription(m.out, t.params)
			format = pgwire.FormatText
		}
		m.out = append(m.out, t.description(format)...)
	case pgwire.MsgExecute:
		m.out = append(m.out, t.row(t.format)...)
		if t.limited {
			m.out = pgwire.AppendPortalSuspended(m.out)
		} else {
			m.emitTag("SELECT 1")
		}
	}
}
