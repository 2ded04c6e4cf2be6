// Package pgserver starts real PostgreSQL servers on this machine, for the
// tests and for "shardproxy demo".
//
// A Server is one data directory with one postmaster: made by initdb, password
// authentication (SCRAM-SHA-256), listening on 127.0.0.1 and on a Unix socket
// inside its own directory, never anywhere else. PostgreSQL refuses to run as
// root, so when this process is root the server runs as the user "postgres",
// or "nobody" where that does not exist, and owns the directory.
//
// Nothing outlives the process that started it: the kernel shuts the
// postmaster down when its parent dies (Linux), and a small watcher removes
// the directory of a server that was started without Options.Dir.
//
// Every goroutine of the package ends when the server it serves has ended.
package pgserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"
)

// startTimeout bounds how long initdb and the start of a server may each take
// when the caller's context has no earlier deadline.
const startTimeout = 2 * time.Minute

// superuser is the name of the superuser of every server.
const superuser = "postgres"

// Server is one PostgreSQL server. All methods may be called from several
// goroutines; those that start or stop it wait for each other.
type Server struct {
	opts      Options
	bin       binaries
	account   *account
	temporary *temporaryDir // nil when the caller chose the directory
	madeDir   bool          // the caller's directory did not exist before
	port      int

	mu struct {
		sync.Mutex
		process *process // nil while the server is down
		tail    string   // last words of the process before
	}
}

// Start makes a data directory, starts a server on it, waits until it accepts
// connections and creates the role and the database. When it fails, nothing is
// left behind. Errors: *MissingError when there is no PostgreSQL on this
// machine; *StartError with the server's own words when it did not come up.
func Start(ctx context.Context, opts Options) (*Server, error) {
	opts, err := opts.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("pgserver: %w", err)
	}
	s := &Server{opts: opts}
	if s.bin, err = findBinaries(opts.BinDir, os.Getenv); err != nil {
		return nil, err
	}
	if s.account, err = serverAccount(); err != nil {
		return nil, fmt.Errorf("pgserver: %w", err)
	}
	if err := s.prepareDir(); err != nil {
		return nil, fmt.Errorf("pgserver: %w", err)
	}
	if err := s.create(ctx); err != nil {
		return nil, errors.Join(err, s.discard())
	}
	return s, nil
}

// create does what can fail once the directory exists.
func (s *Server) create(ctx context.Context) error {
	if err := s.initdb(ctx); err != nil {
		return err
	}
	if err := s.configure(); err != nil {
		return fmt.Errorf("pgserver: %w", err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.launchOnFreePort(ctx); err != nil {
		return err
	}
	return s.createDatabase(ctx)
}

// launchOnFreePort starts the postmaster. Without a port asked for it takes a
// free one, and another when somebody else was faster to use it.
func (s *Server) launchOnFreePort(ctx context.Context) error {
	if s.opts.Port != 0 {
		s.port = s.opts.Port
		return s.launch(ctx)
	}
	const attempts = 5
	for attempt := 1; ; attempt++ {
		port, err := freePort()
		if err != nil {
			return fmt.Errorf("pgserver: %w", err)
		}
		s.port = port
		err = s.launch(ctx)
		if err == nil || attempt == attempts || portIsFree(port) || ctx.Err() != nil {
			return err
		}
	}
}

// Port is the TCP port on 127.0.0.1. It stays the same over restarts.
func (s *Server) Port() int { return s.port }

// Addr is host:port for net.Dial.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// Dir is the directory that holds everything of this server: "data" (the data
// directory) and "socket".
func (s *Server) Dir() string { return s.opts.Dir }

// DataDir is PostgreSQL's data directory. Its files belong to the server's
// user.
func (s *Server) DataDir() string { return filepath.Join(s.opts.Dir, "data") }

// BinDir is the directory of the server's programs (psql and pgbench are
// usually there too).
func (s *Server) BinDir() string { return s.bin.dir }

// DSN is the URL of the database for the application's role.
func (s *Server) DSN() string {
	return s.dsn(s.opts.User, s.opts.Password, s.opts.Database)
}

// AdminDSN is the URL of the same database for the superuser.
func (s *Server) AdminDSN() string {
	return s.dsn(superuser, s.opts.Password, s.opts.Database)
}

func (s *Server) dsn(user, password, database string) string {
	mode := "disable"
	if s.opts.Settings["ssl"] == "on" {
		mode = "require"
	}
	u := url.URL{
		Scheme:   "postgres",
		User:     url.UserPassword(user, password),
		Host:     s.Addr(),
		Path:     "/" + database,
		RawQuery: "sslmode=" + mode,
	}
	return u.String()
}

// LogTail returns the last few kilobytes the server logged.
func (s *Server) LogTail() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.process != nil {
		return s.mu.process.log.String()
	}
	return s.mu.tail
}

// Running reports whether the postmaster is alive.
func (s *Server) Running() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.mu.process != nil && !s.mu.process.exited()
}

