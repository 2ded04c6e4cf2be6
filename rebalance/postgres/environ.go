package postgres

import (
	"errors"
	"net/url"
	"os"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// environ makes the environment by which a client program connects as dsn says:
// nothing of it appears among the arguments, which everybody on the machine may
// read.
func environ(dsn string) ([]string, error) {
	config, err := pgconn.ParseConfig(dsn)
	if err != nil {
		// The parser's error quotes the dsn.
		return nil, errors.New("the dsn cannot be read")
	}
	var env []string
	for _, v := range os.Environ() {
		ours := strings.HasPrefix(v, "PG") && !strings.HasPrefix(v, "PGSSL") // these hold for our own connections, too
		if !ours && !strings.HasPrefix(v, "LC_") && !strings.HasPrefix(v, "LANG") {
			env = append(env, v)
		}
	}
	env = append(env,
		"LC_ALL=C",
		"PGHOST="+config.Host,
		"PGPORT="+strconv.Itoa(int(config.Port)),
		"PGUSER="+config.User,
		"PGPASSWORD="+config.Password,
		"PGDATABASE="+config.Database,
		"PGAPPNAME=shardproxy schema",
		"PGCONNECT_TIMEOUT=10",
	)
	settings := settingsOf(dsn)
	for _, name := range []string{"sslmode", "sslcert", "sslkey", "sslrootcert", "sslcrl", "sslsni"} {
		if value, ok := settings[name]; ok {
			env = append(env, "PG"+strings.ToUpper(name)+"="+value)
		}
	}
	return env, nil
}

// settingsOf returns the parameters of a dsn that a parser has accepted: of a
// URL those of its query, else the pairs of "name=value name='a value'".
func settingsOf(dsn string) map[string]string {
	settings := make(map[string]string)
	if strings.HasPrefix(dsn, "postgres://") || strings.HasPrefix(dsn, "postgresql://") {
		if u, err := url.Parse(dsn); err == nil {
			for name := range u.Query() {
				settings[name] = u.Query().Get(name)
			}
		}
		return settings
	}
	for rest := dsn; ; {
		name, after, ok := strings.Cut(rest, "=")
		if !ok {
			return settings
		}
		value, next := cutValue(strings.TrimLeft(after, " \t\n\r"))
		settings[strings.TrimSpace(name)] = value
		rest = next
	}
}

// cutValue takes a value, quoted or not, off the front.
func cutValue(s string) (value, rest string) {
	quoted := strings.HasPrefix(s, "'")
	if quoted {
		s = s[1:]
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '\\' && i+1 < len(s):
			i++
			b.WriteByte(s[i])
		case quoted && c == '\'', !quoted && strings.IndexByte(" \t\n\r", c) >= 0:
			return b.String(), s[i+1:]
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), ""
}
