package pgstartup

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"shardproxy/protocol/pgwire"
	"shardproxy/protocol/sqlerr"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// userList is a Users for tests.
type userList map[string]Login

func (u userList) Login(user, database string) (Login, bool) {
	l, ok := u[user]
	if ok && database == "missing" {
		l.Denied = sqlerr.UndefinedDatabase(database)
	}
	return l, ok
}

func secret(t testing.TB, text string) Secret {
	t.Helper()
	s, err := ParseSecret(text)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Verifiers as PostgreSQL 15 made them, of "geheim" and of "pass\u2168\u00adword",
// whose SASLprep form is "passIXword".
const (
	storedVerifier  = "SCRAM-SHA-256$4096:T6Zl/33RV7RE92Kglekm+Q==$laiC5TqCTfXPuUI3hZj+DCLGNcW/7mtIWV4t5GQG6uM=:yX8yEoUkx/D/EHJsGl2uHKx2bCg/GObUa6pgCN+TXyQ="
	preppedVerifier = "SCRAM-SHA-256$4096:uVKcaZUfGvv0WoLpsP+XuQ==$a1elZks9lidjewhbRQ7i4ASnGAq/wxpqDhu83JkS/8E=:wvJ1UWxkTwxJc8AAmw2u7GNNEJNapxu4SkUXLPe/fwc="
)

// testPasswords are derived once: each takes some milliseconds.
var testPasswords = sync.OnceValues(func() (userList, error) {
	users := userList{"nobody": {}}
	for name, password := range map[string]string{
		"app": "app-password", "stored": storedVerifier, "prepped": preppedVerifier,
		"plainprepped": "pass\u2168\u00adword", "emoji": "\U0001f600 pass",
	} {
		s, err := ParseSecret(password)
		if err != nil {
			return nil, err
		}
		users[name] = Login{Secret: s}
	}
	return users, nil
})

func testUsers(t testing.TB) userList {
	t.Helper()
	users, err := testPasswords()
	if err != nil {
		t.Fatal(err)
	}
	return users
}

// outcome is what Accept gave for a connection.
type outcome struct {
	result *Result
	err    error
}

// testServer logs clients in and answers queries with an empty result.
type testServer struct {
	addr     *net.TCPAddr
	outcomes chan outcome
	ready    func(*Result) error
}

func startServer(t testing.TB, o Options) *testServer {
	t.Helper()
	if o.Users == nil {
		o.Users = testUsers(t)
	}
	a, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s := &testServer{
		addr:     ln.Addr().(*net.TCPAddr),
		outcomes: make(chan outcome, 100),
		ready:    func(r *Result) error { return r.Ready(testParameters(), CancelKey{7, []byte("abcd")}) },
	}
	ctx, cancel := context.WithCancel(context.Background())
	var group sync.WaitGroup
	group.Go(func() {
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			group.Go(func() { s.serve(ctx, a, conn) })
		}
	})
	t.Cleanup(func() {
		cancel()
		_ = ln.Close()
		group.Wait()
	})
	return s
}

func testParameters() []Setting {
	return []Setting{{"server_version", "15.7"}, {"client_encoding", "UTF8"}, {"standard_conforming_strings", "on"}}
}

func (s *testServer) serve(ctx context.Context, a *Acceptor, conn net.Conn) {
	defer conn.Close()
	result, err := a.Accept(ctx, conn)
	s.outcomes <- outcome{result, err}
	if err != nil || result.Cancel != nil || s.ready(result) != nil {
		return
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	r := pgwire.NewReader(result.Conn, pgwire.ReaderOptions{Unread: result.Unread})
	defer r.Close()
	for {
		typ, _, err := r.Next()
		if err != nil || typ == pgwire.MsgTerminate {
			return
		}
		if typ == pgwire.MsgQuery {
			out := pgwire.AppendReadyForQuery(pgwire.AppendEmptyQueryResponse(nil), pgwire.TxIdle)
			if _, err := result.Conn.Write(out); err != nil {
				return
			}
		}
	}
}

// outcome waits for what Accept gave for the next connection.
func (s *testServer) outcome(t testing.TB) outcome {
	t.Helper()
	select {
	case o := <-s.outcomes:
		return o
	case <-time.After(10 * time.Second):
		t.Fatal("Accept does not return")
		return outcome{}
	}
}

func (s *testServer) dial(t testing.TB) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", s.addr.String())
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// wantSQLState checks the error Accept returned.
func wantSQLState(t testing.TB, err error, sqlstate string) *sqlerr.Error {
	t.Helper()
	e, ok := errors.AsType[*sqlerr.Error](err)
	if !ok || e.SQLState != sqlstate || e.Severity != sqlerr.SeverityFatal {
		t.Fatalf("Accept returned %v, want FATAL %s", err, sqlstate)
	}
	return e
}

// readAll reads until the server closes the connection.
func readAll(t testing.TB, conn net.Conn) []byte {
	t.Helper()
	b, err := io.ReadAll(conn)
	if err != nil {
		t.Fatalf("after %q: %v", b, err)
	}
	return b
}

// authority is a certificate authority for tests.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	pool *x509.CertPool
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test authority"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(cert)
	return &authority{cert: cert, key: key, pool: pool}
}

// issue makes a certificate for a name, usable on both sides.
func (a *authority) issue(t testing.TB, name string) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, DNSNames: []string{"localhost"},
		KeyUsage:    x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, a.cert, &key.PublicKey, a.key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// serverConfig is a TLS configuration for a server with one certificate.
func (a *authority) serverConfig(t testing.TB) func() *tls.Config {
	cfg := &tls.Config{Certificates: []tls.Certificate{a.issue(t, "localhost")}, MinVersion: tls.VersionTLS12}
	return func() *tls.Config { return cfg }
}
