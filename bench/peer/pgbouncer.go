package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"syscall"
)

// sessionDatabase is PgBouncer's name of the database under session pooling.
const sessionDatabase = "app_session"

// startPgBouncer starts PgBouncer as cheap as it can be: transaction pooling,
// no TLS, no statistics in the log. Prepared statements need session pooling
// before version 1.21, which is no more work for it.
func (s *site) startPgBouncer(ctx context.Context) error {
	binary, err := find("pgbouncer", "pgbouncer", "/usr/sbin", "/usr/local/sbin")
	if err != nil {
		return err
	}
	output, err := exec.CommandContext(ctx, binary, "--version").Output()
	if err != nil {
		return fmt.Errorf("pgbouncer --version: %w", err)
	}
	version, prepares := bouncerVersion(string(output))
	s.versions[pgBouncer] = version
	port, err := freePort()
	if err != nil {
		return err
	}
	config := filepath.Join(s.dir, "pgbouncer.ini")
	if err := os.WriteFile(config, []byte(bouncerConfig(s.server.Port(), port, prepares)), 0o644); err != nil {
		return err
	}
	cmd := exec.Command(binary, config)
	credential, err := unprivileged()
	if err != nil {
		return err
	}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: credential}
	t := target{name: pgBouncer, port: port}
	if !prepares {
		t.databases = map[string]string{"prepared": sessionDatabase}
	}
	return s.startProxy(ctx, cmd, t)
}

// startProxy starts a target's process.
func (s *site) startProxy(ctx context.Context, cmd *exec.Cmd, t target) error {
	p, err := startProcess(cmd)
	if err != nil {
		return err
	}
	s.proxies = append(s.proxies, p)
	if err := p.awaitListening(ctx, "127.0.0.1:"+strconv.Itoa(t.port)); err != nil {
		return err
	}
	t.pid = cmd.Process.Pid
	s.targets = append(s.targets, t)
	return nil
}

// bouncerVersion reads "PgBouncer 1.18.0" and says whether that version knows
// prepared statements under transaction pooling.
func bouncerVersion(output string) (version string, prepares bool) {
	match := regexp.MustCompile(`PgBouncer (([0-9]+)\.([0-9]+)[^\s]*)`).FindStringSubmatch(output)
	if match == nil {
		return "unknown", false
	}
	major, _ := strconv.Atoi(match[2]) // digits
	minor, _ := strconv.Atoi(match[3])
	return match[1], major > 1 || major == 1 && minor >= 21
}

func bouncerConfig(serverPort, port int, prepares bool) string {
	server := fmt.Sprintf("host=127.0.0.1 port=%d dbname=%s user=%s password=%s", serverPort, database, account, password)
	config := fmt.Sprintf(`[databases]
%s = %s
%s = %s pool_mode=session
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = transaction
default_pool_size = 20
max_client_conn = 100
log_connections = 0
log_disconnections = 0
log_stats = 0
`, database, server, sessionDatabase, server, port)
	if prepares {
		config += "max_prepared_statements = 100\n"
	}
	return config
}
