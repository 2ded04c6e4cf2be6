package admin

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"shardproxy/meta/topology"
	"shardproxy/protocol/sqlerr"
	"shardproxy/router/plan"
)

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
