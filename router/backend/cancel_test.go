package backend

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A released connection goes to nobody while a cancel request is in flight.
func TestCancelledConnectionIsParked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &fakeNode{cancel: func(context.Context, uint32) (bool, error) {
			time.Sleep(3 * time.Second)
			return true, nil
		}}
		p := node.newPool(t, PoolOptions{Max: 1})
		c := acquire(t, p)
		k := c.Canceler()
		var group sync.WaitGroup
		for range 2 {
			group.Go(func() {
				if err := k.Cancel(t.Context()); err != nil {
					t.Error(err)
				}
			})
			time.Sleep(time.Second)
		}
		p.Release(c) // the first ends in 1s, the second in 2s
		if s := p.Stats(); s.Cancelling != 1 || s.Idle != 0 || s.Held != 0 {
			t.Errorf("%+v", s)
		}
		start := time.Now()
		got := acquire(t, p)
		if got != c || time.Since(start) != 2*time.Second {
			t.Errorf("got connection %d after %s", got.PID, time.Since(start))
		}
		p.Release(got)
		group.Wait()
	})
}

// After the release a Canceler does nothing, whoever has the connection now.
func TestCancelOfAnEarlierHolder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sent := 0
		node := &fakeNode{cancel: func(context.Context, uint32) (bool, error) {
			sent++
			return true, nil
		}}
		p := node.newPool(t, PoolOptions{Max: 1})
		c := acquire(t, p)
		old := c.Canceler()
		p.Release(c)
		if err := old.Cancel(t.Context()); err != nil || sent != 0 {
			t.Errorf("idle: error %v, %d requests", err, sent)
		}
		if acquire(t, p) != c {
			t.Fatal("another connection")
		}
		if err := old.Cancel(t.Context()); err != nil || sent != 0 {
			t.Errorf("held by another: error %v, %d requests", err, sent)
		}
		if err := c.Cancel(t.Context()); err != nil || sent != 1 {
			t.Errorf("held: error %v, %d requests", err, sent)
		}
		k := c.Canceler()
		p.Discard(c)
		if err := errors.Join(k.Cancel(t.Context()), Canceler{}.Cancel(t.Context())); err != nil || sent != 1 {
			t.Errorf("closed: error %v, %d requests", err, sent)
		}
	})
}

// Where it cannot be said whether a request will still arrive, the connection
// is not used again.
func TestUnsettledCancelClosesConnection(t *testing.T) {
	tests := []struct {
		name    string
		settled bool
		err     error
		closed  bool
	}{
		{"delivered", true, nil, false},
		{"never sent", true, errRefused, false},
		{"may still arrive", false, context.DeadlineExceeded, true},
	}
	for _, tt := range tests {
		for _, early := range []bool{false, true} {
			t.Run(tt.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					m := reasons{closed: map[CloseReason]int{}}
					node := &fakeNode{cancel: func(context.Context, uint32) (bool, error) {
						time.Sleep(time.Second)
						return tt.settled, tt.err
					}}
					p := node.newPool(t, PoolOptions{Max: 1, Metrics: m})
					c := acquire(t, p)
					k := c.Canceler()
					done := make(chan error, 1)
					go func() { done <- k.Cancel(t.Context()) }()
					synctest.Wait()
					if early {
						p.Release(c)
					}
					if err := <-done; !errors.Is(err, tt.err) {
						t.Errorf("error %v", err)
					}
					if !early {
						p.Release(c)
					}
					if got := m.closed[ClosedUnsettled] == 1; got != tt.closed {
						t.Errorf("closed %v, released early %v", m.closed, early)
					}
					next := acquire(t, p)
					if (next != c) != tt.closed {
						t.Errorf("the next client got connection %d", next.PID)
					}
					p.Release(next)
				})
			})
		}
	}
}

func TestCloseWithCancelInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := &fakeNode{cancel: func(context.Context, uint32) (bool, error) {
			time.Sleep(time.Second)
			return true, nil
		}}
		p := node.newPool(t, PoolOptions{})
		parked, discarded := acquire(t, p), acquire(t, p)
		for _, c := range []*Conn{parked, discarded} {
			k := c.Canceler()
			go func() {
				if err := k.Cancel(t.Context()); err != nil {
					t.Error(err)
				}
			}()
		}
		synctest.Wait()
		p.Release(parked)
		p.Discard(discarded)
		start := time.Now()
		if err := p.Close(t.Context()); err != nil || time.Since(start) != 0 {
			t.Errorf("Close returned %v after %s", err, time.Since(start))
		}
		time.Sleep(2 * time.Second)
		if err := p.check(); err != nil {
			t.Error(err)
		}
	})
}

func TestCancelIsNotSupported(t *testing.T) {
	c, err := NewConn(&fakeConn{}, ConnOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Cancel(t.Context()); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("error %v", err)
	}
}
