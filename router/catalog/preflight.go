package catalog

import (
	"context"
	"errors"
	"fmt"

	"shardproxy/meta/topology"
)

// minVersion is the oldest server the catalog queries work on.
const minVersion = 130000

// Preflight connects to all nodes and checks that they can serve a database
// together. The error has everything that is wrong, joined: nodes that cannot be
// reached, servers that are too old, standbys, other encodings, poolers in
// between, two names for one database, nodes that cannot be adopted. It changes
// nothing. Differences between the schemas are not its subject; see Build. The
// caller closes the connections.
func Preflight(ctx context.Context, nodes *Nodes) (*Conns, error) {
	conns, errs := nodes.open(ctx)
	servers := make([]*Server, len(conns.conns))
	for i, conn := range conns.conns {
		if conn == nil {
			continue
		}
		server, err := readServer(ctx, conn)
		if err != nil {
			errs = append(errs, conns.wrap(topology.NodeIndex(i), "ask what it is", err))
			continue
		}
		servers[i] = server
		if err := conns.adoptable(ctx, topology.NodeIndex(i)); err != nil {
			errs = append(errs, conns.wrap(topology.NodeIndex(i), "adopt", err))
		}
	}
	errs = append(errs, faults(nodes.opts.Nodes, servers)...)
	if err := errors.Join(errs...); err != nil {
		conns.Close()
		return nil, err
	}
	return conns, nil
}

// faults lists what is wrong with the servers that answered; the others are
// nil.
func faults(nodes []topology.Node, servers []*Server) []error {
	var errs []error
	for i, s := range servers {
		if s == nil {
			continue
		}
		for _, what := range serverFaults(s) {
			errs = append(errs, fmt.Errorf("node %q: %s", nodes[i].ID, what))
		}
		for j := range i {
			if servers[j] != nil && servers[j].Identity.same(s.Identity) {
				errs = append(errs, fmt.Errorf("nodes %q and %q are the same database of one server: give each node a database of its own", nodes[j].ID, nodes[i].ID))
			}
		}
	}
	return errs
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
