package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"shardproxy/internal/config"
)

// hurriedStop is how long a process may take to end after a second signal.
const hurriedStop = 5 * time.Second

func newServeCommand() *cobra.Command {
	var path string
	cmd := &cobra.Command{
		Use:   "serve --config FILE",
		Short: "Serve clients as the configuration says",
		Long: `serve reads the configuration, looks at the nodes, and serves clients until it
is told to stop.

Signals:
  SIGTERM, SIGINT  stop: no new clients, idle ones leave, open transactions may
                   go on for postgres.drain_timeout; a second one: stop at once
  SIGHUP           read the configuration again: users, limits of pools and
                   clients, certificates and tokens, the level of the log`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			signals := make(chan os.Signal, 8)
			signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP)
			defer signal.Stop(signals)
			return serve(cmd.Context(), path, os.Environ(), cmd.ErrOrStderr(), signals)
		},
	}
	cmd.Flags().StringVarP(&path, "config", "c", "", "the configuration file (required)")
	_ = cmd.MarkFlagRequired("config") // it fails for flags that do not exist
	return cmd
}

// errForced is what a second signal ends with.
var errForced = errors.New("stopped at once by a second signal; open transactions were rolled back")

// serve runs a proxy until a signal stops it. The error carries an exit code.
func serve(ctx context.Context, path string, environ []string, stderr io.Writer, signals <-chan os.Signal) error {
	c, err := loadConfig(path, environ)
	if err != nil {
		return err
	}
	logger, level := newLogger(stderr, c.Log)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	started, ended := make(chan *proxy, 1), make(chan error, 1)
	go func() { ended <- startAndServe(ctx, c, logger, level, started) }()
	var p *proxy
	for {
		select {
		case err := <-ended:
			return err
		case p = <-started:
		case sig := <-signals:
			switch {
			case sig == syscall.SIGHUP:
				reloadFile(p, path, environ, logger)
			case ctx.Err() == nil:
				logger.Info("stopping: waiting for open transactions", "signal", sig.String(), "at_most", c.Postgres.DrainTimeout)
				stop()
			default:
				logger.Warn("stopping at once", "signal", sig.String())
				return force(p, ended)
			}
		}
	}
}

// startAndServe returns when the proxy has ended. A proxy that is stopped while
// it starts has ended well.
func startAndServe(ctx context.Context, c *config.Config, logger *slog.Logger, level *slog.LevelVar, started chan<- *proxy) error {
	p, err := start(ctx, c, logger, level)
	switch {
	case err != nil && ctx.Err() != nil:
		logger.Info("stopped while starting", "error", err)
		return nil //nolint:nilerr // it was told to stop, and has
	case err != nil:
		return err
	}
	started <- p
	if err := p.serve(ctx); err != nil {
		return err
	}
	logger.Info("stopped")
	return nil
}

// force ends a proxy that was told to stop and has not. p is nil while it
// starts.
func force(p *proxy, ended <-chan error) error {
	if p != nil {
		p.hurry()
	}
	timer := time.NewTimer(hurriedStop)
	defer timer.Stop()
	select {
	case err := <-ended:
		return withCode(exitForced, errors.Join(errForced, err))
	case <-timer.C: // the end of the process closes what is left
		return withCode(exitForced, errForced)
	}
}

// reloadFile reads the configuration again. What is wrong with it is logged.
func reloadFile(p *proxy, path string, environ []string, logger *slog.Logger) {
	if p == nil {
		logger.Warn("configuration not reloaded: the proxy is starting")
		return
	}
	next, err := loadConfig(path, environ)
	if err == nil {
		err = p.reload(next)
	}
	if err == nil {
		return
	}
	for _, part := range parts(err) {
		logger.Error("configuration not reloaded, everything stays as it was", "error", part)
	}
}
