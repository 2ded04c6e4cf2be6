// Package router accepts clients and runs their sessions: limits, logins, cancel
// requests, clients that vanish, and an orderly stop.
//
// Goroutines: one that accepts, one per client, one that watches for clients
// that vanished while a node works for them. Serve waits for all of them.
package router

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"log/slog"
	"net"
	"sort"
	"sync"
	"sync/atomic"
	"time"

	"shardproxy/internal/nonblock"
	"shardproxy/meta/topology"
	"shardproxy/protocol/pgstartup"
	"shardproxy/protocol/sqlerr"
	"shardproxy/router/pgsession"
)

// Metrics is told what the listener does. Methods must be cheap and safe for
// concurrent use.
type Metrics interface {
	// ClientAccepted is called for each connection, whatever becomes of it.
	ClientAccepted()
	// ClientConnected and ClientGone are called around each session.
	ClientConnected(database string)
	ClientGone(database string)
	// Traffic returns what counts the bytes of a database's clients; called once
	// per session.
	Traffic(database string) Traffic
	// ClientRefused is called for each connection that did not become a session.
	ClientRefused(err *sqlerr.Error)
	// CancelRequested is called for each CancelRequest.
	CancelRequested(outcome CancelOutcome)
}

// Options configure a Server.
type Options struct {
	// Listener accepts the clients. Required; Serve closes it.
	Listener net.Listener
	// Startup performs the logins. Required.
	Startup *pgstartup.Acceptor
	// Sessions makes the sessions. Required.
	Sessions *pgsession.Shared
	// Topology returns the present topology: users and databases. Required.
	Topology func() *topology.Topology
	// Peer is this peer's name; Peers are the others, nil if there are none.
	Peer  topology.PeerID
	Peers Peers
	// MaxClients is the largest number of connected clients. Default 10000.
	MaxClients int
	// Keepalive is the TCP keepalive interval of clients; 0 switches it off.
	Keepalive time.Duration
	// DrainTimeout is how long Serve waits for open transactions at its end.
	DrainTimeout time.Duration
	// Hurry, once closed, ends the drain before its time. May be nil.
	Hurry <-chan struct{}
	// Logger. Required.
	Logger *slog.Logger
	// Metrics. Required.
	Metrics Metrics
}

// Server serves PostgreSQL clients on one listener.
type Server struct {
	opts       Options
	clients    atomic.Int64
	maxClients atomic.Int64

	mu       sync.Mutex
	sessions map[uint32]*client // by cancel key's PID
	draining bool
}

// client is a connected client with a session.
type client struct {
	pid     uint32
	secret  []byte
	conn    net.Conn // the socket, below TLS
	session *pgsession.Session
	end     context.CancelCauseFunc
	// vanished: the watch has seen that the client is gone.
	vanished atomic.Bool
}

// New validates the options.
func New(o Options) (*Server, error) {
	if o.Listener == nil || o.Startup == nil || o.Sessions == nil || o.Topology == nil || o.Logger == nil || o.Metrics == nil {
		return nil, errors.New("router: Listener, Startup, Sessions, Topology, Logger and Metrics are required")
	}
	if o.MaxClients == 0 {
		o.MaxClients = 10000
	}
	s := &Server{opts: o, sessions: make(map[uint32]*client)}
	s.SetMaxClients(o.MaxClients)
	return s, nil
}

// SetMaxClients changes the limit. Clients above a smaller one stay.
func (s *Server) SetMaxClients(n int) { s.maxClients.Store(int64(n)) }

// Serve accepts clients until ctx ends. It then closes the listener and idle
// sessions, waits up to DrainTimeout for open transactions, ends what is left,
// and returns when every client is gone. The error is that of the listener.
func (s *Server) Serve(ctx context.Context) error {
	sessions, end := context.WithCancelCause(context.WithoutCancel(ctx))
	defer end(nil)
	var group sync.WaitGroup
	stop := context.AfterFunc(ctx, func() { _ = s.opts.Listener.Close() }) // unblocks Accept
	defer stop()
	group.Go(func() { s.watch(sessions) })
	err := s.accept(ctx, sessions, &group)
	s.drain(sessions)
	end(sqlerr.AdminShutdown())
	s.closeAll()
	group.Wait()
	return err
}

// accept runs the accept loop.
func (s *Server) accept(ctx, sessions context.Context, group *sync.WaitGroup) error {
	for {
		conn, err := s.opts.Listener.Accept()
		switch {
		case ctx.Err() != nil:
			if err == nil {
				_ = conn.Close() // too late for this one
			}
			return nil
		case errors.Is(err, net.ErrClosed):
			return err
		case err != nil:
			// Out of descriptors, or the client is gone already: the next may
			// succeed. Not in a tight loop.
			s.opts.Logger.Error("accept failed", "error", err)
			if !pause(ctx, 50*time.Millisecond) {
				return nil
			}
			continue
		}
		group.Go(func() { s.serve(sessions, conn) })
	}
}

