package admin

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shardproxy/meta/topology"
)

func TestSecretsAreNotPrinted(t *testing.T) {
	settings := UserSettings{Password: secret(hunter)}
	addition := NodeAddition{DSN: Secret("postgres://a:" + hunter + "@h/d")}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "secret", *settings.Password, "addition", addition)
	for _, text := range []string{
		fmt.Sprint(*settings.Password), fmt.Sprintf("%v %+v %#v", addition, addition, addition), fmt.Sprintf("%s %q %x", addition.DSN, addition.DSN, addition.DSN), log.String(),
	} {
		if strings.Contains(text, hunter) || strings.Contains(text, fmt.Sprintf("%x", hunter)) || !strings.Contains(text, secretShown) {
			t.Error(text)
		}
	}
	if encoded, err := json.Marshal(settings); err != nil || !strings.Contains(string(encoded), hunter) {
		t.Errorf("a client sends it: %s, %v", encoded, err)
	}
}

func TestNames(t *testing.T) {
	long := strings.Repeat("x", maxName)
	for name, ok := range map[string]bool{
		"pg-1": true, "a.b_c-9": true, long: true,
		"": false, long + "x": false, "-a": false, "a b": false, "a/b": false, "ä": false, "a\n": false, "\xff": false,
	} {
		if err := checkPlainName("name", name); (err == nil) != ok {
			t.Errorf("%q: %v", name, err)
		}
	}
	for name, ok := range map[string]bool{
		"app": true, "a b": true, "ä": true, "..": true, long: true,
		"": false, long + "x": false, "a\n": false, "a\x00": false, "\xff": false,
	} {
		if err := checkUserName(name); (err == nil) != ok {
			t.Errorf("user %q: %v", name, err)
		}
	}
	for address, ok := range map[string]bool{
		"h:1": true, "10.0.0.1:65535": true, "[::1]:80": true,
		"": false, "h": false, ":1": false, "h:0": false, "h:65536": false, "h:http": false, "::1:80": false,
	} {
		if err := checkAddress("raft", address); (err == nil) != ok {
			t.Errorf("address %q: %v", address, err)
		}
	}
	for dsn, ok := range map[string]bool{
		"postgres://a:b@h/d": true, "postgresql://a@h:1/d?sslmode=require": true,
		"": false, "h": false, "mysql://a:b@h/d": false, "postgres://h/d": false, "postgres://a@/d": false,
		"postgres://a@h": false, "postgres://a@h/": false, "postgres://a@h,i/d": false, "postgres://a:%zz@h/d": false,
	} {
		if err := checkDSN("dsn", topology.Postgres, Secret(dsn)); (err == nil) != ok {
			t.Errorf("DSN %q: %v", dsn, err)
		}
	}
	if err := checkDSN("dsn", topology.MySQL, "mysql://a:b@h/d"); err != nil {
		t.Error(err)
	}
}

func TestMergePool(t *testing.T) {
	db := &topology.Database{Name: "app", Pool: topology.Pool{Min: 2, Max: 20, QueueTimeoutMS: 10_000, LifetimeMS: 3_600_000}}
	number := func(n int) *int { return &n }
	after := func(d time.Duration) *Duration { return new(Duration(d)) }
	yes := true
	tests := []struct {
		name string
		doc  PoolDocument
		want []string // nil: refused
	}{
		{"nothing", PoolDocument{}, []string{}},
		{"the same", PoolDocument{Min: number(2), Lifetime: after(time.Hour)}, []string{}},
		{"all", PoolDocument{number(0), number(30), after(time.Second), number(100), after(0), after(time.Minute), &yes}, []string{
			"~ database app: pool.min: 2 -> 0", "~ database app: pool.max: 20 -> 30", "~ database app: pool.queue_timeout: 10s -> 1s",
			"~ database app: pool.max_queue: 0 -> 100", "~ database app: pool.lifetime: 1h0m0s -> never", "~ database app: pool.idle_timeout: default -> 1m0s", "~ database app: pool.session: false -> true",
		}},
		{"a queue below nothing", PoolDocument{MaxQueue: number(-1)}, nil},
		{"min above max", PoolDocument{Min: number(21)}, nil},
		{"negative min", PoolDocument{Min: number(-1)}, nil},
		{"no connections", PoolDocument{Max: number(0)}, nil},
		{"too many", PoolDocument{Max: number(maxPool + 1)}, nil},
		{"no wait", PoolDocument{QueueTimeout: after(0)}, nil},
		{"too long a wait", PoolDocument{QueueTimeout: after(25 * time.Hour)}, nil},
		{"negative life", PoolDocument{Lifetime: after(-time.Second)}, nil},
		{"too long a life", PoolDocument{IdleTimeout: after(8761 * time.Hour)}, nil},
	}
	for _, test := range tests {
		_, differences, err := mergePool(db, &test.doc)
		var problem *Problem
		if test.want == nil {
			if !errors.As(err, &problem) || problem.Code != CodeInvalid {
				t.Errorf("%s: %v", test.name, err)
			}
			continue
		}
		if diff := cmp.Diff(test.want, lines(differences)); err != nil || diff != "" {
			t.Errorf("%s: %v %s", test.name, err, diff)
		}
	}
}

