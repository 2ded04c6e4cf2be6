package admin

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"shardproxy/internal/config"
)

func TestRefusesToListenInTheOpen(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, "token", "0123456789abcdef\n")
	cert := issue(t, dir, "server")
	const token = "token"
	tests := []struct {
		name   string
		config config.Admin
		ok     bool
	}{
		{"loopback", config.Admin{Listen: "127.0.0.1:0"}, true},
		{"loopback v6", config.Admin{Listen: "[::1]:0"}, true},
		{"localhost", config.Admin{Listen: "localhost:0"}, true},
		{"mapped loopback", config.Admin{Listen: "[::ffff:127.0.0.1]:0"}, true},
		{"all", config.Admin{Listen: ":7080"}, false},
		{"all v4", config.Admin{Listen: "0.0.0.0:7080"}, false},
		{"an address", config.Admin{Listen: "10.0.0.1:7080"}, false},
		{"a name", config.Admin{Listen: "proxy.example:7080"}, false},
		{"token only", config.Admin{Listen: ":7080", TokenFile: token}, false},
		{"TLS only", config.Admin{Listen: ":7080", TLS: config.AdminTLS{Cert: cert + ".pem", Key: cert + ".key"}}, false},
		{"TLS and token", config.Admin{Listen: ":7080", TokenFile: filepath.Join(dir, token), TLS: config.AdminTLS{Cert: cert + ".pem", Key: cert + ".key"}}, true},
		{"mutual TLS", config.Admin{Listen: ":7080", TLS: config.AdminTLS{Cert: cert + ".pem", Key: cert + ".key", ClientCA: cert + ".pem"}}, true},
		{"no port", config.Admin{Listen: "127.0.0.1"}, false},
		{"half a certificate", config.Admin{Listen: "127.0.0.1:0", TLS: config.AdminTLS{Cert: cert + ".pem"}}, false},
		{"missing token file", config.Admin{Listen: "127.0.0.1:0", TokenFile: filepath.Join(dir, "none")}, false},
		{"missing certificate", config.Admin{Listen: "127.0.0.1:0", TLS: config.AdminTLS{Cert: "none", Key: "none"}}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			opts := options(newFake())
			opts.Config = test.config
			if _, err := New(opts); (err == nil) != test.ok {
				t.Errorf("got %v", err)
			}
		})
	}
	if _, err := New(Options{Config: config.Admin{Listen: "127.0.0.1:0"}}); err == nil || !strings.Contains(err.Error(), "Logger") || !strings.Contains(err.Error(), "Readiness") {
		t.Errorf("got %v", err)
	}
}

func TestTokenFile(t *testing.T) {
	dir := t.TempDir()
	for content, ok := range map[string]bool{
		"0123456789abcdef":          true,
		"0123456789abcdef\n":        true,
		"0123456789abcdef\r\n":      true,
		"short\n":                   false,
		"":                          false,
		"0123456789abcdef\nmore":    false,
		" 0123456789abcdef":         false,
		"0123456789abcde\n\n\n\n\n": false,
	} {
		token, err := ReadToken(write(t, dir, "token", content))
		if (err == nil) != ok || (ok && token != "0123456789abcdef") {
			t.Errorf("%q: %q, %v", content, token, err)
		}
	}
}

