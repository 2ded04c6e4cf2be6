package main

import (
	"crypto/tls"
	"fmt"
	"sync/atomic"

	"shardproxy/admin"
	"shardproxy/internal/config"
)

// certificates are the listener's, as the files held them when they were read
// last.
type certificates struct{ tls atomic.Pointer[tls.Config] }

// load reads the files. When it fails, the certificates in use stay.
func (c *certificates) load(section config.PostgresTLS) error {
	next, err := readTLS(section)
	if err != nil {
		return err
	}
	c.tls.Store(next)
	return nil
}

// config is what new connections use; nil: there is no certificate.
func (c *certificates) config() *tls.Config { return c.tls.Load() }

// readTLS reads the files that a section names; nil without a certificate.
func readTLS(c config.PostgresTLS) (*tls.Config, error) {
	if c.Cert == "" {
		return nil, nil
	}
	pair, err := tls.LoadX509KeyPair(c.Cert, c.Key)
	if err != nil {
		return nil, fmt.Errorf("postgres.tls: %s with %s: %w", c.Cert, c.Key, err)
	}
	t := &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12}
	if c.ClientCert == "none" {
		return t, nil
	}
	if t.ClientCAs, err = admin.ReadPool(c.ClientCA); err != nil {
		return nil, fmt.Errorf("postgres.tls.client_ca: %w", err)
	}
	t.ClientAuth = tls.RequireAndVerifyClientCert
	return t, nil
}