// Stop shuts the server down as "pg_ctl stop -m fast" does: sessions are
// terminated, the data is consistent on disk. It returns when every process of
// the server is gone. When ctx ends first they are killed and ctx's error is
// returned. Stopping a stopped server does nothing.
func (s *Server) Stop(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.stop(ctx)
}

func (s *Server) stop(ctx context.Context) error {
	p := s.mu.process
	if p == nil {
		return nil
	}
	// SIGCONT first: a frozen server could not hear.
	err := errors.Join(p.signalAll(syscall.SIGCONT), p.signal(syscall.SIGINT))
	if err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("pgserver: stop: %w", err)
	}
	select {
	case <-p.done:
		s.forget()
		return nil
	case <-ctx.Done():
		return errors.Join(fmt.Errorf("pgserver: stop: %w; killed instead", ctx.Err()), s.kill())
	}
}

// Kill ends every process of the server with SIGKILL, postmaster first to be
// stopped so that it cannot start others, and returns when all are gone. The
// data directory stays as it is after a crash; Restart recovers it.
func (s *Server) Kill() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.kill()
}

func (s *Server) kill() error {
	p := s.mu.process
	if p == nil {
		return nil
	}
	if err := p.killAll(); err != nil {
		return fmt.Errorf("pgserver: kill: %w", err)
	}
	<-p.done
	s.forget()
	removeSharedMemory(s.DataDir())
	return nil
}

// forget remembers what the ended process said last.
func (s *Server) forget() {
	s.mu.tail = s.mu.process.log.String()
	s.mu.process = nil
}

// Restart stops the server if it runs and starts it again on the same port and
// data. After Kill this is a crash recovery.
func (s *Server) Restart(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.stop(ctx); err != nil {
		return err
	}
	return s.launch(ctx)
}

// Signal sends a signal to the postmaster only (SIGHUP reloads the
// configuration). It fails with os.ErrProcessDone when the server is down.
func (s *Server) Signal(sig syscall.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.process == nil || s.mu.process.exited() {
		return fmt.Errorf("pgserver: signal: %w", os.ErrProcessDone)
	}
	return s.mu.process.signal(sig)
}

// Freeze stops all processes of the server where they are (SIGSTOP): the
// machine that hangs. The kernel still accepts connections for it. Thaw lets
// them go on.
func (s *Server) Freeze() error { return s.signalAll(syscall.SIGSTOP) }

// Thaw ends a Freeze.
func (s *Server) Thaw() error { return s.signalAll(syscall.SIGCONT) }

func (s *Server) signalAll(sig syscall.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.mu.process == nil || s.mu.process.exited() {
		return fmt.Errorf("pgserver: signal: %w", os.ErrProcessDone)
	}
	return s.mu.process.signalAll(sig)
}

// Close stops the server and, when it was started without Options.Dir,
// removes its directory. Closing twice does nothing.
func (s *Server) Close(ctx context.Context) error {
	err := s.Stop(ctx)
	if s.temporary != nil {
		err = errors.Join(err, s.temporary.remove())
	}
	return err
}

// discard undoes a start that failed half way.
func (s *Server) discard() error {
	return errors.Join(s.Kill(), s.removeCreated())
}
