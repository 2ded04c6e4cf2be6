package admin

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares a text with testdata/NAME.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s: -want +got\n%s", path, diff)
	}
}

// step is a request of a transcript.
type step struct{ method, path, body string }

// transcript makes the requests in order and writes down the answers.
func transcript(t *testing.T, addr string, steps []step) string {
	t.Helper()
	var text strings.Builder
	for _, s := range steps {
		header := map[string]string{}
		if s.body != "" {
			header["Content-Type"] = "application/json"
		}
		response, body := do(t, s.method, "http://"+addr+s.path, s.body, header)
		fmt.Fprintf(&text, "%s %s\n", s.method, s.path)
		if s.body != "" {
			fmt.Fprintf(&text, "  %s\n", s.body)
		}
		fmt.Fprintf(&text, "%d %s\n%s\n", response.StatusCode, response.Header.Get("Content-Type"), body)
	}
	return text.String()
}

const verifierOfNobody = "SCRAM-SHA-256$4096:c2FsdHNhbHRzYWx0c2FsdA==$" +
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="

// steps go through all that the API can change.
func steps() []step {
	return []step{
		{"GET", "/v1/status", ""},
		{"GET", "/v1/nodes", ""},
		{"GET", "/v1/ring", ""},

		{"GET", "/v1/peers", ""},
		{"POST", "/v1/peers", `{"id":"p4","raft":"10.0.1.4:7090","admin":"10.0.1.4:7080","new":true,"incarnation":1}`},
		{"POST", "/v1/peers", `{"id":"p5","raft":"10.0.1.5:7090","admin":"10.0.1.5:7080","nonvoter":true}`},
		{"POST", "/v1/peers", `{"id":"p 6","raft":"10.0.1.5:7090","admin":"10.0.1.5:7080"}`},
		{"POST", "/v1/peers", `{"id":"p6","raft":":7090","admin":"10.0.1.5:7080"}`},
		{"POST", "/v1/peers/p3/promote", `{}`},
		{"POST", "/v1/peers/p9/promote", `{}`},
		{"DELETE", "/v1/peers/p4", ""},
		{"DELETE", "/v1/peers/p4?force=yes", ""},
		{"DELETE", "/v1/peers/p4?force=true", ""},

		{"GET", "/v1/users", ""},
		{"PUT", "/v1/users/ann", `{"password":"` + hunter + `","databases":["app"],"node_hints":true}`},
		{"PUT", "/v1/users/ann", `{"password":"` + hunter + `"}`},
		{"PUT", "/v1/users/bob", `{"databases":["app"]}`},
		{"PUT", "/v1/users/bob", `{"secret":"` + verifierOfNobody + `"}`},
		{"PUT", "/v1/users/bob", `{"secret":"` + hunter + `"}`},
		{"PUT", "/v1/users/bob", `{"secret":"","password":"` + hunter + `"}`},
		{"PUT", "/v1/users/bob", `{"databases":["nowhere"]}`},
		{"PUT", "/v1/users/bob", `{"backend_password":"` + hunter + `"}`},
		{"PUT", "/v1/users/bob", `{"pasword":"` + hunter + `"}`},
		{"PUT", "/v1/users/bob", `{"password":17}`},
		{"GET", "/v1/users/ann", ""},
		{"DELETE", "/v1/users/bob", ""},
		{"DELETE", "/v1/users/bob", ""},

		{"GET", "/v1/flags", ""},
		{"PUT", "/v1/flags/hold_budget", `{"value":"2000ms"}`},
		{"PUT", "/v1/flags/hold_budget", `{"value":"an hour"}`},
		{"PUT", "/v1/flags/hold", `{"value":"1s"}`},
		{"GET", "/v1/flags/hold_budget", ""},
		{"DELETE", "/v1/flags/hold_budget", ""},
		{"DELETE", "/v1/flags/hold_budget", ""},

		{"PUT", "/v1/nodes/pg-1", `{"weight":3,"dsn":"postgres://app:` + hunter + `@10.0.0.9/app"}`},
		{"PUT", "/v1/nodes/pg-1", `{"dsn":"postgres://app:` + hunter + `@elsewhere/app"}`},
		{"PUT", "/v1/nodes/pg-1", `{"dsn":"mysql://app:` + hunter + `@10.0.0.9/app"}`},
		{"PUT", "/v1/nodes/pg-1", `{}`},
		{"PUT", "/v1/nodes/pg-9", `{"weight":3}`},
		{"POST", "/v1/nodes", `{"name":"pg-3","dsn":"postgres://app:` + hunter + `@10.0.0.3/app","dry_run":true}`},
		{"POST", "/v1/nodes", `{"name":"pg-3","dsn":"postgres://app:` + hunter + `@10.0.0.3/app","weight":2}`},
		{"POST", "/v1/nodes", `{"name":"pg-3","dsn":"postgres://app:` + hunter + `@10.0.0.3/app"}`},
		{"POST", "/v1/nodes", `{"name":"pg-4","dsn":"postgres://app:` + hunter + `@10.0.0.4/app","weight":-1}`},
		{"DELETE", "/v1/nodes/pg-3?dry_run=true", ""},
		{"DELETE", "/v1/nodes/pg-3", ""},
		{"DELETE", "/v1/nodes/pg-1", ""},

		{"POST", "/v1/databases/app/pause", `{}`},
		{"GET", "/v1/status", ""},
		{"POST", "/v1/databases/app/unpause", `{}`},
		{"POST", "/v1/databases/ap/pause", `{}`},
		{"POST", "/v1/databases/app/pause", ""},

		{"POST", "/v1/apply", `{"dry_run":true,"document":` + declared + `}`},
		{"POST", "/v1/apply", `{"document":` + declared + `}`},
		{"POST", "/v1/apply", `{"epoch":1,"document":` + declared + `}`},
		{"POST", "/v1/apply", `{"epoch":20,"document":` + declared + `}`},
		{"POST", "/v1/apply", `{"dry_run":true,"document":` + declared + `}`},
		{"POST", "/v1/apply", `{"dry_run":true,"document":{"databases":{"new":{}}}}`},
		{"POST", "/v1/apply", `{"dry_run":true,"document":{"databases":{"app":{"nodes":[]}}}}`},
		{"POST", "/v1/apply", `{"dry_run":true,"document":{"databases":{"app":{"pool":{"lifetime":"1y"}}}}}`},
		{"POST", "/v1/apply", `{"dry_run":true,"document":{"databases":{"app":{"pool":{"max":0}}}}}`},
		{"POST", "/v1/apply", `{"dry_run":true,"document":{"databases":{"app":{"table_pattern":"("}}}}`},
		{"POST", "/v1/apply", `{"dry_run":true,"document":{"databases":{"app":{"table_pattern":"(broken)"}}}}`},
		{"POST", "/v1/apply", `{"dry_run":true,"document":{"users":[{"name":"ann"},{"name":"ann"}]}}`},

		{"POST", "/v1/restore", `{"backup":{"kind":"something"},"dry_run":true}`},
		{"POST", "/v1/restore", `{"backup":{"kind":"shardproxy-backup","format":1,"topology":{}},"dry_run":true}`},
		{"PATCH", "/v1/users/ann", ""},
	}
}

