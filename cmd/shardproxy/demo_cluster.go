package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"shardproxy/internal/pgserver"
)

const (
	demoName = "app" // user, password and database, on the nodes as on the proxy
	// stopTimeout bounds how long the demo's servers may take to stop.
	stopTimeout = 30 * time.Second
	// portAttempts is how often a free port is looked for again when somebody
	// else was faster to use it.
	portAttempts = 5
)

// demo is a running demonstration: servers, and proxies in front of them.
type demo struct {
	options demoOptions
	out     io.Writer

	servers []*pgserver.Server
	peers   []*demoPeer
	log     demoLog
	ended   chan error // a peer has ended
}

// printf writes to the terminal at once.
func (d *demo) printf(format string, args ...any) { fmt.Fprintf(d.out, format, args...) }

// start starts the servers and the proxies.
func (d *demo) start(ctx context.Context) error {
	d.printf("shardproxy demo: %d PostgreSQL servers behind one DSN\n\n", d.options.nodes)
	if err := portIsFree(d.options.port); err != nil { // before anything takes time
		return fmt.Errorf("--port: %w", err)
	}
	if err := d.startServers(ctx); err != nil {
		return fmt.Errorf("start PostgreSQL: %w", err)
	}
	for i, s := range d.servers {
		d.printf("  %-8s %-22s %s\n", nodeName(i), s.Addr(), s.Dir())
	}
	for i := range d.options.peers {
		if err := d.startPeer(ctx, i); err != nil {
			return fmt.Errorf("start the proxy: %w", err)
		}
	}
	for i, p := range d.peers {
		d.printf("  %-8s %-22s %s\n", peerName(i), p.proxy.address(), p.config)
		d.printf("  %-8s %s\n", "  admin", p.proxy.adminAddress())
	}
	return nil
}

func nodeName(i int) string { return fmt.Sprintf("pg-%d", i+1) }

// startServers starts all servers at once.
func (d *demo) startServers(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	servers := make([]*pgserver.Server, d.options.nodes)
	errs := make([]error, len(servers))
	var group sync.WaitGroup
	for i := range servers {
		group.Go(func() {
			servers[i], errs[i] = pgserver.Start(ctx, pgserver.Options{
				User: demoName, Password: demoName, Database: demoName,
				NoSync: true, // it is all thrown away
			})
			if errs[i] != nil {
				cancel() // the others need not go on
			}
		})
	}
	group.Wait()
	for _, s := range servers {
		if s != nil {
			d.servers = append(d.servers, s)
		}
	}
	return firstCause(errs)
}

// firstCause is the error that made the others be canceled.
func firstCause(errs []error) error {
	var canceled error
	for _, err := range errs {
		switch {
		case errors.Is(err, context.Canceled):
			canceled = err
		case err != nil:
			return err
		}
	}
	return canceled
}

// freePort returns a port of 127.0.0.1 that nobody listens on.
func freePort() (int, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	_, text, err := net.SplitHostPort(l.Addr().String())
	if err = errors.Join(err, l.Close()); err != nil {
		return 0, err
	}
	return strconv.Atoi(text)
}

// portIsFree is the error of listening on a port of 127.0.0.1.
func portIsFree(port int) error {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
	if err != nil {
		return err
	}
	return l.Close()
}

// close ends the proxies and the servers, and removes their folders.
func (d *demo) close() error {
	errs := d.closePeers()
	ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	var group sync.WaitGroup
	closed := make([]error, len(d.servers))
	for i, s := range d.servers {
		group.Go(func() { closed[i] = s.Close(ctx) })
	}
	group.Wait()
	return errors.Join(append(errs, closed...)...)
}

// withLog adds to an error what the proxy logged last.
func (d *demo) withLog(err error) error {
	if tail := d.log.tail(); tail != "" && len(d.peers) > 0 {
		return errors.Join(err, errors.New("the log of the proxy ends with:\n"+tail))
	}
	return err
}

// demoLog keeps the last lines of the proxy's log, for when something fails.
type demoLog struct {
	mu    sync.Mutex
	lines []string
}

// keptLines is how many lines a demoLog keeps.
const keptLines = 20

// Write takes one line, as log/slog writes them.
func (l *demoLog) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.lines = append(l.lines, string(b))
	if len(l.lines) > keptLines {
		l.lines = l.lines[len(l.lines)-keptLines:]
	}
	return len(b), nil
}

func (l *demoLog) tail() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.TrimRight(strings.Join(l.lines, ""), "\n")
}
