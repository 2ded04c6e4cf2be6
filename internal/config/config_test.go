package config

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "rewrite the expected problems in testdata")

// defaults is the configuration of an empty file.
func defaults() *Config {
	return &Config{
		Peer:  Peer{ID: "proxy-1", DataDir: "/var/lib/shardproxy", Raft: Raft{Listen: "127.0.0.1:7090"}},
		Admin: Admin{Listen: "127.0.0.1:7080"},
		Postgres: Postgres{
			Listen:        "127.0.0.1:6432",
			TLS:           PostgresTLS{Mode: "prefer", ClientCert: "none"},
			MaxClientConn: 10000,
			LoginTimeout:  15 * time.Second,
			MaxMessage:    1 << 30,
			MaxStartup:    10000,
			Keepalive:     time.Minute,
			DrainTimeout:  30 * time.Second,
		},
		Log: Log{Level: "info", Format: "text"},
	}
}

func defaultDatabase() Database {
	return Database{
		Engine:           "postgres",
		Partitions:       4096,
		Pool:             Pool{Min: 2, Max: 20, QueueTimeout: 10 * time.Second, Lifetime: time.Hour, IdleTimeout: 10 * time.Minute},
		KeyOrder:         []string{"user", "project", "collection"},
		TablePatternKind: "project",
		Stride:           1024,
	}
}

