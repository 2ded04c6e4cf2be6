package main

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"shardproxy/admin"
	"shardproxy/internal/config"
	"shardproxy/internal/metrics"
	"shardproxy/meta/topology"
	"shardproxy/protocol/sqlerr"
	"shardproxy/ring"
	"shardproxy/router/plan"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// proxy stands in for a running proxy behind a real admin listener.
type proxy struct {
	notReady error
	asked    admin.ExplainRequest
}

func (p *proxy) Ready(context.Context) error { return p.notReady }

func (p *proxy) Current() *topology.Topology {
	relation := func(name string, rel topology.Relation) (topology.TableName, *topology.Relation) {
		rel.Name = topology.TableName{Schema: "public", Name: name}
		return rel.Name, &rel
	}
	db := &topology.Database{
		Name: "app", Engine: topology.Postgres, Owners: []topology.NodeIndex{0, 0, 1, 1, 1},
		Nodes: []topology.Node{
			{ID: "pg-1", Weight: 1, DSN: "postgres://app:geheim@10.0.0.1:5432/app"},
			{ID: "pg-2", Weight: 3, DSN: "postgres://app:geheim@10.0.0.2:5432/app"},
		},
		Relations: make(map[topology.TableName]*topology.Relation),
	}
	for name, rel := range map[string]topology.Relation{
		"orders": {
			Placement: topology.Sharded, Source: topology.FromConfig, Reason: "declared",
			Key: topology.Key{Kind: "user", Type: ring.KeyInt, Column: "customer_id"},
		},
		"_7_docs": {
			Placement: topology.Sharded, Source: topology.FromPattern, Reason: "the table pattern",
			Key: topology.Key{Kind: "project", Type: ring.KeyText, FromName: "7"}, Warnings: []string{"first", "second"},
		},
		"countries": {Placement: topology.Reference, Source: topology.FromConfig},
	} {
		key, value := relation(name, rel)
		db.Relations[key] = value
	}
	return &topology.Topology{Epoch: 12, Databases: map[string]*topology.Database{"app": db}}
}

func (p *proxy) States() []metrics.PoolState {
	return []metrics.PoolState{
		{Database: "app", Node: "pg-1", Idle: 2, Active: 3, Cancelling: 1},
		{Database: "app", Node: "pg-2", Dialing: 1, Waiting: 4, Failing: true},
	}
}

func (p *proxy) Explain(_ context.Context, request admin.ExplainRequest) ([]plan.Explanation, error) {
	p.asked = request
	single := plan.Explanation{
		Class: plan.Single, Nodes: []topology.NodeID{"pg-2"}, Partitions: []ring.Partition{2}, Key: "user:42",
		Tables: []plan.TableExplanation{
			{Table: "public.orders o", Rule: "sharded by user (customer_id)", Bound: "customer_id = $1"},
			{Table: "public.countries", Rule: "reference"},
		},
		Why: []string{"All of it is there."},
	}
	switch request.SQL {
	case "broken":
		return nil, sqlerr.SyntaxError("syntax error at or near \"broken\"", 1)
	case "two":
		return []plan.Explanation{
			{Class: plan.Scatter, Nodes: []topology.NodeID{"pg-1", "pg-2"}, Whole: true},
			{Class: plan.Reject, Error: "no", Hint: "Do not."},
		}, nil
	}
	return []plan.Explanation{single}, nil
}

