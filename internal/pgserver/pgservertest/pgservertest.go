// Package pgservertest gives tests PostgreSQL servers of their own.
//
// Most packages share a few servers among their tests and take a fresh
// database per test:
//
//	var cluster *pgservertest.Cluster
//
//	func TestMain(m *testing.M) { pgservertest.Main(m, &cluster, 3) }
//
//	func TestX(t *testing.T) { dsns := cluster.NewDatabases(t) ... }
//
// Tests that stop, kill or freeze a server take their own with Start. A
// missing PostgreSQL fails the tests and says how to install it.
//
// With SHARDPROXY_TEST_PG_DSNS (comma-separated URLs of superusers, see
// docker-compose.test.yml) a Cluster uses those servers instead of starting
// some. Start always starts one on this machine.
package pgservertest

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"
	"golang.org/x/sync/errgroup"

	"shardproxy/internal/pgserver"
)

// DSNsVariable names the environment variable with the servers to use.
const DSNsVariable = "SHARDPROXY_TEST_PG_DSNS"

// stopTimeout bounds how long a server may take to stop after a test.
const stopTimeout = 30 * time.Second

// Cluster is a set of servers shared by the tests of a package.
type Cluster struct {
	servers []*pgserver.Server // nil when the servers were given
	admin   []string           // a superuser's URL per server
	user    *url.Userinfo      // the application's role
}

// Main runs the tests of a package with n shared servers in *into, and exits.
// The servers are gone afterwards, whatever the tests did.
func Main(m *testing.M, into **Cluster, n int) {
	os.Exit(run(m, into, n))
}

func run(m *testing.M, into **Cluster, n int) (code int) {
	cluster, err := NewCluster(context.Background(), n, pgserver.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() {
		if err := cluster.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}()
	*into = cluster
	return m.Run()
}

// NewCluster starts n servers in parallel, or takes those of
// SHARDPROXY_TEST_PG_DSNS, in turn when n is larger. Dir and Port of opts must
// be empty. Close ends it.
func NewCluster(ctx context.Context, n int, opts pgserver.Options) (*Cluster, error) {
	if given := os.Getenv(DSNsVariable); given != "" {
		return givenCluster(ctx, n, given)
	}
	opts.NoSync = true
	servers, err := startAll(ctx, n, opts)
	if err != nil {
		return nil, err
	}
	c := &Cluster{servers: servers}
	for _, server := range servers {
		c.admin = append(c.admin, server.AdminDSN())
	}
	dsn, err := url.Parse(servers[0].DSN())
	if err != nil {
		return nil, errors.Join(err, c.Close())
	}
	c.user = dsn.User
	return c, nil
}

// givenCluster uses servers somebody else runs. The application's role is made
// there too: tests must not be superusers in one place and not in another.
func givenCluster(ctx context.Context, n int, given string) (*Cluster, error) {
	admin, err := parseDSNs(given, n)
	if err != nil {
		return nil, err
	}
	const role = "shardproxy_test"
	for _, dsn := range admin {
		// Other packages' tests do the same at the same time.
		err := pgserver.Exec(ctx, dsn, `DO $$ BEGIN CREATE ROLE `+role+` LOGIN PASSWORD '`+role+`';
			EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$`)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", DSNsVariable, err)
		}
	}
	return &Cluster{admin: admin, user: url.UserPassword(role, role)}, nil
}

// parseDSNs returns n of the comma-separated URLs, in turn. Its errors do not
// quote them: they hold passwords.
func parseDSNs(given string, n int) ([]string, error) {
	all := strings.Split(given, ",")
	for i, text := range all {
		all[i] = strings.TrimSpace(text)
		dsn, err := url.Parse(all[i])
		if err != nil || dsn.Scheme != "postgres" || dsn.Host == "" || dsn.User == nil {
			return nil, fmt.Errorf("%s: entry %d is not a URL like postgres://user:password@host:port/database", DSNsVariable, i+1)
		}
	}
	dsns := make([]string, n)
	for i := range dsns {
		dsns[i] = all[i%len(all)]
	}
	return dsns, nil
}

