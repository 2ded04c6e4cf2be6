package catalog

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"shardproxy/internal/noderegistry"
	"shardproxy/meta/topology"
)

// of refuses to take the nodes for those of another database.
func (a Adoption) of(database string) error {
	if a.wanted() && a.Database != database {
		return fmt.Errorf("catalog: the nodes are to be adopted for database %q, not %q", a.Database, database)
	}
	return nil
}

// adoptable says whether a node can be adopted, or is the one it should be. It
// changes nothing.
func (c *Conns) adoptable(ctx context.Context, i topology.NodeIndex) error {
	if !c.adoption.wanted() {
		return nil
	}
	roles := slices.Clone(c.adoption.Roles)
	if config, err := pgconn.ParseConfig(c.nodes[i].DSN); err == nil {
		roles = append(roles, config.User)
	}
	slices.Sort(roles)
	return noderegistry.Check(ctx, c.conns[i], c.adoption.node(c.ID(i)), slices.Compact(roles)...)
}

// adopt adopts all nodes.
func (c *Conns) adopt(ctx context.Context) error {
	if !c.adoption.wanted() {
		return nil
	}
	return c.each(ctx, c.all(), "adopt", func(ctx context.Context, i topology.NodeIndex, conn *pgx.Conn) error {
		return noderegistry.Adopt(ctx, conn, c.adoption.node(c.ID(i)))
	})
}

// belonging reports the nodes of a cluster that this proxy is no part of.
func (c *Conns) belonging(snapshots []*Snapshot) []Problem {
	var problems []Problem
	for i, s := range snapshots {
		if !c.adoption.wanted() && s.Table(topology.TableName{Schema: ownSchema, Name: "node"}) != nil {
			problems = append(problems, Problem{Node: c.nodes[i].ID, What: "it is a node of a cluster of peers (it has the schema " + ownSchema +
				"), which cannot cut this proxy off: let the proxy join the cluster, or drop the schema if the cluster is gone"})
		}
	}
	return problems
}

// verify is refused unless each node is the one it should be.
func (c *Conns) verify(ctx context.Context) error {
	if !c.adoption.wanted() {
		return nil
	}
	return c.each(ctx, c.all(), "verify which node it is", func(ctx context.Context, i topology.NodeIndex, conn *pgx.Conn) error {
		return noderegistry.Verify(ctx, conn, c.adoption.node(c.ID(i)))
	})
}
