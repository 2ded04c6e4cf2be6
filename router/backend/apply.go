package backend

import (
	"maps"
	"slices"

	"shardproxy/meta/topology"
)

// Apply follows a new topology: it closes the pools whose database, node or
// user is gone or whose login changed (connections in use are closed when they
// are released), and resizes the others.
func (s *Pools) Apply(t *topology.Topology) {
	for _, p := range s.apply(t) {
		p.retire()
	}
}

// apply is Apply up to the pools to be closed, which nobody gets any more.
func (s *Pools) apply(t *topology.Topology) (retired []*Pool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.closed {
		return nil
	}
	s.mu.applied = t
	pools := maps.Clone(*s.byKey.Load())
	for key, e := range pools {
		l, limits, ok := resolve(key, t.Databases[key.Database], t.Users[key.User])
		if !ok || l != e.login {
			delete(pools, key)
			retired = append(retired, e.pool)
			continue
		}
		e.pool.newTopology()
		if limits == e.limit {
			continue
		}
		if err := e.pool.Resize(limitsOf(limits)); err != nil {
			s.o.Logger.Error("pool not resized", "database", key.Database, "node", key.Node, "error", err)
			continue
		}
		pools[key] = &entry{pool: e.pool, login: l, limit: limits}
	}
	s.mu.retired = append(s.mu.retired, retired...)
	s.byKey.Store(&pools)
	return retired
}

// resolve looks up what a pool of key is made from. It reports false where the
// topology has no place for it.
func resolve(key PoolKey, db *topology.Database, user *topology.User) (login, topology.Pool, bool) {
	if db == nil || (key.User != "" && user == nil) {
		return login{}, topology.Pool{}, false
	}
	i := slices.IndexFunc(db.Nodes, func(n topology.Node) bool { return n.ID == key.Node })
	if i < 0 {
		return login{}, topology.Pool{}, false
	}
	l := login{dsn: db.Nodes[i].DSN}
	if key.User != "" {
		l.user, l.password = user.BackendUser, user.BackendPassword
	}
	return l, db.Pool, true
}
