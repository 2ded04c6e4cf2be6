package pgstartup

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// psql runs PostgreSQL's own client, and with it libpq, against the server.
func psql(t testing.TB, s *testServer, password string, env ...string) (string, error) {
	t.Helper()
	path, err := exec.LookPath("psql")
	if err != nil {
		t.Fatal("psql is needed for this test: apt-get install postgresql-client")
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "-X", "-w", "-c", ";")
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + t.TempDir(), "LC_ALL=C.UTF-8",
		"PGHOST=127.0.0.1", fmt.Sprintf("PGPORT=%d", s.addr.Port), "PGPASSWORD=" + password,
		"PGCONNECT_TIMEOUT=10", "PGGSSENCMODE=disable",
	}, env...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	return out.String(), err
}

func TestPsql(t *testing.T) {
	ca := newAuthority(t)
	roots := filepath.Join(t.TempDir(), "ca.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.cert.Raw})
	if err := os.WriteFile(roots, block, 0o600); err != nil {
		t.Fatal(err)
	}
	one := ca.serverConfig(t)
	two := one().Clone()
	two.Certificates = append(two.Certificates, ca.issue(t, "other"))
	plain := startServer(t, Options{})
	bound := startServer(t, Options{TLS: TLSPrefer, TLSConfig: one})
	unbound := startServer(t, Options{TLS: TLSPrefer, TLSConfig: func() *tls.Config { return two }})
	for _, c := range []struct {
		name     string
		server   *testServer
		password string
		env      []string
		want     string // part of the error; "": it works
	}{
		{"plain", plain, "app-password", []string{"PGUSER=app"}, ""},
		{"wrong password", plain, "x", []string{"PGUSER=app"}, `FATAL:  password authentication failed for user "app"`},
		{"SASLprep on both sides", plain, "pass\u2168\u00adword", []string{"PGUSER=plainprepped"}, ""},
		{"SASLprep, PostgreSQL's verifier", plain, "pass\u2168\u00adword", []string{"PGUSER=prepped"}, ""},
		{"no SASLprep form", plain, "\U0001f600 pass", []string{"PGUSER=emoji"}, ""},
		{"unknown database", plain, "app-password", []string{"PGUSER=app", "PGDATABASE=missing"}, `FATAL:  database "missing" does not exist`},
		{"options", plain, "app-password", []string{"PGUSER=app", "PGOPTIONS=-c geqo=off"}, ""},
		{"bad options", plain, "app-password", []string{"PGUSER=app", "PGOPTIONS=-B 5"}, `FATAL:  invalid command-line argument for server process: -B`},
		{"TLS where there is none", plain, "app-password", []string{"PGUSER=app", "PGSSLMODE=require"}, `server does not support SSL`},
		{"binding where there is no TLS", plain, "app-password", []string{"PGUSER=app", "PGCHANNELBINDING=require"}, `channel binding`},
		{"TLS verified", bound, "app-password", []string{"PGUSER=app", "PGSSLMODE=verify-full", "PGSSLROOTCERT=" + roots}, ""},
		{"binding", bound, "app-password", []string{"PGUSER=app", "PGSSLMODE=require", "PGCHANNELBINDING=require"}, ""},
		{"binding, wrong password", bound, "x", []string{"PGUSER=app", "PGSSLMODE=require", "PGCHANNELBINDING=require"}, `password authentication failed`},
		{"no binding offered", unbound, "app-password", []string{"PGUSER=app", "PGSSLMODE=require"}, ""},
		{"no binding offered, but required", unbound, "app-password", []string{"PGUSER=app", "PGSSLMODE=require", "PGCHANNELBINDING=require"}, `channel binding`},
	} {
		t.Run(c.name, func(t *testing.T) {
			out, err := psql(t, c.server, c.password, c.env...)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(out, c.want)) {
				t.Fatalf("psql: %v\n%s\nwant %q", err, out, c.want)
			}
		})
	}
}
