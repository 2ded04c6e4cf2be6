package pgsession

import (
	"errors"

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

// emitError sends an error that the backend of the transaction knows nothing of,
// and fails the transaction.
func (m *machine) emitError(err error) {
	if m.capturing {
		m.refusal = sqlerr.From(err)
		return
	}
	m.writeError(err)
	m.failTransaction()
}

// writeError sends an error of ours, or one that a task got from a server, in the
// server's own bytes.
func (m *machine) writeError(err error) {
	var known *sqlerr.Error
	var server *serverError
	if !errors.As(err, &known) && errors.As(err, &server) {
		m.out = append(append(m.out, server.before...), server.frame...)
		m.cfg.observer.ServerError(m.cfg.database, server.code)
		return
	}
	known = sqlerr.From(err)
	m.out = pgwire.AppendErrorResponse(m.out, known)
	m.cfg.observer.Refused(m.cfg.database, known)
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
