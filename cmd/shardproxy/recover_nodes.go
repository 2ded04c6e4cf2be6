package main

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"shardproxy/internal/noderegistry"
	"shardproxy/meta/topology"
	"shardproxy/router/catalog"
)

// nodeAnswer is what a node says of itself.
type nodeAnswer struct {
	database string
	node     topology.NodeID
	floor    topology.Epoch // the oldest epoch it accepts
	err      error          // it could not be asked, or is not the node
}

// nodePatience bounds the dealings with one node.
const nodePatience = 15 * time.Second

// askNodes asks all nodes of a topology at once which epochs they accept.
func askNodes(ctx context.Context, t *topology.Topology) []nodeAnswer {
	return eachNode(ctx, t, func(ctx context.Context, nodes *catalog.Nodes, db *topology.Database, i topology.NodeIndex) (topology.Epoch, error) {
		conn, err := nodes.Connect(ctx, i)
		if err != nil {
			return 0, err
		}
		defer catalog.Disconnect(conn)
		is, err := noderegistry.ReadIdentity(ctx, conn)
		if err != nil {
			return 0, fmt.Errorf("node %q: %w", db.Nodes[i].ID, err)
		}
		want := noderegistry.Node{Cluster: t.ClusterID, Database: db.Name, ID: string(db.Nodes[i].ID)}
		if is.Node != want || is.Copied {
			return 0, fmt.Errorf("node %q: %w", db.Nodes[i].ID, noderegistry.Verify(ctx, conn, want))
		}
		return topology.Epoch(is.MinEpoch), nil
	})
}

// fenceNodes has all nodes refuse what is older than t, and ends all registered
// connections there.
func fenceNodes(ctx context.Context, t *topology.Topology) []nodeAnswer {
	f := fencer{func() string { return t.ClusterID }, slog.New(slog.DiscardHandler)}
	return eachNode(ctx, t, func(ctx context.Context, nodes *catalog.Nodes, db *topology.Database, i topology.NodeIndex) (topology.Epoch, error) {
		return t.Epoch, f.cutOff(ctx, nodes, db, i, t.Epoch, nil)
	})
}

// eachNode calls f for all nodes at once. The answers are in the order of the
// databases' names and of their nodes.
func eachNode(ctx context.Context, t *topology.Topology,
	f func(context.Context, *catalog.Nodes, *topology.Database, topology.NodeIndex) (topology.Epoch, error),
) []nodeAnswer {
	var answers []nodeAnswer
	for _, name := range sortedKeys(t.Databases) {
		for _, n := range t.Databases[name].Nodes {
			answers = append(answers, nodeAnswer{database: name, node: n.ID})
		}
	}
	var group sync.WaitGroup
	at := 0
	for _, name := range sortedKeys(t.Databases) {
		db := t.Databases[name]
		nodes, err := catalog.NewNodes(catalog.Options{Nodes: db.Nodes})
		for i := range db.Nodes {
			answer := &answers[at]
			at++
			if answer.err = err; err != nil {
				continue
			}
			group.Go(func() {
				ctx, cancel := context.WithTimeout(ctx, nodePatience)
				defer cancel()
				answer.floor, answer.err = f(ctx, nodes, db, topology.NodeIndex(i))
			})
		}
	}
	group.Wait()
	return answers
}

// highestFloor is the oldest epoch that all nodes accept.
func highestFloor(answers []nodeAnswer) (floor topology.Epoch) {
	for _, a := range answers {
		floor = max(floor, a.floor)
	}
	return floor
}
