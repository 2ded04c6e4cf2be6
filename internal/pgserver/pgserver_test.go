package pgserver

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"
)

// holderVariable makes the test binary start a server and wait to be killed.
const holderVariable = "PGSERVER_TEST_HOLDER"

func TestMain(m *testing.M) {
	if os.Getenv(holderVariable) != "" {
		hold()
		return
	}
	goleak.VerifyTestMain(m)
}

func start(t *testing.T, opts Options) *Server {
	t.Helper()
	opts.NoSync = true
	s, err := Start(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return s
}

func queryText(t *testing.T, dsn, query string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	var text string
	if err := conn.QueryRow(t.Context(), query).Scan(&text); err != nil {
		t.Fatal(err)
	}
	return text
}

// processesOf counts the processes that work in a data directory.
func processesOf(t *testing.T, dataDir string) int {
	t.Helper()
	links, err := filepath.Glob("/proc/[0-9]*/cwd")
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	for _, link := range links {
		if dir, err := os.Readlink(link); err == nil && strings.TrimSuffix(dir, " (deleted)") == dataDir {
			count++
		}
	}
	return count
}

func TestServerIsPrivateAndGoesAway(t *testing.T) {
	s := start(t, Options{User: `o'"brien`, Password: `p'w/@:?`, Database: `My "db"`})
	got := map[string]string{}
	for name, query := range map[string]string{
		"user":     "SELECT current_user",
		"database": "SELECT current_database()",
		"owner":    "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()",
		"super":    "SELECT rolsuper::text FROM pg_roles WHERE rolname = current_user",
		"listen":   "SELECT current_setting('listen_addresses')",
		"encoding": "SELECT current_setting('server_encoding')",
	} {
		got[name] = queryText(t, s.DSN(), query)
	}
	want := map[string]string{
		"user": `o'"brien`, "database": `My "db"`, "owner": `o'"brien`, "super": "false",
		"listen": "127.0.0.1", "encoding": "UTF8",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	if got := queryText(t, s.AdminDSN(), "SELECT current_user::text || rolsuper FROM pg_roles WHERE rolname = current_user"); got != "postgrestrue" {
		t.Errorf("administrator is %q", got)
	}
	if got := queryText(t, s.AdminDSN(), "SELECT rolpassword FROM pg_authid WHERE rolname = 'postgres'"); !strings.HasPrefix(got, "SCRAM-SHA-256$") {
		t.Errorf("password is stored as %.20q", got)
	}
	wrong := strings.Replace(s.AdminDSN(), "postgres:", "postgres:x", 2)
	if conn, err := pgx.Connect(t.Context(), wrong); err == nil {
		conn.Close(t.Context())
		t.Error("a wrong password was accepted")
	}
	if processesOf(t, s.DataDir()) == 0 {
		t.Error("found no process of a running server: the count cannot be trusted")
	}
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := processesOf(t, s.DataDir()); n != 0 {
		t.Errorf("%d processes left", n)
	}
	if _, err := os.Stat(s.Dir()); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("directory is still there: %v", err)
	}
	if s.Running() {
		t.Error("closed server says it runs")
	}
}

func TestKillLeavesNoProcessAndRestartRecovers(t *testing.T) {
	s := start(t, Options{})
	if err := Exec(t.Context(), s.DSN(), "CREATE TABLE t AS SELECT 7 AS n"); err != nil {
		t.Fatal(err)
	}
	conn, err := pgx.Connect(t.Context(), s.DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	failed := make(chan error, 1)
	go func() { // a backend that burns CPU does not notice its postmaster's death
		_, err := conn.Exec(context.Background(), "DO $$ BEGIN LOOP END LOOP; END $$")
		failed <- err
	}()
	waitFor(t, func() bool {
		return queryText(t, s.AdminDSN(), "SELECT count(*)::text FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'DO %'") == "1"
	})
	if err := s.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := <-failed; err == nil {
		t.Error("the statement survived the server")
	}
	if n := processesOf(t, s.DataDir()); n != 0 {
		t.Errorf("%d processes left", n)
	}
	if s.Running() {
		t.Error("killed server says it runs")
	}
	if err := s.Signal(1); !errors.Is(err, os.ErrProcessDone) {
		t.Errorf("signal to a killed server: %v", err)
	}
	port := s.Port()
	if err := s.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s.Port() != port {
		t.Errorf("port changed from %d to %d", port, s.Port())
	}
	if got := queryText(t, s.DSN(), "SELECT n::text FROM t"); got != "7" {
		t.Errorf("row is %q", got)
	}
	if !strings.Contains(s.LogTail(), "not properly shut down") {
		t.Errorf("no crash recovery in the log:\n%s", s.LogTail())
	}
}

func TestStopAndRestart(t *testing.T) {
	s := start(t, Options{Settings: map[string]string{"work_mem": "1234kB"}})
	if got := queryText(t, s.DSN(), "SELECT current_setting('work_mem')"); got != "1234kB" {
		t.Errorf("setting is %q", got)
	}
	for range 2 { // the second finds nothing to stop
		if err := s.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if !portIsFree(s.Port()) {
		t.Error("port is still taken")
	}
	for range 2 { // the second stops it first
		if err := s.Restart(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := queryText(t, s.DSN(), "SELECT 'up'"); got != "up" {
			t.Errorf("got %q", got)
		}
	}
}

func TestFreezeAndThaw(t *testing.T) {
	s := start(t, Options{})
	conn, err := pgx.Connect(t.Context(), s.DSN())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := s.Freeze(); err != nil {
		t.Fatal(err)
	}
	answered := make(chan error, 1)
	go func() {
		_, err := conn.Exec(context.Background(), "SELECT 1")
		answered <- err
	}()
	select {
	case err := <-answered:
		t.Errorf("a frozen server answered: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	if err := s.Thaw(); err != nil {
		t.Fatal(err)
	}
	if err := <-answered; err != nil {
		t.Error(err)
	}
	if err := s.Freeze(); err != nil { // Close must not hang on it
		t.Fatal(err)
	}
}

func TestTLSFromFiles(t *testing.T) {
	cert, key := selfSigned(t)
	s := start(t, Options{
		Settings: map[string]string{"ssl": "on"},
		Files:    map[string][]byte{"server.crt": cert, "server.key": key},
	})
	if got := queryText(t, s.DSN(), "SELECT ssl::text FROM pg_stat_ssl WHERE pid = pg_backend_pid()"); got != "true" {
		t.Errorf("ssl is %q", got)
	}
}

func selfSigned(t *testing.T) (cert, key []byte) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}),
		pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})
}

