package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"shardproxy/meta/topology"
	"shardproxy/protocol/sqlerr"
)

// attempts is how often the catalogs are read when the topology changes, or rows
// appear in a table that is to be placed elsewhere, while they are.
const attempts = 5

var errOutdated = errors.New("something has changed while the schema was read")

// read reads the catalogs and publishes what they say. The warnings are for who
// changed them.
func (s *schema) read(ctx context.Context) (warnings []string, err error) {
	for range attempts {
		if err := s.unarmed(ctx); err != nil {
			return nil, err
		}
		warnings, err = s.readOnce(ctx)
		var conflict *topology.Conflict
		if err == nil || ctx.Err() != nil || !errors.Is(err, errOutdated) && !errors.As(err, &conflict) {
			break
		}
	}
	return warnings, err
}

// unarmed waits while a change of the database is armed: none other is made
// meanwhile, and it decides what the schema means.
func (s *schema) unarmed(ctx context.Context) error {
	changed, stop := s.cluster.Watch()
	defer stop()
	for {
		if db := s.cluster.Current().Databases[s.name]; db == nil || db.Armed == nil {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (s *schema) readOnce(ctx context.Context) (warnings []string, err error) {
	old := s.cluster.Current().Databases[s.name]
	if old == nil {
		return nil, sqlerr.UndefinedDatabase(s.name)
	}
	next, report, err := s.reload(ctx, old)
	if err != nil {
		return nil, err
	}
	if err := s.publish(ctx, old, next); err != nil {
		return nil, err
	}
	warnings = s.report(old, next)
	logStrides(s.logger, report.Strides)
	for _, p := range report.Problems {
		if !slices.Contains(s.problems, p) {
			logProblem(s.logger, p)
		}
	}
	s.problems = report.Problems
	return warnings, nil
}

// publish makes the schema of next that of the database. Where that places a table
// elsewhere nobody may write meanwhile, and the table must be as empty behind the
// hold as it was ahead of it.
func (s *schema) publish(ctx context.Context, old, next *topology.Database) error {
	command, differs := topology.SchemaDiff(old, next)
	if !differs {
		return nil
	}
	_, err := s.cluster.Prove(ctx, command, func(ctx context.Context, _ *topology.Topology) error {
		again, _, err := s.reload(ctx, old)
		if err != nil {
			return err
		}
		if now, _ := topology.SchemaDiff(old, again); !reflect.DeepEqual(now, command) {
			return errOutdated
		}
		return nil
	})
	return err
}

// report logs what a new schema means, and returns the warnings.
func (s *schema) report(old, next *topology.Database) (warnings []string) {
	recovered := isStale(old)
	for _, c := range topology.Changes(old, next) {
		if !recovered {
			s.logChange(&c)
		}
		for _, w := range c.Warnings {
			warnings = append(warnings, fmt.Sprintf("table %s: %s", c.Table, w))
		}
	}
	if recovered {
		s.logger.Info("schema read again")
	}
	return warnings
}

func (s *schema) logChange(c *topology.Change) {
	switch {
	case c.New != nil && c.New.Placement == topology.System:
	case c.New == nil:
		s.logger.Info("table gone", "table", c.Table.String())
	case c.Old == nil || !topology.SamePlacement(c.Old, c.New):
		s.logger.Info("table placed", "table", c.Table.String(), "placement", c.New.Placement.String(),
			"kind", string(c.New.Key.Kind), "column", c.New.Key.Column, "reason", c.New.Reason)
	}
}

// sortedNames are the keys of a map by table name, in order.
func sortedNames[V any](m map[topology.TableName]V) []topology.TableName {
	return slices.SortedFunc(maps.Keys(m), func(a, b topology.TableName) int {
		return cmp.Or(cmp.Compare(a.Schema, b.Schema), cmp.Compare(a.Name, b.Name))
	})
}
