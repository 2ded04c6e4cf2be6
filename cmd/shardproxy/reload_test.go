package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"shardproxy/internal/config"
)

// TestReload changes users, limits and the log level of a serving process.
func TestReload(t *testing.T) {
	t.Parallel()
	c := newSettings(t)
	c.postgres = ", max_client_conn: 50"
	s := c.serve(t)
	conn := s.connect()
	must(t, conn, "CREATE TABLE users (id bigint PRIMARY KEY)")

	c.users = "[{name: app, password: changed}, {name: ada, password: ada}]"
	c.pool = "{min: 0, max: 7}"
	c.postgres = ", max_client_conn: 2, drain_timeout: 1s"
	c.more = "log: {level: debug}\n"
	s.reload(c)
	s.await(`msg="configuration key not taken over: it needs a restart" key=postgres.drain_timeout`)
	s.await(`msg="configuration reloaded" changed="\[databases.app.pool.max log.level postgres.max_client_conn users.ada users.app\]"`)

	if _, err := s.login("app", "secret"); sqlState(err) != "28P01" {
		t.Errorf("login with the old password: %v, want 28P01", err)
	}
	ada, err := s.login("ada", "ada")
	for deadline := time.Now().Add(patience); sqlState(err) == "53300" && time.Now().Before(deadline); {
		ada, err = s.login("ada", "ada") // the one that was refused may not be gone yet
	}
	if err != nil {
		t.Fatalf("login of a new user: %v", err)
	}
	must(t, ada, "INSERT INTO users VALUES (1)")
	if _, err := s.login("app", "changed"); sqlState(err) != "53300" {
		t.Errorf("a third client: %v, want 53300", err)
	}
	if n := count(t, conn, "SELECT count(*) FROM users"); n != 1 { // who was there stays
		t.Errorf("%d users, want 1", n)
	}
	closeNow(ada)
	s.await("level=DEBUG")
}

// TestReloadRefusesWhatIsWrong: then everything stays as it was.
func TestReloadRefusesWhatIsWrong(t *testing.T) {
	t.Parallel()
	c := newSettings(t)
	s := c.serve(t)
	tests := []struct {
		name string
		with func(*settings)
		want string
	}{
		{"a typing error", func(c *settings) { c.more = "usres: []\n" }, `usres: unknown key`},
		{"nobody may log in", func(c *settings) { c.users = "[]" }, "at least one user is needed"},
		{"a certificate that is not there", func(c *settings) {
			c.postgres = ", tls: {cert: /nonexistent/cert.pem, key: /nonexistent/key.pem}"
		}, "postgres.tls: /nonexistent/cert.pem"},
		{"a password that cannot be one", func(c *settings) {
			c.users = "[{name: app, password: md5900150983cd24fb0d6963f7d28e17f72}]"
		}, "MD5 password hashes are not supported"},
	}
	for _, test := range tests {
		broken := *c
		broken.users = "[{name: app, password: changed}]"
		test.with(&broken)
		s.reload(&broken)
		s.await("configuration not reloaded, everything stays as it was.*" + regexp.QuoteMeta(test.want))
		conn, err := s.login("app", "secret")
		if err != nil {
			t.Fatalf("%s: the old password: %v", test.name, err)
		}
		closeNow(conn)
	}
}

