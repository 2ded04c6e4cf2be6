package catalog

import (
	"errors"
	"fmt"

	"shardproxy/meta/topology"
)

// minVersion is the oldest server the catalog queries work on.
const minVersion = 130000

// Preflight checks that the nodes can serve a database together and returns
// everything that is wrong, joined. Differences between their schemas are not
// its subject; see Build.
func Preflight(nodes []topology.Node, snapshots []*Snapshot) error {
	var errs []error
	for i, s := range snapshots {
		for _, what := range serverFaults(&s.Server) {
			errs = append(errs, fmt.Errorf("node %q: %s", nodes[i].ID, what))
		}
		for j := range i {
			if snapshots[j].Server.Identity == s.Server.Identity {
				errs = append(errs, fmt.Errorf("nodes %q and %q are the same database of one server: give each node a database of its own", nodes[j].ID, nodes[i].ID))
			}
		}
	}
	return errors.Join(errs...)
}

func serverFaults(s *Server) []string {
	var faults []string
	if s.Version < minVersion {
		faults = append(faults, fmt.Sprintf("it runs PostgreSQL %d; version %d is the oldest supported", s.major(), minVersion/10000))
	}
	if s.InRecovery {
		faults = append(faults, "it is in recovery (a standby); name the primary in its dsn")
	}
	if s.Encoding != "UTF8" {
		faults = append(faults, fmt.Sprintf("its database has the encoding %s, but keys are hashed as UTF-8: create the database with ENCODING 'UTF8'", s.Encoding))
	}
	if s.Pooled {
		faults = append(faults, "a connection pooler answers in its place; name the server itself in its dsn")
	}
	if s.Settings["default_transaction_read_only"] == "on" {
		faults = append(faults, "its transactions are read-only (default_transaction_read_only)")
	}
	return faults
}
