package pgservertest

import (
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"shardproxy/internal/pgserver"
)

var cluster *Cluster

func TestMain(m *testing.M) { Main(m, &cluster, 2) }

func TestDatabasesAreFreshAndDropped(t *testing.T) {
	var dsns []string
	t.Run("use", func(t *testing.T) {
		dsns = append(cluster.NewDatabases(t), cluster.NewDatabase(t, 0))
		seen := map[string]bool{}
		for i, dsn := range dsns {
			conn, err := pgx.Connect(t.Context(), dsn)
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { conn.Close(t.Context()) })
			if _, err := conn.Exec(t.Context(), "CREATE TABLE t(n int)"); err != nil {
				t.Fatal(err)
			}
			var owner string
			if err := conn.QueryRow(t.Context(), "SELECT tableowner::text FROM pg_tables WHERE tablename = 't'").Scan(&owner); err != nil {
				t.Fatal(err)
			}
			if parsed, _ := url.Parse(dsn); owner != parsed.User.Username() {
				t.Errorf("table belongs to %s", owner)
			}
			if seen[dsn] {
				t.Errorf("%d: %s was given before", i, dsn)
			}
			seen[dsn] = true
		}
		admin, err := pgx.Connect(t.Context(), cluster.AdminDSN(t, 1, dsns[1]))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { admin.Close(t.Context()) })
		var super, database string
		if err := admin.QueryRow(t.Context(), "SELECT current_setting('is_superuser'), current_database()").Scan(&super, &database); err != nil {
			t.Fatal(err)
		}
		if parsed, _ := url.Parse(dsns[1]); super != "on" || "/"+database != parsed.Path {
			t.Errorf("superuser %s in %s", super, database)
		}
	})
	for _, dsn := range dsns {
		if conn, err := pgx.Connect(t.Context(), dsn); err == nil {
			conn.Close(t.Context())
			t.Errorf("%s is still there", dsn)
		}
	}
}

func TestGivenServers(t *testing.T) {
	admin := cluster.AdminDSN(t, 0, "/postgres")
	t.Setenv(DSNsVariable, admin)
	given, err := NewCluster(t.Context(), 3, pgserver.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(given.Servers()) != 0 {
		t.Error("started servers although some were given")
	}
	names := map[string]bool{}
	for _, dsn := range given.NewDatabases(t) {
		names[dsn] = true
		conn, err := pgx.Connect(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		var super string
		if err := conn.QueryRow(t.Context(), "SELECT current_setting('is_superuser')").Scan(&super); err != nil || super != "off" {
			t.Errorf("is_superuser is %q, %v", super, err)
		}
		conn.Close(t.Context())
	}
	if len(names) != 3 {
		t.Errorf("databases %v", names)
	}
	for _, bad := range []string{"nonsense", "postgres://127.0.0.1/x", "mysql://a@b/c", admin + ",", admin + ",postgres://h:x:hunter2@y/z"} {
		t.Setenv(DSNsVariable, bad)
		if _, err := NewCluster(t.Context(), 2, pgserver.Options{}); err == nil || !strings.Contains(err.Error(), DSNsVariable) || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", bad, err)
		}
	}
}

func TestOwnServers(t *testing.T) {
	var ports []int
	t.Run("use", func(t *testing.T) {
		for _, server := range StartN(t, 2) {
			ports = append(ports, server.Port())
		}
		server := Start(t, pgserver.Options{})
		if !server.Running() {
			t.Error("does not run")
		}
		ports = append(ports, server.Port())
	})
	if len(ports) != 3 || ports[0] == ports[1] {
		t.Errorf("ports %v", ports)
	}
	goleak.VerifyNone(t, IgnoreServers())
}
