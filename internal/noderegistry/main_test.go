package noderegistry

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"go.uber.org/goleak"

	"shardproxy/internal/pgserver"
	"shardproxy/internal/pgserver/pgservertest"
)

// cluster are two servers: what is copied from one to the other is found out.
var cluster *pgservertest.Cluster

func TestMain(m *testing.M) { goleak.VerifyTestMain(withServers{m}) }

// withServers runs the tests with servers, and goleak looks behind them.
type withServers struct{ m *testing.M }

func (w withServers) Run() int {
	// The tests dump and signal servers: they take none that are given.
	if err := os.Unsetenv(pgservertest.DSNsVariable); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	c, err := pgservertest.NewCluster(context.Background(), 2, pgserver.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	cluster = c
	code := w.m.Run()
	if err := c.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

// one is the node of most tests.
var one = Node{Cluster: "c-1", Database: "app", ID: "pg-1"}

// registryOf makes a database that is node one.
func registryOf(t testing.TB) (dsn string, admin *pgx.Conn) {
	t.Helper()
	dsn = cluster.NewDatabase(t, 0)
	admin = connect(t, cluster.AdminDSN(t, 0, dsn))
	if err := Adopt(t.Context(), admin, one); err != nil {
		t.Fatal(err)
	}
	return dsn, admin
}

func connect(t testing.TB, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

func login(t testing.TB, dsn string) *pgconn.PgConn {
	t.Helper()
	pg, err := pgconn.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = pg.Close(context.Background()) })
	return pg
}

// as is a registration at node one.
func as(peer string, incarnation, epoch uint64) Registration {
	return Registration{Node: one, Peer: Peer{ID: peer, Incarnation: incarnation}, Epoch: epoch}
}

// registered logs in and registers.
func registered(t testing.TB, dsn string, r Registration) *pgconn.PgConn {
	t.Helper()
	pg := login(t, dsn)
	if err := Register(t.Context(), pg, r); err != nil {
		t.Fatal(err)
	}
	return pg
}

func execSQL(t testing.TB, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// value is the only value that a query returns.
func value[T any](t testing.TB, conn *pgx.Conn, sql string, args ...any) T {
	t.Helper()
	var v T
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(&v); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return v
}

// text is the only value that a query returns on a bare connection.
func text(t testing.TB, pg *pgconn.PgConn, sql string) string {
	t.Helper()
	results, err := pg.Exec(t.Context(), sql).ReadAll()
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return string(results[len(results)-1].Rows[0][0])
}

func alive(pg *pgconn.PgConn) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_, err := pg.Exec(ctx, "SELECT 1").ReadAll()
	return err == nil
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("still not: %s", what)
		}
	}
}

// refused checks that err is a refusal for the reason with the words in it.
func refused(t testing.TB, err error, reason Reason, words ...string) {
	t.Helper()
	if ReasonOf(err) != reason {
		t.Errorf("reason %s, not %s: %v", ReasonOf(err), reason, err)
		return
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q lacks %q", err, w)
		}
	}
}

func sqlstate(err error) string {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code
	}
	return ""
}

// userOf is the role of a DSN, databaseOf its database.
func userOf(t testing.TB, dsn string) string { return parsed(t, dsn).User.Username() }

func databaseOf(t testing.TB, dsn string) string { return strings.TrimPrefix(parsed(t, dsn).Path, "/") }

func parsed(t testing.TB, dsn string) *url.URL {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	return u
}
