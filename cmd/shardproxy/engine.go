package main

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"shardproxy/internal/config"
	"shardproxy/meta"
	"shardproxy/meta/topology"
	"shardproxy/rebalance"
	"shardproxy/router/backend"
	"shardproxy/router/catalog"
	"shardproxy/router/gate"
	"shardproxy/router/pgsession"
)

// engine is everything between the listener and the nodes: the topology and the
// peers it is agreed with, the pools, the template caches and what sessions
// share.
type engine struct {
	clustered bool // the nodes know who they are
	seeded    bool // the databases were made of the nodes just now
	store     *meta.Store
	gate      *gate.Gate
	pools     *backend.Pools
	plans     *plans
	schemas   *schemas
	logins    *logins
	changes   *changer
	armed     armedSince
	nodes     *rebalance.Operator
	sessions  *pgsession.Shared

	cancel     context.CancelFunc
	background sync.WaitGroup
}

// newEngine takes part in the cluster, or makes one of what the nodes hold, and
// returns when there is a topology to serve with. The caller closes it.
func newEngine(ctx context.Context, c *config.Config, calls *peerCalls, o *observer, logger *slog.Logger) (*engine, error) {
	e := &engine{clustered: c.Peer.Clustered(), plans: newPlans()}
	err := e.open(c, calls, o, logger)
	if err == nil {
		err = e.firstTopology(ctx, c, logger)
	}
	if err == nil {
		err = e.assemble(c, calls, o, logger)
	}
	if err != nil {
		if ctx.Err() != nil {
			err = context.Cause(ctx)
		}
		return nil, errors.Join(withCode(exitFailed, err), e.close(ctx))
	}
	return e, nil
}

// open opens the pools and the store, which tells them of each topology.
func (e *engine) open(c *config.Config, calls *peerCalls, o *observer, logger *slog.Logger) (err error) {
	options := backend.PoolsOptions{Logger: logger, Metrics: o.pool}
	if e.clustered {
		options.Identity = e.identity
	}
	if e.pools, err = backend.NewPools(options); err != nil {
		return err
	}
	e.logins = &logins{topology: func() *topology.Topology { return e.store.Current() }, logger: logger}
	e.store, err = meta.Open(storeOptions(c, calls, logger, e.pools.Apply, e.logins.prepare, o.prepare, func(next *topology.Topology) {
		e.armed.note(next, time.Now())
	}))
	return err
}

// identity is what connections to nodes register as.
func (e *engine) identity() backend.Identity {
	self, t := e.store.Self(), e.store.Current()
	return backend.Identity{ClusterID: t.ClusterID, Peer: string(self.ID), Incarnation: self.Incarnation, Epoch: t.Epoch}
}

// assemble makes what works with the topology.
func (e *engine) assemble(c *config.Config, calls *peerCalls, o *observer, logger *slog.Logger) (err error) {
	var ctx context.Context
	ctx, e.cancel = context.WithCancel(context.Background())
	e.gate = gate.New(countingSource{e.store, o.metrics.Changes()})
	var cutter meta.Fencer
	if e.clustered {
		cutter = fencer{func() string { return e.store.Current().ClusterID }, logger}
	}
	e.changes = &changer{store: e.store, fencer: cutter, made: o.changed, resolve: e.resolveRules}
	e.nodes, err = rebalance.New(rebalance.Options{Cluster: nodeCluster{e.changes}, Logger: logger})
	if err != nil {
		return err
	}
	e.schemas = newSchemas(e.changes, e.reload, logger)
	e.sessions, err = pgsession.NewShared(pgsession.Options{
		Gate: e.gate, Plans: e.plans.of, Pools: e.pools, Catalog: &leaderCatalog{e, ctx},
		Observer: o, MaxMessage: int(c.Postgres.MaxMessage),
	})
	if err != nil {
		return err
	}
	e.background.Go(func() { e.schemas.run(ctx) })
	e.background.Go(func() { e.lookAgain(ctx, e.seeded) })
	e.background.Go(func() { e.reportDrained(ctx) })
	e.background.Go(func() { e.logTopology(ctx, logger) })
	calls.engine.Store(e)
	return nil
}

// reload reads what the nodes that a database has now hold.
func (e *engine) reload(ctx context.Context, old *topology.Database) (*topology.Database, *catalog.Report, error) {
	options := catalog.Options{Nodes: old.Nodes}
	if e.clustered {
		options.Adoption = catalog.Adoption{ClusterID: e.store.Current().ClusterID, Database: old.Name}
	}
	nodes, err := catalog.NewNodes(options)
	if err != nil {
		return nil, nil, err
	}
	return catalog.Reload(ctx, nodes, old)
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

// close ends the background work, leaves the peers and closes the connections to
// the nodes.
func (e *engine) close(ctx context.Context) error {
	if e.cancel != nil {
		e.cancel()
	}
	e.background.Wait()
	var errs []error
	if e.store != nil {
		errs = append(errs, e.store.Close(ctx))
	}
	if e.pools != nil {
		errs = append(errs, e.pools.Close(ctx))
	}
	return errors.Join(errs...)
}
