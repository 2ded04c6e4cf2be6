package pgstartup

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"

	"github.com/xdg-go/scram"

	"shardproxy/protocol/sqlerr"
)

// tlsHandshakeRecord is the first byte of a TLS connection that did not ask by
// SSLRequest. No startup packet begins with it: its length would be beyond
// any limit.
const tlsHandshakeRecord = 0x16

// alpn is PostgreSQL's protocol name in TLS.
const alpn = "postgresql"

// errHandshake: TLS could not be agreed on, or a certificate was refused.
var errHandshake = errors.New("TLS handshake")

// tlsState is what the login needs to know of an encrypted connection.
type tlsState struct {
	// binding ties SCRAM to the certificate the client saw. It is empty where
	// that is not possible.
	binding scram.ChannelBinding
	// commonName is that of the client's verified certificate, or "".
	commonName string
}

// sslRequest answers S and starts TLS, or answers N (manual, section "SSL
// Session Encryption").
func (h *handshake) sslRequest(body []byte) error {
	if err := h.requestAlone("SSLRequest", body); err != nil {
		return err
	}
	cfg := h.a.tlsConfig()
	if cfg == nil {
		return h.send([]byte{'N'})
	}
	if err := h.send([]byte{'S'}); err != nil {
		return err
	}
	return h.startTLS(h.raw, cfg)
}

// directTLS serves a client that began with TLS at once; such a client has to
// name the protocol.
func (h *handshake) directTLS() error {
	h.mute = true
	cfg := h.a.tlsConfig()
	if cfg == nil || h.sslAsked || h.gssAsked {
		return sqlerr.ProtocolViolation("received a TLS handshake where none was agreed on").Fatal()
	}
	seen := append([]byte(nil), h.in.unread()...)
	if err := h.startTLS(&replayConn{Conn: h.raw, seen: seen}, cfg); err != nil {
		return err
	}
	if conn, ok := h.in.conn.(*tls.Conn); !ok || conn.ConnectionState().NegotiatedProtocol != alpn {
		return sqlerr.ProtocolViolation("received a direct TLS connection without the ALPN protocol " + alpn).Fatal()
	}
	return nil
}

// tlsConfig is the configuration for the next connection; nil: no TLS.
func (a *Acceptor) tlsConfig() *tls.Config {
	if a.o.TLS == TLSDisable {
		return nil
	}
	cfg := a.o.TLSConfig()
	if cfg == nil {
		return nil
	}
	cfg = cfg.Clone()
	// A resumed session would not present the certificate again.
	cfg.SessionTicketsDisabled = true
	if len(cfg.NextProtos) == 0 {
		cfg.NextProtos = []string{alpn}
	}
	return cfg
}

func (h *handshake) startTLS(raw net.Conn, cfg *tls.Config) error {
	h.mute = true
	conn := tls.Server(raw, cfg)
	// Accept interrupts it; HandshakeContext would close the connection.
	if err := conn.Handshake(); err != nil {
		return fmt.Errorf("%w: %w", errHandshake, err)
	}
	h.mute = false
	h.in = stream{conn: conn}
	h.tls = &tlsState{binding: endpointBinding(cfg), commonName: verifiedName(conn.ConnectionState())}
	return nil
}

// endpointBinding is the channel binding tls-server-end-point (RFC 5929) where
// it is certain which certificate the client saw.
func endpointBinding(cfg *tls.Config) scram.ChannelBinding {
	if len(cfg.Certificates) != 1 || cfg.GetCertificate != nil || cfg.GetConfigForClient != nil {
		return scram.ChannelBinding{}
	}
	leaf, err := leafOf(&cfg.Certificates[0])
	if err != nil {
		return scram.ChannelBinding{}
	}
	// The function takes the client's view of the connection.
	seen := &tls.ConnectionState{PeerCertificates: []*x509.Certificate{leaf}}
	binding, err := scram.NewTLSServerEndpointBinding(seen)
	if err != nil { // a signature without a hash, such as Ed25519's
		return scram.ChannelBinding{}
	}
	return binding
}

func leafOf(c *tls.Certificate) (*x509.Certificate, error) {
	if c.Leaf != nil {
		return c.Leaf, nil
	}
	if len(c.Certificate) == 0 {
		return nil, x509.ErrUnsupportedAlgorithm
	}
	return x509.ParseCertificate(c.Certificate[0])
}

// verifiedName is the common name of the client's certificate if it was
// verified.
func verifiedName(state tls.ConnectionState) string {
	if len(state.VerifiedChains) == 0 || len(state.PeerCertificates) == 0 {
		return ""
	}
	return state.PeerCertificates[0].Subject.CommonName
}

// replayConn gives out bytes that were read already before those that follow.
type replayConn struct {
	net.Conn
	seen []byte
}

// Read returns the bytes seen before, then those of the connection.
func (c *replayConn) Read(p []byte) (int, error) {
	if len(c.seen) == 0 {
		return c.Conn.Read(p)
	}
	n := copy(p, c.seen)
	c.seen = c.seen[n:]
	return n, nil
}
