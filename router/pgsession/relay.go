package pgsession

import (
	"slices"

	"shardproxy/protocol/pgwire"
	"shardproxy/protocol/sqlerr"
)

// fromBackend takes one message of the link, or a piece of a long one.
func (m *machine) fromBackend(part pgwire.Part) {
	l := m.link
	if !part.First {
		if l.streaming == pass {
			m.out = append(m.out, part.Bytes...)
		}
		return
	}
	v, due := l.replies.receive(part.Type)
	l.streaming = v
	switch v {
	case pass:
		m.passOn(part, &due)
	case replace:
		l.void(l.replies.takeVoided())
		m.writeError(due.err)
		m.requestFailed(&due)
	case failed:
		l.void(l.replies.takeVoided())
		m.serverFailed(part, &due)
	case drop:
		m.inspect(part)
	case quietly:
		if l.failure == nil {
			l.failure = newServerError(part.Bytes)
		}
	case ready:
		m.onReady(part)
	case copying:
		m.onCopyIn(part)
	case desync:
		m.lost(sqlerr.NodeProtocol(string(l.id), "unexpected message "+pgwire.BackendName(part.Type)))
		return
	}
	if m.link != l || m.state != stateReplies {
		return
	}
	m.emitLocals()
	if l.replies.empty() {
		m.linkSettled()
	}
}

// emitLocals sends the answers of ours whose turn has come.
func (m *machine) emitLocals() {
	q := &m.link.replies
	for r := q.first(); r != nil && r.kind == replyLocal; r = q.first() {
		if r.err != nil {
			m.emitError(r.err)
			m.batch.failed = true
		} else {
			m.out = append(m.out, r.local...)
		}
		q.pop()
	}
}

// passOn forwards a message to the client, and takes from it what the session
// has to know.
func (m *machine) passOn(part pgwire.Part, due *reply) {
	frame := part.Bytes
	switch part.Type {
	case pgwire.MsgCommandComplete:
		m.completed(frame, due)
	case pgwire.MsgParameterStatus:
		m.hear(frame)
	case pgwire.MsgParameterDescription:
		m.described(frame, due)
		return
	case pgwire.MsgRowDescription:
		if err := m.mapColumns(m.link.node, frame); err != nil {
			m.lost(err)
			return
		}
		m.learnFrom(due, m.columns.Columns, frame)
		m.tell(due.tells, frame)
	case pgwire.MsgNoData:
		m.learnFrom(due, nil, nil)
		m.tell(due.tells, nil)
	}
	m.out = append(m.out, frame...)
}

// inspect looks at a message that the client does not see.
func (m *machine) inspect(part pgwire.Part) {
	if part.Type != pgwire.MsgRowDescription {
		return
	}
	if err := m.mapColumns(m.link.node, part.Bytes); err != nil {
		m.lost(err)
	}
}

// completed notes what a statement did.
func (m *machine) completed(frame []byte, due *reply) {
	var c pgwire.CommandComplete
	if c.Decode(frame) != nil {
		return
	}
	m.lastTag = append(m.lastTag[:0], c.Tag...)
	if due.portal != nil {
		m.effects(due.portal.plan.Statement, due.portal.statement.sql)
		m.configsDone(due.portal.configs)
	}
}

// hear notes a ParameterStatus that the client's own statement caused.
func (m *machine) hear(frame []byte) {
	var p pgwire.ParameterStatus
	if p.Decode(frame) != nil {
		return
	}
	name, value := settingName(string(p.Name)), string(p.Value)
	m.noteReport(name, value)
	// Reports come at the end of a request, when a SET of a batch is complete already.
	if item := m.vars.get(name); item != nil && m.tx.local.get(name) == nil && m.batch.running {
		m.vars = m.vars.with(variable{name: name, value: item.value, reported: value})
	}
}

// noteReport notes what the client has been told of a setting in this request.
func (m *machine) noteReport(name, value string) {
	if m.heard == nil {
		m.heard = make(map[string]string)
	}
	m.heard[name] = value
}

