package pgsession

import (
	"strconv"
	"strings"

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
	case p.Flags&plan.FlagSetConfig != 0:
		return sqlerr.NotSupported("set_config() is not supported").
			WithHint("Use SET or SET LOCAL, which the proxy carries from backend to backend.")
	case p.Flags&plan.FlagNotify != 0:
		return sqlerr.NotSupported("notifications are not supported").
			WithHint("A notification would reach the clients of one node only.")
	case kindOf(p) == querytree.DeclareCursor && p.Statement.WithHold:
		return sqlerr.NotSupported("a cursor WITH HOLD is not supported").
			WithHint("Leave out WITH HOLD and read the cursor in its transaction.")
	case p.Flags&plan.FlagLastval != 0 && m.hasDrawn:
		return sqlerr.NotSupported("lastval() and currval() of a key that the proxy made are not supported here").
			WithHint("Use RETURNING, or send SELECT lastval() alone as a simple query.")
	case p.Flags&plan.FlagLastval != 0 && !m.ownSequences():
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

// special handles statements that need more than a place: refused ones, and
// lastval() of a key that the proxy drew.
func (m *machine) special(p *plan.Plan) (answered bool, err *sqlerr.Error) {
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

// onlyCalls returns the function that a statement calls if it does nothing else:
// SELECT f(...).
func onlyCalls(s *querytree.Statement) string {
	if s == nil || s.Kind != querytree.Select || s.Query == nil || len(s.Query.Targets) != 1 || len(s.Query.From) != 0 {
		return ""
	}
	f, ok := s.Query.Targets[0].Expr.(*querytree.Function)
	if !ok || s.Query.Targets[0].Name != "" {
		return ""
	}
	return strings.ToLower(f.Name)
}

// What ties a session to its link.
const (
	pinnedByTable = "a temporary table"
	pinnedByLock  = "a session-level advisory lock"
)

// mark notes what a statement that is being sent leaves behind on its link.
func (m *machine) mark(p *plan.Plan) {
	if p.Write {
		m.tx.wrote = true
		m.link.drew = m.self
		if p.Rewrite == nil || p.Rewrite.Draw == nil {
			m.hasDrawn = false
		}
	}
	switch {
	case p.Flags&plan.FlagTemp != 0:
		m.pinned = pinnedByTable
	case p.Flags&plan.FlagSessionLock != 0 && m.pinned == "" && !strings.HasPrefix(onlyCalls(p.Statement), "pg_advisory_unlock"):
		m.pinned = pinnedByLock
	}
	if m.pinned != "" {
		m.link.tainted = true
	}
}

// unlocked unties the session that has given up all its locks: pools of clients do
// so whenever a client has done its work.
func (m *machine) unlocked(s *querytree.Statement) {
	if m.pinned == pinnedByLock && onlyCalls(s) == "pg_advisory_unlock_all" {
		m.pinned = ""
	}
}
