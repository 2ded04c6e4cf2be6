package gate

import "shardproxy/meta/topology"

// Held reports whether new work for a database has to wait. An armed change holds
// all of it, also where its scope is smaller.
func Held(t *topology.Topology, database string) bool {
	db := t.Databases[database]
	return db != nil && (db.Paused || db.Armed != nil)
}
