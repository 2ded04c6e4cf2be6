package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// patience is how long a test waits for what should happen soon.
const patience = 30 * time.Second

// process is the command, run as a process of its own.
type process struct {
	t      *testing.T
	cmd    *exec.Cmd
	output output // standard output and error
	exited chan struct{}
}

// launch starts the command. It is killed when the test ends before it.
func launch(t *testing.T, env []string, args ...string) *process {
	t.Helper()
	p := &process{t: t, cmd: exec.Command(os.Args[0], args...), exited: make(chan struct{})}
	p.cmd.Env = append(append(os.Environ(), asCommand+"=1", "GORACE=halt_on_error=1 exitcode=66"), env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.output, &p.output
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.cmd.Wait() // code looks at the state
		close(p.exited)
	}()
	t.Cleanup(func() {
		select {
		case <-p.exited:
		default:
			_ = p.cmd.Process.Kill()
			<-p.exited
		}
		if t.Failed() {
			t.Logf("output of %v:\n%s", args, p.output.String())
		}
	})
	return p
}

// signal sends a signal to the process.
func (p *process) signal(sig syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(sig); err != nil {
		p.t.Fatal(err)
	}
}

// code waits for the end of the process and returns its exit code.
func (p *process) code() int {
	p.t.Helper()
	select {
	case <-p.exited:
	case <-time.After(patience):
		p.t.Fatal("the process does not end")
	}
	return p.cmd.ProcessState.ExitCode()
}

// await waits until the output matches and returns the groups of the match.
func (p *process) await(pattern string) []string {
	p.t.Helper()
	re := regexp.MustCompile(pattern)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if groups := re.FindStringSubmatch(p.output.String()); groups != nil {
			return groups
		}
		select {
		case <-p.exited:
			if groups := re.FindStringSubmatch(p.output.String()); groups != nil {
				return groups
			}
			p.t.Fatalf("ended without %q in its output", pattern)
		case <-time.After(5 * time.Millisecond):
		}
	}
	p.t.Fatalf("no %q in the output", pattern)
	return nil
}

// output is what a process has written so far.
type output struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.b.String()
}

// settings are a configuration under test.
type settings struct {
	path     string
	admin    string // address
	postgres string // further fields of the section
	users    string // in place of the usual ones
	pool     string
	nodes    []string // DSNs
	more     string   // further sections
}

// newSettings has fresh databases on all nodes.
func newSettings(t *testing.T) *settings {
	t.Helper()
	return &settings{
		path: filepath.Join(t.TempDir(), "shardproxy.yaml"), admin: freeAddress(t),
		users: "[{name: app, password: secret}]", pool: "{min: 0, max: 4}", nodes: cluster.NewDatabases(t),
	}
}

// write writes the file; what is empty is left out.
func (s *settings) write(t *testing.T) {
	t.Helper()
	var b strings.Builder
	fmt.Fprintf(&b, "admin: {listen: %q}\n", s.admin)
	fmt.Fprintf(&b, "postgres: {listen: \"127.0.0.1:0\"%s}\n", s.postgres)
	fmt.Fprintf(&b, "users: %s\n", s.users)
	fmt.Fprintf(&b, "databases:\n  app:\n    partitions: 64\n    pool: %s\n    nodes:\n", s.pool)
	for i, dsn := range s.nodes {
		fmt.Fprintf(&b, "      - {name: pg-%d, dsn: %q}\n", i+1, dsn)
	}
	b.WriteString(s.more)
	if err := os.WriteFile(s.path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// serving is a process that serves clients.
type serving struct {
	*process
	address string
}

// serve starts a proxy and waits until it serves.
func (s *settings) serve(t *testing.T) *serving {
	t.Helper()
	s.write(t)
	p := launch(t, nil, "serve", "--config", s.path)
	return &serving{process: p, address: p.await(`msg=serving postgres=(\S+)`)[1]}
}

// reload writes the file again and waits until the process has read it.
func (s *serving) reload(c *settings) {
	s.t.Helper()
	c.write(s.t)
	before := strings.Count(s.output.String(), "configuration ")
	s.signal(syscall.SIGHUP)
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if log := s.output.String(); strings.Count(log, "configuration ") > before && strings.HasSuffix(log, "\n") {
			return
		}
	}
	s.t.Fatal("the configuration was not read again")
}

func (s *serving) dsn(user, password string, parameters ...string) string {
	return fmt.Sprintf("postgres://%s:%s@%s/app?%s", user, password, s.address,
		strings.Join(append(parameters, "sslmode=disable"), "&"))
}

// connect logs in as the usual user.
func (s *serving) connect() *pgx.Conn {
	s.t.Helper()
	conn, err := s.login("app", "secret")
	if err != nil {
		s.t.Fatal(err)
	}
	return conn
}

func (s *serving) login(user, password string, parameters ...string) (*pgx.Conn, error) {
	s.t.Helper()
	conn, err := pgx.Connect(s.t.Context(), s.dsn(user, password, parameters...))
	if err == nil {
		s.t.Cleanup(func() { closeNow(conn) })
	}
	return conn, err
}

func closeNow(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	_ = conn.Close(ctx) // it may be broken already
}

// must runs a statement and fails the test on an error.
func must(t *testing.T, conn *pgx.Conn, sql string, args ...any) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql, args...); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// count returns the number that a query gives.
func count(t *testing.T, conn *pgx.Conn, sql string, args ...any) (n int64) {
	t.Helper()
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return n
}

// sqlState is the SQLSTATE of an error of a server, "" for others.
func sqlState(err error) string {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code
	}
	return ""
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}