func startAll(ctx context.Context, n int, opts pgserver.Options) ([]*pgserver.Server, error) {
	if n < 1 || opts.Dir != "" || opts.Port != 0 {
		return nil, errors.New("pgservertest: need n >= 1 and neither Dir nor Port")
	}
	servers := make([]*pgserver.Server, n)
	var group errgroup.Group
	for i := range servers {
		group.Go(func() (err error) {
			servers[i], err = pgserver.Start(ctx, opts)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, errors.Join(err, closeAll(servers))
	}
	return servers, nil
}

func closeAll(servers []*pgserver.Server) error {
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	errs := make([]error, len(servers))
	var group errgroup.Group
	for i, server := range servers {
		if server != nil {
			group.Go(func() error { errs[i] = server.Close(ctx); return nil })
		}
	}
	_ = group.Wait()
	return errors.Join(errs...)
}

// Close stops the servers the cluster started.
func (c *Cluster) Close() error { return closeAll(c.servers) }

// Servers returns the servers the cluster started: none when they were given
// by the environment. Tests must leave them running.
func (c *Cluster) Servers() []*pgserver.Server { return c.servers }

// NewDatabase creates a fresh database on server i, owned by the
// application's role, and returns its URL for that role. It is dropped, with
// its connections, when the test ends.
func (c *Cluster) NewDatabase(tb testing.TB, i int) string {
	tb.Helper()
	return c.create(tb, i, freshName())
}

// NewDatabases creates a fresh database of one name on every server and
// returns their URLs, in the servers' order.
func (c *Cluster) NewDatabases(tb testing.TB) []string {
	tb.Helper()
	name := freshName()
	dsns := make([]string, len(c.admin))
	for i := range dsns {
		// Given servers may appear more than once: a name for each place.
		dsns[i] = c.create(tb, i, name+c.suffix(i))
	}
	return dsns
}

func (c *Cluster) suffix(i int) string {
	for j := range i {
		if c.admin[j] == c.admin[i] {
			return fmt.Sprintf("_%d", i)
		}
	}
	return ""
}

// AdminDSN is the superuser's URL of the database that dsn, a result of
// NewDatabase, names on server i.
func (c *Cluster) AdminDSN(tb testing.TB, i int, dsn string) string {
	tb.Helper()
	of, err := url.Parse(dsn)
	if err != nil {
		tb.Fatal(err)
	}
	return c.on(tb, i, strings.TrimPrefix(of.Path, "/"))
}

func (c *Cluster) create(tb testing.TB, i int, name string) string {
	tb.Helper()
	database := pgx.Identifier{name}.Sanitize()
	owner := pgx.Identifier{c.user.Username()}.Sanitize()
	if err := pgserver.Exec(tb.Context(), c.admin[i], "CREATE DATABASE "+database+" OWNER "+owner); err != nil {
		tb.Fatalf("create database: %v", err)
	}
	tb.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
		defer cancel()
		if err := pgserver.Exec(ctx, c.admin[i], "DROP DATABASE "+database+" WITH (FORCE)"); err != nil {
			tb.Errorf("drop database: %v", err)
		}
	})
	dsn, err := url.Parse(c.on(tb, i, name))
	if err != nil {
		tb.Fatal(err)
	}
	dsn.User = c.user
	return dsn.String()
}

func (c *Cluster) on(tb testing.TB, i int, database string) string {
	tb.Helper()
	dsn, err := url.Parse(c.admin[i])
	if err != nil {
		tb.Fatal(err)
	}
	dsn.Path = "/" + database
	return dsn.String()
}

// freshName is a database name nobody else has, in a process or out.
func freshName() string { return "t_" + strings.ToLower(rand.Text()[:16]) }

// Start starts a server for one test, which may do with it what it likes. It
// is gone when the test ends; when the test failed, the end of its log is
// shown.
func Start(tb testing.TB, opts pgserver.Options) *pgserver.Server {
	tb.Helper()
	opts.NoSync = true
	server, err := pgserver.Start(tb.Context(), opts)
	if err != nil {
		tb.Fatal(err)
	}
	closeAfter(tb, []*pgserver.Server{server})
	return server
}

// StartN starts n servers for one test in parallel; see Start.
func StartN(tb testing.TB, n int) []*pgserver.Server {
	tb.Helper()
	servers, err := startAll(tb.Context(), n, pgserver.Options{NoSync: true})
	if err != nil {
		tb.Fatal(err)
	}
	closeAfter(tb, servers)
	return servers
}

func closeAfter(tb testing.TB, servers []*pgserver.Server) {
	tb.Cleanup(func() {
		if err := closeAll(servers); err != nil {
			tb.Error(err)
		}
		if !tb.Failed() {
			return
		}
		for _, server := range servers {
			tb.Logf("log of the server on port %d:\n%s", server.Port(), server.LogTail())
		}
	})
}

// IgnoreServers tells goleak that the goroutine which watches a running
// server is no leak: each server has one until it is closed.
func IgnoreServers() goleak.Option {
	return goleak.IgnoreAnyFunction("shardproxy/internal/pgserver.(*process).run")
}
