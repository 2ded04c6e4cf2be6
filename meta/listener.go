package meta

import (
	"container/list"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"shardproxy/meta/topology"
)

const (
	// helloTimeout bounds the time until a connection has said what it is, its
	// TLS handshake included.
	helloTimeout = 5 * time.Second
	// maxStrangers is how many connections may be at that point at once. One
	// more, and the one that has taken longest is closed: a flood of silent
	// connections delays nobody who speaks.
	maxStrangers = 256
	// maxConnections bounds all connections together. Each peer keeps a few.
	maxConnections = 1024
	// raftHello begins a connection that speaks Raft. Its first byte begins no
	// HTTP request.
	raftHello = "\x01shardproxy raft 1\n"
)

// ListenOptions say where a peer listens for the other peers.
type ListenOptions struct {
	// Address is host and port. Beyond loopback TLS is required.
	Address string
	// Advertise is host and port under which the other peers reach this one;
	// the default is the address listened on, if that is one host's.
	Advertise string
	// TLS names the files for mutual TLS; nil is none.
	TLS *TLSFiles
	// Dial connects to other peers. Default: that of a net.Dialer.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
}

// listener is the one TCP listener of a peer. The first byte of a connection
// tells what it carries: Raft's messages or the HTTP calls of other peers.
//
// A connection reaches one of the two only after both sides have shown their
// certificates, where there are any.
type listener struct {
	id          topology.PeerID
	lineage     func() lineage // of this peer's state
	tcp         net.Listener
	files       *TLSFiles
	credentials atomic.Pointer[credentials] // nil: without TLS
	advertise   string
	dialer      func(ctx context.Context, network, address string) (net.Conn, error)
	logger      *slog.Logger

	raft, http *queue
	group      sync.WaitGroup
	dials      calls           // Raft's may begin after its end
	closing    context.Context // ends with the listener
	end        context.CancelFunc

	mu struct {
		sync.Mutex
		open      map[*openConn]struct{}
		strangers *list.List // of *openConn, the oldest in front
		closed    bool
	}
}

// listen opens the listener and starts to accept.
func listen(id topology.PeerID, state func() lineage, o *ListenOptions, logger *slog.Logger) (*listener, error) {
	l := &listener{id: id, lineage: state, files: o.TLS, advertise: o.Advertise, dialer: o.Dial, logger: logger}
	if l.dialer == nil {
		l.dialer = new(net.Dialer).DialContext
	}
	l.closing, l.end = context.WithCancel(context.Background())
	l.mu.open, l.mu.strangers = make(map[*openConn]struct{}), list.New()
	if err := l.reload(); err != nil {
		return nil, err
	}
	address, err := net.ResolveTCPAddr("tcp", o.Address)
	if err != nil {
		return nil, fmt.Errorf("meta: peer address %q: %w", o.Address, err)
	}
	if l.files == nil && !isLoopback(address.IP) {
		return nil, fmt.Errorf("meta: peer address %q: %w", o.Address, ErrNoTLS)
	}
	if l.tcp, err = net.ListenTCP("tcp", address); err != nil {
		return nil, fmt.Errorf("meta: peer address: %w", err)
	}
	if err := l.setAdvertise(address.IP); err != nil {
		l.tcp.Close()
		return nil, err
	}
	l.raft, l.http = newQueue(l.tcp.Addr()), newQueue(l.tcp.Addr())
	l.group.Go(l.accept)
	return l, nil
}

// setAdvertise checks the address that others get, or finds one.
func (l *listener) setAdvertise(ip net.IP) error {
	if l.advertise == "" {
		if ip == nil || ip.IsUnspecified() {
			return fmt.Errorf("meta: peer address %s is every address of this host: say which one the other peers should use (advertise)", l.tcp.Addr())
		}
		l.advertise = l.tcp.Addr().String()
	}
	host, port, err := net.SplitHostPort(l.advertise)
	if err == nil && (host == "" || port == "" || port == "0") {
		err = errors.New("it needs a host and a port")
	}
	if err != nil {
		return fmt.Errorf("meta: advertised address %q: %w", l.advertise, err)
	}
	return nil
}

// reload reads the TLS files again, for connections from now on. After an error
// the old ones stay in use.
func (l *listener) reload() error {
	if l.files == nil {
		return nil
	}
	c, err := l.files.load()
	if err != nil {
		return err
	}
	l.credentials.Store(c)
	return nil
}

