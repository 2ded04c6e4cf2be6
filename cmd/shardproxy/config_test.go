package main

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shardproxy/internal/config"
	"shardproxy/meta/topology"
	"shardproxy/ring"
)

func TestDatabaseOf(t *testing.T) {
	c := parse(t, `
users: [{name: ada, password: a}]
databases:
  app:
    nodes:
      - {name: pg-1, dsn: "postgres://a:a@h1/app", admin_dsn: "postgres://root:r@h1/app"}
      - {name: pg-2, dsn: "postgres://a:a@h2/app", weight: 3}
    pool: {min: 1, max: 5, queue_timeout: 1500us, lifetime: 0s, idle_timeout: 2m, session: true}
    key_order: [project, user]
    key_columns: {project: [_tenant]}
    null_key: replicated
    table_pattern: '^_(\d+)_'
    table_pattern_kind: tenant
    tables: {orders: {key: user, column: customer_id, null_key: replicated, triggers: local, unique: [orders_no]}}
    reference: [countries]
    global: ["_console_*"]
    functions: {slug: pure}
`)
	db := c.Databases["app"]
	want := &topology.Database{
		Name: "app", Engine: topology.Postgres,
		Nodes: []topology.Node{
			{ID: "pg-1", Slot: 0, Weight: 1, DSN: "postgres://a:a@h1/app", AdminDSN: "postgres://root:r@h1/app"},
			{ID: "pg-2", Slot: 1, Weight: 3, DSN: "postgres://a:a@h2/app"},
		},
		Rules: topology.Rules{
			KeyOrder:   []ring.KeyKind{"project", "user"},
			KeyColumns: map[ring.KeyKind][]string{"project": {"_tenant"}},
			NullKey:    "replicated", TablePattern: `^_(\d+)_`, PatternKind: "tenant",
			Tables: map[string]topology.TableRule{"orders": {
				Key: "user", Column: "customer_id", NullKey: "replicated", Triggers: "local", Unique: []string{"orders_no"},
			}},
			Reference: []string{"countries"}, Global: []string{"_console_*"}, Functions: map[string]string{"slug": "pure"},
		},
		Pool: topology.Pool{Min: 1, Max: 5, QueueTimeoutMS: 1, LifetimeMS: -1, IdleTimeoutMS: 120_000, Session: true},
	}
	got := databaseOf("app", &db)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if err := got.Rules.Validate(); err != nil {
		t.Error(err)
	}
}

// TestEveryKeyOfADatabaseIsUsed: a key that is added to the configuration must
// be taken over or refused, not forgotten.
func TestEveryKeyOfADatabaseIsUsed(t *testing.T) {
	plain := parse(t, sample).Databases["app"]
	for _, more := range []string{
		"engine: mysql", "partitions: 8", "stride: 64", "key_order: [project]", "key_columns: {user: [owner]}",
		"null_key: replicated", "table_pattern: '_(x)'", "reference: [x]", "global: [x]", "functions: {f: pure}",
	} {
		key, _, _ := strings.Cut(more, ":")
		text := strings.Replace(sample, "    pool: {min: 1", "    "+more+"\n    pool: {min: 1", 1)
		if key == "engine" {
			text = strings.ReplaceAll(text, "postgres://", "mysql://")
		}
		c, err := config.Parse("test", []byte(text), nil)
		if err != nil {
			if key == "engine" { // two databases, one engine's DSNs
				continue
			}
			t.Fatal(err)
		}
		db := c.Databases["app"]
		same := cmp.Equal(databaseOf("app", &plain), databaseOf("app", &db)) && db.Partitions == plain.Partitions
		if same && len(checkSupported(c)) == 0 {
			t.Errorf("%s has no effect and is not refused", more)
		}
	}
}

func TestLogins(t *testing.T) {
	verifier := "SCRAM-SHA-256$4096:c2FsdHNhbHRzYWx0c2FsdA==$" + strings.Repeat("A", 43) + "=:" + strings.Repeat("A", 43) + "="
	c := parse(t, `
postgres: {tls: {cert: a, key: b, client_ca: c, client_cert: login}}
users:
  - {name: ada, password: a}
  - {name: bob, secret: "`+verifier+`", databases: [app]}
  - {name: cert}
databases:
  app: {nodes: [{name: pg-1, dsn: "postgres://a:a@h1/app"}]}
  other: {nodes: [{name: pg-1, dsn: "postgres://a:a@h2/app"}]}
`)
	top := &topology.Topology{Users: make(map[string]*topology.User), Databases: map[string]*topology.Database{"app": {}, "other": {}}}
	for i := range c.Users {
		top.Users[c.Users[i].Name] = userOf(&c.Users[i])
	}
	l := &logins{topology: func() *topology.Topology { return top }, logger: slog.New(slog.DiscardHandler)}
	l.prepare(top)
	tests := []struct {
		user, database string
		known, zero    bool
		denied         string
	}{
		{"ada", "app", true, false, ""},
		{"ada", "other", true, false, ""},
		{"ada", "nowhere", true, false, "3D000"},
		{"bob", "app", true, false, ""},
		{"bob", "other", true, false, "42501"},
		{"bob", "nowhere", true, false, "3D000"},
		{"cert", "app", true, true, ""},
		{"eve", "app", false, true, ""},
	}
	for _, test := range tests {
		login, known := l.Login(test.user, test.database)
		denied := ""
		if login.Denied != nil {
			denied = login.Denied.SQLState
		}
		if known != test.known || login.Secret.IsZero() != test.zero || denied != test.denied {
			t.Errorf("%s on %s: known %v, without secret %v, denied %q", test.user, test.database, known, login.Secret.IsZero(), denied)
		}
	}

	// A login that looked at the topology before still finds its secret.
	next := top.WithUsers(maps.Clone(top.Users))
	next.Users["ada"] = userOf(&config.User{Name: "ada", Password: config.NewSecret("other")})
	l.prepare(next)
	if login, _ := l.Login("ada", "app"); login.Secret.IsZero() {
		t.Error("the secret of the topology before is gone already")
	}
	top = next
	if login, _ := l.Login("ada", "app"); login.Secret.IsZero() {
		t.Error("the new secret is missing")
	}
}

