package pgsession

import (
	"context"
	"net"
	"testing"
	"time"

	"shardproxy/protocol/pgwire"
	"shardproxy/router/backend"
)

// TestAbortWithSilentNode: a node that takes statements and answers nothing does not
// keep a proxy that stops.
func TestAbortWithSilentNode(t *testing.T) {
	t.Parallel()
	got := make(chan struct{}, 100)
	pools, err := backend.NewPools(backend.PoolsOptions{Dial: func(_ context.Context, o backend.DialOptions) (*backend.Conn, error) {
		ours, node := net.Pipe()
		t.Cleanup(func() { _ = node.Close() })
		go func() {
			for b := make([]byte, 1024); ; {
				if _, err := node.Read(b); err != nil {
					return
				}
				got <- struct{}{}
			}
		}()
		return backend.NewConn(ours, backend.ConnOptions{Node: o.Node})
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := pools.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	client, conn := net.Pipe()
	defer client.Close()
	cfg := testConfig(oneTable(1))
	s := &Session{
		conn: conn, shared: &Shared{Options: Options{Pools: pools, MaxBatch: 1 << 20}}, user: cfg.user, m: newMachine(cfg, noVars(), nil),
		reader: pgwire.NewReader(conn, pgwire.ReaderOptions{Limits: pgwire.FrontendLimits(1 << 20), Buffers: pgwire.NewBuffers()}),
	}
	defer s.Close()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = s.Run(t.Context())
	}()
	if _, err := client.Write(pgwire.AppendQuery(nil, "INSERT INTO t (user_id, a) VALUES (1, 1)")); err != nil {
		t.Fatal(err)
	}
	<-got
	s.Abort()
	select {
	case <-ended:
	case <-time.After(5 * time.Second):
		t.Fatal("the session waits for the node")
	}
}
