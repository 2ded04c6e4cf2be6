package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"syscall"
	"time"

	"shardproxy/internal/pgserver"
)

// The account and the database of the server and of both proxies.
const (
	account  = "app"
	password = "app"
	database = "app"
)

// target is a way from pgbench to the server.
type target struct {
	name string
	port int // on 127.0.0.1
	pid  int // of the proxy; 0: there is none
	// databases by protocol, where it is not the usual one.
	databases map[string]string
}

// site is everything that runs.
type site struct {
	dir      string // for configurations
	server   *pgserver.Server
	pgbench  string
	script   string // of pgbench: a file
	targets  []target
	proxies  []*process
	versions map[string]string
}

// startSite starts the server, loads the table and starts the proxies.
func startSite(ctx context.Context, o options, progress io.Writer) (*site, error) {
	s := &site{versions: make(map[string]string)}
	if err := s.start(ctx, o, progress); err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *site) start(ctx context.Context, o options, progress io.Writer) error {
	var err error
	if s.dir, err = os.MkdirTemp("", "shardproxy-bench-"); err != nil {
		return err
	}
	if err := os.Chmod(s.dir, 0o755); err != nil { // PgBouncer runs as another user
		return err
	}
	fmt.Fprintln(progress, "starting PostgreSQL")
	s.server, err = pgserver.Start(ctx, pgserver.Options{
		User: account, Password: password, Database: database, NoSync: true,
		Settings: map[string]string{"shared_buffers": "128MB", "max_connections": "100"},
	})
	if err != nil {
		return err
	}
	if s.pgbench, err = find("pgbench", "postgresql", s.server.BinDir()); err != nil {
		return err
	}
	if s.script, err = writeScript(s.dir, o.rows); err != nil {
		return err
	}
	if err := load(ctx, s.server.DSN(), o.rows); err != nil {
		return err
	}
	for _, name := range o.targets {
		if err := s.startTarget(ctx, name, o, progress); err != nil {
			return err
		}
	}
	return nil
}

// load fills the table that is measured.
func load(ctx context.Context, dsn string, rows int) error {
	return pgserver.Exec(ctx, dsn,
		`CREATE TABLE accounts (user_id bigint PRIMARY KEY, n int NOT NULL, filler text NOT NULL)`,
		fmt.Sprintf(`INSERT INTO accounts SELECT i, i %% 1000, repeat('x', 80) FROM generate_series(1, %d) AS i`, rows),
		`VACUUM (ANALYZE) accounts`)
}

func (s *site) startTarget(ctx context.Context, name string, o options, progress io.Writer) error {
	fmt.Fprintln(progress, "starting", name)
	switch name {
	case pgBouncer:
		return s.startPgBouncer(ctx)
	case shardProxy:
		return s.startShardproxy(ctx, o.binary)
	}
	s.targets = append(s.targets, target{name: direct, port: s.server.Port()})
	return nil
}

// close ends everything.
func (s *site) close() error {
	var errs []error
	for _, p := range s.proxies {
		errs = append(errs, p.stop(syscall.SIGTERM))
	}
	if s.server != nil {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		errs = append(errs, s.server.Close(ctx))
	}
	return errors.Join(append(errs, os.RemoveAll(s.dir))...)
}
