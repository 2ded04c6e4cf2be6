package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"shardproxy/admin"
	"shardproxy/internal/config"
	"shardproxy/protocol/pgstartup"
	"shardproxy/router"
)

// closeTimeout bounds the good-bye to nodes and to callers of the admin API.
const closeTimeout = 5 * time.Second

// proxy is a serving process: everything the configuration asks for, plugged
// together.
//
//	start --> serve (blocks until its context ends, then drains) --> close
//
// While it serves, reload takes over a changed configuration and hurry ends the
// drain before its time.
type proxy struct {
	config *config.Config // in force; reload replaces it
	logger *slog.Logger
	level  *slog.LevelVar

	certificates *certificates
	observer     *observer
	metrics      prometheus.Gatherer
	views        *views
	socket       net.Listener // for clients
	admin        *admin.Server
	calls        *peerCalls
	engine       *engine
	router       *router.Server

	hurrying   chan struct{}
	hurry      func() // ends the drain; may be called more than once
	background sync.WaitGroup
}

// start brings a proxy to the point where serve can let clients in. The error
// has everything that is wrong, with an exit code; nothing is left behind then.
func start(ctx context.Context, c *config.Config, logger *slog.Logger, level *slog.LevelVar) (*proxy, error) {
	p := &proxy{
		config: c, logger: logger, level: level,
		certificates: new(certificates), views: new(views), hurrying: make(chan struct{}),
	}
	p.hurry = sync.OnceFunc(func() { close(p.hurrying) })
	err := p.prepare()
	if err != nil {
		// The nodes are looked at as well, so that all problems show at once.
		err = withCode(exitConfig, errors.Join(err, checkNodes(ctx, c)))
	} else {
		err = p.load(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, p.close())
	}
	return p, nil
}

// prepare does what needs no node: it reads files, takes the addresses, and
// makes the admin listener answer that the process lives but is not ready.
func (p *proxy) prepare() (err error) {
	errs := checkSupported(p.config)
	errs = append(errs, p.certificates.load(p.config.Postgres.TLS))
	if p.socket, err = net.Listen("tcp", p.config.Postgres.Listen); err != nil {
		errs = append(errs, fmt.Errorf("postgres.listen: %w", err))
	}
	if p.observer, p.metrics, err = newObserver(p.views, p.logger); err != nil {
		return errors.Join(append(errs, err)...)
	}
	return errors.Join(append(errs, p.startAdmin())...)
}

func (p *proxy) startAdmin() error {
	s, err := admin.New(admin.Options{
		Config: p.config.Admin, Version: version(), Logger: p.logger,
		Gatherer:  p.metrics,
		Readiness: p.views, Topology: p.views, Pools: p.views, Explainer: p.views,
		Cluster: p.views, Forwarder: &forwarder{p.views}, Changes: p.views,
		Members: countingMembers{p.views, p.observer.metrics.Changes()}, Resolver: p.views, Nodes: p.views,
	})
	if err != nil {
		return err
	}
	if err := s.Listen(); err != nil {
		return err
	}
	p.admin, p.calls = s, newPeerCalls(s.PeerHandler())
	p.background.Go(func() {
		if err := s.Serve(); err != nil {
			p.logger.Error("admin listener failed", "error", err)
		}
	})
	return nil
}

// load looks at the nodes and makes the listener for clients of it.
func (p *proxy) load(ctx context.Context) (err error) {
	if p.engine, err = newEngine(ctx, p.config, p.calls, p.observer, p.logger); err != nil {
		return err
	}
	p.views.engine.Store(p.engine)
	mode, err := pgstartup.ParseTLSMode(p.config.Postgres.TLS.Mode)
	if err != nil {
		return withCode(exitConfig, err)
	}
	startup, err := pgstartup.New(pgstartup.Options{
		TLS: mode, TLSConfig: p.certificates.config,
		CertificateLogin: p.config.Postgres.TLS.ClientCert == "login",
		Users:            p.engine.logins,
		LoginTimeout:     p.config.Postgres.LoginTimeout,
		MaxStartupSize:   int(p.config.Postgres.MaxStartup),
	})
	if err != nil {
		return withCode(exitConfig, err)
	}
	p.router, err = router.New(router.Options{
		Listener: p.socket, Startup: startup, Sessions: p.engine.sessions, Topology: p.engine.store.Current,
		Peer: p.engine.store.Self().ID, Peers: &otherPeers{p.engine},
		MaxClients: p.config.Postgres.MaxClientConn, Keepalive: p.config.Postgres.Keepalive,
		DrainTimeout: p.config.Postgres.DrainTimeout, Hurry: p.hurrying,
		Logger: p.logger, Metrics: p.observer,
	})
	if err != nil {
		return withCode(exitFailed, err)
	}
	p.calls.router.Store(p.router)
	return nil
}

// serve lets clients in until ctx ends. It then waits for open transactions as
// long as it may, and closes everything.
func (p *proxy) serve(ctx context.Context) error {
	p.views.enter(phaseServing)
	stop := context.AfterFunc(ctx, func() { p.views.enter(phaseStopping) })
	defer stop()
	p.logger.Info("serving", "postgres", p.address(), "admin", p.adminAddress(), "version", version())
	err := p.router.Serve(ctx)
	return withCode(exitFailed, errors.Join(err, p.close()))
}

// address is where clients connect to.
func (p *proxy) address() string { return p.socket.Addr().String() }

// adminAddress is where the admin API is.
func (p *proxy) adminAddress() string { return p.admin.Addr().String() }

// close ends everything; also what start left half done.
func (p *proxy) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	var errs []error
	if p.socket != nil {
		_ = p.socket.Close() // served ones are closed already
	}
	if p.engine != nil {
		errs = append(errs, p.engine.close(ctx))
	}
	if p.admin != nil {
		errs = append(errs, p.admin.Close(ctx))
	}
	p.background.Wait()
	return errors.Join(errs...)
}
