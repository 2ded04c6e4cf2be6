package pgsession

import (
	"strconv"
	"strings"

	"shardproxy/meta/topology"
	"shardproxy/protocol/pgwire"
	"shardproxy/protocol/sqlerr"
	"shardproxy/router/plan"
	"shardproxy/router/querytree"
)

// watched are the properties of a statement that the session acts on.
const watched = plan.FlagLastval | plan.FlagSetConfig | plan.FlagNotify |
	plan.FlagTemp | plan.FlagSessionLock | plan.FlagTransactionLock

// allowed refuses statements whose effect on the session could not be kept when
// the session changes its backend.
func (m *machine) allowed(p *plan.Plan) *sqlerr.Error {
	switch {
	case p.Flags&plan.FlagNotify != 0:
		return sqlerr.NotSupported("notifications are not supported").
			WithHint("A notification would reach the clients of one node only.")
	case kindOf(p) == querytree.DeclareCursor && p.Statement.WithHold:
		return sqlerr.NotSupported("a cursor WITH HOLD is not supported").
			WithHint("Leave out WITH HOLD and read the cursor in its transaction.")
	case p.Flags&plan.FlagLastval != 0 && m.hasDrawn:
		return sqlerr.NotSupported("lastval() and currval() of a key that the proxy made are not supported here").
			WithHint("Use RETURNING, or send SELECT lastval() alone as a simple query.")
	case p.Flags&plan.FlagLastval != 0 && (m.tx.apart || !m.ownSequences()):
		return sqlerr.NotSupported("lastval() and currval() of an earlier transaction are not supported").
			WithHint("Call it in the transaction of the INSERT, or use RETURNING.")
	}
	return nil
}

// unsupported is the refusal of a command that means nothing behind a proxy.
func unsupported(s *querytree.Statement) *sqlerr.Error {
	err := sqlerr.NotSupported(s.Tag + " is not supported")
	switch s.Kind {
	case querytree.Listen:
		return err.WithHint("A client that is moved from server to server would miss notifications: connect to a node itself.")
	case querytree.Prepare, querytree.Execute:
		return err.WithHint("Use the prepared statements of the driver, which are part of the protocol.")
	}
	return err
}

// ownSequences reports whether the link's lastval() is what this client drew.
func (m *machine) ownSequences() bool {
	return m.pinned != "" || m.tx.bound && m.tx.wrote
}

// special handles statements that need more than a place: refused ones, lastval()
// of a key that the proxy drew, and pg_advisory_unlock_all(), which pools send
// whenever a client is done.
func (m *machine) special(p *plan.Plan) (answered bool, err *sqlerr.Error) {
	if p.Flags&plan.FlagSessionLock != 0 && m.link == nil && onlyCalls(p.Statement) == unlockAll {
		m.unlockAll()
		m.out = pgwire.AppendRowDescription(m.out, []pgwire.Column{{
			Name: []byte(unlockAll), Type: oidVoid, Size: 4, Modifier: -1,
		}})
		m.out = pgwire.AppendDataRow(m.out, [][]byte{{}})
		m.emitTag("SELECT 1")
		return true, nil
	}
	if p.Flags&plan.FlagLastval != 0 && m.hasDrawn && onlyCalls(p.Statement) == "lastval" {
		m.out = pgwire.AppendRowDescription(m.out, []pgwire.Column{{
			Name: []byte("lastval"), Type: oidInt8, Size: 8, Modifier: -1,
		}})
		m.out = pgwire.AppendDataRow(m.out, [][]byte{[]byte(strconv.FormatInt(m.drawn, 10))})
		m.emitTag("SELECT 1")
		return true, nil
	}
	return false, m.allowed(p)
}

const (
	unlockAll = "pg_advisory_unlock_all"
	oidVoid   = 2278 // its type
)

// onlyCalls returns the function that a statement calls if it does nothing else:
// SELECT f(...).
func onlyCalls(s *querytree.Statement) string {
	if !oneRowOfConstants(s) || len(s.Query.Targets) != 1 {
		return ""
	}
	f, ok := s.Query.Targets[0].Expr.(*querytree.Function)
	if !ok || s.Query.Targets[0].Name != "" {
		return ""
	}
	return strings.ToLower(f.Name)
}

// oneRowOfConstants reports whether a statement is SELECT and a list.
func oneRowOfConstants(s *querytree.Statement) bool {
	if s == nil || s.Kind != querytree.Select || s.Query == nil {
		return false
	}
	q := s.Query
	return q.Kind == querytree.QuerySelect && len(q.With) == 0 && len(q.From) == 0 && q.Where == nil &&
		len(q.GroupBy) == 0 && q.Having == nil && q.Limit == nil && q.Offset == nil && !q.Into
}

// unlockAll gives up the session's advisory locks.
func (m *machine) unlockAll() {
	m.unlocking = m.unlocking || m.locked
	m.locked = false
}

// endUnlocked ends a session whose advisory locks are gone with the connection that
// held them: its client must not go on as if it had them.
func (m *machine) endUnlocked() {
	m.emitError(locksLost(m.unlockedBy).Fatal())
	m.state = stateEnd
}

func locksLost(node topology.NodeID) *sqlerr.Error {
	return sqlerr.NodeLost(string(node)).WithDetail("The session's advisory locks were lost.")
}

// drawsOnly reports whether a statement draws from sequences and does nothing else.
func drawsOnly(p *plan.Plan) bool {
	return p.Flags&plan.FlagSequence != 0 && p.Flags&plan.FlagCatalog != 0
}

// drawsApart reports whether a statement draws from sequences beside the
// transaction: not on its backend.
func (m *machine) drawsApart(p *plan.Plan) bool {
	return drawsOnly(p) && m.tx.open() && (!m.tx.bound || m.aside(p))
}

// asideDone notes what a statement that runs beside the transaction leaves behind.
func (m *machine) asideDone(p *plan.Plan) {
	if drawsOnly(p) {
		m.hasDrawn = false
		m.tx.apart = m.tx.apart || m.drawsApart(p)
	}
}

// mark notes what a statement that is being sent leaves behind on its link.
func (m *machine) mark(p *plan.Plan) {
	if p.Write {
		m.tx.wrote = m.tx.wrote || m.tx.bound || !drawsOnly(p)
		m.tx.apart = m.tx.apart || m.drawsApart(p)
		m.link.drew = m.self
		if p.Rewrite == nil || p.Rewrite.Draw == nil {
			m.hasDrawn = false
		}
	}
	switch {
	case p.Flags&plan.FlagTemp != 0:
		m.pinned = "a temporary table"
	case p.Flags&plan.FlagSessionLock != 0 && !strings.HasPrefix(onlyCalls(p.Statement), "pg_advisory_unlock"):
		m.locked, m.link.locks = true, true
	}
	if m.pinned != "" {
		m.link.tainted = true
	}
}
