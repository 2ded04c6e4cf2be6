package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

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
	// Each of these either takes everything over or leaves all as it was.
	if err := p.engine.store.ReloadTLS(); err != nil {
		return err
	}
	if err := p.admin.Reload(); err != nil {
		return err
	}
	if !merged.Peer.Clustered() {
		if err := p.engine.reconfigure(merged); err != nil {
			return err
		}
	}
	p.certificates.tls.Store(tls)
	p.router.SetMaxClients(merged.Postgres.MaxClientConn)
	p.level.Set(levelOf(merged.Log))
	p.config = merged
	for _, key := range left {
		if merged.Peer.Clustered() && ofTopology(key) {
			p.logger.Warn("configuration key not taken over: in a cluster shardctl changes it", "key", key)
			continue
		}
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
		if canReload(key) && !(old.Peer.Clustered() && ofTopology(key)) && (!otherTLS || !strings.HasPrefix(key, "postgres.tls.")) {
			taken = append(taken, key)
		} else {
			left = append(left, key)
		}
	}
	c := *old
	c.Log.Level = next.Log.Level
	c.Postgres.MaxClientConn = next.Postgres.MaxClientConn
	if !otherTLS {
		c.Postgres.TLS = next.Postgres.TLS
	}
	if old.Peer.Clustered() {
		return &c, taken, left
	}
	c.Users = next.Users
	c.Databases = maps.Clone(old.Databases)
	for name, db := range c.Databases {
		if from, ok := next.Databases[name]; ok {
			db.Pool = from.Pool
			c.Databases[name] = db
		}
	}
	return &c, taken, left
}

// ofTopology reports whether a key is about what the peers of a cluster agree on:
// there shardctl changes it.
func ofTopology(key string) bool {
	return strings.HasPrefix(key, "users.") || strings.HasPrefix(key, "databases.")
}

// reconfigure makes the users and the limits of pools those of a configuration.
func (e *engine) reconfigure(c *config.Config) error {
	ctx, cancel := context.WithTimeout(context.Background(), reconfigureTimeout)
	defer cancel()
	batch, err := topology.Batch(reconfiguration(e.store.Current(), c)...)
	if err == nil {
		_, err = e.store.Propose(ctx, batch, 0)
	}
	if err != nil {
		return fmt.Errorf("users and limits: %w", err)
	}
	return nil
}

// reconfigureTimeout bounds that. Who is alone agrees at once.
const reconfigureTimeout = 10 * time.Second

// reconfiguration returns the commands for it.
func reconfiguration(t *topology.Topology, c *config.Config) []topology.Command {
	var commands []topology.Command
	for _, name := range sortedKeys(t.Databases) {
		if declared, ok := c.Databases[name]; ok {
			commands = append(commands, topology.SetPool{Database: name, Pool: poolOf(declared.Pool)})
		}
	}
	declared := make(map[string]bool, len(c.Users))
	for i := range c.Users {
		declared[c.Users[i].Name] = true
		commands = append(commands, topology.SetUser{User: *userOf(&c.Users[i])})
	}
	for _, name := range sortedKeys(t.Users) {
		if !declared[name] {
			commands = append(commands, topology.RemoveUser{Name: name})
		}
	}
	return commands
}
