package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"shardproxy/meta"
	"shardproxy/meta/topology"
	"shardproxy/protocol/sqlerr"
	"shardproxy/router/catalog"
	"shardproxy/router/pgsession"
)

const (
	// reloadTimeout bounds reading the catalogs of a database's nodes.
	reloadTimeout = time.Minute
	// The waits between attempts to read catalogs that could not be read.
	firstRetry = 500 * time.Millisecond
	lastRetry  = 30 * time.Second
)

// schemas reads the catalogs of the nodes again when statements have changed
// them. It implements pgsession.Catalog. One goroutine per database reads, so
// that reloads of a database never overlap; changes that come meanwhile share
// the next one.
type schemas struct{ byName map[string]*schema }

var _ pgsession.Catalog = (*schemas)(nil)

// newSchemas prepares for the databases that were loaded.
func newSchemas(sources []*source, store *meta.Store, logger *slog.Logger) *schemas {
	s := &schemas{byName: make(map[string]*schema, len(sources))}
	for _, from := range sources {
		s.byName[from.db.Name] = &schema{
			name: from.db.Name, store: store, logger: logger.With("database", from.db.Name),
			wake:  make(chan struct{}, 1),
			known: from.db.Relations, problems: from.report.Problems,
			reload: func(ctx context.Context, old *topology.Database) (*topology.Database, *catalog.Report, error) {
				return catalog.Reload(ctx, from.nodes, old)
			},
		}
	}
	return s
}

// run serves until ctx ends.
func (s *schemas) run(ctx context.Context) {
	var group sync.WaitGroup
	for _, each := range s.byName {
		group.Go(func() { each.run(ctx) })
	}
	group.Wait()
}

// Changed implements pgsession.Catalog. The catalogs are read even if ctx ends
// before.
func (s *schemas) Changed(ctx context.Context, database string) ([]string, error) {
	each := s.byName[database]
	if each == nil {
		return nil, sqlerr.UndefinedDatabase(database)
	}
	reply := each.ask()
	select {
	case r := <-reply:
		return r.warnings, r.err
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// stale names the databases whose schema is not known at the moment.
func (s *schemas) stale() []string {
	var names []string
	for _, name := range sortedKeys(s.byName) {
		if s.byName[name].isStale() {
			names = append(names, name)
		}
	}
	return names
}

// schema keeps the relations of one database in step with its nodes.
type schema struct {
	name   string
	store  *meta.Store
	logger *slog.Logger
	reload func(context.Context, *topology.Database) (*topology.Database, *catalog.Report, error)
	wake   chan struct{} // somebody asked

	// These belong to the goroutine of run: the relations and problems as they
	// were read last.
	known    map[topology.TableName]*topology.Relation
	problems []catalog.Problem

	mu struct {
		sync.Mutex
		asked   []chan<- reloaded
		stale   bool
		stopped bool
	}
}

// reloaded is the answer to who asked for a reload.
type reloaded struct {
	warnings []string
	err      error
}

// ask makes run read the catalogs, from now on and not earlier.
func (s *schema) ask() <-chan reloaded {
	reply := make(chan reloaded, 1)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.stopped {
		reply <- reloaded{err: sqlerr.AdminShutdown()}
		return reply
	}
	s.mu.asked = append(s.mu.asked, reply)
	select {
	case s.wake <- struct{}{}:
	default:
	}
	return reply
}

func (s *schema) setStale(stale bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.stale = stale
}

func (s *schema) isStale() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.stale
}

// run reads the catalogs when it is asked to, and while they could not be read.
func (s *schema) run(ctx context.Context) {
	defer s.stop()
	wait := firstRetry
	timer := time.NewTimer(wait)
	defer timer.Stop()
	timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		case <-timer.C:
		}
		if err := s.answer(ctx); err == nil {
			wait = firstRetry
			timer.Stop()
			continue
		}
		timer.Reset(wait)
		wait = min(2*wait, lastRetry)
	}
}

// stop answers those who still wait.
func (s *schema) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mu.stopped = true
	for _, reply := range s.mu.asked {
		reply <- reloaded{err: sqlerr.AdminShutdown()}
	}
	s.mu.asked = nil
}

// answer reads once, for all who have asked so far.
func (s *schema) answer(ctx context.Context) error {
	s.mu.Lock()
	asked := s.mu.asked
	s.mu.asked = nil
	s.mu.Unlock()
	limited, cancel := context.WithTimeout(ctx, reloadTimeout)
	defer cancel()
	warnings, err := s.read(limited)
	switch {
	case err != nil && ctx.Err() != nil:
		err = sqlerr.AdminShutdown().Wrap(err) // nobody is served any more
	case err != nil:
		s.logger.Error("schema not read, statements on tables are refused until it is", "error", err)
		err = staleError(errors.Join(err, s.refuseTables()))
		s.setStale(true)
	default:
		s.setStale(false)
	}
	for _, reply := range asked {
		reply <- reloaded{warnings: warnings, err: err}
	}
	return err
}

// read reads the catalogs and publishes what they say. The warnings are for who
// changed them.
func (s *schema) read(ctx context.Context) (warnings []string, err error) {
	old := s.store.Current().Databases[s.name].Clone()
	old.Relations = s.known
	next, report, err := s.reload(ctx, old)
	if err != nil {
		return nil, err
	}
	if err := s.publish(next); err != nil {
		return nil, err
	}
	for _, c := range topology.Changes(old, next) {
		s.logChange(&c)
		for _, w := range c.Warnings {
			warnings = append(warnings, fmt.Sprintf("table %s: %s", c.Table, w))
		}
	}
	logStrides(s.logger, report.Strides)
	for _, p := range report.Problems {
		if !slices.Contains(s.problems, p) {
			logProblem(s.logger, p)
		}
	}
	s.known, s.problems = next.Relations, report.Problems
	return warnings, nil
}

// publish makes the schema of next that of the database. What else has changed
// in the database meanwhile stays.
func (s *schema) publish(next *topology.Database) error {
	return s.store.Update(func(t *topology.Topology) (*topology.Topology, error) {
		db := t.Databases[s.name].Clone()
		db.SchemaEpoch++
		db.Relations, db.Sequences = next.Relations, next.Sequences
		db.Functions, db.Types = next.Functions, next.Types
		return t.WithDatabase(db), nil
	})
}

// refuseTables makes statements on the user's tables fail: the nodes may have
// another schema than the one we know, and a key of another type would be
// looked for on the wrong node.
func (s *schema) refuseTables() error {
	if s.isStale() {
		return nil // done already
	}
	refused := s.store.Current().Databases[s.name].Clone()
	refused.Relations = make(map[topology.TableName]*topology.Relation, len(s.known))
	for name, rel := range s.known {
		if rel.Placement != topology.System {
			rel = &topology.Relation{
				Name: name, Placement: topology.Refused, Source: rel.Source, Columns: rel.Columns, Uniques: rel.Uniques,
				Reason: "the schema has changed and could not be read from every node since; the proxy tries again by itself",
			}
		}
		refused.Relations[name] = rel
	}
	return s.publish(refused)
}

// staleError is for who changed a schema that could not be read afterwards.
func staleError(cause error) error {
	seen := sqlerr.From(cause)
	return seen.WithDetail("This happened when the schema was read after the statement: " + seen.Message + ".").
		WithHint("Statements on tables are refused until the schema can be read; the proxy tries again by itself.").
		Wrap(cause)
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
