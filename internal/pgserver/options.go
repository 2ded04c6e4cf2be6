package pgserver

import (
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"regexp"
	"strings"
)

// Options say which server to start.
type Options struct {
	// Dir is where everything of the server is kept. It must be empty or not
	// exist, is given to the user the server runs as, and stays when the server
	// is closed. Empty: a temporary directory that is removed by Close, or when
	// this process dies.
	Dir string
	// Port on 127.0.0.1; 0 takes a free one.
	Port int
	// BinDir holds initdb and postgres. Empty: the environment variable
	// SHARDPROXY_PG_BINDIR, then the newest /usr/lib/postgresql/*/bin, then
	// PATH.
	BinDir string
	// User is the application's role (default "app"). The superuser is always
	// called "postgres" and may be asked for here too.
	User string
	// Password of User and of the superuser (default "app").
	Password string
	// Database is created and owned by User (default "app").
	Database string
	// NoSync switches fsync and full page writes off, for tests: a crash of the
	// machine may destroy the data, a crash of the server does not.
	NoSync bool
	// Settings are lines for postgresql.conf; they win over the defaults.
	Settings map[string]string
	// Files are written into the data directory before the first start, by
	// base name, readable by the server only: server.crt, server.key,
	// pg_hba.conf.
	Files map[string][]byte
	// Log receives the server's log; nil keeps only the tail. It is written by
	// one goroutine and must not block for long: the server's processes would.
	Log io.Writer
}

func (o Options) withDefaults() (Options, error) {
	if o.User == "" {
		o.User = "app"
	}
	if o.Password == "" {
		o.Password = "app"
	}
	if o.Database == "" {
		o.Database = "app"
	}
	return o, o.validate()
}

func (o Options) validate() error {
	var errs []error
	if o.Port < 0 || o.Port > 65535 {
		errs = append(errs, fmt.Errorf("port %d is outside 0..65535", o.Port))
	}
	for _, text := range []string{o.User, o.Password, o.Database} {
		if strings.ContainsAny(text, "\x00\n\r") {
			errs = append(errs, errors.New("user, password and database cannot hold NUL or line breaks"))
			break
		}
	}
	if o.Database == "template0" || o.Database == "template1" {
		errs = append(errs, fmt.Errorf("database %q is PostgreSQL's own", o.Database))
	}
	name := regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_.]*$`)
	for key, value := range o.Settings {
		if !name.MatchString(key) {
			errs = append(errs, fmt.Errorf("setting %q is not a parameter name", key))
		}
		if strings.ContainsAny(value, "\x00\n\r") {
			errs = append(errs, fmt.Errorf("the value of setting %s holds NUL or a line break", key))
		}
	}
	for base := range o.Files {
		if base == "" || base == "." || base == ".." || base != filepath.Base(base) {
			errs = append(errs, fmt.Errorf("file %q is not a base name", base))
		}
	}
	return errors.Join(errs...)
}