// TestReloadCertificates: new connections use the new certificate.
func TestReloadCertificates(t *testing.T) {
	t.Parallel()
	c := newSettings(t)
	dir := t.TempDir()
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	first := writeCertificate(t, cert, key)
	c.postgres = `, tls: {mode: require, cert: "` + cert + `", key: "` + key + `"}`
	s := c.serve(t)

	if _, err := s.login("app", "secret"); sqlState(err) != "28000" {
		t.Errorf("a login without TLS: %v, want 28000", err)
	}
	if got := s.certificate(); !bytes.Equal(got, first) {
		t.Error("the certificate is not the configured one")
	}
	second := writeCertificate(t, cert, key)
	s.reload(c)
	if got := s.certificate(); !bytes.Equal(got, second) {
		t.Error("the certificate is not the new one")
	}
	if err := os.WriteFile(cert, []byte("nonsense"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.reload(c)
	s.await("configuration not reloaded")
	if got := s.certificate(); !bytes.Equal(got, second) {
		t.Error("the certificate did not stay when the file was broken")
	}
}

// certificate is what a client is shown.
func (s *serving) certificate() []byte {
	s.t.Helper()
	config, err := pgx.ParseConfig(s.dsn("app", "secret"))
	if err != nil {
		s.t.Fatal(err)
	}
	config.TLSConfig = &tls.Config{InsecureSkipVerify: true} // it is compared
	conn, err := pgx.ConnectConfig(s.t.Context(), config)
	if err != nil {
		s.t.Fatal(err)
	}
	defer closeNow(conn)
	return conn.PgConn().Conn().(*tls.Conn).ConnectionState().PeerCertificates[0].Raw
}

// writeCertificate makes a certificate for this machine and returns it.
func writeCertificate(t *testing.T, cert, key string) []byte {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: "localhost"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{
		cert: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: pkcs8},
	} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return der
}

// sample is a configuration with a bit of everything.
const sample = `
postgres: {listen: "127.0.0.1:6432", max_client_conn: 10, tls: {cert: a, key: b}}
log: {level: info}
users:
  - {name: ada, password: a}
  - {name: bob, password: b}
databases:
  app:
    nodes: [{name: pg-1, dsn: "postgres://a:a@h1/app"}]
    pool: {min: 1, max: 5}
    tables: {orders: {key: user, column: customer_id}}
  my.pool.x:
    nodes: [{name: pg-1, dsn: "postgres://a:a@h2/app"}]
`

func parse(t *testing.T, text string) *config.Config {
	t.Helper()
	c, err := config.Parse("test", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestMerge(t *testing.T) {
	tests := []struct {
		name        string
		replace     []string // pairs
		taken, left []string
	}{
		{"nothing", nil, nil, nil},
		{"a password", []string{"password: a}", "password: c}"}, []string{"users.ada"}, nil},
		{"a user gone and one new", []string{"name: bob", "name: cyd"}, []string{"users.bob", "users.cyd"}, nil},
		{"pools", []string{"max: 5", "max: 6, session: true"}, []string{"databases.app.pool.max", "databases.app.pool.session"}, nil},
		{"the listener", []string{":6432", ":6433"}, nil, []string{"postgres.listen"}},
		{
			"limits and level",
			[]string{"max_client_conn: 10", "max_client_conn: 11", "level: info", "level: warn"},
			[]string{"log.level", "postgres.max_client_conn"},
			nil,
		},
		{"a certificate", []string{"cert: a", "cert: c"}, []string{"postgres.tls.cert"}, nil},
		{
			"a certificate for another mode",
			[]string{"cert: a", "cert: c, mode: require"},
			nil,
			[]string{"postgres.tls.cert", "postgres.tls.mode"},
		},
		{"nodes", []string{"@h1/", "@h3/"}, nil, []string{"databases.app.nodes"}},
		{"nodes of a database with a treacherous name", []string{"@h2/", "@h3/"}, nil, []string{"databases.my.pool.x.nodes"}},
		{"a rule", []string{"customer_id", "owner_id"}, nil, []string{"databases.app.tables.orders.column"}},
		{
			"a new database",
			[]string{"  my.pool.x:", "  other:\n    nodes: [{name: pg-1, dsn: \"postgres://a:a@h4/app\"}]\n  my.pool.x:"},
			nil,
			[]string{"databases.other"},
		},
		{"an empty list", []string{"level: info}", "level: info}\npeer: {join: []}"}, nil, nil},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			old := parse(t, sample)
			next := parse(t, strings.NewReplacer(test.replace...).Replace(sample))
			merged, taken, left := merge(old, next)
			if diff := cmp.Diff(test.taken, taken); diff != "" {
				t.Errorf("taken over: -want +got\n%s", diff)
			}
			if diff := cmp.Diff(test.left, left); diff != "" {
				t.Errorf("left: -want +got\n%s", diff)
			}
			// What was taken over is in force now, and nothing else.
			if diff := cmp.Diff(test.taken, changedKeys(old, merged)); diff != "" {
				t.Errorf("changed by the merge: -want +got\n%s", diff)
			}
			if diff := cmp.Diff(test.left, changedKeys(merged, next)); diff != "" {
				t.Errorf("left by the merge: -want +got\n%s", diff)
			}
			if diff := cmp.Diff(parse(t, sample), old); diff != "" {
				t.Errorf("the configuration in force was changed\n%s", diff)
			}
		})
	}
}

// TestReloadInCluster: what the peers agree on is not read from a file again, and the
// log says who changes it.
func TestReloadInCluster(t *testing.T) {
	t.Parallel()
	peer := newClusterPeer(t, "proxy-1", cluster.NewDatabases(t), nil)
	s := peer.run(t)
	changed := strings.Replace(string(readFile(t, peer.path)), "password: secret", "password: other", 1)
	write(t, peer.path, changed+"log: {level: debug}\n")
	s.signal(syscall.SIGHUP)
	s.await(`msg="configuration key not taken over: in a cluster shardctl changes it" key=users.app`)
	s.await(`msg="configuration reloaded" changed=\[log.level\]`)
	s.connect() // with the password as it was
}
