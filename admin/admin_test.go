package admin

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/goleak"

	"shardproxy/internal/config"
	"shardproxy/internal/metrics"
	"shardproxy/meta/topology"
	"shardproxy/protocol/sqlerr"
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
			Name: "pg-1", DSN: "postgres://app@10.0.0.1:5432/app", Weight: 1, Partitions: 3, Up: true,
			Idle: 2, Active: 2, Cancelling: 3, Dialing: 4, Waiting: 5,
		},
		{Name: "pg-2", DSN: "postgres://app@10.0.0.2/app", Slot: 1, Weight: 2, Partitions: 1, Home: true},
	}}, nodes, err)
	tables, err := c.Tables(t.Context(), "app")
	check(&Tables{Database: "app", Epoch: 7, Tables: []Table{
		{Name: "public.projects", Placement: "sharded", Source: topology.FromConvention.String(), Kind: "project", Column: "id", KeyType: "int", Reason: "id of projects", Warnings: []string{"careful"}},
		{Name: "public.settings", Placement: "global", Source: topology.FromConfig.String()},
	}}, tables, err)
	ring, err := c.Ring(t.Context(), "app")
	check(&Ring{Database: "app", Epoch: 7, Partitions: 4, Home: "pg-2", Ranges: []Range{
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

func TestParams(t *testing.T) {
	var got []Param
	if err := json.Unmarshal([]byte(`["x", 9007199254740993, 1.50, true, false, null, ""]`), &got); err != nil {
		t.Fatal(err)
	}
	want := []Param{{Text: "x"}, {Text: "9007199254740993"}, {Text: "1.50"}, {Text: "true"}, {Text: "false"}, {Null: true}, {Text: ""}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	for _, bad := range []string{`[{}]`, `[[1]]`} {
		if err := json.Unmarshal([]byte(bad), &got); err == nil {
			t.Errorf("%s was accepted", bad)
		}
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

func TestNotReady(t *testing.T) {
	f := newFake()
	f.notReady = errors.New("draining")
	f.topology = nil
	addr, _ := serve(t, options(f))
	response, body := do(t, "GET", "http://"+addr+"/readyz", "", nil)
	if response.StatusCode != 503 || !strings.Contains(body, "draining") {
		t.Errorf("%s %q", response.Status, body)
	}
	if response, _ := do(t, "GET", "http://"+addr+"/healthz", "", nil); response.StatusCode != 200 {
		t.Errorf("a process that drains is alive: %s", response.Status)
	}
	c := client(t, ClientOptions{Addr: "http://" + addr})
	status, err := c.Status(t.Context())
	if err != nil || status.Ready || status.NotReady != "draining" {
		t.Errorf("%+v, %v", status, err)
	}
	var problem *Problem
	if _, err := c.Nodes(t.Context(), ""); !errors.As(err, &problem) || problem.Code != CodeNotReady {
		t.Errorf("got %v", err)
	}
}

func TestProblems(t *testing.T) {
	f := newFake()
	f.topology.Databases["second"] = &topology.Database{Name: "second", Engine: topology.Postgres, Owners: []topology.NodeIndex{0, 0}, Nodes: []topology.Node{{ID: "x"}}}
	f.explain = func(ctx context.Context, request ExplainRequest) ([]plan.Explanation, error) {
		switch request.SQL {
		case "slow":
			<-ctx.Done()
			return nil, ctx.Err()
		case "broken":
			return nil, errors.New("the password is hunter2")
		}
		return nil, sqlerr.ProtocolViolation("syntax error").WithDetail("at x").WithHint("try y")
	}
	opts := options(f)
	opts.Timeout = 50 * time.Millisecond
	opts.MaxBody = 1000
	addr, _ := serve(t, opts)
	json := map[string]string{"Content-Type": "application/json"}
	tests := []struct {
		name         string
		method, path string
		body         string
		header       map[string]string
		code         Code
		status       int
		contains     string
	}{
		{"unknown path", "GET", "/v1/nothing", "", nil, CodeNotFound, 404, "/v1/nothing"},
		{"method", "GET", "/v1/explain", "", nil, CodeMethodNotAllowed, 405, "POST"},
		{"method of health", "POST", "/healthz", "", nil, CodeMethodNotAllowed, 405, "GET"},
		{"media type", "POST", "/v1/explain", `{"sql":"x"}`, map[string]string{"Content-Type": "text/plain"}, CodeMediaType, 415, "application/json"},
		{"no media type", "POST", "/v1/explain", `{"sql":"x"}`, nil, CodeMediaType, 415, "application/json"},
		{"not JSON", "POST", "/v1/explain", `{`, json, CodeBadRequest, 400, ""},
		{"unknown key", "POST", "/v1/explain", `{"sq":"x"}`, json, CodeBadRequest, 400, `\"sq\"`},
		{"two values", "POST", "/v1/explain", `{"sql":"x"} {}`, json, CodeBadRequest, 400, "more than one"},
		{"empty SQL", "POST", "/v1/explain", `{"sql":" ","database":"app"}`, json, CodeBadRequest, 400, "empty"},
		{"too large", "POST", "/v1/explain", `{"sql":"` + strings.Repeat("x", 2000) + `"}`, json, CodeTooLarge, 413, ""},
		{"unknown database", "POST", "/v1/explain", `{"sql":"x","database":"ap"}`, json, CodeUnknownDatabase, 404, "app, second"},
		{"which database", "GET", "/v1/ring", "", nil, CodeUnknownDatabase, 404, "which"},
		{"unknown parameter", "GET", "/v1/ring?db=app", "", nil, CodeBadRequest, 400, `\"db\"`},
		{"repeated parameter", "GET", "/v1/ring?database=app&database=second", "", nil, CodeBadRequest, 400, "repeated"},
		{"malformed query", "GET", "/v1/ring?database=%zz", "", nil, CodeBadRequest, 400, ""},
		{"statement", "POST", "/v1/explain", `{"sql":"x","database":"app"}`, json, CodeSQL, 422, `"sqlstate":"08P01"`},
		{"timeout", "POST", "/v1/explain", `{"sql":"slow","database":"app"}`, json, CodeTimeout, 504, ""},
		{"internal", "POST", "/v1/explain", `{"sql":"broken","database":"app"}`, json, CodeInternal, 500, ""},
		{"rebound name", "GET", "/v1/status", "", map[string]string{"Host": "evil.example:7080"}, CodeForbiddenHost, 403, "loopback"},
		{"rebound metrics", "GET", "/metrics", "", map[string]string{"Host": "evil.example"}, CodeForbiddenHost, 403, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			response, body := do(t, test.method, "http://"+addr+test.path, test.body, test.header)
			if response.StatusCode != test.status || response.Header.Get("Content-Type") != "application/problem+json" ||
				!strings.Contains(body, `"code":"`+string(test.code)+`"`) || !strings.Contains(body, test.contains) {
				t.Errorf("%s, %s: %s", response.Status, response.Header.Get("Content-Type"), body)
			}
			if strings.Contains(body, "hunter2") {
				t.Errorf("shows what it should not: %s", body)
			}
		})
	}
}

func TestLoopbackNames(t *testing.T) {
	addr, _ := serve(t, options(newFake()))
	for _, host := range []string{"localhost", "localhost:7080", "127.0.0.1", "127.8.0.1:1", "[::1]:7080", "[::1]"} {
		if response, body := do(t, "GET", "http://"+addr+"/v1/status", "", map[string]string{"Host": host}); response.StatusCode != 200 {
			t.Errorf("%s: %s %s", host, response.Status, body)
		}
	}
}

func TestRefusesToListenInTheOpen(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "token", "0123456789abcdef\n")
	cert := issue(t, dir, "server")
	const token = "token"
	tests := []struct {
		name   string
		config config.Admin
		ok     bool
	}{
		{"loopback", config.Admin{Listen: "127.0.0.1:0"}, true},
		{"loopback v6", config.Admin{Listen: "[::1]:0"}, true},
		{"localhost", config.Admin{Listen: "localhost:0"}, true},
		{"mapped loopback", config.Admin{Listen: "[::ffff:127.0.0.1]:0"}, true},
		{"all", config.Admin{Listen: ":7080"}, false},
		{"all v4", config.Admin{Listen: "0.0.0.0:7080"}, false},
		{"an address", config.Admin{Listen: "10.0.0.1:7080"}, false},
		{"a name", config.Admin{Listen: "proxy.example:7080"}, false},
		{"token only", config.Admin{Listen: ":7080", TokenFile: token}, false},
		{"TLS only", config.Admin{Listen: ":7080", TLS: config.AdminTLS{Cert: cert + ".pem", Key: cert + ".key"}}, false},
		{"TLS and token", config.Admin{Listen: ":7080", TokenFile: filepath.Join(dir, token), TLS: config.AdminTLS{Cert: cert + ".pem", Key: cert + ".key"}}, true},
		{"mutual TLS", config.Admin{Listen: ":7080", TLS: config.AdminTLS{Cert: cert + ".pem", Key: cert + ".key", ClientCA: cert + ".pem"}}, true},
		{"no port", config.Admin{Listen: "127.0.0.1"}, false},
		{"half a certificate", config.Admin{Listen: "127.0.0.1:0", TLS: config.AdminTLS{Cert: cert + ".pem"}}, false},
		{"missing token file", config.Admin{Listen: "127.0.0.1:0", TokenFile: filepath.Join(dir, "none")}, false},
		{"missing certificate", config.Admin{Listen: "127.0.0.1:0", TLS: config.AdminTLS{Cert: "none", Key: "none"}}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			opts := options(newFake())
			opts.Config = test.config
			if _, err := New(opts); (err == nil) != test.ok {
				t.Errorf("got %v", err)
			}
		})
	}
	if _, err := New(Options{Config: config.Admin{Listen: "127.0.0.1:0"}}); err == nil || !strings.Contains(err.Error(), "Logger") || !strings.Contains(err.Error(), "Readiness") {
		t.Errorf("got %v", err)
	}
}

func TestTokenFile(t *testing.T) {
	dir := t.TempDir()
	for content, ok := range map[string]bool{
		"0123456789abcdef":          true,
		"0123456789abcdef\n":        true,
		"0123456789abcdef\r\n":      true,
		"short\n":                   false,
		"":                          false,
		"0123456789abcdef\nmore":    false,
		" 0123456789abcdef":         false,
		"0123456789abcde\n\n\n\n\n": false,
	} {
		token, err := ReadToken(write(t, dir, "token", content))
		if (err == nil) != ok || (ok && token != "0123456789abcdef") {
			t.Errorf("%q: %q, %v", content, token, err)
		}
	}
}

func TestTokenAndTLSWithReload(t *testing.T) {
	dir := t.TempDir()
	cert := issue(t, dir, "server")
	opts := options(newFake())
	opts.Config.TokenFile = write(t, dir, "token", "0123456789abcdef\n")
	opts.Config.TLS = config.AdminTLS{Cert: cert + ".pem", Key: cert + ".key"}
	addr, server := serve(t, opts)
	trust := func() *tls.Config {
		pool, err := readPool(cert + ".pem")
		if err != nil {
			t.Fatal(err)
		}
		return &tls.Config{RootCAs: pool}
	}
	status := func(token string, tlsConfig *tls.Config) error {
		c := client(t, ClientOptions{Addr: "https://" + addr, Token: token, TLS: tlsConfig})
		_, err := c.Status(t.Context())
		return err
	}
	var problem *Problem
	if err := status("0123456789abcdef", trust()); err != nil {
		t.Error(err)
	}
	for _, wrong := range []string{"", "0123456789abcdeF", "0123456789abcdef0"} {
		if err := status(wrong, trust()); !errors.As(err, &problem) || problem.Code != CodeUnauthorized {
			t.Errorf("token %q: %v", wrong, err)
		}
	}
	health := &http.Client{Transport: &http.Transport{TLSClientConfig: trust()}}
	defer health.CloseIdleConnections()
	response, err := health.Get("https://" + addr + "/healthz")
	if err != nil || response.StatusCode != 200 {
		t.Fatalf("health needs no token: %v, %v", response, err)
	}
	response.Body.Close()

	old := trust()
	issue(t, dir, "server")
	write(t, dir, "token", "another-long-token\n")
	if err := status("0123456789abcdef", old); err != nil {
		t.Errorf("files changed, nobody reloaded: %v", err)
	}
	if err := server.Reload(); err != nil {
		t.Fatal(err)
	}
	if err := status("another-long-token", trust()); err != nil {
		t.Error(err)
	}
	if err := status("another-long-token", old); err == nil {
		t.Error("still shows the old certificate")
	}
	write(t, dir, "token", "short")
	if err := server.Reload(); err == nil {
		t.Error("a short token was taken")
	}
	if err := status("another-long-token", trust()); err != nil {
		t.Errorf("a failed reload changed something: %v", err)
	}
}

func TestMutualTLS(t *testing.T) {
	dir := t.TempDir()
	server := issue(t, dir, "server")
	authority := issue(t, dir, "authority")
	opts := options(newFake())
	opts.Config.TLS = config.AdminTLS{Cert: server + ".pem", Key: server + ".key", ClientCA: authority + ".pem"}
	addr, _ := serve(t, opts)
	roots, err := readPool(server + ".pem")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client(t, ClientOptions{Addr: "https://" + addr, TLS: &tls.Config{RootCAs: roots}}).Status(t.Context()); err == nil {
		t.Error("answered a caller without certificate")
	}
	for name, ok := range map[string]bool{"authority": true, "server": false} {
		pair, err := tls.LoadX509KeyPair(filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key"))
		if err != nil {
			t.Fatal(err)
		}
		c := client(t, ClientOptions{Addr: "https://" + addr, TLS: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}}})
		if _, err := c.Status(t.Context()); (err == nil) != ok {
			t.Errorf("certificate of %s: %v", name, err)
		}
	}
}

func TestClientOptions(t *testing.T) {
	for _, bad := range []ClientOptions{
		{Addr: "127.0.0.1:7080"},
		{Addr: "ftp://x"},
		{Addr: "http://"},
		{Addr: ":"},
		{Addr: "http://10.0.0.1:7080", Token: "0123456789abcdef"},
		{Addr: "http://proxy.example", Token: "0123456789abcdef"},
	} {
		if _, err := NewClient(bad); err == nil {
			t.Errorf("%+v was accepted", bad.Addr)
		}
	}
}

func TestClientOfSomethingElse(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	answers := map[string]http.HandlerFunc{
		"not JSON": func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>") },
		"an error": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusTeapot) },
		"redirect": func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/else", http.StatusFound) },
	}
	mux := http.NewServeMux()
	for name, answer := range answers {
		mux.HandleFunc("/"+strings.ReplaceAll(name, " ", "-")+"/v1/status", answer)
	}
	server := &http.Server{Handler: mux}
	served := make(chan struct{})
	go func() { server.Serve(listener); close(served) }()
	t.Cleanup(func() { server.Close(); <-served })
	for name := range answers {
		c := client(t, ClientOptions{Addr: "http://" + listener.Addr().String() + "/" + strings.ReplaceAll(name, " ", "-")})
		var problem *Problem
		if _, err := c.Status(t.Context()); err == nil || errors.As(err, &problem) {
			t.Errorf("%s: %v", name, err)
		}
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

func FuzzExplainBody(f *testing.F) {
	for _, seed := range []string{`{"sql":"SELECT 1","params":["a",1,null],"database":"app"}`, `{"sql":1}`, `[]`, `{"params":[{}]}`, `{"sql":"x"}{"sql":"y"}`} {
		f.Add([]byte(seed))
	}
	proxy := newFake()
	proxy.explain = func(context.Context, ExplainRequest) ([]plan.Explanation, error) { return nil, nil }
	s, err := New(options(proxy))
	if err != nil {
		f.Fatal(err)
	}
	handler := s.handler()
	f.Fuzz(func(t *testing.T, body []byte) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1/v1/explain", bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		recorder := newRecorder()
		handler.ServeHTTP(recorder, request)
		if recorder.status != 200 && recorder.status != 400 && recorder.status != 404 {
			t.Errorf("%d: %s", recorder.status, recorder.body.String())
		}
		if !json.Valid(recorder.body.Bytes()) {
			t.Errorf("not JSON: %s", recorder.body.String())
		}
	})
}

// recorder is a minimal http.ResponseWriter.
type recorder struct {
	header http.Header
	body   bytes.Buffer
	status int
}

func newRecorder() *recorder                    { return &recorder{header: http.Header{}, status: 200} }
func (r *recorder) Header() http.Header         { return r.header }
func (r *recorder) Write(b []byte) (int, error) { return r.body.Write(b) }
func (r *recorder) WriteHeader(status int)      { r.status = status }

func write(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// issue writes a self-signed certificate NAME.pem and its NAME.key into dir
// and returns their common path.
func issue(t *testing.T, dir, name string) string {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(time.Now().UnixNano()),
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(time.Hour),
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:                  true,
		BasicConstraintsValid: true,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, name+".pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	write(t, dir, name+".key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})))
	return filepath.Join(dir, name)
}
