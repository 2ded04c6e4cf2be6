package main

import (
	"errors"
	"fmt"
	"slices"

	"shardproxy/internal/config"
	"shardproxy/meta/topology"
	"shardproxy/protocol/pgstartup"
)

// loadConfig reads the configuration. Each problem is an error of its own.
func loadConfig(path string, environ []string) (*config.Config, error) {
	c, err := config.Load(path, environ)
	if wrong, ok := errors.AsType[*config.Error](err); ok {
		errs := make([]error, len(wrong.Problems))
		for i, p := range wrong.Problems {
			errs[i] = errors.New(p.String())
		}
		err = errors.Join(errs...)
	}
	return c, withCode(exitConfig, err)
}

// checkSupported lists what a configuration asks for that this build does not
// do. Left alone it would be silently ignored.
func checkSupported(c *config.Config) []error {
	var errs []error
	refuse := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if c.MySQL.Listen != "" {
		refuse("mysql.listen: this build serves PostgreSQL only; remove the key")
	}
	if c.Postgres.Listen == "" {
		refuse("postgres.listen: this build serves PostgreSQL only, so it needs an address")
	}
	for _, name := range sortedKeys(c.Databases) {
		db := c.Databases[name]
		if db.Engine != topology.Postgres.String() {
			refuse("databases.%s.engine: %s: this build serves PostgreSQL only", name, db.Engine)
		}
		rules := rulesOf(&db)
		for _, err := range parts(rules.Validate()) {
			if err != nil {
				refuse("databases.%s: %w", name, err)
			}
		}
	}
	for i, u := range c.Users {
		if _, err := pgstartup.ParseSecret(secretOf(&u)); secretOf(&u) != "" && err != nil {
			refuse("users[%d] (%s): %v", i, u.Name, err)
		}
		if !u.Secret.Empty() && !isVerifier(u.Secret.Reveal()) {
			refuse("users[%d].secret (%s): not a SCRAM-SHA-256 verifier; this build serves PostgreSQL only", i, u.Name)
		}
	}
	return errs
}

// sortedKeys are the keys of a map in order.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