// pause waits for d and reports whether ctx is still good.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// serve runs one connection from its first byte to its last.
func (s *Server) serve(ctx context.Context, conn net.Conn) {
	defer conn.Close()
	defer s.clients.Add(-1)
	limit := s.maxClients.Load()
	full := s.clients.Add(1) > limit
	s.opts.Metrics.ClientAccepted()
	s.tune(conn)
	r, err := s.opts.Startup.Accept(ctx, nonblock.Wrap(conn))
	if err != nil {
		s.opts.Metrics.ClientRefused(sqlerr.From(err))
		s.opts.Logger.Debug("login failed", "remote", conn.RemoteAddr().String(), "error", err)
		return
	}
	if r.Cancel != nil {
		s.opts.Metrics.CancelRequested(s.cancel(ctx, r.Cancel))
		return
	}
	if full {
		s.refuse(r, sqlerr.TooManyConnections(int(limit)))
		return
	}
	s.run(ctx, conn, r)
}

func (s *Server) tune(conn net.Conn) {
	tcp, ok := conn.(*net.TCPConn)
	if !ok {
		return
	}
	// Go sets TCP_NODELAY on every connection by itself.
	_ = tcp.SetKeepAliveConfig(net.KeepAliveConfig{
		Enable: s.opts.Keepalive > 0, Idle: s.opts.Keepalive, Interval: s.opts.Keepalive, Count: 3,
	}) // a client without keepalive is still a client
}

func (s *Server) refuse(r *pgstartup.Result, err error) {
	s.opts.Metrics.ClientRefused(sqlerr.From(err))
	_ = r.Fail(err) // the client may be gone
}

// run serves a client that has proved who it is.
func (s *Server) run(ctx context.Context, conn net.Conn, r *pgstartup.Result) {
	user := s.opts.Topology().Users[r.User]
	if user == nil {
		s.refuse(r, sqlerr.InvalidPassword(r.User))
		return
	}
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)
	session, err := s.login(ctx, r, user)
	if err != nil {
		s.refuse(r, err)
		return
	}
	defer session.Close()
	c := &client{conn: conn, session: session, end: end}
	if !s.register(c, r.Version.LongKeys()) {
		s.refuse(r, sqlerr.AdminShutdown())
		return
	}
	defer s.forget(c)
	if err := r.Ready(parametersOf(session), pgstartup.CancelKey{PID: c.pid, Secret: c.secret}); err != nil {
		return
	}
	s.opts.Metrics.ClientConnected(r.Database)
	defer s.opts.Metrics.ClientGone(r.Database)
	if err := session.Run(ctx); err != nil {
		s.opts.Logger.Debug("session ended", "remote", conn.RemoteAddr().String(), "user", r.User, "error", err)
	}
}

// login prepares the session within the login's time limit.
func (s *Server) login(ctx context.Context, r *pgstartup.Result, user *topology.User) (*pgsession.Session, error) {
	ctx, cancel := context.WithDeadlineCause(ctx, r.Deadline, sqlerr.LoginTimeout())
	defer cancel()
	settings := make([]pgsession.Setting, len(r.Settings))
	for i, item := range r.Settings {
		settings[i] = pgsession.Setting(item)
	}
	return s.opts.Sessions.NewSession(ctx, pgsession.Client{
		Conn: &counted{r.Conn, s.opts.Metrics.Traffic(r.Database)}, Unread: r.Unread, User: user, Database: r.Database, Settings: settings,
	})
}

// parametersOf are the ParameterStatus messages of a login, in a stable order.
func parametersOf(session *pgsession.Session) []pgstartup.Setting {
	var list []pgstartup.Setting
	for name, value := range session.Parameters() {
		list = append(list, pgstartup.Setting{Name: name, Value: value})
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Name < list[j].Name })
	return list
}

// register gives the client its cancel key. It fails while the server stops.
func (s *Server) register(c *client, long bool) bool {
	size := 4
	if long {
		size = 32
	}
	c.secret = make([]byte, size)
	_, _ = rand.Read(c.secret) // never fails
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.draining {
		return false
	}
	for {
		var b [4]byte
		_, _ = rand.Read(b[:])
		session := binary.BigEndian.Uint32(b[:]) & (1<<sessionBits - 1)
		c.pid = uint32(TagOf(s.opts.Peer))<<sessionBits | session
		if s.sessions[c.pid] == nil && session != 0 {
			s.sessions[c.pid] = c
			return true
		}
	}
}

func (s *Server) forget(c *client) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.sessions, c.pid)
}
