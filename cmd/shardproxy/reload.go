package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"shardproxy/internal/config"
	"shardproxy/meta/topology"
)

// reload takes over what may change while the process runs: users, limits,
// certificates and tokens, the level of the log. What needs a restart is named
// in the log and stays as it is. When anything of it is wrong, everything stays.
func (p *proxy) reload(next *config.Config) error {
	merged, taken, left := merge(p.config, next)
	if err := errors.Join(checkSupported(merged)...); err != nil {
		return err
	}
	tls, err := readTLS(merged.Postgres.TLS)
	if err != nil {
		return err
	}
	if err := p.admin.Reload(); err != nil {
		return err
	}
	if err := p.engine.reconfigure(merged); err != nil {
		return err
	}
	p.certificates.tls.Store(tls)
	p.router.SetMaxClients(merged.Postgres.MaxClientConn)
	p.level.Set(levelOf(merged.Log))
	p.config = merged
	for _, key := range left {
		p.logger.Warn("configuration key not taken over: it needs a restart", "key", key)
	}
	p.logger.Info("configuration reloaded", "changed", taken)
	return nil
}

// merge returns the configuration in force with what can be taken over from
// next, the keys that are taken and those that are left.
func merge(old, next *config.Config) (merged *config.Config, taken, left []string) {
	changed := changedKeys(old, next)
	// Certificates are read for a mode: without that they stay too.
	otherTLS := slices.Contains(changed, "postgres.tls.mode") || slices.Contains(changed, "postgres.tls.client_cert")
	for _, key := range changed {
		if canReload(key) && (!otherTLS || !strings.HasPrefix(key, "postgres.tls.")) {
			taken = append(taken, key)
		} else {
			left = append(left, key)
		}
	}
	c := *old
	c.Users = next.Users
	c.Log.Level = next.Log.Level
	c.Postgres.MaxClientConn = next.Postgres.MaxClientConn
	if !otherTLS {
		c.Postgres.TLS = next.Postgres.TLS
	}
	c.Databases = maps.Clone(old.Databases)
	for name, db := range c.Databases {
		if from, ok := next.Databases[name]; ok {
			db.Pool = from.Pool
			c.Databases[name] = db
		}
	}
	return &c, taken, left
}

// reconfigure publishes the users and the limits of pools of a configuration.
func (e *engine) reconfigure(c *config.Config) error {
	err := e.store.Update(func(t *topology.Topology) (*topology.Topology, error) {
		next := t
		for name, db := range t.Databases {
			declared := c.Databases[name]
			if pool := poolOf(declared.Pool); pool != db.Pool {
				db = db.Clone()
				db.Pool = pool
				next = next.WithDatabase(db)
			}
		}
		if users := usersOf(c, t.Users); !maps.Equal(users, t.Users) {
			next = next.WithUsers(users)
		}
		return next, nil
	})
	if err != nil {
		return fmt.Errorf("users and limits: %w", err)
	}
	return nil
}