func TestExample(t *testing.T) {
	got, err := Parse("example.yaml", []byte(Example()), nil)
	if err != nil {
		t.Fatal(err)
	}
	want := defaults()
	want.Users = []User{{Name: "app", Password: NewSecret("app"), Databases: []string{"app"}}}
	db := defaultDatabase()
	for i := 1; i <= 3; i++ {
		db.Nodes = append(db.Nodes, Node{
			Name: fmt.Sprintf("pg-%d", i), DSN: NewDSN(fmt.Sprintf("postgres://app:app@127.0.0.1:550%d/app", i)), Weight: 1,
		})
	}
	db.KeyColumns = map[string][]string{"project": {"_tenant"}}
	db.Tables = map[string]Table{"invoices": {Key: "user", Column: "customer_id"}}
	db.Reference, db.Global = []string{"countries"}, []string{"settings"}
	want.Databases = map[string]Database{"app": db}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// TestEveryKey reads a file that sets every key there is to something other
// than its default.
func TestEveryKey(t *testing.T) {
	got, err := Load(filepath.Join("testdata", "every-key.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	changed := map[string]bool{"peer.bootstrap": true} // excludes peer.join
	walk("", reflect.ValueOf(got).Elem(), "", func(key string, v reflect.Value, tag reflect.StructTag) {
		unset := reflect.New(v.Type()).Elem()
		if parse, _ := scalarParser(unset); tag.Get("default") != "" {
			if err := parse(tag.Get("default")); err != nil {
				t.Fatal(err)
			}
		}
		if !unset.Equal(v) {
			changed[generic(key)] = true
		}
	})
	for _, key := range schema(reflect.TypeFor[Config](), "") {
		if !changed[key.path] {
			t.Errorf("%s has its default everywhere", key.path)
		}
	}
	want := Database{
		Engine:     "mysql",
		Partitions: 256,
		Nodes: []Node{
			{Name: "pg-1", DSN: NewDSN("mysql://app:p%40ss@10.0.0.1:3306/app?tls=true"), AdminDSN: NewDSN("mysql://admin@10.0.0.1/app"), Weight: 2},
			{Name: "pg-2", DSN: NewDSN("mysql://app@db2/app"), Weight: 1},
		},
		Pool: Pool{Min: 1, Max: 5, QueueTimeout: 500 * time.Millisecond, MaxQueue: 50, Lifetime: 30 * time.Minute, IdleTimeout: 0, Session: true},

		KeyOrder:         []string{"project", "tenant"},
		KeyColumns:       map[string][]string{"project": {"_tenant"}, "tenant": {"tenant_id", "tid"}},
		NullKey:          "replicated",
		TablePattern:     `^_(\d+)_`,
		TablePatternKind: "tenant",
		Tables: map[string]Table{
			"orders":        {Key: "user", Column: "customer_id", NullKey: "replicated", Triggers: "local", Unique: []string{"orders_number_key"}, ForeignKeys: []string{"orders_coupon_fkey"}},
			"public.events": {Triggers: "local"},
			"123":           {Key: "project"},
		},
		Reference: []string{"countries"},
		Global:    []string{"_console_*"},
		Functions: map[string]string{"slugify": "pure"},
		Stride:    2048,
	}
	if diff := cmp.Diff(want, got.Databases["shop"]); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if pass := got.Users[0].Password.Reveal(); pass != "0123" {
		t.Errorf("an unquoted number as password became %q", pass)
	}
	if got.Postgres.MaxMessage != 64<<20 || got.Postgres.Keepalive != 0 {
		t.Errorf("max_message %v, keepalive %v", got.Postgres.MaxMessage, got.Postgres.Keepalive)
	}
}

// TestRefused reads testdata/refused/*.yaml; the .want file beside each holds
// the problems.
func TestRefused(t *testing.T) {
	files, err := filepath.Glob("testdata/refused/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			_, err := Load(file, nil)
			var refused *Error
			if !errors.As(err, &refused) {
				t.Fatalf("was not refused: %v", err)
			}
			got := refused.Error() + "\n"
			if strings.Contains(got, "hunter2") {
				t.Errorf("shows a password:\n%s", got)
			}
			wantFile := strings.TrimSuffix(file, ".yaml") + ".want"
			if *update {
				if err := os.WriteFile(wantFile, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(wantFile)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestEnvironment(t *testing.T) {
	environ := []string{
		"SHARDPROXY_ADMIN_LISTEN=127.0.0.1:1",
		"SHARDPROXY_POSTGRES_TLS_MODE=disable",
		"SHARDPROXY_POSTGRES_MAX_CLIENT_CONN=7",
		"SHARDPROXY_POSTGRES_MAX_MESSAGE=1MiB",
		"SHARDPROXY_POSTGRES_LOGIN_TIMEOUT=1m30s",
		"SHARDPROXY_MYSQL_LISTEN=127.0.0.1:2",
		"SHARDPROXY_PEER_BOOTSTRAP=true",
		"SHARDPROXY_SERVICE_HOST=10.0.0.9", // made by Kubernetes
		"SHARDPROXY_PG_BINDIR=/usr/bin",
		"OTHER=1",
	}
	got, err := Parse("f", []byte(Example()), environ)
	if err != nil {
		t.Fatal(err)
	}
	want, err := Parse("f", []byte(Example()), nil)
	if err != nil {
		t.Fatal(err)
	}
	want.Admin.Listen = "127.0.0.1:1"
	want.Postgres.TLS.Mode = "disable"
	want.Postgres.MaxClientConn = 7
	want.Postgres.MaxMessage = 1 << 20
	want.Postgres.LoginTimeout = 90 * time.Second
	want.MySQL.Listen = "127.0.0.1:2"
	want.Peer.Bootstrap = true
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestWrongEnvironment(t *testing.T) {
	_, err := Parse("f.yaml", []byte(Example()), []string{
		"SHARDPROXY_ADMIN_LISTN=127.0.0.1:1",
		"SHARDPROXY_POSTGRES_MAX_CLIENT_CONN=many",
		"SHARDPROXY_POSTGRES_KEEPALIVE=-1s",
		"SHARDPROXY_LOG_LEVEL=trace",
		"SHARDPROXY_POSTGRES_LISTEN=6432",
	})
	want := strings.Join([]string{
		"environment variable SHARDPROXY_ADMIN_LISTN: unknown; did you mean SHARDPROXY_ADMIN_LISTEN?",
		"environment variable SHARDPROXY_POSTGRES_MAX_CLIENT_CONN: postgres.max_client_conn: want a whole number",
		"environment variable SHARDPROXY_POSTGRES_KEEPALIVE: postgres.keepalive: -1s is outside 0s to 24h",
		"environment variable SHARDPROXY_LOG_LEVEL: log.level: unknown value; known here: debug, info, warn, error",
		`environment variable SHARDPROXY_POSTGRES_LISTEN: postgres.listen: "6432" is not host:port with a numeric port`,
	}, "\n")
	if err == nil {
		t.Fatal("was accepted")
	}
	if diff := cmp.Diff(want, err.Error()); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestVariablesAreDistinct(t *testing.T) {
	seen := map[string]string{}
	for _, key := range schema(reflect.TypeFor[Config](), "") {
		if other, found := seen[variable(key.path)]; found {
			t.Errorf("%s and %s have one variable", key.path, other)
		}
		seen[variable(key.path)] = key.path
	}
}

func TestLoadMissingFile(t *testing.T) {
	if _, err := Load(filepath.Join(t.TempDir(), "none.yaml"), nil); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

// TestDefaultsAreInRange: whatever the defaults are wrong about is that there
// are no users and databases.
func TestDefaultsAreInRange(t *testing.T) {
	_, err := Parse("empty.yaml", nil, nil)
	want := "empty.yaml: users: at least one user is needed\nempty.yaml: databases: at least one database is needed"
	if err == nil || err.Error() != want {
		t.Errorf("got %v", err)
	}
}

func TestSecretsAreNeverShown(t *testing.T) {
	c, err := Load(filepath.Join("testdata", "every-key.yaml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	secrets := []string{"0123", "p%40ss", "p@ss", "backend-pass", "StoredKey", "4096:c2FsdA"}
	var shown bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%d"} {
		fmt.Fprintf(&shown, verb+"\n", *c)
		fmt.Fprintf(&shown, verb+"\n", c.Users[0].Password)
		fmt.Fprintf(&shown, verb+"\n", c.Databases["shop"].Nodes[0].DSN)
	}
	encoded, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	shown.Write(encoded)
	for _, handler := range []slog.Handler{slog.NewTextHandler(&shown, nil), slog.NewJSONHandler(&shown, nil)} {
		slog.New(handler).Info("configuration", "config", c, "user", c.Users[0], "password", c.Users[0].Password, "dsn", c.Databases["shop"].Nodes[0].DSN)
	}
	for _, secret := range secrets {
		if strings.Contains(shown.String(), secret) || strings.Contains(shown.String(), fmt.Sprintf("%x", secret)) {
			t.Errorf("%q is shown", secret)
		}
	}
	if !strings.Contains(shown.String(), "mysql://app@10.0.0.1:3306/app") {
		t.Error("a DSN does not show its server")
	}
}

func TestSizes(t *testing.T) {
	for text, want := range map[string]Size{"0B": 0, "1B": 1, "1023B": 1023, "64KiB": 64 << 10, "16 MiB": 16 << 20, "1GiB": 1 << 30} {
		var got Size
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "1", "B", "-1B", "1MB", "1.5MiB", "9999999999GiB", "0x1B"} {
		if err := new(Size).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was accepted", text)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		size := Size(rapid.Int64Range(0, 1<<50).Draw(t, "size"))
		var back Size
		if err := back.UnmarshalText([]byte(size.String())); err != nil || back != size {
			t.Fatalf("%d is written %s and read as %d, %v", int64(size), size, int64(back), err)
		}
	})
}

func TestNearest(t *testing.T) {
	known := []string{"listen", "token_file", "max", "min", "tls"}
	for word, want := range map[string]string{
		"listn": "listen", "Listen": "listen", "lisetn": "listen", "tokenfile": "token_file", "mx": "max",
		"completely_else": "", "": "", "zzz": "",
	} {
		if got, _ := nearest(word, known); got != want {
			t.Errorf("%q: got %q, want %q", word, got, want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.StringMatching(`[a-c]{0,6}`).Draw(t, "a")
		b := rapid.StringMatching(`[a-c]{0,6}`).Draw(t, "b")
		d := distance(a, b)
		if d != distance(b, a) || (d == 0) != (a == b) || d > max(len(a), len(b)) {
			t.Fatalf("distance(%q, %q) = %d", a, b, d)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(Example()))
	for _, pattern := range []string{"testdata/*.yaml", "testdata/refused/*.yaml"} {
		files, _ := filepath.Glob(pattern)
		for _, file := range files {
			content, err := os.ReadFile(file)
			if err != nil {
				f.Fatal(err)
			}
			f.Add(content)
		}
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		c, err := Parse("f", content, nil)
		if (c == nil) == (err == nil) {
			t.Errorf("neither or both: %v, %v", c, err)
		}
		var refused *Error
		if err != nil && (!errors.As(err, &refused) || len(refused.Problems) == 0) {
			t.Errorf("not a list of problems: %v", err)
		}
	})
}
