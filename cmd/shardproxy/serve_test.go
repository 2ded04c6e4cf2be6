package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

func TestServe(t *testing.T) {
	t.Parallel()
	c := newSettings(t)
	s := c.serve(t)
	conn := s.connect()
	must(t, conn, "CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text)")
	for i := range 20 {
		var id int64
		if err := conn.QueryRow(t.Context(), "INSERT INTO users (name) VALUES ($1) RETURNING id", fmt.Sprint(i)).Scan(&id); err != nil {
			t.Fatal(err)
		}
		if id != int64(i+1) {
			t.Errorf("id %d, want %d", id, i+1)
		}
	}
	for range 2 { // the second time the columns are known to the driver
		if n := count(t, conn, "SELECT count(*) FROM users"); n != 20 {
			t.Errorf("%d users on all nodes, want 20", n)
		}
		if n := count(t, conn, "SELECT count(*) FROM users WHERE id = $1", 7); n != 1 {
			t.Errorf("%d users with id 7, want 1", n)
		}
	}
	nodes := 0
	for i, dsn := range c.nodes {
		node, err := pgx.Connect(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		n := count(t, node, "SELECT count(*) FROM users")
		closeNow(node)
		if n == 20 {
			t.Errorf("node %d has all the rows", i+1)
		}
		nodes += int(n)
	}
	if nodes != 20 {
		t.Errorf("%d rows on the nodes, want 20", nodes)
	}
	for path, want := range map[string]string{
		"/readyz":                   "ready\n",
		"/v1/tables":                `"name":"public.users","placement":"sharded"`,
		"/v1/nodes":                 `"name":"pg-3"`,
		"/v1/status":                `"tables":1`,
		"/metrics":                  `shardproxy_statements_total{class="all",database="app",node=""} 1`,
		"/metrics?a":                `shardproxy_client_connections{database="app"} 1`,
		"/metrics?b":                `shardproxy_template_cache_misses_total{database="app"} 4`,
		"/metrics?c":                `shardproxy_statement_duration_seconds_count{class="scatter",database="app"} 2`,
		"/metrics?d":                `shardproxy_topology_epoch 3`,
		"/v1/nodes?database=nobody": "unknown_database",
	} {
		if _, body := c.get(t, path); !strings.Contains(body, want) {
			t.Errorf("%s has no %q:\n%s", path, want, body)
		}
	}
	closeNow(conn)
	s.signal(syscall.SIGINT)
	if code := s.code(); code != exitOK {
		t.Errorf("exit code %d after SIGINT, want %d", code, exitOK)
	}
}

// get asks the admin API.
func (c *settings) get(t *testing.T, path string) (status int, body string) {
	t.Helper()
	response, err := http.Get("http://" + c.admin + path)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	b, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(b)
}

// TestStopWaitsForTransactions: after SIGTERM nobody is let in, an idle client
// is sent away, and an open transaction can be committed.
func TestStopWaitsForTransactions(t *testing.T) {
	t.Parallel()
	c := newSettings(t)
	s := c.serve(t)
	busy, idle := s.connect(), s.connect()
	must(t, busy, "CREATE TABLE users (id bigint PRIMARY KEY)")
	must(t, busy, "BEGIN")
	must(t, busy, "INSERT INTO users VALUES (1)")
	s.signal(syscall.SIGTERM)
	s.await("msg=\"stopping: waiting")
	if _, err := idle.Exec(t.Context(), "SELECT 1"); sqlState(err) != "57P01" {
		t.Errorf("the idle client got %v, want 57P01", err)
	}
	if _, err := s.login("app", "secret"); err == nil {
		t.Error("a client was let in while the proxy stops")
	}
	if status, body := c.get(t, "/readyz"); status != http.StatusServiceUnavailable || !strings.Contains(body, "stopping") {
		t.Errorf("/readyz while it stops: %d %s", status, body)
	}
	must(t, busy, "INSERT INTO users VALUES (1) ON CONFLICT DO NOTHING")
	must(t, busy, "COMMIT")
	if code := s.code(); code != exitOK {
		t.Errorf("exit code %d, want %d", code, exitOK)
	}
	if n := c.rows(t, "users"); n != 1 {
		t.Errorf("%d rows after the commit, want 1", n)
	}
}

// rows counts on all nodes directly.
func (c *settings) rows(t *testing.T, table string) (n int64) {
	t.Helper()
	for _, dsn := range c.nodes {
		conn, err := pgx.Connect(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		n += count(t, conn, "SELECT count(*) FROM "+table)
		closeNow(conn)
	}
	return n
}

func TestStopEndsTransactionsAfterTheDrain(t *testing.T) {
	t.Parallel()
	c := newSettings(t)
	c.postgres = ", drain_timeout: 200ms"
	s := c.serve(t)
	conn := s.connect()
	must(t, conn, "CREATE TABLE users (id bigint PRIMARY KEY)")
	must(t, conn, "BEGIN")
	must(t, conn, "INSERT INTO users VALUES (1)")
	s.signal(syscall.SIGTERM)
	if code := s.code(); code != exitOK {
		t.Errorf("exit code %d, want %d", code, exitOK)
	}
	if _, err := conn.Exec(t.Context(), "COMMIT"); err == nil {
		t.Error("the transaction was committed")
	}
	if n := c.rows(t, "users"); n != 0 {
		t.Errorf("%d rows, want 0", n)
	}
}

// TestSecondSignalEndsAtOnce: also while a node works.
func TestSecondSignalEndsAtOnce(t *testing.T) {
	t.Parallel()
	c := newSettings(t)
	s := c.serve(t)
	conn := s.connect()
	must(t, conn, "CREATE TABLE users (id bigint PRIMARY KEY)")
	must(t, conn, "BEGIN")
	must(t, conn, "INSERT INTO users VALUES (1)")
	failed := make(chan error, 1)
	go func() {
		_, err := conn.Exec(t.Context(), "SELECT pg_sleep(60) FROM users WHERE id = 1")
		failed <- err
	}()
	time.Sleep(100 * time.Millisecond) // until the node sleeps; either way the test holds
	s.signal(syscall.SIGTERM)
	s.await("msg=\"stopping: waiting")
	began := time.Now()
	s.signal(syscall.SIGTERM)
	if code := s.code(); code != exitForced {
		t.Errorf("exit code %d, want %d", code, exitForced)
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Errorf("it took %s", took)
	}
	if err := <-failed; err == nil {
		t.Error("the statement succeeded")
	}
	if n := c.rows(t, "users"); n != 0 {
		t.Errorf("%d rows, want 0", n)
	}
}

func TestNodeDownAtStart(t *testing.T) {
	t.Parallel()
	c := newSettings(t)
	c.nodes[1] = "postgres://app:geheim@" + freeAddress(t) + "/app"
	c.nodes[2] = strings.Replace(c.nodes[2], ":app@", ":geheim@", 1)
	c.write(t)
	p := launch(t, nil, "serve", "--config", c.path)
	if code := p.code(); code != exitNodes {
		t.Errorf("exit code %d, want %d", code, exitNodes)
	}
	out := p.output.String()
	for _, want := range []string{
		"the nodes cannot be served:",
		`database "app": node "pg-2": connect: `, "connection refused", "Check that the server runs",
		`database "app": node "pg-3": connect: `, "28P01", "Check user and password",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("the output has no %q", want)
		}
	}
	if strings.Contains(out, "geheim") {
		t.Error("the output shows a password")
	}
}

// TestProblemsOfAllKindsAtOnce: what is wrong with the configuration and with
// the nodes is reported together.
func TestProblemsOfAllKindsAtOnce(t *testing.T) {
	t.Parallel()
	c := newSettings(t)
	c.nodes[1] = "postgres://app:app@" + freeAddress(t) + "/app"
	c.postgres = ", tls: {cert: /nonexistent/cert.pem, key: /nonexistent/key.pem}"
	c.more = "mysql: {listen: \"127.0.0.1:0\"}\n"
	c.write(t)
	p := launch(t, nil, "serve", "--config", c.path)
	if code := p.code(); code != exitConfig {
		t.Errorf("exit code %d, want %d", code, exitConfig)
	}
	for _, want := range []string{
		"mysql.listen: this build serves PostgreSQL only", "postgres.tls: /nonexistent/cert.pem", `node "pg-2": connect: `,
	} {
		if !strings.Contains(p.output.String(), want) {
			t.Errorf("the output has no %q", want)
		}
	}
}

func TestWrongConfigurations(t *testing.T) {
	t.Parallel()
	good := newSettings(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	taken := listener.Addr().String()
	tests := []struct {
		name string
		with func(*settings)
		want string
	}{
		{"unknown key", func(c *settings) { c.more = "postgrs: {}\n" }, `postgrs: unknown key; did you mean "postgres"?`},
		{"no user", func(c *settings) { c.users = "[]" }, "users: at least one user is needed"},
		{"peers beyond loopback", func(c *settings) {
			c.more = "peer: {join: [\"127.0.0.1:1\"], raft: {listen: \"0.0.0.0:0\", advertise: \"127.0.0.1:1\"}}\n"
		}, "peer.raft.tls: cert, key and ca are needed beyond loopback"},
		{"a hash of MySQL", func(c *settings) {
			c.users = "[{name: app, secret: '*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19'}]"
		}, "users[0].secret (app): not a SCRAM-SHA-256 verifier"},
		{"address in use", func(c *settings) { c.admin = taken }, "admin: listen tcp " + taken + ": bind: address already in use"},
		{"admin for everybody", func(c *settings) { c.admin = "0.0.0.0:0" }, "admin.listen: 0.0.0.0:0 can be reached from other machines"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := *good
			c.path = t.TempDir() + "/shardproxy.yaml"
			test.with(&c)
			c.write(t)
			p := launch(t, nil, "serve", "--config", c.path)
			if code := p.code(); code != exitConfig {
				t.Errorf("exit code %d, want %d", code, exitConfig)
			}
			if !strings.Contains(p.output.String(), test.want) {
				t.Errorf("the output has no %q:\n%s", test.want, p.output.String())
			}
		})
	}
}

func TestCommandLine(t *testing.T) {
	t.Parallel()
	tests := []struct {
		args []string
		code int
		want string
	}{
		{[]string{"version"}, exitOK, "shardproxy "},
		{[]string{"--help"}, exitOK, "Exit codes:"},
		{[]string{"serve", "--help"}, exitOK, "SIGHUP"},
		{[]string{}, exitOK, "Available Commands:"},
		{[]string{"serv"}, exitUsage, `unknown command "serv"`},
		{[]string{"serve"}, exitUsage, `required flag(s) "config" not set`},
		{[]string{"serve", "--config", "x", "y"}, exitUsage, `unknown command "y"`},
		{[]string{"serve", "--port", "1"}, exitUsage, "unknown flag: --port"},
		{[]string{"serve", "--config", "/nonexistent.yaml"}, exitConfig, "no such file"},
		{[]string{"recover"}, exitUsage, `required flag(s) "config" not set`},
		{[]string{"recover", "--help"}, exitOK, "the majority of the voting peers is lost for good"},
		{[]string{"recover", "--config", "/nonexistent.yaml"}, exitConfig, "no such file"},
		{[]string{"demo", "--nodes", "0"}, exitUsage, "--nodes 0: 1 to 16 are possible"},
		{[]string{"demo", "--engine", "mysql"}, exitUsage, "this build serves PostgreSQL only"},
		{[]string{"demo", "--port", "65536"}, exitUsage, "--port 65536 is outside"},
	}
	for _, test := range tests {
		t.Run(strings.Join(test.args, " "), func(t *testing.T) {
			t.Parallel()
			var out output
			if code := run(test.args, &out, &out); code != test.code {
				t.Errorf("exit code %d, want %d", code, test.code)
			}
			if !strings.Contains(out.String(), test.want) {
				t.Errorf("the output has no %q:\n%s", test.want, out.String())
			}
		})
	}
}

// TestClientsThatVanish: their sessions end, in a transaction or not, and the
// transaction is rolled back.
func TestClientsThatVanish(t *testing.T) {
	t.Parallel()
	c := newSettings(t)
	s := c.serve(t)
	conn := s.connect()
	must(t, conn, "CREATE TABLE users (id bigint PRIMARY KEY)")
	for _, prepare := range []string{"SELECT 1", "BEGIN", "BEGIN; INSERT INTO users VALUES (1)"} {
		gone := s.connect()
		if _, err := gone.PgConn().Exec(t.Context(), prepare).ReadAll(); err != nil {
			t.Fatal(err)
		}
		if err := gone.PgConn().Conn().Close(); err != nil { // without Terminate
			t.Fatal(err)
		}
	}
	const one = `shardproxy_client_connections{database="app"} 1` + "\n"
	for deadline := time.Now().Add(patience); ; time.Sleep(10 * time.Millisecond) {
		if _, body := c.get(t, "/metrics"); strings.Contains(body, one) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the sessions of vanished clients do not end")
		}
	}
	if n := c.rows(t, "users"); n != 0 {
		t.Errorf("%d rows, want 0", n)
	}
	must(t, conn, "INSERT INTO users VALUES (1)") // no lock is left
}
