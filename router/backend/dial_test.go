package backend

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"shardproxy/protocol/sqlerr"
)

func TestDeadNodeFailsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := new(fakeNode)
		node.set(time.Millisecond, errRefused)
		p := node.newPool(t, PoolOptions{Max: 8})
		start := time.Now()
		var group sync.WaitGroup
		for range 20 {
			group.Go(func() {
				_, err := p.Acquire(t.Context())
				e, ok := errors.AsType[*sqlerr.Error](err)
				if !ok || e.SQLState != "08001" || !errors.Is(err, errRefused) {
					t.Errorf("error %v", err)
				} else if !strings.Contains(e.Detail, "127.0.0.1:1") || !strings.Contains(e.Message, "pg-1") {
					t.Errorf("error %+v says neither node nor address", e)
				}
			})
		}
		group.Wait()
		if time.Since(start) != time.Millisecond {
			t.Errorf("waited %s for a node that refuses at once", time.Since(start))
		}
		// Clients that hammer do not make the pool hammer.
		before := node.dials()
		for time.Since(start) < 30*time.Second {
			if _, err := p.Acquire(t.Context()); err == nil {
				t.Fatal("no error")
			}
			time.Sleep(10 * time.Millisecond)
		}
		if dials := node.dials() - before; dials < 10 || dials > 20 {
			t.Errorf("%d dials in 30s", dials)
		}
		if !p.Stats().Failing {
			t.Error("Stats does not say that the node fails")
		}
		// When the node is back, it is noticed within the longest window.
		node.set(time.Millisecond, nil)
		time.Sleep(maxBackoff)
		p.Release(acquire(t, p))
		if p.Stats().Failing {
			t.Error("Stats still says that the node fails")
		}
	})
}

func TestRejectedLogin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := new(fakeNode)
		node.set(0, &pgconn.PgError{Code: "28P01", Message: `password authentication failed for user "app"`})
		p := node.newPool(t, PoolOptions{})
		_, err := p.Acquire(t.Context())
		e, ok := errors.AsType[*sqlerr.Error](err)
		if !ok || e.SQLState != "08004" || !strings.Contains(e.Message, "password authentication failed") {
			t.Errorf("error %+v", err)
		}
	})
}

// A server that refuses more connections still serves with those it has.
func TestRefusingServerKeepsClientsWaiting(t *testing.T) {
	for _, refusal := range []*pgconn.PgError{
		{Code: "53300", Message: "sorry, too many clients already"},
		{Code: "28P01", Message: "password authentication failed"},
	} {
		synctest.Test(t, func(t *testing.T) {
			node := new(fakeNode)
			p := node.newPool(t, PoolOptions{Max: 4})
			held := acquire(t, p)
			node.set(time.Millisecond, refusal)
			before := node.dials()
			for i := range 5 {
				time.AfterFunc(time.Duration(i)*time.Second, p.Maintain)
			}
			time.AfterFunc(5*time.Second, func() { p.Release(held) })
			if c := acquire(t, p); c != held {
				t.Errorf("got connection %d", c.PID)
			}
			if dials := node.dials() - before; dials > 5 {
				t.Errorf("%d dials in 5s", dials)
			}
			p.Release(held)
		})
	}
}

// One that is about to stop does not.
func TestStoppingServerKeepsNobodyWaiting(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := new(fakeNode)
		p := node.newPool(t, PoolOptions{Max: 4})
		held := acquire(t, p)
		node.set(time.Millisecond, &pgconn.PgError{Code: "57P03", Message: "the database system is shutting down"})
		start := time.Now()
		if _, err := p.Acquire(t.Context()); sqlstate(err) != "57P03" || time.Since(start) > time.Second {
			t.Errorf("error %v after %s", err, time.Since(start))
		}
		p.Release(held)
	})
}

// Where a full server is the reason for a queue timeout, the error says so.
func TestTimeoutNamesFailingDials(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := new(fakeNode)
		p := node.newPool(t, PoolOptions{Max: 4})
		held := acquire(t, p)
		node.set(0, &pgconn.PgError{Code: "53300", Message: "sorry, too many clients already"})
		_, err := p.Acquire(t.Context())
		e, ok := errors.AsType[*sqlerr.Error](err)
		if !ok || !strings.Contains(e.Detail, "too many clients already") {
			t.Errorf("error %+v", err)
		}
		p.Release(held)
	})
}

// A node that refuses new connections while an old one is held for long does
// not make clients wait for the whole queue timeout.
func TestRefusalBesideHeldConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := new(fakeNode)
		p := node.newPool(t, PoolOptions{Max: 4})
		held := acquire(t, p)
		node.set(time.Millisecond, errRefused)
		start := time.Now()
		if _, err := p.Acquire(t.Context()); !errors.Is(err, errRefused) || time.Since(start) > time.Second {
			t.Errorf("error %v after %s", err, time.Since(start))
		}
		p.Release(held)
	})
}

// One refused dial is no reason to fail where another attempt succeeds.
func TestDialIsTriedAgainBesideHeldConnection(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := new(fakeNode)
		p := node.newPool(t, PoolOptions{Max: 4})
		held := acquire(t, p)
		node.set(time.Second, errRefused)
		time.AfterFunc(1500*time.Millisecond, func() { node.set(0, nil) })
		c := acquire(t, p)
		p.Release(c)
		p.Release(held)
	})
}

// A client that waits for a held connection gets a new one when that is lost.
func TestDiscardMakesRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := new(fakeNode).newPool(t, PoolOptions{Max: 1})
		held := acquire(t, p)
		time.AfterFunc(time.Second, func() { p.Discard(held) })
		c := acquire(t, p)
		if c == held {
			t.Error("got the discarded connection")
		}
		p.Release(c)
	})
}

// When the last connection is lost and the node refuses others, nobody waits on.
func TestDiscardOfLastHope(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := new(fakeNode)
		p := node.newPool(t, PoolOptions{Max: 1})
		held := acquire(t, p)
		node.set(time.Millisecond, errRefused)
		time.AfterFunc(time.Second, func() { p.Discard(held) })
		start := time.Now()
		_, err := p.Acquire(t.Context())
		if !errors.Is(err, errRefused) || time.Since(start) != time.Second+time.Millisecond {
			t.Errorf("error %v after %s", err, time.Since(start))
		}
	})
}

func TestDialTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		node := new(fakeNode)
		node.set(time.Hour, nil)
		p := node.newPool(t, PoolOptions{DialTimeout: 2 * time.Second})
		start := time.Now()
		_, err := p.Acquire(t.Context())
		if !errors.Is(err, context.DeadlineExceeded) || time.Since(start) != 2*time.Second {
			t.Errorf("error %v after %s", err, time.Since(start))
		}
	})
}

// A queue with a limit refuses the next client at once, and takes clients again
// when one has left it.
func TestFullQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := new(fakeNode).newPool(t, PoolOptions{Max: 1, MaxQueue: 2})
		held := acquire(t, p)
		waits := make(chan error, 2)
		ctx, cancel := context.WithCancel(t.Context())
		for range 2 {
			go func() {
				c, err := p.Acquire(ctx)
				if err == nil {
					p.Release(c)
				}
				waits <- err
			}()
		}
		synctest.Wait()
		start := time.Now()
		if _, err := p.Acquire(t.Context()); sqlerr.From(err).SQLState != "53400" || time.Since(start) > 0 {
			t.Errorf("error %v after %s, want 53400 at once", err, time.Since(start))
		}
		cancel()
		for range 2 {
			<-waits
		}
		time.AfterFunc(time.Second, func() { p.Release(held) })
		p.Release(acquire(t, p))
	})
}
