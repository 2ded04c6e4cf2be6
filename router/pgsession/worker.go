package pgsession

import (
	"context"

	"shardproxy/meta/topology"
)

var _ worker = (*Session)(nil)

// acquire implements worker; it is also the machine's way to a link.
func (s *Session) acquire(ctx context.Context, node topology.NodeIndex) (*link, error) {
	id := s.m.db.Nodes[node].ID
	pool := s.shared.Pools.Get(s.m.db, s.user, node)
	if l := s.kept[id]; l != nil {
		delete(s.kept, id)
		if l.pool == pool {
			l.node = node
			return l, nil
		}
		s.discard(l) // the node has moved, or the login changed
		if l.locks { // what comes now must not run without them
			return nil, locksLost(id)
		}
	}
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return nil, err
	}
	if s.m.outdated(conn.Epoch) {
		pool.Release(conn)
		return nil, errOutdated
	}
	l := linkOf(conn, pool, &s.m.cfg.links)
	l.pool, l.node = pool, node
	return l, nil
}

// release implements worker. Under session pooling the session keeps one link
// per node until it ends, and always one that holds its advisory locks.
func (s *Session) release(l *link) {
	switch {
	case l.broken || l.tainted || l.status != txIdle || !l.replies.empty() || len(l.out) > 0:
		s.discard(l)
	case s.sessionPooling(), l.locks:
		s.keep(l)
	case l.custom || l.vars.custom():
		l.pool.Discard(l.conn) // the server never forgets such a name
	default:
		l.pool.Release(l.conn)
	}
}

// keep keeps a link until the session needs it again, or ends. Of two to one node,
// which a task may have needed at once, one goes.
func (s *Session) keep(l *link) {
	if s.kept == nil {
		s.kept = make(map[topology.NodeID]*link)
	}
	if other := s.kept[l.id]; other != nil {
		if other.locks {
			l, other = other, l
		}
		s.discard(other)
	}
	s.kept[l.id] = l
}

// discard closes a link that nobody may use again, with the locks it holds.
func (s *Session) discard(l *link) {
	if l.locks {
		s.m.unlockedBy = l.id
	}
	l.pool.Discard(l.conn)
}

// sessionPooling reports whether the session keeps its links.
func (s *Session) sessionPooling() bool { return s.user.SessionPooling || s.m.db.Pool.Session }

// emit implements worker.
func (s *Session) emit(b []byte) error {
	s.m.out = append(s.m.out, b...)
	if len(s.m.out) >= flushAt {
		return s.flush()
	}
	return nil
}

// withSettings implements worker.
func (s *Session) withSettings(ctx context.Context, l *link) error {
	return l.apply(ctx, s.m.inForce())
}

// session implements worker.
func (s *Session) session() *machine { return s.m }