const declared = `{"databases":{"app":{"reference":["projects"],"key_order":["project"],"tables":{"settings":{"key":"user","column":"id"}},"pool":{"max":30,"lifetime":"0s"}}},` +
	`"users":[{"name":"ann","password":"` + hunter + `","databases":[]},{"name":"carl","password":"` + hunter + `","session_pooling":true}]}`

// TestWire holds the form of all requests and answers.
func TestWire(t *testing.T) {
	g := newGroup(t)
	_, o := g.join("p1")
	addr := g.start(t, "p1", o)
	got := transcript(t, addr, steps())
	if strings.Contains(regexp.MustCompile(`(?m)^  .*$`).ReplaceAllString(got, ""), hunter) {
		t.Error("a secret is in the answers")
	}
	if strings.Contains(g.logged(), hunter) {
		t.Error("a secret is in the log")
	}
	golden(t, "wire.txt", got)
	address := regexp.MustCompile(`127\.0\.0\.1:\d+`)
	clock := regexp.MustCompile(`time=\S+ `)
	golden(t, "audit.txt", clock.ReplaceAllString(address.ReplaceAllString(g.logged(), "ADDR"), ""))
}

// TestWireThroughFollower: whoever is asked, no secret is told, and each change
// is made or refused as at the leader.
func TestWireThroughFollower(t *testing.T) {
	direct, through := newGroup(t), newGroup(t)
	_, o := direct.join("p1")
	transcript(t, direct.start(t, "p1", o), steps())
	_, o = through.join("p1")
	through.start(t, "p1", o)
	_, o = through.join("p2")
	got := transcript(t, through.start(t, "p2", o), steps())
	if strings.Contains(regexp.MustCompile(`(?m)^  .*$`).ReplaceAllString(got, ""), hunter) || strings.Contains(through.logged(), hunter) {
		t.Error("a secret is in the answers or in the log")
	}
	made := func(g *group) (what []string) {
		for _, command := range g.commands {
			what = append(what, command.String())
		}
		return what
	}
	if diff := cmp.Diff(made(direct), made(through)); diff != "" || len(direct.commands) == 0 {
		t.Error(diff)
	}
}
