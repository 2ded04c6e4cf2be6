package meta

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"

	"github.com/hashicorp/raft"
)

// dial connects to another peer's listener.
func (l *listener) dial(ctx context.Context, address string) (net.Conn, error) {
	if !l.dials.begin() {
		return nil, net.ErrClosed
	}
	defer l.dials.end()
	c := l.credentials.Load()
	ctx, cancel := context.WithTimeout(ctx, helloTimeout)
	defer cancel()
	defer context.AfterFunc(l.closing, cancel)()
	conn, err := l.dialer(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	if c == nil {
		if leavesMachine(conn) {
			conn.Close()
			return nil, fmt.Errorf("meta: peer at %s: %w", address, ErrNoTLS)
		}
		return conn, nil
	}
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		conn.Close()
		return nil, err
	}
	config := c.client.Clone()
	config.ServerName = host
	secure := tls.Client(conn, config)
	if err := secure.HandshakeContext(ctx); err != nil {
		conn.Close()
		return nil, fmt.Errorf("meta: peer at %s: %w", address, err)
	}
	return secure, nil
}

// raftStreams carries Raft's messages over the listener's connections.
type raftStreams struct {
	*queue
	listener *listener
}

var _ raft.StreamLayer = raftStreams{}

// hello is how a connection for Raft begins: a line, the sender's lineage, and
// the length and the name of the peer that it is meant for.
func hello(id string, l lineage) []byte {
	b := append([]byte(raftHello), l[:]...)
	return append(append(b, byte(len(id))), id...)
}

// Dial implements raft.StreamLayer. The address comes from withID.
func (s raftStreams) Dial(address raft.ServerAddress, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	id, hostPort := splitID(address)
	if len(id) > maxPeerID {
		return nil, fmt.Errorf("meta: peer id %q is too long", id)
	}
	conn, err := s.listener.dial(ctx, hostPort)
	if err != nil {
		return nil, err
	}
	if err := conn.SetWriteDeadline(time.Now().Add(timeout)); err != nil {
		conn.Close()
		return nil, err
	}
	if _, err := conn.Write(hello(id, s.listener.lineage())); err != nil {
		conn.Close()
		return nil, err
	}
	return conn, conn.SetWriteDeadline(time.Time{})
}

// Addr implements net.Listener: the address that the other peers know.
func (s raftStreams) Addr() net.Addr { return advertised(s.listener.advertise) }

// advertised is an address as the configuration has it, maybe with a name.
type advertised string

// Network implements net.Addr.
func (advertised) Network() string { return "tcp" }

// String implements net.Addr.
func (a advertised) String() string { return string(a) }
