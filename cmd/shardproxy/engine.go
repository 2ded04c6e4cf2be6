package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"

	"shardproxy/internal/config"
	"shardproxy/meta"
	"shardproxy/meta/topology"
	"shardproxy/router/backend"
	"shardproxy/router/gate"
	"shardproxy/router/pgparse"
	"shardproxy/router/pgsession"
	"shardproxy/router/plan"
)

// engine is everything between the listener and the nodes: the topology, the
// pools, the template caches and what sessions share.
type engine struct {
	store    *meta.Store
	pools    *backend.Pools
	plans    map[string]*plan.Cache // by database
	schemas  *schemas
	logins   *logins
	sessions *pgsession.Shared

	cancel     context.CancelFunc
	background sync.WaitGroup
}

// newEngine looks at the nodes and builds an engine of what they hold. The
// caller closes it.
func newEngine(ctx context.Context, c *config.Config, o *observer, logger *slog.Logger) (*engine, error) {
	sources, err := loadDatabases(ctx, c)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, withCode(exitNodes, err)
	}
	first := &topology.Topology{Epoch: 1, Databases: make(map[string]*topology.Database), Users: usersOf(c, nil)}
	e := &engine{plans: make(map[string]*plan.Cache)}
	for _, s := range sources {
		logLoaded(logger, s)
		first.Databases[s.db.Name] = s.db
		e.plans[s.db.Name] = plan.NewCache(plan.Options{Parser: pgparse.Parser{}, Engine: topology.Postgres})
	}
	if err := e.assemble(first, c, o, logger, sources); err != nil {
		return nil, errors.Join(withCode(exitFailed, err), e.close(ctx))
	}
	ctx, e.cancel = context.WithCancel(context.WithoutCancel(ctx))
	e.background.Go(func() { e.schemas.run(ctx) })
	e.background.Go(func() { e.logTopology(ctx, logger) })
	return e, nil
}

// assemble makes the parts, each from those before it.
func (e *engine) assemble(first *topology.Topology, c *config.Config, o *observer, logger *slog.Logger, sources []*source) (err error) {
	if e.pools, err = backend.NewPools(backend.PoolsOptions{Logger: logger, Metrics: o.pool}); err != nil {
		return err
	}
	e.logins = &logins{topology: func() *topology.Topology { return e.store.Current() }, logger: logger}
	if e.store, err = meta.New(first, e.pools.Apply, e.logins.prepare, o.prepare); err != nil {
		return err
	}
	e.schemas = newSchemas(sources, e.store, logger)
	e.sessions, err = pgsession.NewShared(pgsession.Options{
		Gate: gate.New(e.store), Plans: func(database string) *plan.Cache { return e.plans[database] },
		Pools: e.pools, Catalog: e.schemas, Observer: o, MaxMessage: int(c.Postgres.MaxMessage),
	})
	return err
}

// logTopology says when another topology is in use.
func (e *engine) logTopology(ctx context.Context, logger *slog.Logger) {
	changed, stop := e.store.Watch()
	defer stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-changed:
			logger.Info("topology changed", "epoch", uint64(e.store.Current().Epoch))
		}
	}
}

// close ends the background work and closes the connections to the nodes.
func (e *engine) close(ctx context.Context) error {
	if e.cancel != nil {
		e.cancel()
	}
	e.background.Wait()
	if e.pools == nil {
		return nil
	}
	return e.pools.Close(ctx)
}