// close ends the listener and every connection that it accepted.
func (l *listener) close() {
	l.end()
	l.tcp.Close()
	l.raft.end()
	l.http.end()
	l.mu.Lock()
	l.mu.closed = true
	open := slices.Collect(maps.Keys(l.mu.open))
	l.mu.Unlock()
	for _, conn := range open {
		conn.Conn.Close()
	}
	l.group.Wait()
	l.dials.close()
}

func (l *listener) accept() {
	const firstPause, lastPause = 5 * time.Millisecond, time.Second
	pause := firstPause
	for {
		conn, err := l.tcp.Accept()
		switch {
		case errors.Is(err, net.ErrClosed):
			return
		case err != nil: // no file descriptors left, most likely
			l.logger.Warn("peer connection not accepted", "error", err)
			if l.raft.closedWithin(pause) {
				return
			}
			pause = min(2*pause, lastPause)
			continue
		}
		pause = firstPause
		if stranger, ok := l.greet(conn); ok {
			l.group.Go(func() { l.sort(stranger) })
		}
	}
}

// greet registers a connection that has not said anything yet, or closes it.
func (l *listener) greet(accepted net.Conn) (_ *openConn, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.mu.closed || len(l.mu.open) >= maxConnections {
		accepted.Close()
		if !l.mu.closed {
			l.logger.Warn("peer connection refused: too many are open", "remote", accepted.RemoteAddr().String(), "limit", maxConnections)
		}
		return nil, false
	}
	if l.mu.strangers.Len() >= maxStrangers {
		oldest := l.mu.strangers.Front()
		l.mu.strangers.Remove(oldest)
		if conn, ok := oldest.Value.(*openConn); ok {
			conn.Conn.Close() // sort does the rest
		}
	}
	conn := &openConn{Conn: accepted, listener: l}
	conn.stranger = l.mu.strangers.PushBack(conn)
	l.mu.open[conn] = struct{}{}
	return conn, true
}

// known says that conn has said what it is.
func (l *listener) known(conn *openConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.mu.strangers.Remove(conn.stranger) // nothing, if another took its place
}

func (l *listener) forget(conn *openConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.mu.open, conn)
}

// sort finds out what a connection is for and hands it over.
func (l *listener) sort(conn *openConn) {
	sorted, to, err := l.hello(conn)
	l.known(conn)
	if err != nil {
		_ = conn.Close()             // there is nothing to lose
		if !errors.Is(err, io.EOF) { // those that look whether the port is open
			l.logger.Debug("peer connection closed", "remote", conn.RemoteAddr().String(), "error", err)
		}
		return
	}
	to.put(sorted)
}

// hello does the TLS handshake and reads how the connection begins.
func (l *listener) hello(conn net.Conn) (net.Conn, *queue, error) {
	if err := conn.SetDeadline(time.Now().Add(helloTimeout)); err != nil {
		return nil, nil, err
	}
	if c := l.credentials.Load(); c != nil {
		secure := tls.Server(conn, c.server)
		if err := secure.HandshakeContext(context.Background()); err != nil {
			return nil, nil, err
		}
		conn = secure
	}
	first := make([]byte, 1)
	if _, err := io.ReadFull(conn, first); err != nil {
		return nil, nil, err
	}
	to := l.http
	switch {
	case first[0] == raftHello[0]:
		if err := l.helloRaft(conn); err != nil {
			return nil, nil, err
		}
		to = l.raft
	case first[0] < 'A' || first[0] > 'Z': // no HTTP method
		return nil, nil, fmt.Errorf("it begins with byte %#x: neither Raft nor HTTP", first[0])
	default:
		conn = &unreadConn{Conn: conn, unread: first}
	}
	return conn, to, conn.SetDeadline(time.Time{})
}

// helloRaft reads what follows the first byte of a connection for Raft.
func (l *listener) helloRaft(conn net.Conn) error {
	const line = len(raftHello) - 1
	var theirs lineage
	rest := make([]byte, line+len(theirs)+1)
	if _, err := io.ReadFull(conn, rest); err != nil {
		return err
	}
	copy(theirs[:], rest[line:])
	length := int(rest[len(rest)-1])
	if string(rest[:line]) != raftHello[1:] || length > maxPeerID {
		return errors.New("it is not a peer's, or one of another version")
	}
	id := make([]byte, length)
	if _, err := io.ReadFull(conn, id); err != nil {
		return err
	}
	if string(id) != string(l.id) {
		return fmt.Errorf("it is meant for peer %q", id)
	}
	if !l.lineage().accepts(theirs) {
		return errors.New("it is of another cluster, or of one before a recovery")
	}
	return nil
}