// serve runs an admin listener until the test ends and returns its URL.
func (p *proxy) serve(t *testing.T, c config.Admin) string {
	t.Helper()
	c.Listen = "127.0.0.1:0"
	s, err := admin.New(admin.Options{
		Config: c, Version: "v1", Logger: slog.New(slog.DiscardHandler), Readiness: p, Topology: p, Pools: p, Explainer: p,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	group.Go(func() {
		if err := s.Serve(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Error(err)
		}
		group.Wait()
	})
	return "http://" + s.Addr().String()
}

// shardctl runs the command.
func shardctl(env map[string]string, stdin string, args ...string) (code int, stdout, stderr string) {
	var out, errOut strings.Builder
	code = run(args, func(key string) string { return env[key] }, strings.NewReader(stdin), &out, &errOut)
	return code, out.String(), errOut.String()
}

func TestOutput(t *testing.T) {
	p := &proxy{}
	env := map[string]string{"SHARDCTL_ADDR": p.serve(t, config.Admin{})}
	tests := []struct {
		args []string
		code int
		want string
	}{
		{[]string{"status"}, exitOK, `
shardproxy v1, ready, topology epoch 12

DATABASE  ENGINE    NODES  PARTITIONS  TABLES
app       postgres  2      4           3
`},
		{[]string{"nodes"}, exitOK, `
NODE  STATE  PARTITIONS  HOME  WEIGHT  IDLE  ACTIVE  DIALING  WAITING  DSN
pg-1  up     2           -     1       2     4       0        0        postgres://app@10.0.0.1:5432/app
pg-2  down   2           home  3       0     0       1        4        postgres://app@10.0.0.2:5432/app
`},
		{[]string{"tables", "--database", "app"}, exitOK, `
TABLE             PLACEMENT  KEY                      REASON
public._7_docs    sharded    project:7 (in the name)  the table pattern
public.countries  reference  -
public.orders     sharded    user:customer_id int  declared

WARNINGS
public._7_docs: first
public._7_docs: second
`},
		{[]string{"explain", "one"}, exitOK, `
class       single
nodes       pg-2
key         user:42
partitions  2
table       public.orders o: sharded by user (customer_id); customer_id = $1
table       public.countries: reference
why         All of it is there.
`},
		{[]string{"explain", "two"}, exitNo, `
class       scatter
nodes       pg-1, pg-2
partitions  all of the node

class  rejected
error  no
hint   Do not.
`},
	}
	for _, test := range tests {
		code, stdout, stderr := shardctl(env, "", test.args...)
		if diff := cmp.Diff(strings.TrimPrefix(test.want, "\n"), stdout); diff != "" || code != test.code || stderr != "" {
			t.Errorf("%v: exit code %d, want %d; standard error %q; -want +got\n%s", test.args, code, test.code, stderr, diff)
		}
	}
}

func TestExplainRequest(t *testing.T) {
	p := &proxy{}
	env := map[string]string{"SHARDCTL_ADDR": p.serve(t, config.Admin{})}
	code, stdout, stderr := shardctl(env, "SELECT 1;\n", "explain", "-d", "app", "-p", "42", "-p", `\N`, "--search-path", "a,b", "-o", "json", "-")
	if code != exitOK || !strings.HasPrefix(stdout, "{\n  \"database\": \"app\"") {
		t.Errorf("exit code %d, output %q, standard error %q", code, stdout, stderr)
	}
	want := admin.ExplainRequest{
		Database: "app", SQL: "SELECT 1;\n", Params: []admin.Param{{Text: "42"}, {Null: true}}, SearchPath: []string{"a", "b"},
	}
	if diff := cmp.Diff(want, p.asked); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestExitCodes(t *testing.T) {
	ready, starting := &proxy{}, &proxy{notReady: errors.New("it starts")}
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("0123456789abcdef\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	addr, notReady := ready.serve(t, config.Admin{}), starting.serve(t, config.Admin{})
	guarded := (&proxy{}).serve(t, config.Admin{TokenFile: token})
	tests := []struct {
		name   string
		env    map[string]string
		args   []string
		code   int
		output string
	}{
		{"help", nil, nil, exitOK, "Available Commands:"},
		{"not ready", nil, []string{"--addr", notReady, "status"}, exitNo, "not ready: it starts"},
		{"unknown database", nil, []string{"--addr", addr, "nodes", "-d", "x"}, exitFailed, `there is no database "x" (hint: Databases: app)`},
		{"a syntax error", nil, []string{"--addr", addr, "explain", "broken"}, exitFailed, `syntax error at or near "broken"`},
		{"nobody there", nil, []string{"--addr", "http://127.0.0.1:1", "status"}, exitFailed, "connection refused"},
		{"no token", nil, []string{"--addr", guarded, "status"}, exitFailed, "a valid token is needed"},
		{"a token file", nil, []string{"--addr", guarded, "--token-file", token, "status"}, exitOK, "shardproxy v1, ready"},
		{"a token", map[string]string{"SHARDCTL_TOKEN": "0123456789abcdef"}, []string{"--addr", guarded, "status"}, exitOK, "ready"},
		{"no token file", nil, []string{"--token-file", "/nonexistent", "status"}, exitFailed, "no such file"},
		{"no authorities", nil, []string{"--ca", token, "status"}, exitFailed, "holds no certificate"},
		{"no key", nil, []string{"--cert", token, "status"}, exitFailed, "open : no such file"},
		{"the flag wins", map[string]string{"SHARDCTL_ADDR": "http://127.0.0.1:1"}, []string{"--addr", addr, "status"}, exitOK, "ready"},
		{"not a URL", nil, []string{"--addr", "localhost", "status"}, exitUsage, "is not a URL"},
		{"unknown command", nil, []string{"statsu"}, exitUsage, `unknown command "statsu"`},
		{"unknown flag", nil, []string{"status", "--x"}, exitUsage, "unknown flag: --x"},
		{"unknown format", nil, []string{"status", "-o", "xml"}, exitUsage, "--output xml: table or json"},
		{"nothing to explain", nil, []string{"explain", " "}, exitUsage, "there is no statement to explain"},
		{"too much to explain", nil, []string{"explain", "a", "b"}, exitUsage, "accepts 1 arg(s), received 2"},
	}
	for _, test := range tests {
		code, stdout, stderr := shardctl(test.env, "", test.args...)
		if code != test.code || !strings.Contains(stdout+stderr, test.output) {
			t.Errorf("%s: exit code %d, want %d, with %q:\n%s%s", test.name, code, test.code, test.output, stdout, stderr)
		}
	}
}
