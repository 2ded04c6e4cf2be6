package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"shardproxy/internal/config"
	"shardproxy/meta"
	"shardproxy/meta/topology"
)

// storeOptions are how a peer of the configuration keeps its topology: with
// others and on disk, or alone and in memory.
func storeOptions(c *config.Config, calls *peerCalls, logger *slog.Logger, preparers ...meta.Preparer) meta.Options {
	o := meta.Options{ID: topology.PeerID(c.Peer.ID), Bootstrap: true, Preparers: preparers, Handler: calls, Logger: logger}
	if !c.Peer.Clustered() {
		// How a peer agrees with itself is of no interest.
		o.Logger = slog.New(floor{logger.Handler(), slog.LevelError})
		return o
	}
	o.DataDir, o.Bootstrap, o.Admin = c.Peer.DataDir, c.Peer.Bootstrap, adminAddress(&c.Admin)
	o.Listen = &meta.ListenOptions{Address: c.Peer.Raft.Listen, Advertise: c.Peer.Raft.Advertise}
	if t := c.Peer.Raft.TLS; t.Cert != "" {
		o.Listen.TLS = &meta.TLSFiles{Certificate: t.Cert, Key: t.Key, CA: t.CA}
	}
	return o
}

// adminAddress is where operators reach this peer.
func adminAddress(c *config.Admin) string {
	if c.Advertise != "" {
		return c.Advertise
	}
	return c.Listen
}

// firstTopology returns when there is a topology with databases: the one that was
// served last, the cluster's that the peer joins, or a new one that is made of the
// configuration and of what the nodes hold.
func (e *engine) firstTopology(ctx context.Context, c *config.Config, logger *slog.Logger) error {
	if e.store.Current() == nil {
		var err error
		if len(c.Peer.Join) > 0 {
			err = e.join(ctx, c, logger)
		} else {
			err = e.bootstrap(ctx)
		}
		if err != nil {
			return err
		}
	}
	if len(c.Peer.Join) == 0 && len(e.store.Current().Databases) == 0 {
		return e.seed(ctx, c, logger)
	}
	return e.waitForDatabases(ctx, logger)
}

// bootstrap makes the first value of a cluster: its identity and this peer.
func (e *engine) bootstrap(ctx context.Context) error {
	self := e.store.Self()
	_, err := e.store.Propose(ctx, topology.BootstrapCluster{ClusterID: newClusterID(), Peers: []*topology.Peer{&self}}, 0)
	if errors.Is(err, topology.ErrExists) { // an earlier start came as far as this
		err = nil
	}
	if err != nil {
		return fmt.Errorf("make a cluster: %w", err)
	}
	return e.store.Wait(ctx, 1)
}

// newClusterID draws a name for a cluster.
func newClusterID() string { return strings.ToLower(rand.Text()) }

// seed looks at the nodes of the configuration and makes databases of them.
func (e *engine) seed(ctx context.Context, c *config.Config, logger *slog.Logger) error {
	t := e.store.Current()
	clusterID := ""
	if c.Peer.Clustered() {
		clusterID = t.ClusterID
	}
	sources, err := loadDatabases(ctx, c, clusterID)
	if err != nil {
		return withCode(exitNodes, err)
	}
	var commands []topology.Command
	for _, s := range sources {
		logLoaded(logger, s)
		commands = append(commands, topology.CreateDatabase{Database: s.db})
	}
	for i := range c.Users {
		commands = append(commands, topology.SetUser{User: *userOf(&c.Users[i])})
	}
	batch, err := topology.Batch(commands...)
	if err != nil {
		return err
	}
	// Other entries may have come meanwhile, such as that of this start.
	switch _, err := e.store.Propose(ctx, batch, 0); {
	case errors.Is(err, topology.ErrExists):
		// An earlier start came as far as this, and what it made was not published.
		return e.waitForDatabases(ctx, logger)
	case err != nil:
		return fmt.Errorf("make the databases: %w", err)
	}
	e.seeded = true
	return nil
}

// waitForDatabases waits for another peer to make them.
func (e *engine) waitForDatabases(ctx context.Context, logger *slog.Logger) error {
	changed, stop := e.store.Watch()
	defer stop()
	for said := false; len(e.store.Current().Databases) == 0; said = true {
		if !said {
			logger.Info("waiting for the cluster's first peer to make the databases")
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}
