package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"shardproxy/meta/topology"
)

// maxDemoNodes is how many servers a demo may start on one machine.
const maxDemoNodes = 16

// maxDemoPeers is how many proxies.
const maxDemoPeers = 7

// demoOptions are the flags of "shardproxy demo".
type demoOptions struct {
	engine string
	nodes  int
	peers  int
	port   int // of the proxy; 0: a free one
	once   bool
}

func (o demoOptions) check() error {
	switch {
	case o.engine != topology.Postgres.String():
		return fmt.Errorf("--engine %s: this build serves PostgreSQL only", o.engine)
	case o.nodes < 1 || o.nodes > maxDemoNodes:
		return fmt.Errorf("--nodes %d: 1 to %d are possible", o.nodes, maxDemoNodes)
	case o.peers < 1 || o.peers > maxDemoPeers:
		return fmt.Errorf("--peers %d: 1 to %d are possible", o.peers, maxDemoPeers)
	case o.port < 0 || o.port > 65535:
		return fmt.Errorf("--port %d is outside 0 to 65535", o.port)
	}
	return nil
}

func newDemoCommand() *cobra.Command {
	var o demoOptions
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Show it: real PostgreSQL servers behind one DSN",
		Long: `demo starts PostgreSQL servers of its own in temporary folders and a proxy (or
several, with --peers) in front of them, creates tables and rows through the proxy, and shows on which node
each row is. It then stays up to be played with until Ctrl-C. Everything it
started is gone afterwards.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				return err
			}
			ctx, stop := signal.NotifyContext(cmd.Context(), syscall.SIGINT, syscall.SIGTERM)
			defer stop()
			// A second signal ends the process as usual; the servers and their
			// folders go with it.
			context.AfterFunc(ctx, stop)
			return withCode(exitFailed, runDemo(ctx, o, cmd.OutOrStdout()))
		},
	}
	cmd.Flags().StringVar(&o.engine, "engine", topology.Postgres.String(), "postgres")
	cmd.Flags().IntVar(&o.nodes, "nodes", 3, "number of servers")
	cmd.Flags().IntVar(&o.peers, "peers", 1, "number of proxies, which agree by Raft")
	cmd.Flags().IntVar(&o.port, "port", 0, "port of the first proxy on 127.0.0.1 (default a free one)")
	cmd.Flags().BoolVar(&o.once, "once", false, "end after the tour")
	return cmd
}

var errInterrupted = errors.New("interrupted before the tour had ended")

// runDemo starts everything, gives the tour, stays up unless told otherwise, and
// removes everything.
func runDemo(ctx context.Context, o demoOptions, out io.Writer) (err error) {
	d := &demo{options: o, out: out, ended: make(chan error, 1)}
	defer func() {
		if err != nil && ctx.Err() != nil {
			err = errInterrupted
		}
		if err != nil && ctx.Err() == nil {
			err = d.withLog(err)
		}
		err = errors.Join(err, d.close())
	}()
	if err := d.start(ctx); err != nil {
		return err
	}
	if err := (&tour{demo: d}).run(ctx); err != nil {
		return err
	}
	if o.once {
		d.printf("\nThe tour is over; stopping everything (--once).\n")
		return nil
	}
	d.printf("\nCtrl-C stops everything and removes it.\n")
	select {
	case <-ctx.Done():
		d.printf("\nStopping everything.\n")
		return nil
	case err := <-d.ended:
		return errors.Join(errors.New("a proxy has ended"), err)
	}
}
