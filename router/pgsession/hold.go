package pgsession

import (
	"context"
	"slices"
	"time"

	"shardproxy/meta/topology"
	"shardproxy/protocol/pgwire"
	"shardproxy/protocol/sqlerr"
)

// enter takes the topology that a request is planned with and has the request
// counted. It reports false where the request has to wait, and goes on with
// admitted then, or where the session has lost its advisory locks and ends. query
// is the frame of a Query message, nil for a batch.
func (m *machine) enter(query []byte) bool {
	topo, held := m.slot.Enter()
	if held {
		m.held, m.state = query, stateHeld
		return false
	}
	m.see(topo)
	if m.unlockedBy != "" {
		m.endUnlocked()
		return false
	}
	return true
}

// admitted goes on with the request that was held, or fails it.
func (m *machine) admitted(err error) {
	query := m.held
	if m.replans && err == nil {
		m.planAgain()
		return
	}
	replans := m.replans
	m.held, m.replans, m.state = nil, false, stateIdle
	switch {
	case replans:
		m.fail(sqlerr.From(err))
	case err != nil && query != nil:
		m.emitError(err)
		m.emitReady()
	case err != nil:
		m.failBatch(err)
	case query != nil:
		m.query(query)
	default:
		m.runBatch()
	}
}

// errOutdated is the error of a connection that was made after a change which the
// plan does not know. The session may have been cut off meanwhile, so the change
// has not waited for it.
var errOutdated = sqlerr.RetryTransaction("the rows may have moved while the statement waited for a connection")

// outdated reports whether a connection that registered at an epoch must not carry
// what the request has planned.
func (m *machine) outdated(registered topology.Epoch) bool {
	planned := m.topo.Epoch
	if registered <= planned {
		return false
	}
	db := m.cfg.gate.Current().Databases[m.cfg.database]
	return db == nil || db.Held > planned || db.Armed != nil && topology.Epoch(db.Armed.ID) > planned
}

// startsAgain plans a request anew whose plan is outdated and of which nothing has
// been sent. It reports false where something of it has been answered, or has taken
// effect in the session.
func (m *machine) startsAgain() bool {
	switch {
	case m.batch.running && m.hasEffects():
		return false
	case m.batch.running:
		m.undoFrom(0)
		m.batch.ops, m.batch.placement, m.batch.shifted = m.batch.ops[:0], placement{}, false
		m.planned = m.planned[:0]
		m.slot.Leave()
		m.runBatch()
	case m.script.at > 0:
		return false
	default:
		m.planAgain()
	}
	return true
}

// hasEffects reports whether planning the batch has changed more than undoFrom
// takes back: the proxy has run a statement itself, or closed something.
func (m *machine) hasEffects() bool {
	return slices.ContainsFunc(m.batch.ops, func(o op) bool {
		return o.typ == pgwire.MsgClose || o.typ == pgwire.MsgExecute && o.local != nil
	})
}

// planAgain plans the script anew, by the topology in use, and starts it. While the
// database is held it waits.
func (m *machine) planAgain() {
	m.slot.Leave()
	topo, held := m.slot.Enter()
	if held {
		m.replans, m.state = true, stateHeld
		return
	}
	m.replans, m.state = false, stateIdle
	m.see(topo)
	if m.unlockedBy != "" {
		m.endUnlocked()
		return
	}
	m.planned = m.planned[:0]
	m.planScript(m.script.text)
	m.notePlans()
	m.advance()
}

// atRest reports whether nothing that the session planned is left on a node: what
// it does next is new work.
func (m *machine) atRest() bool {
	if m.state != stateIdle && m.state != stateSkip || m.tx.bound || m.batch.open {
		return false
	}
	l := m.link
	return l == nil || l.status == txIdle && l.replies.empty() && len(l.out) == 0
}

// waitTurn waits until the database takes new work. How long that may take is the
// same as for a connection; a database that was paused may stay so for long.
func (s *Session) waitTurn() {
	err := s.interruptible(func(ctx context.Context) error { return s.waitAtGate(ctx) })
	s.m.admitted(err)
}

func (s *Session) waitAtGate(ctx context.Context) error {
	late := sqlerr.Held(s.m.cfg.database)
	for {
		limit := s.gateLimit()
		limited, cancel := ctx, func() {}
		if limit > 0 {
			limited, cancel = context.WithTimeoutCause(ctx, limit, late)
		}
		err := s.m.slot.Wait(limited)
		cancel()
		// What held it may have been a pause on its way.
		if err == nil || ctx.Err() != nil || limit == 0 || s.gateLimit() > 0 {
			return err
		}
	}
}

// gateLimit is how long a request may wait while the database is held as it is now;
// 0 is for ever.
func (s *Session) gateLimit() time.Duration {
	db := s.m.cfg.gate.Current().Databases[s.m.cfg.database]
	if db == nil || db.Paused {
		return 0
	}
	return time.Duration(db.Pool.QueueTimeoutMS) * time.Millisecond
}

// outside runs f while the session is not counted, with nothing of it left on a
// node: f waits for others who must not wait for this session. The session goes on
// when its database takes new work again.
func (m *machine) outside(ctx context.Context, f func() error) error {
	m.slot.Leave()
	err := f()
	for {
		topo, held := m.slot.Enter()
		if !held {
			m.see(topo)
			return err
		}
		if e := m.slot.Wait(ctx); e != nil {
			return e
		}
	}
}
