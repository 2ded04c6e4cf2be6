package backend

import (
	"context"
	"io"
	"net"
	"testing"
	"time"
)

// loopback returns the two ends of a TCP connection.
func loopback(t testing.TB) (client, server net.Conn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	accepted := make(chan net.Conn, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			c = nil
		}
		accepted <- c
	}()
	client, err = net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if server = <-accepted; server == nil {
		t.Fatal("not accepted")
	}
	t.Cleanup(func() { _ = client.Close(); _ = server.Close() })
	return client, server
}

// idlePool returns a pool with one idle connection: a socket, or without one.
func idlePool(t testing.TB, socket bool) *Pool {
	p, err := NewPool(PoolOptions{Dial: func(context.Context) (*Conn, error) {
		nc, _ := loopback(t)
		if !socket {
			nc = struct{ net.Conn }{nc} // hides the socket
		}
		return NewConn(nc, ConnOptions{})
	}})
	if err != nil {
		t.Fatal(err)
	}
	p.Release(acquire(t, p))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		if err := p.Close(ctx); err != nil {
			t.Error(err)
		}
	})
	return p
}

func TestAcquireAllocatesNothing(t *testing.T) {
	p := idlePool(t, true)
	ctx := t.Context()
	allocs := testing.AllocsPerRun(1000, func() {
		c, err := p.Acquire(ctx)
		if err != nil {
			t.Fatal(err)
		}
		p.Release(c)
	})
	if allocs != 0 {
		t.Errorf("%v allocations", allocs)
	}
}

func BenchmarkAcquireRelease(b *testing.B) {
	for _, bm := range []struct {
		name   string
		socket bool
	}{{"peek", true}, {"no-peek", false}} {
		b.Run(bm.name, func(b *testing.B) {
			p := idlePool(b, bm.socket)
			ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
			defer cancel()
			b.ReportAllocs()
			for b.Loop() {
				c, err := p.Acquire(ctx)
				if err != nil {
					b.Fatal(err)
				}
				p.Release(c)
			}
		})
	}
}

func BenchmarkAcquireReleaseParallel(b *testing.B) {
	p := idlePool(b, false)
	ctx := context.Background()
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			c, err := p.Acquire(ctx)
			if err != nil {
				b.Fatal(err)
			}
			p.Release(c)
		}
	})
}

func BenchmarkCanceler(b *testing.B) {
	p := idlePool(b, false)
	c := acquire(b, p)
	b.ReportAllocs()
	for b.Loop() {
		if k := c.Canceler(); k.conn == nil {
			b.Fatal("no connection")
		}
	}
	p.Release(c)
}

func BenchmarkAlive(b *testing.B) {
	nc, server := loopback(b)
	c, err := NewConn(nc, ConnOptions{})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if !c.alive() {
			b.Fatal("dead")
		}
	}
	if _, err := io.WriteString(server, "x"); err != nil {
		b.Fatal(err)
	}
}
