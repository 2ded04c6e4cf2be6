package noderegistry

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// A pooler between the proxy and the node gives a session to others: what is
// registered there is not what holds the rows.
func TestPgBouncer(t *testing.T) {
	dsn, _ := registryOf(t)
	for _, mode := range []string{"session", "transaction"} {
		t.Run(mode, func(t *testing.T) {
			pooled := startPgBouncer(t, dsn, mode)
			refused(t, Register(t.Context(), login(t, pooled), as("p-1", 1, 1)), Pooled, "pooler", "dsn")
		})
	}
}

// startPgBouncer starts PgBouncer in front of the database and returns the DSN
// through it.
func startPgBouncer(t *testing.T, dsn, mode string) string {
	t.Helper()
	binary := "/usr/sbin/pgbouncer"
	if found, err := exec.LookPath("pgbouncer"); err == nil {
		binary = found
	}
	if _, err := os.Stat(binary); err != nil {
		t.Fatalf("%v: this test needs PgBouncer: apt-get install pgbouncer", err)
	}
	to := parsed(t, dsn)
	password, _ := to.User.Password()
	port := freePort(t)
	config := filepath.Join(t.TempDir(), "pgbouncer.ini")
	text := fmt.Sprintf(`[databases]
%s = host=%s port=%s user=%s password=%s
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = %d
unix_socket_dir =
auth_type = any
pool_mode = %s
`, databaseOf(t, dsn), to.Hostname(), to.Port(), userOf(t, dsn), password, port, mode)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	readable(t, filepath.Dir(config))
	cmd := exec.Command(binary, config)
	var log bytes.Buffer
	cmd.Stderr = &log
	cmd.SysProcAttr = unprivileged(t)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill() // it may have ended by itself
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("pgbouncer: %s", &log)
		}
	})
	through := *to
	through.Host = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	eventually(t, "pgbouncer answers", func() bool {
		pg, err := pgconn.Connect(t.Context(), through.String())
		if err == nil {
			_ = pg.Close(t.Context())
		}
		return err == nil
	})
	return through.String()
}

// readable lets another user read what is in a directory of t.TempDir.
func readable(t *testing.T, dir string) {
	t.Helper()
	for d := dir; d != filepath.Clean(os.TempDir()) && d != "/"; d = filepath.Dir(d) {
		if err := os.Chmod(d, 0o755); err != nil {
			t.Fatal(err)
		}
	}
}

// unprivileged runs a program as a user that is not root, as PgBouncer asks.
func unprivileged(t *testing.T) *syscall.SysProcAttr {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	nobody, err := user.Lookup("nobody")
	if err != nil {
		t.Fatal(err)
	}
	uid, uidErr := strconv.ParseUint(nobody.Uid, 10, 32)
	gid, gidErr := strconv.ParseUint(nobody.Gid, 10, 32)
	if uidErr != nil || gidErr != nil {
		t.Fatal(uidErr, gidErr)
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}}
}

func freePort(t *testing.T) int {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}
