package pgsession

import (
	"strings"

	"shardproxy/protocol/sqlerr"
	"shardproxy/router/querytree"
)

// local runs a statement that the proxy answers, or passes it to the backend
// that carries the transaction. It reports whether the step waits.
func (m *machine) local(st *step) (waiting bool) {
	stmt := st.plan.Statement
	switch stmt.Kind {
	case querytree.Begin:
		return m.localBegin(st)
	case querytree.Commit:
		return m.localEnd(st, true)
	case querytree.Rollback:
		return m.localEnd(st, false)
	case querytree.Savepoint, querytree.ReleaseSavepoint, querytree.RollbackTo:
		return m.localSavepoint(st)
	case querytree.SetTransaction:
		return m.localSetTransaction(st)
	case querytree.Select:
		return m.localSetval(st)
	case querytree.Set:
		return m.localSet(st)
	case querytree.Reset:
		return m.localReset(st)
	case querytree.Show:
		return m.localShow(st)
	case querytree.Discard:
		return m.localDiscard(st)
	case querytree.Deallocate:
		return m.localDeallocate(stmt)
	case querytree.Fetch, querytree.CloseCursor:
		return m.localCursor(stmt)
	case querytree.Unlisten:
		m.emitTag(stmt.Tag) // nobody listens: LISTEN is refused
		return false
	}
	m.refuse(unsupported(stmt))
	return false
}

// localCursor handles FETCH, MOVE and CLOSE. Cursors live in a transaction that
// has its node.
func (m *machine) localCursor(stmt *querytree.Statement) bool {
	switch {
	case m.tx.bound:
		return m.forward()
	case stmt.Kind == querytree.CloseCursor && stmt.Name == "":
		m.closePortals()
		m.emitTag("CLOSE CURSOR ALL")
	default:
		m.refuse(sqlerr.UndefinedPortal(stmt.Name))
	}
	return false
}

// forward sends the current step as it is to the backend that the session holds.
func (m *machine) forward() bool { return m.acquire(m.link.node) }

// localEnd handles COMMIT and ROLLBACK.
func (m *machine) localEnd(st *step, commit bool) bool {
	stmt := st.plan.Statement
	chain, next := stmt.Transaction.Chain, m.tx.txOptions
	if !m.tx.open() || m.tx.implicit {
		if chain {
			m.refuse(sqlerr.NoActiveTransaction(stmt.Tag + " AND CHAIN"))
			return false
		}
		m.emitWarning("25P01", "there is no transaction in progress")
	}
	if m.tx.bound {
		m.chain = txOptions{}
		if chain {
			m.chain = next
		}
		m.tx.implicit = false
		st.text = []byte(tagOfEnd(commit))
		return m.forward()
	}
	committed := commit && m.tx.status != txFailed
	if !committed {
		m.restoreSettings() // where there was no block
	}
	m.endTransaction(committed)
	m.emitTag(tagOfEnd(committed))
	if chain {
		m.tx.chain(next, m.vars)
	}
	return false
}

func tagOfEnd(commit bool) string {
	if commit {
		return "COMMIT"
	}
	return "ROLLBACK"
}

// localSavepoint handles SAVEPOINT, RELEASE and ROLLBACK TO.
func (m *machine) localSavepoint(st *step) bool {
	stmt := st.plan.Statement
	if !m.tx.open() || m.tx.implicit {
		m.refuse(sqlerr.NoActiveTransaction(savepointCommand(stmt.Kind)))
		return false
	}
	at := m.tx.find(stmt.Name)
	if stmt.Kind != querytree.Savepoint && at < 0 {
		m.refuse(sqlerr.UndefinedSavepoint(stmt.Name))
		return false
	}
	if m.tx.bound {
		return m.forward() // noted when the backend has done it
	}
	m.noteSavepoint(stmt, st.text, at)
	if stmt.Kind == querytree.RollbackTo {
		m.tx.status = txOpen
	}
	m.emitTag(stmt.Tag)
	return false
}

