package pgsession

import (
	"bytes"
	"strconv"

	"shardproxy/protocol/pgwire"
	"shardproxy/protocol/sqlerr"
	"shardproxy/ring"
	"shardproxy/router/copyrow"
	"shardproxy/router/plan"
	"shardproxy/router/sqlscan"
)

// copyIn is a COPY FROM STDIN in progress. For a sharded table the backend is
// chosen by the first row's key; every later row must belong to the same node.
type copyIn struct {
	active   bool
	splitter *copyrow.Splitter // nil: rows have no key to check
	plan     *plan.CopyPlan
	// started: the backend has said CopyInResponse.
	started bool
	// pending are rows that wait for the backend.
	pending []byte
	// done: the client has sent CopyDone.
	done bool
	// placed: a row has chosen the node, machine.target.
	placed bool
	binary bool
	key    []byte
}

// startCopy begins COPY FROM STDIN.
func (m *machine) startCopy(st *step) bool {
	p := &st.plan
	if !st.plan.Statement.Copy.Stdio {
		m.refuse(sqlerr.NotSupported("COPY from a file or program of the server is not supported").WithHint("Use COPY ... FROM STDIN."))
		return false
	}
	for i := range m.script.steps { // the Query message will be gone
		m.script.steps[i].text = bytes.Clone(m.script.steps[i].text)
	}
	m.copying = copyIn{active: true, plan: p.Copy, pending: m.copying.pending[:0], key: m.copying.key}
	if p.Class != plan.ByRows {
		node, err := m.place(p)
		if err == nil {
			err = m.checkCopy(p, node)
		}
		if err != nil {
			m.refuse(err)
			return false
		}
		return m.acquire(node)
	}
	options, format, err := copyOptions(st.plan.Statement.Copy, p.Copy)
	if err == nil {
		m.copying.splitter, err = copyrow.New(options)
	}
	if err != nil {
		m.refuse(sqlerr.NotSupported("this form of COPY is not supported").WithDetail(err.Error()))
		return false
	}
	m.copying.binary = format == pgwire.FormatBinary
	if p.Rewrite != nil {
		st.text = rewriteCopy(st.text, m.scanMode(), p.Rewrite)
	}
	m.out = pgwire.AppendCopyInResponse(m.out, format, len(p.Copy.Columns))
	m.state = stateCopyIn
	return true
}

// onCopyIn is told that the backend is ready for data.
func (m *machine) onCopyIn(part pgwire.Part) {
	c := &m.copying
	if !c.active || m.batch.running {
		m.lost(sqlerr.NodeProtocol(string(m.link.id), "COPY FROM STDIN that was not planned"))
		return
	}
	c.started = true
	if c.splitter == nil {
		m.out = append(m.out, part.Bytes...)
	}
	m.state = stateCopyIn
	m.sendPending()
	if c.done {
		m.endCopy()
	}
}

// sendPending writes the rows that waited for the backend.
func (m *machine) sendPending() {
	if len(m.copying.pending) > 0 {
		m.link.out = pgwire.AppendCopyData(m.link.out, m.copying.pending)
		m.copying.pending = m.copying.pending[:0]
	}
}

// copyMessage takes a message of the client while it copies (PostgreSQL manual
// 55.2.6).
func (m *machine) copyMessage(typ byte, frame []byte) {
	switch typ {
	case pgwire.MsgCopyData:
		m.copyData(frame)
	case pgwire.MsgCopyDone:
		m.copyDone()
	case pgwire.MsgCopyFail:
		m.copyFail(frame)
	case pgwire.MsgFlush, pgwire.MsgSync:
		// Ignored during COPY, as the server does.
	case pgwire.MsgTerminate:
		m.state = stateEnd
	default:
		m.failCopy(sqlerr.ProtocolViolation("unexpected message " + pgwire.FrontendName(typ) + " during COPY from stdin"))
	}
}

// copyData forwards data whose rows belong where the COPY runs.
func (m *machine) copyData(frame []byte) {
	c := &m.copying
	if c.splitter == nil {
		m.link.out = append(m.link.out, frame...)
		return
	}
	err := c.splitter.Feed(frame[pgwire.HeaderSize:], m.copyRow)
	switch {
	case err != nil:
		m.failCopy(copyError(err))
	case c.started:
		m.sendPending()
	case c.placed:
		m.acquire(m.target)
	}
}

