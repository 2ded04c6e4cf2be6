package backend

import (
	"context"
	"errors"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"shardproxy/protocol/sqlerr"
)

func TestPoolOptions(t *testing.T) {
	dial := func(context.Context) (*Conn, error) { return nil, errRefused }
	tests := []struct {
		name string
		o    PoolOptions
		want []string // parts of the error
	}{
		{name: "defaults", o: PoolOptions{Dial: dial}},
		{name: "min above the default max", o: PoolOptions{Dial: dial, Min: 30}},
		{name: "no dial", want: []string{"dial"}},
		{
			name: "everything wrong is said at once",
			o:    PoolOptions{Node: "pg-7", Min: -1, Max: -2, QueueTimeout: -1, DialTimeout: -1},
			want: []string{`"pg-7"`, "min is -1", "max is -2", "queue timeout", "dial timeout", "no dial"},
		},
		{name: "min above max", o: PoolOptions{Dial: dial, Min: 3, Max: 2}, want: []string{"min is 3", "max, 2"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			p, err := NewPool(tt.o)
			if len(tt.want) == 0 {
				if err != nil {
					t.Fatal(err)
				}
				if s := p.Stats(); s.Max < s.Min || s.Max < 1 {
					t.Errorf("limits %d, %d", s.Min, s.Max)
				}
				if err := p.Close(context.Background()); err != nil {
					t.Error(err)
				}
				return
			}
			if err == nil {
				t.Fatal("no error")
			}
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error %q lacks %q", err, part)
				}
			}
		})
	}
}

func TestLastUsedFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := new(fakeNode).newPool(t, PoolOptions{})
		a, b := acquire(t, p), acquire(t, p)
		a.Attachment = "state of a"
		p.Release(b)
		p.Release(a)
		if c := acquire(t, p); c != a || c.Attachment != "state of a" {
			t.Errorf("got connection %d with %v, want the one released last", c.PID, c.Attachment)
		}
		p.Release(a)
		want := Stats{Max: DefaultMax, Idle: 2, Acquired: 3, Queued: 2, Dials: 2}
		if diff := cmp.Diff(want, p.Stats()); diff != "" {
			t.Error(diff)
		}
	})
}

// All of a burst are served in the order they came, and the pool grows to Max
// in the time of one dial.
func TestBurst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const clients, size = 64, 16
		node := new(fakeNode)
		node.set(10*time.Millisecond, nil)
		p := node.newPool(t, PoolOptions{Max: size})
		start := time.Now()
		got := make([]time.Duration, clients)
		var group sync.WaitGroup
		for i := range clients {
			group.Go(func() {
				c, err := p.Acquire(t.Context())
				if err != nil {
					t.Error(err)
					return
				}
				got[i] = time.Since(start)
				time.Sleep(5 * time.Millisecond)
				p.Release(c)
			})
			synctest.Wait() // it waits in the queue before the next one comes
		}
		if s := p.Stats(); s.Dialing != size || s.Waiting != clients {
			t.Errorf("%d dials for %d waiting clients", s.Dialing, s.Waiting)
		}
		group.Wait()
		for i, d := range got {
			if want := time.Duration(10+5*(i/size)) * time.Millisecond; d != want {
				t.Errorf("client %d waited %s, want %s", i, d, want)
			}
		}
		if node.dials() != size || p.Stats().Idle != size {
			t.Errorf("%d dials, %d idle, want %d", node.dials(), p.Stats().Idle, size)
		}
	})
}

// A waiting client takes whichever comes first, a released connection or its
// own dial.
func TestReleasedBeforeDialled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := new(fakeNode)
		p := node.newPool(t, PoolOptions{Max: 2})
		held := acquire(t, p)
		node.set(time.Second, nil)
		time.AfterFunc(10*time.Millisecond, func() { p.Release(held) })
		start := time.Now()
		if c := acquire(t, p); c != held || time.Since(start) != 10*time.Millisecond {
			t.Errorf("got connection %d after %s", c.PID, time.Since(start))
		}
		time.Sleep(time.Second)
		synctest.Wait()
		if s := p.Stats(); s.Idle != 1 || s.Held != 1 || s.Dialing != 0 {
			t.Errorf("the dial nobody waited for should be idle: %+v", s)
		}
		p.Release(held)
	})
}

func TestQueueTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := new(fakeNode).newPool(t, PoolOptions{Max: 1, QueueTimeout: 3 * time.Second})
		held := acquire(t, p)
		start := time.Now()
		_, err := p.Acquire(t.Context())
		if time.Since(start) != 3*time.Second {
			t.Errorf("waited %s", time.Since(start))
		}
		e, ok := errors.AsType[*sqlerr.Error](err)
		if !ok || e.SQLState != sqlerr.QueueTimeout("").SQLState || !e.Retryable {
			t.Fatalf("error %#v", err)
		}
		for _, part := range []string{"pg-1", "Waited 3s", "pool size 1", "1 connections in use", "pool.max"} {
			if !strings.Contains(e.Message+e.Detail+e.Hint, part) {
				t.Errorf("error %+v lacks %q", e, part)
			}
		}
		p.Release(held)
		if c := acquire(t, p); c != held {
			t.Error("the connection went to the client that had left")
		}
		p.Release(held)
		if s := p.Stats(); s.Timeouts != 1 || s.Waiting != 0 {
			t.Errorf("%+v", s)
		}
	})
}

func TestContextEndsWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := new(fakeNode).newPool(t, PoolOptions{Max: 1})
		held := acquire(t, p)
		cause := errors.New("the client sent a CancelRequest")
		ctx, cancel := context.WithCancelCause(t.Context())
		time.AfterFunc(time.Second, func() { cancel(cause) })
		start := time.Now()
		_, err := p.Acquire(ctx)
		if !errors.Is(err, cause) || time.Since(start) != time.Second {
			t.Errorf("error %v after %s", err, time.Since(start))
		}
		if s := p.Stats(); s.Waiting != 0 {
			t.Errorf("%d still wait", s.Waiting)
		}
		if _, err := p.Acquire(ctx); !errors.Is(err, cause) {
			t.Errorf("error %v of a context that was done before", err)
		}
		p.Release(held)
	})
}

// A client that is served at the very moment it gives up loses nothing: the
// connection goes on to others, or, where only its time was over, is used.
func TestGivingUpWhileServed(t *testing.T) {
	for _, timeout := range []bool{false, true} {
		o := PoolOptions{Max: 1}
		if timeout {
			o.QueueTimeout = 20 * time.Millisecond
		}
		p := new(fakeNode).newPool(t, o)
		held := acquire(t, p)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		type result struct {
			conn *Conn
			err  error
		}
		got := make(chan result)
		go func() {
			c, err := p.Acquire(ctx)
			got <- result{c, err}
		}()
		eventually(t, "the client waits", func() bool { return p.Stats().Waiting == 1 })
		p.mu.Lock() // so that it cannot leave the queue before it is served
		if !timeout {
			cancel()
		}
		time.Sleep(50 * time.Millisecond)
		held.pooled.lease++
		reason := p.settleLocked(held)
		p.mu.Unlock()
		p.finish(held, reason)
		r := <-got
		switch {
		case r.conn == held:
			p.Release(held)
		case timeout || !errors.Is(r.err, context.Canceled):
			t.Errorf("connection %v, error %v", r.conn, r.err)
		}
		if s := p.Stats(); s.Idle != 1 || s.Held != 0 || s.Waiting != 0 {
			t.Errorf("%+v", s)
		}
	}
}

// A client whose turn it was keeps its turn when the connection it got turns
// out to be dead.
func TestDeadConnectionKeepsTurn(t *testing.T) {
	dials := make(chan net.Conn, 2)
	p, err := NewPool(PoolOptions{Max: 1, Dial: func(context.Context) (*Conn, error) {
		nc, server := loopback(t)
		dials <- server
		return NewConn(nc, ConnOptions{})
	}})
	if err != nil {
		t.Fatal(err)
	}
	held := acquire(t, p)
	order := make(chan int, 2)
	var group sync.WaitGroup
	for i := range 2 {
		group.Go(func() {
			c, err := p.Acquire(t.Context())
			if err != nil {
				t.Error(err)
				return
			}
			order <- i
			p.Release(c)
		})
		eventually(t, "the client waits", func() bool { return p.Stats().Waiting == i+1 })
	}
	server := <-dials
	if err := server.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the end of the connection", func() bool { return held.peeker.peek() == peekedGone })
	p.Release(held)
	group.Wait()
	if first := <-order; first != 0 {
		t.Error("the second client was served first")
	}
	if s := p.Stats(); s.Dials != 2 || s.Closed != 1 {
		t.Errorf("%+v", s)
	}
	if err := p.Close(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestReleaseOfWhatIsNotHeld(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, other := new(fakeNode).newPool(t, PoolOptions{}), new(fakeNode).newPool(t, PoolOptions{})
		c := acquire(t, p)
		other.Release(c)
		other.Discard(c)
		p.Release(c)
		p.Release(c)
		p.Discard(c)
		if s := p.Stats(); s.Idle != 1 || s.Held != 0 {
			t.Errorf("%+v", s)
		}
		if err := errors.Join(p.check(), other.check()); err != nil {
			t.Error(err)
		}
		a, b := acquire(t, p), acquire(t, p)
		if a == b {
			t.Error("one connection for two clients")
		}
		p.Release(a)
		p.Discard(b)
		p.Discard(b)
	})
}

func TestBrokenIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := new(fakeNode).newPool(t, PoolOptions{})
		c := acquire(t, p)
		c.MarkBroken()
		p.Release(c)
		if s := p.Stats(); s.Idle != 0 || s.Closed != 1 {
			t.Errorf("%+v", s)
		}
	})
}
