package admin

import (
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"shardproxy/internal/config"
	"shardproxy/internal/metrics"
	"shardproxy/meta/topology"
	"shardproxy/ring"
	"shardproxy/router/plan"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fake is a proxy with fixed answers.
type fake struct {
	topology *topology.Topology
	notReady error
	explain  func(ctx context.Context, request ExplainRequest) ([]plan.Explanation, error)
}

func (f *fake) Ready(context.Context) error { return f.notReady }

func (f *fake) Current() *topology.Topology { return f.topology }

func (f *fake) States() []metrics.PoolState {
	return []metrics.PoolState{
		{Database: "app", Node: "pg-1", Idle: 1, Active: 2, Cancelling: 3, Dialing: 4, Waiting: 5},
		{Database: "app", Node: "pg-1", Idle: 1},
		{Database: "app", Node: "pg-2", Failing: true},
		{Database: "other", Node: "pg-1", Idle: 100},
	}
}

func (f *fake) Explain(ctx context.Context, request ExplainRequest) ([]plan.Explanation, error) {
	return f.explain(ctx, request)
}

func newFake() *fake {
	projects := topology.TableName{Schema: "public", Name: "projects"}
	settings := topology.TableName{Schema: "public", Name: "settings"}
	catalog := topology.TableName{Schema: "pg_catalog", Name: "pg_class"}
	return &fake{topology: &topology.Topology{
		Epoch:     7,
		ClusterID: "c-1",
		Databases: map[string]*topology.Database{"app": {
			Name:   "app",
			Engine: topology.Postgres,
			Nodes: []topology.Node{
				{ID: "pg-1", Slot: 0, Weight: 1, DSN: "postgres://app:hunter2@10.0.0.1:5432/app?password=hunter2"},
				{ID: "pg-2", Slot: 1, Weight: 2, DSN: "postgres://app:hunter2@10.0.0.2/app"},
			},
			Owners: []topology.NodeIndex{0, 0, 1, 0, 1},
			Relations: map[topology.TableName]*topology.Relation{
				projects: {
					Name: projects, Placement: topology.Sharded, Source: topology.FromConvention, Reason: "id of projects",
					Key: topology.Key{Kind: ring.KindProject, Type: ring.KeyInt, Column: "id"}, Warnings: []string{"careful"},
					Columns: []topology.Column{{Name: "id", Type: "int8"}},
				},
				settings: {Name: settings, Placement: topology.Global, Source: topology.FromConfig},
				catalog:  {Name: catalog, Placement: topology.System},
			},
		}},
	}}
}

func options(f *fake) Options {
	registry := prometheus.NewRegistry()
	counter := prometheus.NewCounter(prometheus.CounterOpts{Name: "shardproxy_test_total", Help: "A test."})
	registry.MustRegister(counter)
	return Options{
		Config:    config.Admin{Listen: "127.0.0.1:0"},
		Version:   "1.2.3",
		Logger:    slog.New(slog.DiscardHandler),
		Gatherer:  registry,
		Readiness: f,
		Topology:  f,
		Pools:     f,
		Explainer: f,
		Timeout:   2 * time.Second,
	}
}

// serve runs a server until the test ends and returns its host:port.
func serve(t *testing.T, opts Options) (string, *Server) {
	t.Helper()
	s, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
		if err := <-served; err != nil {
			t.Error(err)
		}
	})
	return s.Addr().String(), s
}

