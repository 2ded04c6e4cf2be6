package main

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"shardproxy/admin"
	"shardproxy/internal/metrics"
	"shardproxy/meta"
	"shardproxy/meta/topology"
	"shardproxy/router/gate"
)

func TestChangeResults(t *testing.T) {
	t.Parallel()
	conflict := &topology.Conflict{What: "another change"}
	tests := []struct {
		err  error
		want metrics.ChangeResult
	}{
		{nil, metrics.ChangeMade},
		{fmt.Errorf("x: %w", conflict), metrics.ChangeConflict},
		{fmt.Errorf("x: %w: %w", meta.ErrRefused, conflict), metrics.ChangeConflict},
		{fmt.Errorf("x: %w: %w", meta.ErrRefused, topology.ErrNotFound), metrics.ChangeRefused},
		{fmt.Errorf("x: %w", meta.ErrVersion), metrics.ChangeRefused},
		{admin.NewProblem(admin.CodeRefused, "no", ""), metrics.ChangeRefused},
		{fmt.Errorf("x: %w: %w", meta.ErrBusy, context.DeadlineExceeded), metrics.ChangeBusy},
		{fmt.Errorf("x: %w", meta.ErrNoLeader), metrics.ChangeNoLeader},
		{fmt.Errorf("x: %w", meta.ErrNotLeader), metrics.ChangeNoLeader},
		{adminError(meta.ErrNoLeader), metrics.ChangeNoLeader},
		{adminError(fmt.Errorf("%w: %w", meta.ErrUnsettled, meta.ErrNotLeader)), metrics.ChangeUnsettled},
		{fmt.Errorf("x: %w: %w", meta.ErrUnsettled, meta.ErrBusy), metrics.ChangeUnsettled},
		{fmt.Errorf("x: %w: %w", meta.ErrUnknownOutcome, meta.ErrNotLeader), metrics.ChangeUnknown},
		{fmt.Errorf("x: %w", meta.ErrUnpublished), metrics.ChangeMade},
		{errors.New("node pg-1 is down"), metrics.ChangeFailed},
		{admin.NewProblem(admin.CodeNotReady, "starting", ""), metrics.ChangeFailed},
	}
	for _, test := range tests {
		if got := changeResult(test.err); got != test.want {
			t.Errorf("%v: %s, want %s", test.err, got, test.want)
		}
	}
}

func TestArmedSince(t *testing.T) {
	t.Parallel()
	at := func(arm topology.ArmID) *topology.Topology {
		db := &topology.Database{Name: "app"}
		if arm != 0 {
			db.Armed = &topology.Armed{ID: arm}
		}
		return &topology.Topology{Databases: map[string]*topology.Database{"app": db}}
	}
	var a armedSince
	start := time.Now()
	var got []time.Duration
	for i, arm := range []topology.ArmID{0, 3, 3, 5, 0} { // seconds apart
		now := start.Add(time.Duration(i) * time.Second)
		a.note(at(arm), now)
		got = append(got, a.held(at(arm), now)["app"])
	}
	if diff := cmp.Diff([]time.Duration{0, 0, time.Second, 0, 0}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// fixedSource is a topology that never changes.
type fixedSource struct{ t *topology.Topology }

func (f fixedSource) Current() *topology.Topology { return f.t }

func (f fixedSource) Watch() (<-chan struct{}, func()) { return nil, func() {} }

// TestStatementsAtTheGate: one that is held is counted while it waits, one that is
// not is not.
func TestStatementsAtTheGate(t *testing.T) {
	t.Parallel()
	registry := prometheus.NewRegistry()
	m, err := metrics.New(registry)
	if err != nil {
		t.Fatal(err)
	}
	db := &topology.Database{Name: "app", Paused: true}
	source := fixedSource{&topology.Topology{Epoch: 1, Databases: map[string]*topology.Database{"app": db, "other": {Name: "other"}}}}
	g := gate.New(countingSource{source, m.Changes()})
	free := g.Slot("other")
	if _, held := free.Enter(); held {
		t.Fatal("held without a reason")
	}
	if n := valueOf(t, registry, "shardproxy_gate_statements_held_total"); n != 0 {
		t.Errorf("%v statements counted that were not held", n)
	}
	slot := g.Slot("app")
	slot.Enter()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- slot.Wait(ctx) }()
	for deadline := time.Now().Add(patience); valueOf(t, registry, "shardproxy_gate_waiting_clients") != 1; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the wait is not counted")
		}
	}
	cancel()
	if err := <-done; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	for name, want := range map[string]float64{"shardproxy_gate_waiting_clients": 0, "shardproxy_gate_statements_held_total": 1} {
		if n := valueOf(t, registry, name); n != want {
			t.Errorf("%s is %v, want %v", name, n, want)
		}
	}
}

// valueOf is the value of a metric without labels.
func valueOf(t *testing.T, g prometheus.Gatherer, name string) float64 {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue() + f.GetMetric()[0].GetCounter().GetValue()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0
}
