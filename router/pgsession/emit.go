package pgsession

import (
	"shardproxy/protocol/pgwire"
	"shardproxy/protocol/sqlerr"
)

// emitReady ends a request: ReadyForQuery with the state the client is in.
func (m *machine) emitReady() {
	m.out = pgwire.AppendReadyForQuery(m.out, m.tx.status)
}

// emitTag completes a statement that the proxy answered.
func (m *machine) emitTag(tag string) {
	m.out = pgwire.AppendCommandComplete(m.out, tag)
}

// emitError sends an error of ours and fails an open transaction.
func (m *machine) emitError(err *sqlerr.Error) {
	if m.capturing {
		m.refusal = err
		return
	}
	m.writeError(err)
	m.failTransaction()
}

// writeError sends an error of ours that the server knows of, too.
func (m *machine) writeError(err *sqlerr.Error) {
	m.out = pgwire.AppendErrorResponse(m.out, err)
	m.cfg.observer.Refused(m.cfg.database, err)
}

// failTransaction fails an open transaction for an error that its backend knows
// nothing of. The backend is made to fail it, too: a transaction in which
// anything was refused can never commit, whatever the proxy does next.
func (m *machine) failTransaction() {
	if m.tx.status != txOpen {
		return
	}
	m.tx.status = txFailed
	if m.tx.bound {
		m.link.abort()
	}
}

// emitWarning sends a WARNING.
func (m *machine) emitWarning(sqlstate, message string) {
	m.out = pgwire.AppendNotice(m.out, "WARNING", sqlstate, message, "", "")
}

// emitNotice sends a NOTICE; detail may be empty.
func (m *machine) emitNotice(message, detail string) {
	m.out = pgwire.AppendNotice(m.out, "NOTICE", "00000", message, detail, "")
}