func client(t *testing.T, opts ClientOptions) *Client {
	t.Helper()
	c, err := NewClient(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func TestViews(t *testing.T) {
	addr, _ := serve(t, options(newFake()))
	c := client(t, ClientOptions{Addr: "http://" + addr})
	check := func(want any, got any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
	}
	status, err := c.Status(t.Context())
	check(&Status{Version: "1.2.3", ClusterID: "c-1", Epoch: 7, Ready: true, Databases: []DatabaseStatus{
		{Name: "app", Engine: "postgres", Nodes: 2, Partitions: 4, Tables: 2},
	}}, status, err)
	nodes, err := c.Nodes(t.Context(), "")
	check(&Nodes{Database: "app", Epoch: 7, Nodes: []Node{
		{
			Name: "pg-1", DSN: "postgres://app@10.0.0.1:5432/app", State: "active", Weight: 1, Partitions: 3, Up: true,
			Idle: 2, Active: 2, Cancelling: 3, Dialing: 4, Waiting: 5,
		},
		{Name: "pg-2", DSN: "postgres://app@10.0.0.2/app", State: "active", Slot: 1, Weight: 2, Partitions: 1, Home: true},
	}}, nodes, err)
	tables, err := c.Tables(t.Context(), "app")
	check(&Tables{Database: "app", Epoch: 7, Tables: []Table{
		{Name: "public.projects", Placement: "sharded", Source: topology.FromConvention.String(), Kind: "project", Column: "id", KeyType: "int", Reason: "id of projects", Warnings: []string{"careful"}},
		{Name: "public.settings", Placement: "global", Source: topology.FromConfig.String()},
	}}, tables, err)
	ring, err := c.Ring(t.Context(), "app")
	check(&Ring{Database: "app", Epoch: 7, Partitions: 4, Home: "pg-2", Nodes: []Share{
		{Node: "pg-1", Partitions: 3, Share: 0.75, Target: 1. / 3},
		{Node: "pg-2", Partitions: 1, Share: 0.25, Target: 2. / 3},
	}, Ranges: []Range{
		{First: 0, Last: 1, Node: "pg-1"}, {First: 2, Last: 2, Node: "pg-2"}, {First: 3, Last: 3, Node: "pg-1"},
	}}, ring, err)
}

func TestExplain(t *testing.T) {
	f := newFake()
	var asked ExplainRequest
	f.explain = func(_ context.Context, request ExplainRequest) ([]plan.Explanation, error) {
		asked = request
		return []plan.Explanation{
			{
				Class: plan.Single, Nodes: []topology.NodeID{"pg-1"}, Partitions: []ring.Partition{2}, Key: "project:42",
				Tables: []plan.TableExplanation{{Table: "public.projects", Rule: "sharded by project (id)", Bound: "id = $1"}},
				Why:    []string{"because"},
			},
			{Class: plan.Reject, Error: "no", Hint: "do this"},
		}, nil
	}
	addr, _ := serve(t, options(f))
	c := client(t, ClientOptions{Addr: "http://" + addr})
	request := ExplainRequest{SQL: "SELECT 1; SELECT 2", Params: []Param{{Text: "42"}, {Null: true}, {Text: `a"b`}}, SearchPath: []string{"public"}}
	got, err := c.Explain(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	want := &Explanations{Database: "app", Statements: []Explanation{
		{
			Class: "single", Nodes: []string{"pg-1"}, Partitions: []uint32{2}, Key: "project:42",
			Tables: []TableReference{{Table: "public.projects", Rule: "sharded by project (id)", Bound: "id = $1"}},
			Why:    []string{"because"},
		},
		{Class: "rejected", Nodes: []string{}, Error: "no", Hint: "do this"},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	request.Database = "app" // the only one there is
	if diff := cmp.Diff(request, asked); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// do sends a request as it is and returns status, header and body.
func do(t *testing.T, method, target, body string, header map[string]string) (*http.Response, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Close = true
	for name, value := range header {
		if name == "Host" {
			request.Host = value
		}
		request.Header.Set(name, value)
	}
	response, err := http.DefaultTransport.RoundTrip(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response, string(content)
}

func TestHealthAndMetrics(t *testing.T) {
	f := newFake()
	addr, _ := serve(t, options(f))
	if response, body := do(t, "GET", "http://"+addr+"/healthz", "", nil); response.StatusCode != 200 || body != "ok\n" {
		t.Errorf("%s %q", response.Status, body)
	}
	if response, body := do(t, "GET", "http://"+addr+"/readyz", "", nil); response.StatusCode != 200 || body != "ready\n" {
		t.Errorf("%s %q", response.Status, body)
	}
	response, body := do(t, "GET", "http://"+addr+"/metrics", "", nil)
	if response.StatusCode != 200 || !strings.Contains(body, "shardproxy_test_total 0") {
		t.Errorf("%s %q", response.Status, body)
	}
}

func TestCloseWithoutServe(t *testing.T) {
	s, err := New(options(newFake()))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if s, err = New(options(newFake())); err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := net.DialTimeout("tcp", s.Addr().String(), time.Second); err == nil {
		t.Error("still listens")
	}
}
