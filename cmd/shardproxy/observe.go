package main

import (
	"errors"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"shardproxy/internal/metrics"
	"shardproxy/meta/topology"
	"shardproxy/protocol/pgstartup"
	"shardproxy/protocol/sqlerr"
	"shardproxy/router"
	"shardproxy/router/backend"
	"shardproxy/router/pgsession"
	"shardproxy/router/plan"
)

// observer passes on to the metrics what sessions, listener and pools report.
// On the way of a statement it takes no lock: the handles of a topology's
// databases and nodes are looked up when it is published.
type observer struct {
	metrics *metrics.Metrics
	logger  *slog.Logger
	handles atomic.Pointer[map[*topology.Database]*handles]
}

// internalError is the SQLSTATE of sqlerr.Internal.
const internalError = "XX000"

// handles are the metrics of a database and of its nodes, by index.
type handles struct {
	database *metrics.Database
	nodes    []*metrics.Node
}

var (
	_ pgsession.Observer = (*observer)(nil)
	_ router.Metrics     = (*observer)(nil)
	_ backend.Metrics    = poolObserver{}
)

// newObserver makes the metrics of a process, those of the Go runtime included.
// v is asked for the pools at each scrape.
func newObserver(v *views, logger *slog.Logger) (*observer, prometheus.Gatherer, error) {
	registry := prometheus.NewRegistry()
	m, err := metrics.New(registry)
	if err != nil {
		return nil, nil, err
	}
	o := &observer{metrics: m, logger: logger}
	gatherer, err := newGatherer(o, registry, v)
	err = errors.Join(err, m.CollectPools(v.States), m.CollectCluster(v.clusterState), registry.Register(collectors.NewGoCollector()),
		registry.Register(collectors.NewProcessCollector(collectors.ProcessCollectorOpts{})))
	return o, gatherer, err
}

// changed counts a change of the topology.
func (o *observer) changed(err error) { o.metrics.Changes().Result(changeResult(err)) }

// prepare looks up the handles of a topology before it is published.
func (o *observer) prepare(next *topology.Topology) {
	all := make(map[*topology.Database]*handles, len(next.Databases))
	for _, db := range next.Databases {
		all[db] = o.lookUp(db)
	}
	o.handles.Store(&all)
	o.metrics.Epoch(uint64(next.Epoch))
}

func (o *observer) lookUp(db *topology.Database) *handles {
	h := &handles{database: o.metrics.Database(db.Name)}
	for i := range db.Nodes {
		h.nodes = append(h.nodes, h.database.Node(string(db.Nodes[i].ID)))
	}
	return h
}

// of returns the handles of a database. A session may still use a topology
// that was replaced.
func (o *observer) of(db *topology.Database) *handles {
	if all := o.handles.Load(); all != nil {
		if h := (*all)[db]; h != nil {
			return h
		}
	}
	return o.lookUp(db)
}

// Answered implements pgsession.Observer.
func (o *observer) Answered(db *topology.Database, class plan.Class, node topology.NodeIndex, took time.Duration) {
	h := o.of(db)
	if class == plan.Single && int(node) < len(h.nodes) {
		h.nodes[node].Statement(metrics.Single, took)
		return
	}
	h.database.Statement(classOf(class), took)
}

// classOf is a plan's class as the metrics name it. Statements that need
// something first, and COPY, end on the node of their rows.
func classOf(class plan.Class) metrics.Class {
	switch class {
	case plan.Subset:
		return metrics.Subset
	case plan.Scatter:
		return metrics.Scatter
	case plan.Any:
		return metrics.Any
	case plan.All:
		return metrics.All
	case plan.Local:
		return metrics.Local
	case plan.Nothing:
		return metrics.Nothing
	case plan.Reject:
		return metrics.Rejected
	}
	return metrics.Single
}

// Refused implements pgsession.Observer.
//
// An internal error is logged: the client was told nothing of its cause.
func (o *observer) Refused(database string, err *sqlerr.Error) {
	if err.SQLState == internalError {
		o.logger.Error("internal error", "database", database, "error", errors.Unwrap(err))
	}
	o.metrics.Database(database).Error(sideOf(err.Fault), err.SQLState)
}

// ServerError implements pgsession.Observer.
func (o *observer) ServerError(database, sqlstate string) {
	o.metrics.Database(database).Error(metrics.ByNode, sqlstate)
}

func sideOf(f sqlerr.Fault) metrics.Side {
	switch f {
	case sqlerr.FaultClient:
		return metrics.ByClient
	case sqlerr.FaultNode:
		return metrics.ByNode
	}
	return metrics.ByProxy
}

// ClientAccepted implements router.Metrics.
func (o *observer) ClientAccepted() { o.metrics.Accepted() }

// ClientConnected implements router.Metrics.
func (o *observer) ClientConnected(database string) { o.metrics.Database(database).ClientJoined() }

// ClientGone implements router.Metrics.
func (o *observer) ClientGone(database string) { o.metrics.Database(database).ClientLeft() }

// Traffic implements router.Metrics.
func (o *observer) Traffic(database string) router.Traffic { return o.metrics.Database(database) }

// ClientRefused implements router.Metrics.
func (o *observer) ClientRefused(err *sqlerr.Error) { o.metrics.Refused(refusalOf(err)) }

// refusalOf says why a client was not let in.
func refusalOf(err *sqlerr.Error) metrics.Refusal {
	if errors.Is(err, pgstartup.ErrClientGone) {
		return metrics.RefusedGone
	}
	switch err.SQLState {
	case "53300":
		return metrics.RefusedFull
	case "57P01", "57P03":
		return metrics.RefusedDraining
	case "57014":
		return metrics.RefusedTimeout
	case "08P01", "0A000":
		return metrics.RefusedProtocol
	case "28000":
		return metrics.RefusedTLS
	case "28P01", "3D000", "42501":
		return metrics.RefusedLogin
	}
	if err.Fault == sqlerr.FaultClient {
		return metrics.RefusedLogin // settings that the server does not take
	}
	return metrics.RefusedNode
}

// CancelRequested implements router.Metrics.
func (o *observer) CancelRequested(outcome router.CancelOutcome) {
	results := map[router.CancelOutcome]metrics.CancelResult{
		router.CancelForwarded: metrics.CancelForwarded,
		router.CancelWaiting:   metrics.CancelWaiting,
		router.CancelIdle:      metrics.CancelIdle,
		router.CancelUnknown:   metrics.CancelUnknown,
		router.CancelFailed:    metrics.CancelFailed,
	}
	o.metrics.Cancel(results[outcome])
}

// pool is what the pool of a key reports to.
func (o *observer) pool(key backend.PoolKey) backend.Metrics {
	return poolObserver{o.metrics.Database(key.Database).Node(string(key.Node))}
}

type poolObserver struct{ node *metrics.Node }

// QueueWaited implements backend.Metrics.
func (p poolObserver) QueueWaited(d time.Duration) { p.node.QueueWaited(d) }

// Dialed implements backend.Metrics.
func (p poolObserver) Dialed(d time.Duration, err error) { p.node.Dialed(d, err) }

// Closed implements backend.Metrics.
func (p poolObserver) Closed(reason backend.CloseReason) { p.node.Closed(reason.String()) }
