package admin

import (
	"context"

	"shardproxy/meta/topology"
)

func (s *Server) pause(ctx context.Context, c *change) (any, error) {
	return s.setPaused(ctx, c, "pause", true, func(name string) topology.Command { return topology.Pause{Database: name} })
}

func (s *Server) unpause(ctx context.Context, c *change) (any, error) {
	return s.setPaused(ctx, c, "unpause", false, func(name string) topology.Command { return topology.Unpause{Database: name} })
}

// setPaused proposes the command even where the database is paused already:
// who asks is promised that no transaction is open, and another's pause may
// not have come so far.
func (s *Server) setPaused(ctx context.Context, c *change, verb string, paused bool, command func(string) topology.Command) (any, error) {
	name := c.request.PathValue("name")
	if err := readJSON(c.request, &struct{}{}); err != nil {
		return nil, err
	}
	c.what = verb + " database " + name
	return s.decide(ctx, c, func(t *topology.Topology) (topology.Command, error) {
		db := t.Databases[name]
		switch {
		case db == nil:
			return nil, unknownDatabase(t, name)
		case !paused && !db.Paused:
			return nil, nil
		}
		return command(name), nil
	})
}
