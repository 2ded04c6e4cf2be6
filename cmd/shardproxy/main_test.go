package main

import (
	"os"
	"testing"

	"shardproxy/internal/pgserver/pgservertest"
)

// cluster are the database servers that the tests share.
var cluster *pgservertest.Cluster

// asCommand makes the test binary be the command, so that the tests drive real
// processes with the race detector on.
const asCommand = "SHARDPROXY_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		os.Exit(run(os.Args[1:], os.Stdout, os.Stderr))
	}
	pgservertest.Main(m, &cluster, 3)
}
