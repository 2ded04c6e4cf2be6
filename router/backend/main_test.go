package backend

import (
	"context"
	"fmt"
	"os"
	"testing"

	"go.uber.org/goleak"

	"shardproxy/internal/pgserver"
	"shardproxy/internal/pgserver/pgservertest"
)

// cluster is the server that tests share which leave it running.
var cluster *pgservertest.Cluster

func TestMain(m *testing.M) { goleak.VerifyTestMain(withServer{m}) }

// withServer runs the tests with a server, and goleak looks behind it.
type withServer struct{ m *testing.M }

func (w withServer) Run() int {
	c, err := pgservertest.NewCluster(context.Background(), 1, pgserver.Options{})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	cluster = c
	code := w.m.Run()
	if err := c.Close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}
