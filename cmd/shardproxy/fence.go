package main

import (
	"context"
	"fmt"
	"log/slog"

	"golang.org/x/sync/errgroup"

	"shardproxy/internal/noderegistry"
	"shardproxy/meta"
	"shardproxy/meta/topology"
	"shardproxy/router/catalog"
)

// fencer cuts peers off from the nodes of a database.
type fencer struct {
	cluster func() string // the cluster's id
	logger  *slog.Logger
}

var _ meta.Fencer = fencer{}

// CutOff implements meta.Fencer.
func (f fencer) CutOff(ctx context.Context, db *topology.Database, floor topology.Epoch, allowed []meta.PeerStart) error {
	nodes, err := catalog.NewNodes(catalog.Options{Nodes: db.Nodes})
	if err != nil {
		return err
	}
	peers := make([]noderegistry.Peer, len(allowed))
	for i, p := range allowed {
		peers[i] = noderegistry.Peer{ID: string(p.Peer), Incarnation: p.Incarnation}
	}
	group, ctx := errgroup.WithContext(ctx)
	for i := range db.Nodes {
		group.Go(func() error { return f.cutOff(ctx, nodes, db, topology.NodeIndex(i), floor, peers) })
	}
	return group.Wait()
}

func (f fencer) cutOff(
	ctx context.Context, nodes *catalog.Nodes, db *topology.Database, i topology.NodeIndex, floor topology.Epoch, allowed []noderegistry.Peer,
) error {
	conn, err := nodes.Connect(ctx, i)
	if err != nil {
		return err
	}
	defer catalog.Disconnect(conn)
	id := db.Nodes[i].ID
	node := noderegistry.Node{Cluster: f.cluster(), Database: db.Name, ID: string(id)}
	ended, err := noderegistry.CutOff(ctx, conn, node, uint64(floor), allowed)
	if ended > 0 {
		f.logger.Warn("connections of other peers ended", "database", db.Name, "node", string(id), "connections", ended)
	}
	if err == nil && db.Armed != nil && topology.Epoch(db.Armed.ID) == floor {
		// All peers hold: what still runs is work whose client has gone.
		ended, err = noderegistry.Quiet(ctx, conn)
		if ended > 0 {
			f.logger.Warn("work without a client ended", "database", db.Name, "node", string(id), "connections", ended)
		}
	}
	if err != nil {
		return fmt.Errorf("node %q: %w", id, err)
	}
	return nil
}