func TestTokenAndTLSWithReload(t *testing.T) {
	dir := t.TempDir()
	cert := issue(t, dir, "server")
	opts := options(newFake())
	opts.Config.TokenFile = write(t, dir, "token", "0123456789abcdef\n")
	opts.Config.TLS = config.AdminTLS{Cert: cert + ".pem", Key: cert + ".key"}
	addr, server := serve(t, opts)
	trust := func() *tls.Config {
		pool, err := ReadPool(cert + ".pem")
		if err != nil {
			t.Fatal(err)
		}
		return &tls.Config{RootCAs: pool}
	}
	status := func(token string, tlsConfig *tls.Config) error {
		c := client(t, ClientOptions{Addr: "https://" + addr, Token: token, TLS: tlsConfig})
		_, err := c.Status(t.Context())
		return err
	}
	var problem *Problem
	if err := status("0123456789abcdef", trust()); err != nil {
		t.Error(err)
	}
	for _, wrong := range []string{"", "0123456789abcdeF", "0123456789abcdef0"} {
		if err := status(wrong, trust()); !errors.As(err, &problem) || problem.Code != CodeUnauthorized {
			t.Errorf("token %q: %v", wrong, err)
		}
	}
	health := &http.Client{Transport: &http.Transport{TLSClientConfig: trust()}}
	defer health.CloseIdleConnections()
	response, err := health.Get("https://" + addr + "/healthz")
	if err != nil || response.StatusCode != 200 {
		t.Fatalf("health needs no token: %v, %v", response, err)
	}
	response.Body.Close()

	old := trust()
	issue(t, dir, "server")
	write(t, dir, "token", "another-long-token\n")
	if err := status("0123456789abcdef", old); err != nil {
		t.Errorf("files changed, nobody reloaded: %v", err)
	}
	if err := server.Reload(); err != nil {
		t.Fatal(err)
	}
	if err := status("another-long-token", trust()); err != nil {
		t.Error(err)
	}
	if err := status("another-long-token", old); err == nil {
		t.Error("still shows the old certificate")
	}
	write(t, dir, "token", "short")
	if err := server.Reload(); err == nil {
		t.Error("a short token was taken")
	}
	if err := status("another-long-token", trust()); err != nil {
		t.Errorf("a failed reload changed something: %v", err)
	}
}

func TestMutualTLS(t *testing.T) {
	dir := t.TempDir()
	server := issue(t, dir, "server")
	authority := issue(t, dir, "authority")
	opts := options(newFake())
	opts.Config.TLS = config.AdminTLS{Cert: server + ".pem", Key: server + ".key", ClientCA: authority + ".pem"}
	addr, _ := serve(t, opts)
	roots, err := ReadPool(server + ".pem")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client(t, ClientOptions{Addr: "https://" + addr, TLS: &tls.Config{RootCAs: roots}}).Status(t.Context()); err == nil {
		t.Error("answered a caller without certificate")
	}
	for name, ok := range map[string]bool{"authority": true, "server": false} {
		pair, err := tls.LoadX509KeyPair(filepath.Join(dir, name+".pem"), filepath.Join(dir, name+".key"))
		if err != nil {
			t.Fatal(err)
		}
		c := client(t, ClientOptions{Addr: "https://" + addr, TLS: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}}})
		if _, err := c.Status(t.Context()); (err == nil) != ok {
			t.Errorf("certificate of %s: %v", name, err)
		}
	}
}

// TestCertificateNames: the audit says whose certificate it was, on whatever
// peer the change was decided.
func TestCertificateNames(t *testing.T) {
	dir := t.TempDir()
	server := issue(t, dir, "server")
	ops := issue(t, dir, "ops")
	g := newGroup(t)
	_, o := g.join("p1")
	g.start(t, "p1", o)
	_, o = g.join("p2")
	o.Config.TLS = config.AdminTLS{Cert: server + ".pem", Key: server + ".key", ClientCA: ops + ".pem"}
	addr := g.start(t, "p2", o)
	roots, err := ReadPool(server + ".pem")
	if err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(ops+".pem", ops+".key")
	if err != nil {
		t.Fatal(err)
	}
	c := client(t, ClientOptions{Addr: "https://" + addr, TLS: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}}})
	if _, err := c.SetFlag(t.Context(), "max_voters", "3"); err != nil {
		t.Fatal(err)
	}
	if logs := g.logged(); strings.Count(logs, `caller="certificate ops"`) != 2 {
		t.Error(logs)
	}
}

func write(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// issue writes a self-signed certificate NAME.pem and its NAME.key into dir
// and returns their common path.
func issue(t *testing.T, dir, name string) string {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber:          big.NewInt(time.Now().UnixNano()),
		Subject:               pkix.Name{CommonName: name},
		NotBefore:             time.Now().Add(-time.Hour),
		NotAfter:              time.Now().Add(time.Hour),
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1)},
		IsCA:                  true,
		BasicConstraintsValid: true,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	write(t, dir, name+".pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	write(t, dir, name+".key", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})))
	return filepath.Join(dir, name)
}