func TestMergeRules(t *testing.T) {
	text := func(s string) *string { return &s }
	list := func(names ...string) *[]string { return &names }
	before := topology.Rules{
		KeyOrder: kinds([]string{"user"}), TablePattern: `^_(\d+)_`, PatternKind: "project", Reference: []string{"b", "a"},
		Tables:    map[string]topology.TableRule{"orders": {Key: "user", Column: "customer_id"}, "plain": {}},
		Functions: map[string]string{"f": "pure"},
	}
	tests := []struct {
		name string
		doc  DatabaseDocument
		want []string // nil: refused
	}{
		{"nothing", DatabaseDocument{}, []string{}},
		{"another order of a set", DatabaseDocument{Reference: list("a", "b")}, []string{}},
		{"lists", DatabaseDocument{KeyOrder: list("project", "user"), Reference: list("a", "c"), Global: list("_console_*")}, []string{
			"~ database app: key_order: user -> project,user", "+ database app: reference: c", "- database app: reference: b",
			"+ database app: global: _console_*",
		}},
		{"maps", DatabaseDocument{
			KeyColumns: &map[string][]string{"project": {"_tenant", "tenant_id"}}, Functions: &map[string]string{},
			Tables: &map[string]TableDocument{
				"orders": {Key: "user", Column: "owner_id", NullKey: "replicated", Triggers: "local", Unique: []string{"u"}, ForeignKeys: []string{"k"}},
			},
		}, []string{
			"+ database app: key_columns.project: _tenant,tenant_id",
			"~ database app: tables.orders: key=user column=customer_id -> key=user column=owner_id null_key=replicated triggers=local unique=u foreign_keys=k",
			"- database app: tables.plain: by convention", "- database app: functions.f: pure",
		}},
		{"no pattern", DatabaseDocument{TablePattern: text("")}, []string{
			`~ database app: table_pattern: ^_(\d+)_ -> (nothing)`, "~ database app: table_pattern_kind: project -> (nothing)",
		}},
		{"another kind", DatabaseDocument{TablePatternKind: text("user"), NullKey: text("replicated")}, []string{
			"~ database app: null_key: (nothing) -> replicated", "~ database app: table_pattern_kind: project -> user",
		}},
		{"a repeated kind", DatabaseDocument{KeyOrder: list("user", "user")}, nil},
		{"reference and global", DatabaseDocument{Global: list("a")}, nil},
		{"no declaration", DatabaseDocument{Functions: &map[string]string{"f": "dirty"}}, nil},
	}
	for _, test := range tests {
		db := &topology.Database{Name: "app", Rules: before}
		_, differences, err := mergeRules(db, &test.doc)
		var problem *Problem
		if test.want == nil {
			if !errors.As(err, &problem) || problem.Code != CodeInvalid {
				t.Errorf("%s: %v", test.name, err)
			}
			continue
		}
		if diff := cmp.Diff(test.want, lines(differences)); err != nil || diff != "" {
			t.Errorf("%s: %v %s", test.name, err, diff)
		}
	}
}
