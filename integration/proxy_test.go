package integration

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// proxy is a running proxy in front of fresh databases.
type proxy struct {
	t       testing.TB
	id      string   // among its peers
	address string   // of the PostgreSQL listener
	admin   string   // base URL of the admin listener
	nodes   []string // DSNs of the nodes
	config  string   // path of the configuration file
	cmd     *exec.Cmd
	log     *lockedBuffer
	exited  chan struct{}
	killed  bool // by the test, and not started again
}

// options change the configuration of a proxy under test.
type options struct {
	pool     int    // connections per node; default 2
	postgres string // further lines of the postgres section
	database string // further lines of the database section
	user     string // further fields of the user
	nodes    []string
	network  *network // carries what peers say to each other; nil: directly
	// before runs on each node before the proxy starts.
	before func(node int, conn *pgx.Conn)
}

// start starts a proxy in front of three nodes with empty databases.
func start(t testing.TB, o options) *proxy {
	t.Helper()
	if o.nodes == nil {
		o.nodes = cluster.NewDatabases(t)
	}
	if o.before != nil {
		for i, dsn := range o.nodes {
			conn := connect(t, dsn)
			o.before(i, conn)
			closeNow(conn)
		}
	}
	p := &proxy{t: t, id: "proxy-1", nodes: o.nodes, address: freeAddress(t), log: new(lockedBuffer), exited: make(chan struct{})}
	admin := freeAddress(t)
	p.admin = "http://" + admin
	p.config = filepath.Join(t.TempDir(), "shardproxy.yaml")
	if err := os.WriteFile(p.config, []byte(configuration(p, admin, o)), 0o600); err != nil {
		t.Fatal(err)
	}
	p.run()
	p.waitReady()
	return p
}

func configuration(p *proxy, admin string, o options) string {
	if o.pool == 0 {
		o.pool = 2
	}
	var b strings.Builder
	fmt.Fprintf(&b, "peer: {id: %s, data_dir: %q, bootstrap: true, raft: {%s}}\n", p.id, filepath.Dir(p.config), raftAddresses(p, o.network))
	fmt.Fprintf(&b, "admin: {listen: %q}\n", admin)
	fmt.Fprintf(&b, "postgres:\n  listen: %q\n  drain_timeout: 3s\n%s", p.address, indent(o.postgres, 2))
	fmt.Fprintf(&b, "log: {level: debug}\n")
	fmt.Fprintf(&b, "users:\n  - {name: app, password: secret%s}\n", prefixed(o.user))
	fmt.Fprintf(&b, "databases:\n  app:\n    partitions: 64\n    nodes:\n")
	for i, dsn := range o.nodes {
		fmt.Fprintf(&b, "      - {name: pg-%d, dsn: %q}\n", i+1, dsn)
	}
	fmt.Fprintf(&b, "    pool: {min: 0, max: %d, queue_timeout: 10s}\n%s", o.pool, indent(o.database, 4))
	return b.String()
}

func prefixed(fields string) string {
	if fields == "" {
		return ""
	}
	return ", " + fields
}

func indent(lines string, n int) string {
	if lines == "" {
		return ""
	}
	var b strings.Builder
	for line := range strings.Lines(strings.TrimRight(lines, "\n") + "\n") {
		b.WriteString(strings.Repeat(" ", n) + line)
	}
	return b.String()
}

// run starts the process, which ends with the test.
func (p *proxy) run() {
	p.t.Helper()
	p.launch()
	p.t.Cleanup(p.stop)
}

func (p *proxy) launch() {
	p.t.Helper()
	p.cmd = exec.Command(proxyBinary, "serve", "--config", p.config)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	p.cmd.Env = append(os.Environ(), "GORACE=halt_on_error=1 exitcode=66")
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	cmd, exited := p.cmd, p.exited
	go func() {
		_ = cmd.Wait() // the exit code is looked at in stop
		close(exited)
	}()
}

// stop ends the process in order and fails the test if it did not end well.
func (p *proxy) stop() {
	select {
	case <-p.exited:
	default:
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
	}
	select {
	case <-p.exited:
	case <-time.After(20 * time.Second):
		_ = p.cmd.Process.Signal(syscall.SIGQUIT) // its goroutines go to the log
		time.Sleep(time.Second)
		_ = p.cmd.Process.Kill()
		<-p.exited
		p.t.Error("the proxy did not stop within 20 s of SIGTERM")
	}
	if code := p.cmd.ProcessState.ExitCode(); code != 0 && !p.killed {
		p.t.Errorf("the proxy exited with %d", code)
	}
	if p.t.Failed() {
		p.t.Logf("log of the proxy:\n%s", p.log.tail(8000))
	}
}

func (p *proxy) waitReady() {
	p.t.Helper()
	deadline := time.Now().Add(30 * time.Second)
	for time.Now().Before(deadline) {
		select {
		case <-p.exited:
			p.t.Fatalf("the proxy ended at its start:\n%s", p.log.tail(8000))
		default:
		}
		if response, err := http.Get(p.admin + "/readyz"); err == nil {
			_ = response.Body.Close()
			if response.StatusCode == http.StatusOK {
				return
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	p.t.Fatalf("the proxy is not ready after 30 s:\n%s", p.log.tail(8000))
}

// dsn is the proxy's DSN with further URL parameters.
func (p *proxy) dsn(parameters ...string) string {
	return "postgres://app:secret@" + p.address + "/app?sslmode=disable" + strings.Join(append([]string{""}, parameters...), "&")
}

// connect connects to the proxy with pgx.
func (p *proxy) connect(parameters ...string) *pgx.Conn {
	p.t.Helper()
	return connect(p.t, p.dsn(parameters...))
}

// node connects to a node directly.
func (p *proxy) node(i int) *pgx.Conn {
	p.t.Helper()
	return connect(p.t, p.nodes[i])
}

// connect opens a connection that ends with the test.
func connect(t testing.TB, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatalf("connect: %v", err)
	}
	t.Cleanup(func() { closeNow(conn) })
	return conn
}

func closeNow(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	_ = conn.Close(ctx)
}

// do runs statements and fails the test on an error.
func do(t testing.TB, conn *pgx.Conn, sql string, args ...any) pgconn.CommandTag {
	t.Helper()
	tag, err := conn.Exec(t.Context(), sql, args...)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return tag
}

// query returns the rows of a statement as text, columns joined by "|".
func query(t testing.TB, conn *pgx.Conn, sql string, args ...any) []string {
	t.Helper()
	rows, err := queryErr(t.Context(), conn, sql, args...)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return rows
}

func queryErr(ctx context.Context, conn *pgx.Conn, sql string, args ...any) ([]string, error) {
	rows, err := conn.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []string
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return nil, err
		}
		parts := make([]string, len(values))
		for i, v := range values {
			parts[i] = fmt.Sprint(v)
		}
		list = append(list, strings.Join(parts, "|"))
	}
	return list, rows.Err()
}

// countOn counts rows on each node directly.
func (p *proxy) countOn(table, where string) []int {
	p.t.Helper()
	counts := make([]int, len(p.nodes))
	for i := range p.nodes {
		conn := p.node(i)
		sql := "SELECT count(*) FROM " + table
		if where != "" {
			sql += " WHERE " + where
		}
		if err := conn.QueryRow(p.t.Context(), sql).Scan(&counts[i]); err != nil {
			p.t.Fatalf("node %d: %s: %v", i+1, sql, err)
		}
	}
	return counts
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// lockedBuffer is a bytes.Buffer for several goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// tail is the end of what was written.
func (l *lockedBuffer) tail(n int) string {
	s := l.String()
	return s[max(0, len(s)-n):]
}
