package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"shardproxy/admin"
	"shardproxy/internal/metrics"
	"shardproxy/meta/topology"
	"shardproxy/protocol/pgstartup"
	"shardproxy/protocol/sqlerr"
	"shardproxy/ring"
	"shardproxy/router"
	"shardproxy/router/backend"
	"shardproxy/router/plan"
	"shardproxy/router/sqlscan"
)

func newTestObserver(t testing.TB, log io.Writer) (*observer, prometheus.Gatherer, *topology.Database) {
	t.Helper()
	o, gatherer, err := newObserver(new(views), slog.New(slog.NewTextHandler(log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	db := &topology.Database{Name: "app", Nodes: []topology.Node{{ID: "pg-1"}, {ID: "pg-2"}}}
	o.prepare(&topology.Topology{Epoch: 7, Databases: map[string]*topology.Database{"app": db}})
	return o, gatherer, db
}

// scrape is what Prometheus reads.
func scrape(g prometheus.Gatherer) string {
	r := httptest.NewRecorder()
	promhttp.HandlerFor(g, promhttp.HandlerOpts{ErrorHandling: promhttp.HTTPErrorOnError}).
		ServeHTTP(r, httptest.NewRequest(http.MethodGet, "/metrics", nil))
	return r.Body.String()
}

func TestObserver(t *testing.T) {
	var log strings.Builder
	o, gatherer, db := newTestObserver(t, &log)
	o.Answered(db, plan.Single, 1, time.Millisecond)
	o.Answered(db.Clone(), plan.Single, 1, time.Millisecond) // a session that plans by an older topology
	o.Answered(db, plan.Single, 9, time.Millisecond)         // a node that is gone
	o.Answered(db, plan.Scatter, 0, time.Millisecond)
	o.Refused("app", sqlerr.NotSupported("no"))
	o.Refused("app", sqlerr.Internal(errors.New("the cause")))
	o.Refused("app", sqlerr.NodeUnavailable("pg-1"))
	o.ServerError("app", "23505")
	o.ClientAccepted()
	o.ClientConnected("app")
	o.ClientConnected("app")
	o.ClientGone("app")
	o.Traffic("app").Received(10)
	o.Traffic("app").Sent(20)
	for outcome := router.CancelForwarded; outcome <= router.CancelFailed; outcome++ {
		o.CancelRequested(outcome)
	}
	pool := o.pool(backend.PoolKey{Database: "app", Node: "pg-2"})
	pool.Dialed(time.Millisecond, errors.New("refused"))
	pool.QueueWaited(time.Millisecond)
	pool.Closed(backend.ClosedIdle)

	text := scrape(gatherer)
	for _, want := range []string{
		`shardproxy_statements_total{class="single",database="app",node="pg-2"} 2`,
		`shardproxy_statements_total{class="single",database="app",node=""} 1`,
		`shardproxy_statement_duration_seconds_count{class="scatter",database="app"} 1`,
		`shardproxy_errors_total{database="app",side="client",sqlstate="0A000"} 1`,
		`shardproxy_errors_total{database="app",side="node",sqlstate="23505"} 1`,
		`shardproxy_errors_total{database="app",side="node",sqlstate="08001"} 1`,
		`shardproxy_errors_total{database="app",side="proxy",sqlstate="XX000"} 1`,
		`shardproxy_topology_epoch 7`,
		`shardproxy_client_connections_accepted_total 1`,
		`shardproxy_client_connections{database="app"} 1`,
		`shardproxy_client_received_bytes_total{database="app"} 10`,
		`shardproxy_client_sent_bytes_total{database="app"} 20`,
		`shardproxy_cancel_requests_total{result="forwarded"} 1`,
		`shardproxy_cancel_requests_total{result="waiting"} 1`,
		`shardproxy_cancel_requests_total{result="idle"} 1`,
		`shardproxy_cancel_requests_total{result="unknown"} 1`,
		`shardproxy_cancel_requests_total{result="failed"} 1`,
		`shardproxy_backend_closed_total{database="app",node="pg-2",reason="idle"} 1`,
		`shardproxy_backend_dial_errors_total{database="app",node="pg-2"} 1`,
		`shardproxy_pool_queue_wait_seconds_count{database="app",node="pg-2"} 1`,
		`go_goroutines `, `process_open_fds `,
	} {
		if !strings.Contains(text, "\n"+want) {
			t.Errorf("no %s", want)
		}
	}
	if !strings.Contains(log.String(), "the cause") || strings.Count(log.String(), "\n") != 1 {
		t.Errorf("want the internal error in the log, and nothing else: %q", log.String())
	}
}

// TestAnsweredAllocatesNothing: it is on the way of every statement.
func TestAnsweredAllocatesNothing(t *testing.T) {
	o, _, db := newTestObserver(t, io.Discard)
	if n := testing.AllocsPerRun(100, func() {
		o.Answered(db, plan.Single, 1, time.Millisecond)
		o.Answered(db, plan.Scatter, 0, time.Millisecond)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestClasses(t *testing.T) {
	for class, want := range map[plan.Class]metrics.Class{
		plan.Single: metrics.Single, plan.Subset: metrics.Subset, plan.Scatter: metrics.Scatter, plan.Any: metrics.Any,
		plan.All: metrics.All, plan.Local: metrics.Local, plan.Nothing: metrics.Nothing, plan.Reject: metrics.Rejected,
		plan.Draw: metrics.Single, plan.ByRows: metrics.Single, plan.Deferred: metrics.Single,
	} {
		if got := classOf(class); got != want {
			t.Errorf("class %d is counted as %s, want %s", class, got, want)
		}
	}
}

func TestRefusals(t *testing.T) {
	for err, want := range map[error]metrics.Refusal{
		sqlerr.TooManyConnections(3):                      metrics.RefusedFull,
		sqlerr.AdminShutdown():                            metrics.RefusedDraining,
		sqlerr.LoginTimeout():                             metrics.RefusedTimeout,
		sqlerr.ProtocolViolation("x"):                     metrics.RefusedProtocol,
		sqlerr.UnsupportedProtocol(2, 0):                  metrics.RefusedProtocol,
		sqlerr.TLSRequired():                              metrics.RefusedTLS,
		sqlerr.InvalidPassword("ada"):                     metrics.RefusedLogin,
		sqlerr.UndefinedDatabase("app"):                   metrics.RefusedLogin,
		sqlerr.DatabaseDenied("ada", "app"):               metrics.RefusedLogin,
		sqlerr.UndefinedParameter("x"):                    metrics.RefusedLogin,
		sqlerr.NodeUnavailable("pg-1"):                    metrics.RefusedNode,
		sqlerr.QueueTimeout("pg-1"):                       metrics.RefusedNode,
		fmt.Errorf("%w: EOF", pgstartup.ErrClientGone):    metrics.RefusedGone,
		errors.New("something that nobody thought about"): metrics.RefusedNode,
	} {
		if got := refusalOf(sqlerr.From(err)); got != want {
			t.Errorf("%v is counted as %s, want %s", err, got, want)
		}
	}
}

func TestViewsBeforeThereIsAnEngine(t *testing.T) {
	v := new(views)
	if err := v.Ready(t.Context()); !errors.Is(err, errStarting) {
		t.Errorf("ready while it starts: %v", err)
	}
	v.enter(phaseServing)
	if err := v.Ready(t.Context()); !errors.Is(err, errStarting) {
		t.Errorf("ready without an engine: %v", err)
	}
	if v.Current() != nil || v.States() != nil {
		t.Error("there is a topology or a pool already")
	}
	if _, err := v.Explain(t.Context(), admin.ExplainRequest{Database: "app", SQL: "SELECT 1"}); !errors.Is(err, errStarting) {
		t.Errorf("explain: %v", err)
	}
	v.enter(phaseStopping)
	if err := v.Ready(t.Context()); err == nil || errors.Is(err, errStarting) {
		t.Errorf("ready while it stops: %v", err)
	}
}

func TestTextParams(t *testing.T) {
	p := textParams{{Text: "42"}, {Null: true}, {Text: "042"}, {Text: "{1,NULL,x}"}}
	canonical := func(key string) []byte {
		b, ok := ring.AppendText(nil, ring.KeyInt, []byte(key))
		if !ok {
			t.Fatal(key)
		}
		return b
	}
	for n, want := range map[int]sqlscan.KeyState{
		0: sqlscan.KeyMismatch, 1: sqlscan.KeyOK, 2: sqlscan.KeyNull, 3: sqlscan.KeyMismatch, 5: sqlscan.KeyMismatch,
	} {
		key, state := p.AppendKey([]byte("x"), n, ring.KeyInt)
		expected := []byte("x")
		if want == sqlscan.KeyOK {
			expected = append(expected, canonical("42")...)
		}
		if diff := cmp.Diff(expected, key); state != want || diff != "" {
			t.Errorf("$%d: state %d, want %d\n%s", n, state, want, diff)
		}
	}
	var states []sqlscan.KeyState
	collect := func(_ []byte, state sqlscan.KeyState) bool {
		states = append(states, state)
		return true
	}
	if state := p.EachKey(4, ring.KeyInt, collect); state != sqlscan.KeyOK {
		t.Errorf("an array: state %d", state)
	}
	if diff := cmp.Diff([]sqlscan.KeyState{sqlscan.KeyOK, sqlscan.KeyNull, sqlscan.KeyMismatch}, states); diff != "" {
		t.Errorf("its elements: -want +got\n%s", diff)
	}
	for n, want := range map[int]sqlscan.KeyState{1: sqlscan.KeyMismatch, 2: sqlscan.KeyNull, 9: sqlscan.KeyMismatch} {
		if state := p.EachKey(n, ring.KeyInt, collect); state != want {
			t.Errorf("$%d as an array: state %d, want %d", n, state, want)
		}
	}
}
