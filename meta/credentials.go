package meta

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"os"
)

// ErrNoTLS is wrapped by errors for peer traffic that would leave the machine
// in the clear. Raft has no authentication of its own, and its log carries
// passwords.
var ErrNoTLS = errors.New("peers beyond loopback need mutual TLS: set certificate, key and ca")

// TLSFiles name the PEM files by which peers know each other. Each peer has a
// certificate for the host it advertises, for client and server use, of an
// authority that signs for the peers of this cluster and for nobody else:
// whoever holds one is a peer.
type TLSFiles struct {
	Certificate, Key, CA string
}

// credentials are the two sides of one version of the files.
type credentials struct {
	server, client *tls.Config
}

// load reads the files.
func (f *TLSFiles) load() (*credentials, error) {
	certificate, err := tls.LoadX509KeyPair(f.Certificate, f.Key)
	if err != nil {
		return nil, fmt.Errorf("meta: certificate %s with key %s: %w", f.Certificate, f.Key, err)
	}
	pem, err := os.ReadFile(f.CA)
	if err != nil {
		return nil, fmt.Errorf("meta: certificate authority: %w", err)
	}
	authority := x509.NewCertPool()
	if !authority.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("meta: certificate authority %s: there is no certificate in it", f.CA)
	}
	shared := &tls.Config{Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS13}
	c := &credentials{server: shared.Clone(), client: shared}
	c.server.ClientAuth = tls.RequireAndVerifyClientCert
	c.server.ClientCAs = authority
	// A resumed session would outlive a change of the authority.
	c.server.SessionTicketsDisabled = true
	c.client.RootCAs = authority
	return c, nil
}

// leavesMachine says whether what is sent over conn can be seen by others.
func leavesMachine(conn net.Conn) bool {
	address, ok := conn.RemoteAddr().(*net.TCPAddr)
	return !ok || !isLoopback(address.IP)
}

func isLoopback(ip net.IP) bool { return ip != nil && ip.IsLoopback() }
