package pgsession

import (
	"maps"

	"shardproxy/protocol/sqlerr"
	"shardproxy/router/plan"
	"shardproxy/router/querytree"
)

// Statements that control transactions and the session, in a batch. The proxy
// answers them while it plans. Behind a message that a server answers they are
// the server's, too, in order: what comes before them may fail.

// isLocal reports whether the proxy can answer the statement by itself now.
func (m *machine) isLocal(p *prepared) bool {
	if p.scan.Empty {
		return true
	}
	if p.static.Class != plan.Local {
		return false
	}
	s := p.statement()
	switch s.Kind {
	case querytree.Select: // a task
		return false
	case querytree.Commit, querytree.Rollback, querytree.Savepoint, querytree.ReleaseSavepoint,
		querytree.RollbackTo, querytree.SetTransaction, querytree.Fetch, querytree.CloseCursor:
		return !m.tx.bound
	case querytree.Begin:
		return !m.tx.bound || optionsText(&s.Transaction) == ""
	case querytree.Set, querytree.Reset:
		return ours(s.Setting.Name) || !m.tied()
	case querytree.Show:
		return ours(s.Setting.Name)
	case querytree.Discard:
		return m.link == nil || len(s.Name) > 0 && s.Name[0] != 't' && s.Name[0] != 'T'
	}
	return true
}

// answers reports whether the proxy answers the statement where the batch has come
// to.
func (m *machine) answers(p *prepared) bool {
	return m.isLocal(p) && (neverSent(p) || !m.serverOpsBefore())
}

// neverSent reports whether a statement means nothing to a server. What it does
// is undone when a message before it fails.
func neverSent(p *prepared) bool {
	if p.scan.Empty {
		return true
	}
	switch s := p.statement(); s.Kind {
	case querytree.Deallocate, querytree.Unlisten:
		return true
	case querytree.Set, querytree.Reset, querytree.Show:
		return ours(s.Setting.Name)
	}
	return false
}

// serverOpsBefore reports whether an earlier message of the batch goes to a
// server: what follows must then be answered by the server too, in order.
func (m *machine) serverOpsBefore() bool {
	if m.batch.open {
		return true
	}
	ops := m.batch.ops
	for i := range ops[:len(ops)-1] {
		if ops[i].local == nil {
			return true
		}
	}
	return false
}

// planControl plans the Bind of a statement that the proxy answers.
func (m *machine) planControl(o *op) *sqlerr.Error {
	po := o.portal
	if po.local = m.answers(po.statement); po.local {
		o.local = bindComplete
		return nil
	}
	return m.inOrder(po.statement)
}

// inOrder checks a statement that a server is going to run in the batch. The
// transaction has to be the server's as well then.
func (m *machine) inOrder(p *prepared) *sqlerr.Error {
	switch s := p.statement(); s.Kind {
	case querytree.Show:
		m.batch.write = m.batch.write || m.serverOpsBefore()
		return nil
	case querytree.Set:
		if err := m.checkSetting(&s.Setting); err != nil {
			return err
		}
	case querytree.SetTransaction:
		if err := checkTransaction(&s.Transaction); err != nil {
			return err
		}
	case querytree.Discard:
		if discardsAll(s) {
			return sqlerr.ActiveTransaction(s.Tag)
		}
	case querytree.Begin, querytree.Commit, querytree.Rollback, querytree.Savepoint, querytree.ReleaseSavepoint,
		querytree.RollbackTo, querytree.Reset, querytree.Fetch, querytree.CloseCursor:
	default:
		return unsupported(s)
	}
	m.batch.write = true
	return nil
}

// foresee notes what a portal that a server runs means for what follows it in the
// batch.
func (m *machine) foresee(po *portal) {
	s := po.plan.Statement
	if s == nil {
		return
	}
	b := &m.batch
	for _, call := range po.configs {
		b.shifted = b.shifted || decidesPlans(call.item.name)
	}
	switch s.Kind {
	case querytree.Commit, querytree.Rollback:
		b.ended = true
		clear(m.portals)
		b.shifted = b.shifted || m.plansDiffer(m.tx.saved, noVars())
	case querytree.RollbackTo:
		b.ended = true
		if at := m.tx.find(s.Name); at >= 0 {
			m.dropPortals(at)
			b.shifted = b.shifted || m.plansDiffer(m.tx.saves[at].vars, m.tx.saves[at].local)
		}
	case querytree.Set, querytree.Reset:
		b.shifted = b.shifted || decidesPlans(s.Setting.Name) || s.Setting.Name == "" && m.plansDiffer(m.base, noVars())
	}
}

// decidesPlans reports whether plans depend on a setting.
func decidesPlans(name string) bool {
	return name == "search_path" || name == "standard_conforming_strings" || isIdentity(name)
}

// plansDiffer reports whether plans would be other ones under other settings.
func (m *machine) plansDiffer(session, local *vars) bool {
	if session == nil {
		return false
	}
	from, to := session.with(local.items...), m.inForce()
	differ := from.text(keySetting) != to.text(keySetting)
	from.difference(to, func(name string, _ *variable) { differ = differ || decidesPlans(name) })
	return differ
}

// remember keeps the statements that a DEALLOCATE is going to drop; no name: all.
func (o *op) remember(stmts map[string]*prepared, name string) {
	if name == "" {
		o.dropped = maps.Clone(stmts)
		return
	}
	if p := stmts[name]; p != nil {
		o.dropped = map[string]*prepared{name: p}
	}
}
