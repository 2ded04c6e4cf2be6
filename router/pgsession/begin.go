package pgsession

import (
	"cmp"
	"context"
	"strings"

	"shardproxy/protocol/pgwire"
	"shardproxy/protocol/sqlerr"
	"shardproxy/router/querytree"
)

// localBegin handles BEGIN and START TRANSACTION.
func (m *machine) localBegin(st *step) bool {
	stmt := st.plan.Statement
	switch {
	case m.tx.implicit:
		return m.beginInText(stmt)
	case m.tx.open():
		return m.beginAgain(st)
	}
	m.tx.start(beginText(&stmt.Transaction), m.settingsBefore(), false)
	m.tx.snapshot = keepsSnapshot(cmp.Or(stmt.Transaction.Isolation, m.text("default_transaction_isolation")))
	m.emitTag(stmt.Tag)
	return false
}

// beginAgain handles BEGIN in an open block: a warning, and its options are those
// of SET TRANSACTION.
func (m *machine) beginAgain(st *step) bool {
	stmt := st.plan.Statement
	options := optionsText(&stmt.Transaction)
	if m.tx.bound && options != "" {
		return m.forward() // the server warns
	}
	warning := pgwire.AppendNotice(nil, "WARNING", "25001", "there is already a transaction in progress", "", "")
	if m.judges(stmt, warning) {
		return true
	}
	m.out = append(m.out, warning...)
	if options != "" {
		m.tx.describe(&stmt.Transaction, setTransaction+options)
	}
	m.emitTag(stmt.Tag)
	return false
}

// beginInText handles BEGIN within a text of several statements. Those before it
// become part of the block, as in PostgreSQL, which knows no warning here.
func (m *machine) beginInText(stmt *querytree.Statement) bool {
	options := optionsText(&stmt.Transaction)
	if m.tx.bound && options != "" {
		// There it is a block already.
		m.link.query([]byte(setTransaction + options))
		m.link.replies.push(reply{kind: replyQuery, quiet: true, commit: true})
		m.state = stateReplies
		return true
	}
	if m.judges(stmt, nil) {
		return true
	}
	m.tx.implicit = false
	if options != "" {
		m.tx.describe(&stmt.Transaction, setTransaction+options)
	}
	m.tx.snapshot = m.tx.snapshot || keepsSnapshot(m.text("default_transaction_isolation"))
	m.emitTag(stmt.Tag)
	return false
}

// begun takes over a BEGIN that a server has run.
func (m *machine) begun(stmt *querytree.Statement) {
	t := &stmt.Transaction
	options := optionsText(t)
	switch {
	case m.tx.implicit && !m.batch.running:
		m.tx.implicit = false
		m.tx.describe(t, setTransaction+options)
		m.emitTag(stmt.Tag)
	case m.tx.open():
		if options != "" {
			m.tx.describe(t, setTransaction+options)
		}
	default:
		m.tx.start(beginText(t), m.settingsBefore(), false)
		m.tx.bound, m.tx.touched.whole = true, true
		if m.batch.inForce != nil {
			m.link.vars = m.batch.inForce // until the block is committed
		}
	}
}

func (m *machine) localSetTransaction(st *step) bool {
	t := &st.plan.Statement.Transaction
	switch {
	case !m.tx.open():
		m.emitWarning("25P01", "SET TRANSACTION can only be used in transaction blocks")
	case checkTransaction(t) != nil:
		m.refuse(checkTransaction(t))
		return false
	case m.tx.bound:
		return m.forward()
	case m.judges(st.plan.Statement, nil):
		return true
	default:
		m.tx.describe(t, string(st.text))
	}
	m.emitTag("SET")
	return false
}

// checkTransaction refuses options of a transaction that one node alone knows.
func checkTransaction(t *querytree.Transaction) *sqlerr.Error {
	if t.Other == "" {
		return nil
	}
	return sqlerr.NotSupported("SET TRANSACTION " + t.Other + " is not supported").
		WithHint("A snapshot exported on one node means nothing on another.")
}

const setTransaction = "SET TRANSACTION"

// beginText is BEGIN with its options in the server's spelling.
func beginText(t *querytree.Transaction) string { return "BEGIN" + optionsText(t) }

// optionsText are the options of a transaction in the server's spelling, each
// behind a space.
func optionsText(t *querytree.Transaction) string {
	var b strings.Builder
	if t.Isolation != "" {
		b.WriteString(" ISOLATION LEVEL ")
		b.WriteString(strings.ToUpper(t.Isolation))
	}
	option := func(v querytree.Tristate, yes, no string) {
		switch v {
		case querytree.Yes:
			b.WriteString(yes)
		case querytree.No:
			b.WriteString(no)
		}
	}
	option(t.ReadOnly, " READ ONLY", " READ WRITE")
	option(t.Deferrable, " DEFERRABLE", " NOT DEFERRABLE")
	return b.String()
}

func keepsSnapshot(isolation string) bool {
	return isolation == "repeatable read" || isolation == "serializable"
}

// judges lets a server judge the options of a transaction that has no node, where
// they may come too late: behind a query or a savepoint. It reports whether the
// step waits for that; warning is what comes ahead of an error.
func (m *machine) judges(stmt *querytree.Statement, warning []byte) bool {
	options := optionsText(&stmt.Transaction)
	if m.judged == stmt {
		m.judged = nil
		return false
	}
	if m.tx.bound || options == "" || !m.tx.queried && len(m.tx.saves) == 0 {
		return false
	}
	t := &optionsTask{statement: stmt, text: setTransaction + options, warning: warning}
	if m.batch.running {
		m.batch.first = t
	} else {
		m.runTask(t)
	}
	return true
}

// optionsTask sets the options of a transaction in a copy of it.
type optionsTask struct {
	statement *querytree.Statement
	text      string
	warning   []byte
}

func (t *optionsTask) run(ctx context.Context, w worker) error {
	m := w.session()
	l, err := w.acquire(ctx, m.besides())
	if err != nil {
		return err
	}
	defer w.release(l)
	if err := w.withSettings(ctx, l); err != nil {
		return err
	}
	prelude := m.tx.appendPrelude(nil)
	if m.tx.queried {
		prelude = append(prelude, "SELECT 1"...)
	}
	if _, err := l.exec(ctx, prelude); err != nil {
		return err
	}
	_, err = l.exec(ctx, []byte(t.text))
	if refused, ok := asServerError(err); ok {
		refused.before = t.warning
	}
	if _, end := l.exec(ctx, []byte("ROLLBACK")); err == nil {
		err = end
	}
	return err
}

func (t *optionsTask) done(m *machine, err error) {
	if err == nil {
		m.judged = t.statement
	}
	m.again(err)
}