func TestReport(t *testing.T) {
	two := errors.Join(errors.New("one"), errors.Join(errors.New("two\nmore of two")))
	tests := []struct {
		name string
		err  error
		code int
		want string
	}{
		{"one", withCode(exitFailed, errors.New("no")), exitFailed, "shardproxy: no\n"},
		{"usage", errors.New("unknown flag"), exitUsage, "shardproxy: unknown flag\n"},
		{
			"several", withCode(exitConfig, two), exitConfig,
			"shardproxy: the configuration cannot be used:\n  - one\n  - two\n    more of two\n",
		},
		{
			"of a database", errors.Join(withCode(exitNodes, ofDatabase("app", two)), nil), exitNodes,
			"shardproxy: the nodes cannot be served:\n  - database \"app\": one\n  - database \"app\": two\n    more of two\n",
		},
		{
			"one sentence that wraps two", withCode(exitConfig, fmt.Errorf("%w: %w", errors.New("a"), errors.New("b"))),
			exitConfig, "shardproxy: a: b\n",
		},
	}
	for _, test := range tests {
		var out strings.Builder
		report(&out, test.err)
		if diff := cmp.Diff(test.want, out.String()); diff != "" {
			t.Errorf("%s: -want +got\n%s", test.name, diff)
		}
		if code := codeOf(test.err); code != test.code {
			t.Errorf("%s: exit code %d, want %d", test.name, code, test.code)
		}
	}
	if withCode(exitFailed, nil) != nil || codeOf(nil) != exitOK {
		t.Error("no error is not one")
	}
}

func TestVersionOf(t *testing.T) {
	vcs := func(modified string) []debug.BuildSetting {
		return []debug.BuildSetting{
			{Key: "vcs.revision", Value: "0123456789abcdef0123456789abcdef01234567"}, {Key: "vcs.modified", Value: modified},
		}
	}
	for want, info := range map[string]*debug.BuildInfo{
		"v1.2.3":        {Main: debug.Module{Version: "v1.2.3"}},
		"0123456789ab":  {Main: debug.Module{Version: "(devel)"}, Settings: vcs("false")},
		"0123456789ab+": {Settings: vcs("true")},
		"unknown":       {Main: debug.Module{Version: "(devel)"}},
	} {
		if got := versionOf(info); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestLoggerLevel(t *testing.T) {
	for name, want := range map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
	} {
		if got := levelOf(config.Log{Level: name}); got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
	var out strings.Builder
	logger, level := newLogger(&out, config.Log{Level: "warn", Format: "json"})
	logger.Info("no")
	level.Set(slog.LevelInfo)
	logger.Info("yes", "took", time.Second)
	if got := out.String(); !strings.HasPrefix(got, "{") || strings.Contains(got, `"no"`) || !strings.Contains(got, `"yes"`) {
		t.Errorf("logged %q", got)
	}
}

func TestReadTLS(t *testing.T) {
	dir := t.TempDir()
	cert, key := dir+"/cert.pem", dir+"/key.pem"
	writeCertificate(t, cert, key)
	tests := []struct {
		name    string
		section config.PostgresTLS
		auth    tls.ClientAuthType
		none    bool
		wrong   string
	}{
		{"no certificate", config.PostgresTLS{ClientCert: "none"}, 0, true, ""},
		{"a certificate", config.PostgresTLS{Cert: cert, Key: key, ClientCert: "none"}, tls.NoClientCert, false, ""},
		{
			"clients with certificates",
			config.PostgresTLS{Cert: cert, Key: key, ClientCA: cert, ClientCert: "login"},
			tls.RequireAndVerifyClientCert, false, "",
		},
		{"a key that is none", config.PostgresTLS{Cert: cert, Key: cert, ClientCert: "none"}, 0, true, "postgres.tls: "},
		{
			"authorities that are none",
			config.PostgresTLS{Cert: cert, Key: key, ClientCA: key, ClientCert: "verify"},
			0, true, "holds no certificate",
		},
		{
			"authorities that are not there",
			config.PostgresTLS{Cert: cert, Key: key, ClientCA: dir + "/x", ClientCert: "verify"},
			0, true, "no such file",
		},
	}
	for _, test := range tests {
		got, err := readTLS(test.section)
		if test.wrong == "" && err != nil || test.wrong != "" && (err == nil || !strings.Contains(err.Error(), test.wrong)) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.wrong)
		}
		if (got == nil) != test.none || got != nil && (got.ClientAuth != test.auth || len(got.Certificates) != 1) {
			t.Errorf("%s: %+v", test.name, got)
		}
	}
}
