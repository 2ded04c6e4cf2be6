package main

import (
	"time"

	"shardproxy/internal/config"
	"shardproxy/meta/topology"
	"shardproxy/ring"
)

// databaseOf is a database as the configuration declares it. Its owners and its
// relations come from the nodes. A node's slot is its place in the list: the
// class of the ids it makes.
func databaseOf(name string, c *config.Database) *topology.Database {
	db := &topology.Database{Name: name, Engine: topology.Postgres, Rules: rulesOf(c), Pool: poolOf(c.Pool)}
	for i, n := range c.Nodes {
		db.Nodes = append(db.Nodes, topology.Node{
			ID: topology.NodeID(n.Name), Slot: topology.Slot(i), Weight: n.Weight,
			DSN: n.DSN.Reveal(), AdminDSN: n.AdminDSN.Reveal(),
		})
	}
	return db
}

func rulesOf(c *config.Database) topology.Rules {
	r := topology.Rules{
		TablePattern: c.TablePattern,
		NullKey:      c.NullKey,
		Reference:    c.Reference,
		Global:       c.Global,
		Functions:    c.Functions,
		Tables:       make(map[string]topology.TableRule, len(c.Tables)),
		KeyColumns:   make(map[ring.KeyKind][]string, len(c.KeyColumns)),
	}
	if c.Stride != topology.Stride {
		r.Stride = int64(c.Stride)
	}
	if c.TablePattern != "" {
		r.PatternKind = ring.KeyKind(c.TablePatternKind)
	}
	for _, kind := range c.KeyOrder {
		r.KeyOrder = append(r.KeyOrder, ring.KeyKind(kind))
	}
	for kind, columns := range c.KeyColumns {
		r.KeyColumns[ring.KeyKind(kind)] = columns
	}
	for name, t := range c.Tables {
		r.Tables[name] = topology.TableRule{
			Key: ring.KeyKind(t.Key), Column: t.Column, NullKey: t.NullKey, Triggers: t.Triggers, Unique: t.Unique, ForeignKeys: t.ForeignKeys,
		}
	}
	return r
}

// poolOf translates limits. 0 means never in the configuration and the default
// in a topology, where never is negative.
func poolOf(c config.Pool) topology.Pool {
	orNever := func(d time.Duration) int64 {
		if d == 0 {
			return -1
		}
		return max(1, d.Milliseconds())
	}
	return topology.Pool{
		Min: c.Min, Max: c.Max,
		MaxQueue:       c.MaxQueue,
		QueueTimeoutMS: max(1, c.QueueTimeout.Milliseconds()),
		LifetimeMS:     orNever(c.Lifetime),
		IdleTimeoutMS:  orNever(c.IdleTimeout),
		Session:        c.Session,
	}
}
