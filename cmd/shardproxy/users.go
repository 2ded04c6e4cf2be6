package main

import (
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync/atomic"

	"shardproxy/internal/config"
	"shardproxy/meta/topology"
	"shardproxy/protocol/pgstartup"
	"shardproxy/protocol/sqlerr"
)

func userOf(c *config.User) *topology.User {
	return &topology.User{
		Name:            c.Name,
		Secret:          secretOf(c),
		Databases:       c.Databases,
		BackendUser:     c.BackendUser,
		BackendPassword: c.BackendPassword.Reveal(),
		NodeHints:       c.NodeHints,
		SessionPooling:  c.SessionPooling,
	}
}

// secretOf is what a user proves to know: a password, a verifier, or nothing for
// those who log in by certificate.
func secretOf(c *config.User) string {
	if !c.Secret.Empty() {
		return c.Secret.Reveal()
	}
	return c.Password.Reveal()
}

// isVerifier: in PostgreSQL's format.
func isVerifier(secret string) bool { return strings.HasPrefix(secret, "SCRAM-SHA-256$") }

// logins knows who may log in. It implements pgstartup.Users.
type logins struct {
	topology func() *topology.Topology
	logger   *slog.Logger
	// secrets are those of the users of the present topology and of the one
	// before it: a login may have looked at either.
	secrets atomic.Pointer[secrets]
}

type secrets struct {
	present, before map[*topology.User]pgstartup.Secret
}

var _ pgstartup.Users = (*logins)(nil)

// prepare derives the secrets of a topology before it is published. That takes
// some milliseconds for each new password.
func (l *logins) prepare(next *topology.Topology) {
	old := l.secrets.Load()
	if old == nil {
		old = new(secrets)
	}
	present := make(map[*topology.User]pgstartup.Secret, len(next.Users))
	for _, u := range next.Users {
		secret, known := old.present[u]
		if !known && u.Secret != "" {
			var err error
			if secret, err = pgstartup.ParseSecret(u.Secret); err != nil {
				l.logger.Error("user cannot log in", "user", u.Name, "error", err)
			}
		}
		present[u] = secret
	}
	if !maps.Equal(keysOf(present), keysOf(old.present)) {
		l.secrets.Store(&secrets{present: present, before: old.present})
	}
}

func keysOf(m map[*topology.User]pgstartup.Secret) map[*topology.User]bool {
	keys := make(map[*topology.User]bool, len(m))
	for u := range m {
		keys[u] = true
	}
	return keys
}

// Login implements pgstartup.Users.
func (l *logins) Login(user, database string) (pgstartup.Login, bool) {
	t := l.topology()
	u := t.Users[user]
	if u == nil {
		return pgstartup.Login{}, false
	}
	s := l.secrets.Load()
	secret, ok := s.present[u]
	if !ok {
		secret = s.before[u]
	}
	login := pgstartup.Login{Secret: secret}
	switch {
	case t.Databases[database] == nil:
		login.Denied = sqlerr.UndefinedDatabase(database)
	case len(u.Databases) > 0 && !slices.Contains(u.Databases, database):
		login.Denied = sqlerr.DatabaseDenied(user, database)
	}
	return login, true
}
