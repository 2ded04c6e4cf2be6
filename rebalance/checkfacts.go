package rebalance

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"shardproxy/meta/topology"
	"shardproxy/rebalance/postgres"
)

// readFacts asks all nodes, the new one among them.
func (j *joiner) readFacts(ctx context.Context) ([]*postgres.Facts, error) {
	facts := make([]*postgres.Facts, len(j.nodes))
	err := j.fleet.each(ctx, "ask for its settings", func(ctx context.Context, i topology.NodeIndex, conn *pgx.Conn) (err error) {
		facts[i], err = postgres.ReadFacts(ctx, conn)
		return err
	})
	return facts, err
}

// checkFacts compares what the new server and home's say of themselves, and notes
// what moves will need of all nodes.
func (j *joiner) checkFacts(facts []*postgres.Facts) {
	home, node := facts[j.db.Home()], facts[j.last()]
	server, homes := &j.fleet.snapshots[j.last()].Server, &j.fleet.snapshots[j.db.Home()].Server
	differs := func(what, is, should, cure string) {
		if is != should {
			j.problem("its %s is %q, the home node's %q%s", what, is, should, cure)
		}
	}
	const recreate = "; create the database anew (CREATE DATABASE ... TEMPLATE template0)"
	if node.CollationProvider != home.CollationProvider {
		j.problem("its collation comes from provider %q, the home node's from %q%s", node.CollationProvider, home.CollationProvider, recreate)
	}
	differs("default collation", node.Collation, home.Collation, recreate)
	differs("character classification (LC_CTYPE)", node.CType, home.CType, recreate)
	if node.CollationVersion != "" && home.CollationVersion != "" && node.Collation == home.Collation {
		differs("collation's version", node.CollationVersion, home.CollationVersion, ": texts sort differently there; use the same version of the operating system's library")
	}
	for _, name := range slices.Sorted(maps.Keys(homes.Settings)) {
		if name != "default_transaction_read_only" { // one of the faults
			differs(name, server.Settings[name], homes.Settings[name], fmt.Sprintf("; ALTER DATABASE ... SET %s on one of them", name))
		}
	}
	for i, f := range facts {
		j.plan.note(moveNotes(j.nodes[i].ID, f)...)
	}
	if pools := j.db.Pool.Max * max(len(j.t.Peers), 1); pools >= node.MaxConnections {
		j.plan.note(fmt.Sprintf("node %q: the pools of all peers may open %d connections, and its max_connections is %d", j.node.ID, pools, node.MaxConnections))
	}
}

// checkVersion: the new server must not be older than all others, nor than home
// where it gets home's schema.
func (j *joiner) checkVersion() {
	v, home := j.server.Major(), j.fleet.snapshots[j.db.Home()].Server.Major()
	switch {
	case v < j.oldest():
		j.problem("it runs PostgreSQL %d, older than every other node (%d and later); upgrade it", v, j.oldest())
	case v < home && j.schema.bring:
		j.problem("it runs PostgreSQL %d and cannot take the schema of the home node, which runs %d; upgrade it, or create the tables there yourself", v, home)
	case v != home:
		j.plan.note(fmt.Sprintf("node %q runs PostgreSQL %d, the home node %d", j.node.ID, v, home))
	}
}

// oldest is the smallest major version of the database's nodes.
func (j *joiner) oldest() int {
	oldest := j.fleet.snapshots[0].Server.Major()
	for _, s := range j.fleet.snapshots[:j.last()] {
		oldest = min(oldest, s.Server.Major())
	}
	return oldest
}

// moveNotes says what a node lacks that moves of rows from it need.
func moveNotes(node topology.NodeID, f *postgres.Facts) []string {
	var notes []string
	note := func(format string, args ...any) {
		notes = append(notes, fmt.Sprintf("node %q: to move rows from it, ", node)+fmt.Sprintf(format, args...))
	}
	if f.WALLevel != "logical" {
		note("set wal_level to logical and restart it (it is %s)", f.WALLevel)
	}
	if f.ReplicationSlots < 2 {
		note("raise max_replication_slots (%d are free)", f.ReplicationSlots)
	}
	if f.WALSenders < 2 {
		note("raise max_wal_senders (it is %d)", f.WALSenders)
	}
	if !f.Replication {
		note("ALTER ROLE %s REPLICATION", f.Role)
	}
	if !f.MayReplay {
		notes = append(notes, fmt.Sprintf("node %q: to move rows to it, GRANT SET ON PARAMETER session_replication_role TO %s", node, f.Role))
	}
	return notes
}
