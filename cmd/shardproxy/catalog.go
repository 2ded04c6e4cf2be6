package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"sync"
	"time"

	"shardproxy/meta"
	"shardproxy/meta/topology"
	"shardproxy/protocol/sqlerr"
	"shardproxy/router/catalog"
)

const (
	// reloadTimeout bounds reading the catalogs of a database's nodes.
	reloadTimeout = time.Minute
	// The waits between attempts to read catalogs that could not be read.
	firstRetry = 500 * time.Millisecond
	lastRetry  = 30 * time.Second
)

// schemas reads the catalogs of the nodes again when statements have changed
// them, on the leader: so that two peers never decide at once what a schema means.
// One goroutine per database reads, so that reads of a database never overlap;
// changes that come meanwhile share the next one.
type schemas struct {
	cluster proving
	reload  reload
	logger  *slog.Logger

	mu struct {
		sync.Mutex
		byName  map[string]*schema
		start   func(*schema) // set while run runs
		stopped bool
	}
}

// proving is what the topology is changed with.
type proving interface {
	Current() *topology.Topology
	// Watch returns a channel that receives after Current has changed.
	Watch() (changed <-chan struct{}, stop func())
	// Prove makes a routing change. If it needs a hold, prove is called behind it.
	Prove(ctx context.Context, c topology.Command, prove func(ctx context.Context, t *topology.Topology) error) (topology.Epoch, error)
}

// reload reads what the nodes of a database hold now.
type reload func(ctx context.Context, old *topology.Database) (*topology.Database, *catalog.Report, error)

func newSchemas(c proving, r reload, logger *slog.Logger) *schemas {
	s := &schemas{cluster: c, reload: r, logger: logger}
	s.mu.byName = make(map[string]*schema)
	return s
}

// run serves until ctx ends.
func (s *schemas) run(ctx context.Context) {
	var group sync.WaitGroup
	s.mu.Lock()
	s.mu.start = func(each *schema) { group.Go(func() { each.run(ctx) }) }
	for _, each := range s.mu.byName {
		s.mu.start(each)
	}
	s.mu.Unlock()
	<-ctx.Done()
	s.mu.Lock()
	s.mu.start = func(each *schema) { each.stop() }
	s.mu.Unlock()
	group.Wait()
}

// of returns the schema of a database, or nil where there is no such database.
func (s *schemas) of(database string) *schema {
	if s.cluster.Current().Databases[database] == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	each := s.mu.byName[database]
	if each == nil {
		each = newSchema(database, s.cluster, s.reload, s.logger.With("database", database))
		s.mu.byName[database] = each
		if s.mu.start != nil {
			s.mu.start(each)
		}
	}
	return each
}

// check reads the catalogs of all databases, though nobody has said that they have
// changed.
func (s *schemas) check() {
	for _, name := range sortedKeys(s.cluster.Current().Databases) {
		if each := s.of(name); each != nil {
			each.nudge()
		}
	}
}

// Changed reads the catalogs of a database and publishes what they say, even if
// ctx ends before. The warnings are for who has changed them.
func (s *schemas) Changed(ctx context.Context, database string) ([]string, error) {
	each := s.of(database)
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

// schema keeps the relations of one database in step with its nodes.
type schema struct {
	name    string
	cluster proving
	logger  *slog.Logger
	reload  reload
	wake    chan struct{} // somebody asked

	// These belong to the goroutine of run.
	problems []catalog.Problem // as they were read last
	// told: somebody has said that the schema is another one, and it was not read
	// since.
	told bool

	mu struct {
		sync.Mutex
		asked   []chan<- reloaded
		stopped bool
	}
}

func newSchema(database string, c proving, r reload, logger *slog.Logger) *schema {
	return &schema{name: database, cluster: c, reload: r, logger: logger, wake: make(chan struct{}, 1)}
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
	s.nudge()
	return reply
}

// nudge makes run read the catalogs soon.
func (s *schema) nudge() {
	select {
	case s.wake <- struct{}{}:
	default: // it will
	}
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
	s.told = s.told || len(asked) > 0
	warnings, err := s.read(limited)
	retry := err
	switch {
	case err == nil:
		s.told = false
	case ctx.Err() != nil:
		err = sqlerr.AdminShutdown().Wrap(err) // nobody is served any more
	case errors.Is(err, meta.ErrNotLeader):
		retry, s.told = nil, false // another peer's task now
	case s.cluster.Current().Databases[s.name] == nil:
		retry, s.told = nil, false // it was removed
	case errors.Is(err, meta.ErrUnsettled):
		// What was read is in the topology: to refuse tables would tell nobody more.
		retry, s.told = nil, false
		s.logger.Error("schema read, but not every peer is known to have it", "error", err)
		err = sqlerr.Internal(err).WithDetail("The statement was run and the schema read; not every peer is known to have it yet.")
	case !s.told && !s.isStale():
		// Nobody says that anything has changed: what is known goes on.
		s.logger.Warn("schema not read again", "error", err)
	default:
		s.logger.Error("schema not read, statements on tables are refused until it is", "error", err)
		err = staleError(errors.Join(err, s.refuseTables(ctx)))
	}
	for _, reply := range asked {
		reply <- reloaded{warnings: warnings, err: err}
	}
	return retry
}

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
