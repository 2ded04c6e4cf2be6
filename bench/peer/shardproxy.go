package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// startShardproxy starts shardproxy with the server as its only node, built
// from this module unless binary names a program.
func (s *site) startShardproxy(ctx context.Context, binary string) error {
	s.versions[shardProxy] = "given"
	if binary == "" {
		binary = filepath.Join(s.dir, "shardproxy")
		if err := build(ctx, binary); err != nil {
			return err
		}
		s.versions[shardProxy] = "built from this module"
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	adminPort, err := freePort()
	if err != nil {
		return err
	}
	config := filepath.Join(s.dir, "shardproxy.yaml")
	if err := os.WriteFile(config, []byte(proxyConfig(s.dir, s.server.DSN(), port, adminPort)), 0o600); err != nil {
		return err
	}
	return s.startProxy(ctx, exec.Command(binary, "serve", "--config", config), target{name: shardProxy, port: port})
}

func build(ctx context.Context, binary string) error {
	gotool, err := exec.LookPath("go")
	if err != nil {
		return errors.New("go is missing, and no program was named: see https://go.dev/dl/ or give -shardproxy")
	}
	output, err := exec.CommandContext(ctx, gotool, "build", "-o", binary, "shardproxy/cmd/shardproxy").CombinedOutput()
	if err != nil {
		return fmt.Errorf("building shardproxy: %w\n%s", err, output)
	}
	return nil
}

func proxyConfig(dir, dsn string, port, adminPort int) string {
	return fmt.Sprintf(`peer: {id: proxy-1, data_dir: %q, bootstrap: true}
admin: {listen: "127.0.0.1:%d"}
postgres:
  listen: "127.0.0.1:%d"
  tls: {mode: disable}
users:
  - {name: %s, password: %s}
databases:
  %s:
    nodes:
      - {name: pg-1, dsn: %q}
    pool: {min: 0, max: 20}
`, dir, adminPort, port, account, password, database, dsn)
}