// savepointCommand is what servers call the command in errors.
func savepointCommand(kind querytree.StatementKind) string {
	switch kind {
	case querytree.ReleaseSavepoint:
		return "RELEASE SAVEPOINT"
	case querytree.RollbackTo:
		return "ROLLBACK TO SAVEPOINT"
	}
	return "SAVEPOINT"
}

// noteSavepoint takes over what a savepoint command did.
func (m *machine) noteSavepoint(stmt *querytree.Statement, text []byte, at int) {
	switch stmt.Kind {
	case querytree.Savepoint:
		m.tx.save(stmt.Name, string(text), m.vars)
	case querytree.ReleaseSavepoint:
		m.tx.release(at, string(text))
	case querytree.RollbackTo:
		if !m.batch.running || !m.tx.bound { // else foreseen
			m.dropPortals(at)
		}
		m.changeVars(m.tx.rollbackTo(at))
		m.settingsChanged()
	}
}

// discardsAll reports whether a DISCARD is DISCARD ALL.
func discardsAll(s *querytree.Statement) bool {
	return strings.EqualFold(s.Name, "all") || s.Name == ""
}

func (m *machine) localDiscard(st *step) bool {
	switch what := strings.ToLower(st.plan.Statement.Name); what {
	case "plans":
	case "sequences":
		m.hasDrawn = false
	case "temp", "temporary":
		if m.link != nil {
			return m.forward()
		}
	default:
		if m.tx.open() {
			m.refuse(sqlerr.ActiveTransaction("DISCARD ALL"))
			return false
		}
		m.discardAll()
	}
	m.emitTag(st.plan.Statement.Tag)
	return false
}

// discardAll forgets everything about the session but its login.
func (m *machine) discardAll() {
	if m.link != nil {
		m.link.tainted, m.link.locks = true, false
		m.detach()
	}
	m.unlockAll()
	clear(m.stmts)
	clear(m.portals)
	m.hasDrawn = false
	m.changeVars(m.base)
	m.settingsChanged()
}

func (m *machine) localDeallocate(stmt *querytree.Statement) bool {
	switch {
	case stmt.Name == "":
		clear(m.stmts)
	case m.stmts[stmt.Name] == nil:
		m.refuse(sqlerr.UndefinedPreparedStatement(stmt.Name))
		return false
	default:
		delete(m.stmts, stmt.Name)
	}
	m.emitTag(stmt.Tag)
	return false
}

// effects takes over what a statement did to the session that a server has run.
func (m *machine) effects(stmt *querytree.Statement, text []byte) {
	if stmt == nil {
		return
	}
	switch stmt.Kind {
	case querytree.Begin:
		m.begun(stmt)
	case querytree.Savepoint:
		m.noteSavepoint(stmt, text, -1)
	case querytree.ReleaseSavepoint, querytree.RollbackTo:
		if at := m.tx.find(stmt.Name); at >= 0 {
			m.noteSavepoint(stmt, text, at)
		}
	case querytree.Commit, querytree.Rollback:
		m.blockEnded(stmt)
	case querytree.SetTransaction:
		m.tx.describe(&stmt.Transaction, string(text))
	case querytree.Discard:
		m.hasDrawn = false
	case querytree.Set, querytree.Reset:
		m.settingDone(stmt)
	case querytree.Select:
		if l := m.holder(); l != nil && l.locks && onlyCalls(stmt) == unlockAll {
			l.locks = false
			m.unlockAll()
		}
	}
}

// blockEnded takes over the end of a block. In a batch its server's status comes
// later only, and may be that of another block.
func (m *machine) blockEnded(stmt *querytree.Statement) {
	next := m.chain
	m.chain = txOptions{}
	committed := string(m.lastTag) != "ROLLBACK"
	switch {
	case !m.batch.running:
	case m.tx.bound:
		if stmt.Transaction.Chain {
			next = m.tx.txOptions
		}
		m.closeBlock(committed)
		m.tx.bound = next.begin != ""
	case committed: // there was no block: the batch itself was the transaction
		m.keepSettings()
	default:
		m.restoreSettings()
	}
	if next.begin != "" && !m.tx.open() {
		m.tx.chain(next, m.vars)
	}
}
