package pgsession

import (
	"maps"

	"shardproxy/protocol/pgwire"
	"shardproxy/protocol/sqlerr"
	"shardproxy/router/querytree"
)

// Portals of statements that the proxy answers live as long as a server's would,
// and run once.

// executeLocal runs a statement that the proxy answers; the answer becomes the
// op's. A setting that no server has confirmed yet is asked for first.
func (m *machine) executeLocal(o *op) *sqlerr.Error {
	p := o.portal.statement
	s := p.statement()
	if s.Kind == querytree.Set && !ours(s.Setting.Name) && s.Setting.Name != sessionCharacteristics && !s.Setting.Default {
		if err := m.checkSetting(&s.Setting); err != nil {
			return err
		}
		if _, ok := m.known(&s.Setting); !ok {
			m.batch.first = m.settingTask(variable{name: s.Setting.Name, value: settingValue(&s.Setting)})
			return nil
		}
	}
	if s.Kind == querytree.Deallocate {
		o.remember(m.stmts, s.Name)
	}
	before, failed := m.out, m.script.failed
	m.out, m.refusal, m.capturing = nil, nil, true
	st := step{plan: o.portal.plan, text: p.sql}
	m.local(&st)
	o.local, m.out = m.out, before
	m.script.failed, m.capturing = failed, false
	o.portal.done = m.batch.first == nil
	if s.Kind == querytree.CloseCursor { // it does not close itself
		m.portals[string(o.name)] = o.portal
	}
	return m.refusal
}

// executeAgain runs a portal of the proxy that has run, or one of the empty
// statement, which may run as often as one likes. It reports whether it was one.
func (o *op) executeAgain() (done bool, err *sqlerr.Error) {
	po := o.portal
	switch {
	case !po.local:
		return false, nil
	case po.statement.scan.Empty:
		o.local = pgwire.AppendEmptyQueryResponse(nil)
	case !po.done:
		return false, nil
	case kindOf(&po.plan) == querytree.Show: // there are no more rows
		o.local = pgwire.AppendCommandComplete(nil, "SHOW")
	default:
		return true, portalDone(string(o.name))
	}
	return true, nil
}

// dropPortals drops the portals that ROLLBACK TO the i-th savepoint takes back.
func (m *machine) dropPortals(i int) {
	serial := m.tx.saves[i].serial
	maps.DeleteFunc(m.portals, func(_ string, po *portal) bool { return po.serial >= serial })
}

// closePortals is CLOSE ALL: for a server portals and cursors are one.
func (m *machine) closePortals() {
	maps.DeleteFunc(m.portals, func(_ string, po *portal) bool { return po.local })
}
