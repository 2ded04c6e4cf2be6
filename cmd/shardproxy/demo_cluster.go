package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"path/filepath"
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

// demo is a running demonstration: servers, and a proxy in front of them.
type demo struct {
	options demoOptions
	out     io.Writer

	servers []*pgserver.Server
	config  string // the configuration file, in the folder of the first server
	log     demoLog
	proxy   *proxy
	stop    context.CancelFunc // of the proxy
	served  chan error         // what serve returned
}

// printf writes to the terminal at once.
func (d *demo) printf(format string, args ...any) { fmt.Fprintf(d.out, format, args...) }

// start starts the servers and the proxy.
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
	if err := d.startProxy(ctx); err != nil {
		return fmt.Errorf("start the proxy: %w", err)
	}
	d.printf("  %-8s %-22s %s\n", "proxy", d.proxy.address(), d.config)
	d.printf("  %-8s %s\n", "admin", d.proxy.adminAddress())
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

// startProxy writes a configuration file and serves by it, as "shardproxy serve"
// does.
func (d *demo) startProxy(ctx context.Context) error {
	d.config = filepath.Join(d.servers[0].Dir(), "shardproxy.yaml")
	for attempt := 1; ; attempt++ {
		err := d.tryProxy(ctx)
		if err == nil || codeOf(err) != exitConfig || d.options.port != 0 || attempt == portAttempts {
			return err
		}
	}
}

func (d *demo) tryProxy(ctx context.Context) error {
	port, admin := d.options.port, 0
	for _, p := range []*int{&port, &admin} {
		if *p != 0 {
			continue
		}
		var err error
		if *p, err = freePort(); err != nil {
			return err
		}
	}
	if err := os.WriteFile(d.config, d.configuration(port, admin), 0o600); err != nil {
		return err
	}
	c, err := loadConfig(d.config, nil)
	if err != nil {
		return err
	}
	logger, level := newLogger(&d.log, c.Log)
	p, err := start(ctx, c, logger, level)
	if err != nil {
		return err
	}
	ctx, d.stop = context.WithCancel(context.WithoutCancel(ctx))
	d.proxy, d.served = p, make(chan error, 1)
	go func() { d.served <- p.serve(ctx) }()
	return nil
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

// configuration is a file that "shardproxy serve" could be given too.
func (d *demo) configuration(port, admin int) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "# Written by shardproxy demo.\n")
	fmt.Fprintf(&b, "peer: {data_dir: %q}\n", filepath.Dir(d.config))
	fmt.Fprintf(&b, "admin: {listen: \"127.0.0.1:%d\"}\n", admin)
	fmt.Fprintf(&b, "postgres: {listen: \"127.0.0.1:%d\"}\n", port)
	fmt.Fprintf(&b, "users:\n  - {name: %[1]s, password: %[1]s, databases: [%[1]s], node_hints: true}\n", demoName)
	fmt.Fprintf(&b, "databases:\n  %s:\n    key_order: [user]   # all rows of a user are on one node\n    nodes:\n", demoName)
	for i, s := range d.servers {
		fmt.Fprintf(&b, "      - {name: %s, dsn: %q}\n", nodeName(i), s.DSN())
	}
	return b.Bytes()
}

// dsn is what applications connect to.
func (d *demo) dsn() string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword(demoName, demoName), Host: d.proxy.address(), Path: "/" + demoName}
	return u.String()
}

// plainDSN is dsn for the tour itself, which must not depend on PGSSLMODE.
func (d *demo) plainDSN() string { return d.dsn() + "?sslmode=disable" }

// close ends the proxy and the servers, and removes their folders.
func (d *demo) close() error {
	var errs []error
	if d.proxy != nil {
		d.proxy.hurry()
		d.stop()
		errs = append(errs, <-d.served)
	}
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
	if tail := d.log.tail(); tail != "" && d.proxy != nil {
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