// copyRow checks the key of one row and keeps the row's bytes.
func (m *machine) copyRow(row copyrow.Row) error {
	c := &m.copying
	if !row.Control {
		if err := m.checkRow(row); err != nil {
			return err
		}
	}
	c.pending = append(c.pending, row.Raw...)
	return nil
}

// checkRow finds the node of a row, which the first row chooses for all.
func (m *machine) checkRow(row copyrow.Row) error {
	c := &m.copying
	rel := c.plan.Relation
	if row.Null || row.Default {
		return sqlerr.NullKey(rel.Name.String(), rel.Key.Column)
	}
	key, state := m.copyKey(c.key[:0], row.Value)
	c.key = key
	if state != sqlscan.KeyOK {
		return sqlerr.InvalidKey(rel.Name.String(), rel.Key.Column, rel.Key.Type.String(), string(row.Value)).
			WithDetail("COPY row " + strconv.Itoa(row.Number) + ".")
	}
	partition := ring.PartitionOf(key, m.db.PartitionCount())
	node := m.db.Owner(partition)
	switch {
	case !c.placed && m.link != nil && m.link.node != node:
		return m.elsewhere(node)
	case !c.placed:
		if err := m.checkCopied(c.plan, node); c.binary && err != nil {
			return err
		}
		m.target, c.placed = node, true
	case node != m.target:
		return sqlerr.NotSupported("COPY of rows for several nodes is not supported").
			WithDetail("Row " + strconv.Itoa(row.Number) + " belongs to node " + string(m.db.Nodes[node].ID) +
				", the rows before it to node " + string(m.db.Nodes[m.target].ID) + ".").
			WithHint("COPY the rows of one shard key at a time.")
	}
	m.tx.touched.add(partition)
	return nil
}

// copyDone ends the data.
func (m *machine) copyDone() {
	c := &m.copying
	if c.splitter != nil {
		if err := c.splitter.Finish(m.copyRow); err != nil {
			m.failCopy(copyError(err))
			return
		}
	}
	c.done = true
	switch {
	case c.started:
		m.sendPending()
		m.endCopy()
	case c.placed:
		m.acquire(m.target)
	case m.link != nil:
		m.acquire(m.link.node)
	case !m.tx.open():
		// No row, no node: any server can judge the rest of the statement.
		m.acquire(m.convenient())
	default:
		// It must not bind the transaction to a node.
		c.active = false
		m.emitTag("COPY 0")
		m.nextStep()
	}
}

// endCopy tells the backend that the data is complete.
func (m *machine) endCopy() {
	m.link.out = pgwire.AppendCopyDone(m.link.out)
	m.copying.active = false
	m.state = stateReplies
}

// copyFail handles the client's CopyFail.
func (m *machine) copyFail(frame []byte) {
	var msg pgwire.CopyFail
	if err := msg.Decode(frame); err != nil {
		m.failCopy(sqlerr.From(err))
		return
	}
	if m.copying.started {
		m.link.out = append(m.link.out, frame...)
		m.copying.active = false
		m.state = stateReplies
		return
	}
	m.failCopy(sqlerr.QueryCanceled().WithDetail("COPY from stdin failed: " + string(msg.Message)))
}

// failCopy ends the COPY with an error of ours; what the backend got is undone.
func (m *machine) failCopy(err *sqlerr.Error) {
	c := &m.copying
	c.active = false
	if !c.started {
		m.refuse(err)
		m.nextStep()
		return
	}
	c.pending = c.pending[:0]
	m.link.out = pgwire.AppendCopyFail(m.link.out, "refused by the proxy")
	m.link.replies.first().err = err
	m.state = stateReplies
}

// abandonCopy forgets a COPY that is over.
func (m *machine) abandonCopy() {
	m.copying = copyIn{pending: shrink(m.copying.pending), key: m.copying.key}
}

// nextStep goes on behind a step that ended without a backend.
func (m *machine) nextStep() {
	m.script.at++
	m.advance()
}
