package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/http"
	"os"
	"strings"

	"shardproxy/internal/config"
)

// minToken is the least number of characters of a token.
const minToken = 16

// credentials are what the files of the configuration held when they were
// read. They are replaced as a whole.
type credentials struct {
	tls   *tls.Config // nil: plain HTTP
	token *[sha256.Size]byte
}

func readCredentials(c config.Admin) (*credentials, error) {
	read := &credentials{}
	if c.TokenFile != "" {
		token, err := ReadToken(c.TokenFile)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256([]byte(token))
		read.token = &sum
	}
	if c.TLS.Cert == "" {
		return read, nil
	}
	certificate, err := tls.LoadX509KeyPair(c.TLS.Cert, c.TLS.Key)
	if err != nil {
		return nil, fmt.Errorf("admin.tls: %w", err)
	}
	read.tls = &tls.Config{
		Certificates: []tls.Certificate{certificate},
		MinVersion:   tls.VersionTLS12,
		NextProtos:   []string{"h2", "http/1.1"},
	}
	if c.TLS.ClientCA != "" {
		pool, err := ReadPool(c.TLS.ClientCA)
		if err != nil {
			return nil, fmt.Errorf("admin.tls.client_ca: %w", err)
		}
		read.tls.ClientCAs = pool
		read.tls.ClientAuth = tls.RequireAndVerifyClientCert
	}
	return read, nil
}

// ReadToken reads a token from a file: its first line, at least 16 characters.
func ReadToken(path string) (string, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("token file: %w", err)
	}
	token, rest, _ := strings.Cut(strings.TrimRight(string(content), "\r\n"), "\n")
	if rest != "" || len(token) < minToken || strings.TrimSpace(token) != token {
		return "", fmt.Errorf("token file %s: want one line of at least %d characters without blanks around it", path, minToken)
	}
	return token, nil
}

// ReadPool reads the certificates of authorities from a PEM file.
func ReadPool(path string) (*x509.CertPool, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(content) {
		return nil, fmt.Errorf("%s holds no certificate in PEM format", path)
	}
	return pool, nil
}

// allows reports whether a request shows the token, where there is one. The
// time it takes says nothing about the token.
func (c *credentials) allows(r *http.Request) bool {
	if c.token == nil {
		return true
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	sum := sha256.Sum256([]byte(strings.TrimSpace(token)))
	return subtle.ConstantTimeCompare(sum[:], c.token[:]) == 1 && strings.EqualFold(scheme, "Bearer")
}
