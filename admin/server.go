package admin

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// Server is the admin listener.
//
//	New -> Listen -> Serve (blocks) ... Close
type Server struct {
	opts        Options
	http        *http.Server
	listener    net.Listener
	credentials atomic.Pointer[credentials]
	// origins refuses what pages of other sites have a browser send.
	origins *http.CrossOriginProtection
}

// New checks the options and reads certificate and token. It refuses an
// address beyond loopback without TLS and authentication.
func New(opts Options) (*Server, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("admin: %w", err)
	}
	s := &Server{opts: opts, origins: http.NewCrossOriginProtection()}
	if err := s.Reload(); err != nil {
		return nil, err
	}
	s.http = &http.Server{
		Handler:           s.handler(frontDoor),
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       opts.Timeout + 5*time.Second,
		WriteTimeout:      max(opts.Timeout, opts.ChangeTimeout) + 30*time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		ErrorLog:          slog.NewLogLogger(opts.Logger.Handler(), slog.LevelDebug),
	}
	return s, nil
}

// Reload reads the files with certificate and token again. When it fails, the
// old ones stay in use.
func (s *Server) Reload() error {
	read, err := readCredentials(s.opts.Config)
	if err != nil {
		return fmt.Errorf("admin: %w", err)
	}
	s.credentials.Store(read)
	return nil
}

// Listen takes the address.
func (s *Server) Listen() error {
	listener, err := net.Listen("tcp", s.opts.Config.Listen)
	if err != nil {
		return fmt.Errorf("admin: %w", err)
	}
	s.listener = listener
	return nil
}

// Addr is the address in use, after Listen.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Serve answers requests until Close, which makes it return nil. Listen comes
// first.
func (s *Server) Serve() error {
	listener := s.listener
	if s.credentials.Load().tls != nil {
		listener = tls.NewListener(listener, &tls.Config{
			MinVersion: tls.VersionTLS12,
			GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
				return s.credentials.Load().tls, nil
			},
			NextProtos: []string{"h2", "http/1.1"},
		})
	}
	if err := s.http.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("admin: %w", err)
	}
	return nil
}

// Close stops listening, waits for requests at work until ctx ends, and then
// closes their connections.
func (s *Server) Close(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if err != nil {
		err = errors.Join(fmt.Errorf("admin: close: %w", err), s.http.Close())
	}
	if s.listener != nil { // Serve may never have run
		if e := s.listener.Close(); !errors.Is(e, net.ErrClosed) {
			err = errors.Join(err, e)
		}
	}
	return err
}