func TestGivenDirStaysAndMustBeEmpty(t *testing.T) {
	dir, err := os.MkdirTemp("", "pgserver-given-")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	own := filepath.Join(dir, "own")
	s := start(t, Options{Dir: own})
	if err := s.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(own, "data", "PG_VERSION")); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(filepath.Join(own, "password")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("password file: %v", err)
	}
	if _, err := Start(t.Context(), Options{Dir: own}); err == nil || !strings.Contains(err.Error(), "not empty") {
		t.Errorf("second server in the same directory: %v", err)
	}
}

func TestFailuresLeaveNothing(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	t.Setenv("TMPDIR", t.TempDir())
	if err := os.Chmod(filepath.Dir(os.TempDir()), 0o755); err != nil {
		t.Fatal(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	made, existing := filepath.Join(os.TempDir(), "made"), t.TempDir()
	if err := os.Chmod(existing, 0o777); err != nil {
		t.Fatal(err)
	}
	bad := map[string]string{"no_such_setting": "1"}
	tests := []struct {
		name string
		ctx  context.Context
		opts Options
		step string
		log  string
	}{
		{"in a new directory", t.Context(), Options{Dir: made, Settings: bad}, "postgres", "no_such_setting"},
		{"in an existing directory", t.Context(), Options{Dir: existing, Settings: bad}, "postgres", "no_such_setting"},
		{"unknown setting", t.Context(), Options{Settings: bad}, "postgres", "no_such_setting"},
		{"port taken", t.Context(), Options{Port: taken.Addr().(*net.TCPAddr).Port}, "postgres", "could not bind"},
		{"context over", ended, Options{}, "initdb", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			test.opts.NoSync = true
			_, err := Start(test.ctx, test.opts)
			var failed *StartError
			if !errors.As(err, &failed) || failed.Step != test.step || !strings.Contains(failed.Log, test.log) {
				t.Errorf("got %v", err)
			}
			for _, dir := range []string{os.TempDir(), existing} {
				if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
					t.Errorf("left behind in %s: %v, %v", dir, left, err)
				}
			}
		})
	}
}

