package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"shardproxy/admin"
	"shardproxy/internal/metrics"
	"shardproxy/meta/topology"
	"shardproxy/router/plan"
)

// phase is how far a process has come.
type phase int32

const (
	phaseStarting phase = iota // it reads the nodes
	phaseServing               // clients are served
	phaseStopping              // it waits for open transactions
)

// views is what the admin API shows. The API answers before there is an engine
// to ask, and while it stops.
type views struct {
	phase  atomic.Int32
	engine atomic.Pointer[engine]
}

var (
	_ admin.Readiness = (*views)(nil)
	_ admin.Topology  = (*views)(nil)
	_ admin.Pools     = (*views)(nil)
	_ admin.Explainer = (*views)(nil)
)

var errStarting = errors.New("the proxy is starting: it reads the nodes")

func (v *views) enter(p phase) { v.phase.Store(int32(p)) }

// Ready implements admin.Readiness.
func (v *views) Ready(context.Context) error {
	e := v.engine.Load()
	switch p := phase(v.phase.Load()); {
	case p == phaseStopping:
		return errors.New("the proxy is stopping")
	case p == phaseStarting || e == nil:
		return errStarting
	}
	if err := e.store.Err(); err != nil {
		return err
	}
	if stale := staleDatabases(e.store.Current()); len(stale) > 0 {
		return fmt.Errorf("the schema has changed and could not be read since: database %s", strings.Join(stale, ", "))
	}
	return nil
}

// Current implements admin.Topology.
func (v *views) Current() *topology.Topology {
	if e := v.engine.Load(); e != nil {
		return e.store.Current()
	}
	return nil
}

// staleDatabases names those whose schema is not known at the moment.
func staleDatabases(t *topology.Topology) []string {
	var names []string
	for _, name := range sortedKeys(t.Databases) {
		if isStale(t.Databases[name]) {
			names = append(names, name)
		}
	}
	return names
}

// States implements admin.Pools.
func (v *views) States() []metrics.PoolState {
	e := v.engine.Load()
	if e == nil {
		return nil
	}
	stats := e.pools.Stats()
	states := make([]metrics.PoolState, len(stats))
	for i, s := range stats {
		states[i] = metrics.PoolState{
			Database: s.Key.Database, Node: string(s.Key.Node),
			Idle: s.Idle, Active: s.Held, Cancelling: s.Cancelling, Dialing: s.Dialing,
			Waiting: s.Waiting, Failing: s.Failing,
		}
	}
	return states
}

// Explain implements admin.Explainer.
func (v *views) Explain(_ context.Context, request admin.ExplainRequest) ([]plan.Explanation, error) {
	e := v.engine.Load()
	if e == nil {
		return nil, errStarting
	}
	return e.explain(request)
}
