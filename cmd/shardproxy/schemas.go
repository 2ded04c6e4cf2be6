package main

import (
	"context"
	"log/slog"
	"sync"

	"shardproxy/meta/topology"
	"shardproxy/protocol/sqlerr"
	"shardproxy/router/catalog"
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
