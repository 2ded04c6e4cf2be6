package pgsession

import (
	"time"

	"shardproxy/protocol/pgwire"
	"shardproxy/router/plan"
)

// notePlan remembers a statement of the request in progress for the observer.
// Where it ran is read when the request has been answered: a plan may change
// until then.
func (m *machine) notePlan(p *plan.Plan) { m.planned = append(m.planned, p) }

// notePlans does so for the statements of a Query message.
func (m *machine) notePlans() {
	for i := range m.script.steps {
		st := &m.script.steps[i]
		for range st.statements {
			m.notePlan(&st.plan)
		}
	}
}

// answered reports whether the client has been sent all it asked for, so that
// the next message is a new request.
func (m *machine) answered() bool { return m.state == stateIdle || m.state == stateSkip }

// begins starts the clock of a request when its last message has come.
func (s *Session) begins(typ byte) {
	switch typ {
	case pgwire.MsgQuery, pgwire.MsgSync, pgwire.MsgFlush:
		s.began = time.Now()
	}
}

// observe reports the statements of an answered request.
func (s *Session) observe() {
	m := s.m
	if len(m.planned) == 0 || !m.answered() {
		return
	}
	took := time.Since(s.began)
	for i, p := range m.planned {
		m.cfg.observer.Answered(m.db, p.Class, p.Node, took)
		m.planned[i] = nil
	}
	m.planned = m.planned[:0]
}