// described forwards a ParameterDescription, without the parameter that the
// proxy added, and keeps the types until those of the columns have come.
func (m *machine) described(frame []byte, due *reply) {
	oids, err := m.mapParameters(m.link.node, frame)
	if err != nil || due.describes == nil {
		m.out = append(m.out, frame...)
		return
	}
	m.params = oids[:max(0, len(oids)-due.describes.hidden)]
	m.out = pgwire.AppendParameterDescription(m.out, m.params)
}

// learnFrom keeps what the description of a statement says; no frame: it returns
// nothing.
func (m *machine) learnFrom(due *reply, columns []pgwire.Column, frame []byte) {
	if due.kind == replyDescribe && due.describes != nil {
		m.learn(due.describes, m.params, columns, string(appendForm(nil, frame)))
	}
}

// types are the signatures that count for the session: while it is tied to its
// node its own, since temporary tables are nobody else's.
func (m *machine) types() *knownTypes {
	switch {
	case m.pinned == "":
		m.ownTypes = nil
		return m.cfg.types
	case m.ownTypes == nil:
		m.ownTypes = newKnownTypes()
	}
	return m.ownTypes
}

// learn remembers the types of a statement, in the home node's terms.
func (m *machine) learn(p *prepared, params []uint32, columns []pgwire.Column, form string) {
	s := &signature{params: params, form: form}
	if m.db.Types != nil {
		for i := range columns {
			s.columns = append(s.columns, columns[i].Type)
		}
		s.holdsOIDs = slices.ContainsFunc(s.params, m.holdsOIDs) || slices.ContainsFunc(s.columns, m.holdsOIDs)
	}
	p.signature = s
	m.types().add(p.signatureKey(), s)
}

// serverFailed forwards an ErrorResponse and notes what it means. A fatal error
// of the server ends its connection, not the client's.
func (m *machine) serverFailed(part pgwire.Part, due *reply) {
	l := m.link
	var report pgwire.Report
	if err := report.Decode(part.Bytes); err != nil {
		m.lost(err)
		return
	}
	code := string(report.SQLState())
	m.cfg.observer.ServerError(m.cfg.database, code)
	if severity := string(report.Severity()); severity == "FATAL" || severity == "PANIC" {
		m.lost(m.lostError(string(l.id)).WithDetail(string(report.Message()) + " (SQLSTATE " + code + ")"))
		return
	}
	switch {
	case l.failure != nil:
		// What opened the transaction failed; this error only follows from it.
		m.out = append(m.out, l.failure.frame...)
		l.failure = nil
	default:
		m.out = append(m.out, part.Bytes...)
	}
	l.repair(code, due)
	if m.state == stateCopyIn { // the server ignores what the client still sends
		m.abandonCopy()
		m.state = stateReplies
	}
	m.requestFailed(due)
}

// requestFailed marks the request as failed.
func (m *machine) requestFailed(due *reply) {
	m.chain = txOptions{}
	m.lastTag = append(m.lastTag[:0], "ROLLBACK"...) // unless something is committed after this
	if m.batch.running {
		m.batch.failed = true
		m.undoFrom(int(due.seq))
	} else {
		m.script.failed = true
	}
	if !m.tx.bound {
		m.failTransaction()
	}
}

// onReady takes a ReadyForQuery.
func (m *machine) onReady(part pgwire.Part) {
	l := m.link
	l.status = part.Bytes[pgwire.HeaderSize]
	if m.state != stateConfirm {
		return
	}
	if !l.replies.empty() {
		return
	}
	if failure := l.failure; failure != nil {
		l.failure = nil
		l.tainted = true
		m.detach()
		m.fail(failure)
		return
	}
	m.send()
}

// linkSettled goes on once the link owes nothing.
func (m *machine) linkSettled() {
	l := m.link
	l.failure = nil
	switch {
	case !m.batch.running:
		m.settled()
		m.stepDone()
	case m.batch.leaving:
		m.detach()
		m.batch.leaving = false
		if m.batch.multi != nil {
			m.runTask(m.batch.multi)
			return
		}
		m.state = stateAcquire
		m.target = m.batch.target
	case m.batch.sync:
		m.settled()
		m.finishBatch(m.batch.failed)
	default:
		m.finishBatch(m.batch.failed)
	}
}

// settingName is the folded name of a reported parameter.
func settingName(reported string) string {
	b := []byte(reported)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}