func TestBadOptions(t *testing.T) {
	tests := []struct {
		opts Options
		want []string
	}{
		{Options{Port: 70000, Settings: map[string]string{"a b": "1"}}, []string{"70000", `"a b"`}},
		{Options{Settings: map[string]string{"port": "1\nfsync=off"}}, []string{"line break"}},
		{Options{Database: "template1"}, []string{"template1"}},
		{Options{Password: "a\nb"}, []string{"line breaks"}},
		{Options{Files: map[string][]byte{"../x": nil}}, []string{"../x"}},
	}
	for _, test := range tests {
		_, err := Start(t.Context(), test.opts)
		for _, want := range test.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%+v: got %v, want %s in it", test.opts, err, want)
			}
		}
	}
}

func TestMissingServerNamesTheCure(t *testing.T) {
	empty := t.TempDir()
	for name, explicit := range map[string]string{"option": empty, "environment": ""} {
		_, err := findBinaries(explicit, func(string) string { return empty })
		var missing *MissingError
		if !errors.As(err, &missing) || !strings.Contains(err.Error(), "apt-get install -y postgresql") || !strings.Contains(err.Error(), empty) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNewestVersionFirst(t *testing.T) {
	root := t.TempDir()
	for _, version := range []string{"9.6", "15", "17", "odd"} {
		if err := os.MkdirAll(filepath.Join(root, version, "bin"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	for _, dir := range newestFirst(filepath.Join(root, "*", "bin")) {
		got = append(got, filepath.Base(filepath.Dir(dir)))
	}
	if diff := cmp.Diff([]string{"17", "15", "9.6", "odd"}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestUnreachableDirectoryIsRefused(t *testing.T) {
	closed := filepath.Join(t.TempDir(), "closed")
	if err := os.Mkdir(closed, 0o700); err != nil {
		t.Fatal(err)
	}
	stranger := &account{name: "stranger", uid: 4_000_000, gid: 4_000_000}
	err := stranger.reaches(filepath.Join(closed, "x"))
	if err == nil || !strings.Contains(err.Error(), closed) || !strings.Contains(err.Error(), "stranger") {
		t.Errorf("got %v", err)
	}
	if err := stranger.reaches("/x"); err != nil {
		t.Error(err)
	}
}

func TestTailKeepsTheEnd(t *testing.T) {
	var log tail
	for i := range 5000 {
		fmt.Fprintf(&log, "line %d\n", i)
	}
	if got := log.String(); len(got) != tailSize || !strings.HasSuffix(got, "line 4999\n") {
		t.Errorf("kept %d bytes ending in %q", len(got), got[len(got)-20:])
	}
}

// hold is the other process of TestNothingOutlivesItsParent.
func hold() {
	s, err := Start(context.Background(), Options{NoSync: true})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	fmt.Println(s.Dir())
	select {}
}

func TestNothingOutlivesItsParent(t *testing.T) {
	holder := exec.Command(os.Args[0], "-test.run=^$")
	holder.Env = append(os.Environ(), holderVariable+"=1")
	output, err := holder.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := holder.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(output).ReadString('\n')
	dir := strings.TrimSpace(line)
	if err != nil || !filepath.IsAbs(dir) {
		holder.Process.Kill()
		holder.Wait()
		t.Fatalf("the other process said %q, %v", line, err)
	}
	if processesOf(t, filepath.Join(dir, "data")) == 0 {
		t.Error("the server does not run")
	}
	if err := holder.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	holder.Wait()
	waitFor(t, func() bool {
		_, err := os.Stat(dir)
		return errors.Is(err, fs.ErrNotExist) && processesOf(t, filepath.Join(dir, "data")) == 0
	})
}

func waitFor(t *testing.T, condition func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !condition(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("waited in vain")
		}
	}
}
