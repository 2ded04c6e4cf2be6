package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"shardproxy/internal/config"
	"shardproxy/meta/topology"
	"shardproxy/router/catalog"
)

// source is a database as it was loaded from its nodes.
type source struct {
	db     *topology.Database
	report *catalog.Report
}

// loadDatabases makes the databases of the configuration of what their nodes
// hold, all at once. It decides who owns the partitions and strides the
// sequences, and makes the nodes those of a cluster, if there is one. The error has
// everything that is wrong with any node.
func loadDatabases(ctx context.Context, c *config.Config, clusterID string) ([]*source, error) {
	names := sortedKeys(c.Databases)
	sources := make([]*source, len(names))
	errs := make([]error, len(names))
	var group sync.WaitGroup
	for i, name := range names {
		group.Go(func() {
			declared := c.Databases[name]
			s, err := loadDatabase(ctx, databaseOf(name, &declared), declared.Partitions, adoption(c, name, clusterID))
			sources[i], errs[i] = s, ofDatabase(name, err)
		})
	}
	group.Wait()
	return sources, errors.Join(errs...)
}

// adoption says as whose nodes those of a database are taken: nobody's, where the
// topology does not survive the process.
func adoption(c *config.Config, database, clusterID string) catalog.Adoption {
	if clusterID == "" {
		return catalog.Adoption{}
	}
	a := catalog.Adoption{ClusterID: clusterID, Database: database}
	for _, u := range c.Users {
		if u.BackendUser != "" {
			a.Roles = append(a.Roles, u.BackendUser)
		}
	}
	return a
}

func loadDatabase(ctx context.Context, db *topology.Database, partitions int, a catalog.Adoption) (*source, error) {
	nodes, err := catalog.NewNodes(catalog.Options{Nodes: db.Nodes, Adoption: a})
	if err != nil {
		return nil, err
	}
	loaded, report, err := catalog.Load(ctx, nodes, db, partitions)
	if err != nil {
		return nil, err
	}
	return &source{db: loaded, report: report}, nil
}

// checkNodes lists what is wrong with the nodes and changes nothing on them.
func checkNodes(ctx context.Context, c *config.Config) error {
	names := sortedKeys(c.Databases)
	errs := make([]error, len(names))
	var group sync.WaitGroup
	for i, name := range names {
		group.Go(func() {
			declared := c.Databases[name]
			nodes, err := catalog.NewNodes(catalog.Options{Nodes: databaseOf(name, &declared).Nodes})
			if err == nil {
				var conns *catalog.Conns
				if conns, err = catalog.Preflight(ctx, nodes); err == nil {
					conns.Close()
				}
			}
			errs[i] = ofDatabase(name, err)
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

// ofDatabase names the database in each part of err.
func ofDatabase(name string, err error) error {
	if err == nil {
		return nil
	}
	var errs []error
	for _, part := range parts(err) {
		errs = append(errs, fmt.Errorf("database %q: %w", name, part))
	}
	return errors.Join(errs...)
}

// logLoaded tells operators what was found and decided.
func logLoaded(logger *slog.Logger, s *source) {
	logger = logger.With("database", s.db.Name)
	home := s.db.Nodes[s.db.Home()].ID
	logger.Info("database loaded", "seeded", s.report.Seeding.Basis.String(), "nodes", len(s.db.Nodes),
		"partitions", s.db.PartitionCount(), "home", string(home), "tables", tables(s.db))
	logStrides(logger, s.report.Strides)
	for _, p := range s.report.Problems {
		logProblem(logger, p)
	}
}

// tables counts the user's tables and views.
func tables(db *topology.Database) int {
	n := 0
	for _, rel := range db.Relations {
		if rel.Placement != topology.System {
			n++
		}
	}
	return n
}

func logStrides(logger *slog.Logger, r *catalog.StrideReport) {
	for _, c := range r.Changed {
		logger.Info("sequence put into the node's class", "node", string(c.Node), "sequence", c.Sequence.String(), "was", c.What)
	}
	for _, sequence := range sortedNames(r.Failed) {
		logger.Warn("sequence not strided", "sequence", sequence.String(), "reason", r.Failed[sequence])
	}
}

func logProblem(logger *slog.Logger, p catalog.Problem) {
	var attributes []any
	if p.Node != "" {
		attributes = append(attributes, "node", string(p.Node))
	}
	if p.Table != (topology.TableName{}) {
		attributes = append(attributes, "table", p.Table.String())
	}
	logger.Warn("problem found on the nodes", append(attributes, "problem", p.What)...)
}
