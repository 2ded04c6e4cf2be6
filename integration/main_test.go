package integration

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"shardproxy/internal/pgserver"
	"shardproxy/internal/pgserver/pgservertest"
)

var (
	// cluster are the database servers that the tests share.
	cluster *pgservertest.Cluster
	// proxyBinary is the proxy, built with the race detector.
	proxyBinary string
)

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) (code int) {
	dir, err := os.MkdirTemp("", "shardproxy-integration-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	proxyBinary = filepath.Join(dir, "shardproxy")
	build := exec.Command("go", "build", "-race", "-o", proxyBinary, "shardproxy/cmd/shardproxy")
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "building the proxy:", err)
		return 1
	}
	cluster, err = pgservertest.NewCluster(context.Background(), 3, pgserver.Options{
		Settings: map[string]string{"max_connections": "300", "max_prepared_transactions": "0"},
	})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() {
		if err := cluster.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}()
	return m.Run()
}
