package admin

import (
	"context"

	"shardproxy/meta/topology"
)

func (s *Server) pause(ctx context.Context, c *change) (any, error) {
	return s.changeDatabase(ctx, c, "pause", func(db *topology.Database) topology.Command {
		return topology.Pause{Database: db.Name}
	})
}

func (s *Server) unpause(ctx context.Context, c *change) (any, error) {
	return s.changeDatabase(ctx, c, "unpause", func(db *topology.Database) topology.Command {
		return topology.Unpause{Database: db.Name}
	})
}

// changeDatabase makes a change of the database that the path names.
func (s *Server) changeDatabase(ctx context.Context, c *change, verb string, command func(*topology.Database) topology.Command) (any, error) {
	name := c.request.PathValue("name")
	if err := readJSON(c.request, &struct{}{}); err != nil {
		return nil, err
	}
	c.what = verb + " database " + name
	return s.decide(ctx, c, func(t *topology.Topology) (topology.Command, error) {
		db := t.Databases[name]
		if db == nil {
			return nil, unknownDatabase(t, name)
		}
		return command(db), nil
	})
}
