package backend

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// reasons counts why connections were closed.
type reasons struct {
	noMetrics
	closed map[CloseReason]int
}

func (r reasons) Closed(reason CloseReason) { r.closed[reason]++ }

func TestMinIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := new(fakeNode)
		p := node.newPool(t, PoolOptions{Min: 3})
		p.Maintain()
		synctest.Wait()
		if s := p.Stats(); s.Idle != 3 {
			t.Fatalf("%+v", s)
		}
		p.Discard(acquire(t, p))
		p.Maintain()
		synctest.Wait()
		if s := p.Stats(); s.Idle != 3 || s.Dials != 4 {
			t.Errorf("%+v", s)
		}
	})
}

func TestMinDoesNotHammerDeadNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := new(fakeNode)
		node.set(0, errRefused)
		p := node.newPool(t, PoolOptions{Min: 5})
		for range 60 {
			p.Maintain()
			time.Sleep(time.Second)
		}
		if dials := node.dials(); dials > 5+60/2 {
			t.Errorf("%d dials in a minute", dials)
		}
	})
}

func TestIdleTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := reasons{closed: map[CloseReason]int{}}
		p := new(fakeNode).newPool(t, PoolOptions{Min: 1, IdleTimeout: time.Minute, Metrics: m})
		a, b, c := acquire(t, p), acquire(t, p), acquire(t, p)
		p.Release(a)
		p.Release(b)
		time.Sleep(time.Minute)
		p.Release(c)
		p.Maintain()
		if s := p.Stats(); s.Idle != 1 || m.closed[ClosedIdle] != 2 {
			t.Errorf("%+v, %v", s, m.closed)
		}
		if got := acquire(t, p); got != c {
			t.Errorf("connection %d stayed", got.PID)
		}
		p.Release(c)
		time.Sleep(30 * time.Minute)
		p.Maintain()
		if s := p.Stats(); s.Idle != 1 {
			t.Errorf("fewer than Min: %+v", s)
		}
	})
}

func TestLifetime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := reasons{closed: map[CloseReason]int{}}
		p := new(fakeNode).newPool(t, PoolOptions{Lifetime: time.Hour, IdleTimeout: -1, Metrics: m})
		held := make([]*Conn, 20)
		for i := range held {
			held[i] = acquire(t, p)
		}
		ends := make(map[time.Time]bool)
		for _, c := range held {
			left := time.Until(c.pooled.expires)
			if left > time.Hour || left < 48*time.Minute {
				t.Errorf("lifetime %s", left)
			}
			ends[c.pooled.expires] = true
		}
		if len(ends) < 2 {
			t.Error("all end together")
		}
		p.Release(held[0])
		time.Sleep(time.Hour)
		p.Maintain() // idle for long, and old
		if m.closed[ClosedLifetime] != 1 {
			t.Errorf("idle: %v", m.closed)
		}
		for _, c := range held[1:] {
			p.Release(c)
		}
		if s := p.Stats(); s.Idle != 0 || m.closed[ClosedLifetime] != len(held) {
			t.Errorf("released: %+v, %v", s, m.closed)
		}
	})
}

// stoppedClock shows the time it is told.
type stoppedClock struct {
	wallClock
	now time.Time
}

func (c *stoppedClock) Now() time.Time { return c.now }

func TestInjectedClock(t *testing.T) {
	clock := &stoppedClock{now: time.Unix(1e9, 0)}
	m := reasons{closed: map[CloseReason]int{}}
	p := new(fakeNode).newPool(t, PoolOptions{Lifetime: time.Hour, Clock: clock, Metrics: m})
	c := acquire(t, p)
	clock.now = clock.now.Add(time.Hour)
	p.Release(c)
	if m.closed[ClosedLifetime] != 1 {
		t.Errorf("%v", m.closed)
	}
}

// timings remembers what a pool observed.
type timings struct {
	noMetrics
	mu     sync.Mutex
	waited []time.Duration
	dialed []time.Duration
	failed int
}

func (m *timings) QueueWaited(d time.Duration) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.waited = append(m.waited, d)
}

func (m *timings) Dialed(d time.Duration, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.dialed = append(m.dialed, d)
	if err != nil {
		m.failed++
	}
}

func TestMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, node := new(timings), new(fakeNode)
		node.set(time.Second, nil)
		p := node.newPool(t, PoolOptions{Max: 1, QueueTimeout: 3 * time.Second, Metrics: m})
		c := acquire(t, p)
		if _, err := p.Acquire(t.Context()); err == nil {
			t.Error("no error")
		}
		p.Release(c)
		p.Release(acquire(t, p)) // did not have to wait
		node.set(2*time.Second, errRefused)
		p.Discard(acquire(t, p))
		if _, err := p.Acquire(t.Context()); err == nil {
			t.Error("no error")
		}
		if diff := cmp.Diff([]time.Duration{time.Second, 3 * time.Second, 2 * time.Second}, m.waited); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]time.Duration{time.Second, 2 * time.Second}, m.dialed); diff != "" || m.failed != 1 {
			t.Error(diff, m.failed)
		}
	})
}

func TestCloseReasonNames(t *testing.T) {
	seen := make(map[string]bool)
	for r := ClosedDiscarded; r <= ClosedPool; r++ {
		name := r.String()
		if strings.Contains(name, "(") || seen[name] {
			t.Errorf("reason %d is called %q", uint8(r), name)
		}
		seen[name] = true
	}
}

func TestNoLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := new(fakeNode).newPool(t, PoolOptions{Lifetime: -1, IdleTimeout: -1})
		c := acquire(t, p)
		p.Release(c)
		time.Sleep(1000 * time.Hour)
		p.Maintain()
		if got := acquire(t, p); got != c {
			t.Error("another connection")
		}
		p.Release(c)
	})
}

func TestResize(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m := reasons{closed: map[CloseReason]int{}}
		p := new(fakeNode).newPool(t, PoolOptions{Max: 4, Metrics: m})
		held := []*Conn{acquire(t, p), acquire(t, p), acquire(t, p), acquire(t, p)}
		p.Release(held[0])
		if err := p.Resize(Limits{Max: 2}); err != nil {
			t.Fatal(err)
		}
		if s := p.Stats(); s.Idle != 0 || s.Held != 3 || s.Max != 2 {
			t.Errorf("after the shrink: %+v", s)
		}
		p.Release(held[1])
		p.Release(held[2])
		if s := p.Stats(); s.Idle != 1 || m.closed[ClosedSurplus] != 2 {
			t.Errorf("after the releases: %+v, %v", s, m.closed)
		}
		held[2] = acquire(t, p)
		time.AfterFunc(time.Second, func() {
			if err := p.Resize(Limits{Max: 3}); err != nil {
				t.Error(err)
			}
		})
		start := time.Now()
		c := acquire(t, p) // has to wait until the pool may grow
		if time.Since(start) != time.Second {
			t.Errorf("waited %s", time.Since(start))
		}
		p.Release(c)
		p.Release(held[2])
		p.Release(held[3])
		if err := p.Resize(Limits{Max: 1, Min: 2}); err == nil {
			t.Error("min above max was taken")
		}
	})
}

func TestClose(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := new(fakeNode)
		p := node.newPool(t, PoolOptions{Max: 2})
		a, b := acquire(t, p), acquire(t, p)
		waited := make(chan error)
		go func() {
			_, err := p.Acquire(context.Background())
			waited <- err
		}()
		synctest.Wait()
		closed := make(chan error)
		go func() { closed <- p.Close(context.Background()) }()
		if err := <-waited; !errors.Is(err, ErrPoolClosed) {
			t.Errorf("the waiting client got %v", err)
		}
		if _, err := p.Acquire(t.Context()); !errors.Is(err, ErrPoolClosed) {
			t.Errorf("a later client got %v", err)
		}
		p.Release(a)
		synctest.Wait()
		select {
		case err := <-closed:
			t.Fatalf("Close returned %v while a connection was held", err)
		default:
		}
		p.Discard(b)
		if err := <-closed; err != nil {
			t.Error(err)
		}
		p.Maintain()
		if node.open() != 0 {
			t.Errorf("%d connections left", node.open())
		}
	})
}

func TestCloseInTheMiddleOfDials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := new(fakeNode)
		node.set(time.Hour, nil)
		p := node.newPool(t, PoolOptions{Min: 4, DialTimeout: 2 * time.Hour})
		p.Maintain()
		synctest.Wait()
		start := time.Now()
		if err := p.Close(t.Context()); err != nil || time.Since(start) != 0 {
			t.Errorf("Close returned %v after %s", err, time.Since(start))
		}
	})
}

func TestCloseDoesNotWaitForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := new(fakeNode).newPool(t, PoolOptions{})
		c := acquire(t, p)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := p.Close(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error %v", err)
		}
		if _, err := c.Write([]byte("x")); err == nil {
			t.Error("the held connection is still open")
		}
		p.Release(c)
	})
}
