package backend

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"shardproxy/protocol/sqlerr"
)

// TestStorm lets clients do all that clients do at random moments, beside
// maintenance, resizing and a node that comes and goes. No connection ever has
// two holders, none is hit by another holder's cancel request, and at the end
// nothing is left.
func TestStorm(t *testing.T) {
	for seed := range uint64(5) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { storm(t, seed) })
		})
	}
}

// holder is the Attachment of a connection in the storm.
type holder struct {
	client  atomic.Int64 // 0: nobody
	running atomic.Int64 // cancel requests in flight
}

func storm(t *testing.T, seed uint64) {
	rnd := rand.New(rand.NewPCG(seed, 7))
	limit := 1 + rnd.IntN(6)
	node := &fakeNode{cancel: func(context.Context, uint32) (bool, error) {
		time.Sleep(time.Duration(rand.IntN(3000)) * time.Microsecond)
		return rand.IntN(20) > 0, nil
	}}
	node.set(time.Millisecond, nil)
	p := node.newPool(t, PoolOptions{
		Max: limit, Min: limit / 3, QueueTimeout: 20 * time.Millisecond,
		Lifetime: 100 * time.Millisecond, IdleTimeout: 10 * time.Millisecond,
	})
	ctx, stop := context.WithTimeout(t.Context(), time.Second)
	defer stop()
	var group sync.WaitGroup
	for client := range int64(3 * limit) {
		rnd := rand.New(rand.NewPCG(seed, uint64(client)+100))
		group.Go(func() {
			for ctx.Err() == nil {
				stormClient(ctx, t, p, &group, client+1, rnd)
			}
		})
	}
	group.Go(func() {
		for ctx.Err() == nil {
			time.Sleep(time.Duration(rnd.IntN(5000)) * time.Microsecond)
			stormWeather(t, p, node, limit, rnd)
		}
	})
	group.Wait()
	synctest.Wait()
	if s := p.Stats(); s.Held != 0 || s.Waiting != 0 || s.Cancelling != 0 || s.Acquired == 0 {
		t.Errorf("at the end: %+v", s)
	}
	if node.mu.most > limit {
		t.Errorf("%d dials at a time, limit %d", node.mu.most, limit)
	}
}

// stormClient acquires a connection, uses it for a moment and gives it back in
// one way or another.
func stormClient(ctx context.Context, t *testing.T, p *Pool, group *sync.WaitGroup, client int64, rnd *rand.Rand) {
	patience, leave := context.WithTimeout(ctx, time.Duration(rnd.IntN(40))*time.Millisecond)
	defer leave()
	c, err := p.Acquire(patience)
	if err != nil {
		if _, ok := errors.AsType[*sqlerr.Error](err); !ok && patience.Err() == nil {
			t.Errorf("error %v", err)
		}
		time.Sleep(time.Millisecond)
		return
	}
	h, ok := c.Attachment.(*holder)
	if !ok {
		h = new(holder)
		c.Attachment = h
	}
	if other := h.client.Swap(client); other != 0 {
		t.Errorf("connection %d given to clients %d and %d", c.PID, other, client)
	}
	if n := h.running.Load(); n != 0 {
		t.Errorf("connection %d given away with %d cancel requests in flight", c.PID, n)
	}
	if rnd.IntN(4) == 0 {
		k := c.Canceler()
		group.Go(func() {
			time.Sleep(time.Duration(rand.IntN(2000)) * time.Microsecond)
			if !p.beginCancel(k.conn, k.lease) { // as Canceler.Cancel does
				return
			}
			h.running.Add(1)
			settled, _ := c.sendCancel(context.Background())
			h.running.Add(-1)
			p.endCancel(c, settled)
		})
	}
	time.Sleep(time.Duration(rnd.IntN(2000)) * time.Microsecond)
	h.client.Store(0)
	switch rnd.IntN(10) {
	case 0:
		p.Discard(c)
	case 1:
		c.MarkBroken()
		p.Release(c)
	default:
		p.Release(c)
	}
}

// stormWeather is what happens to the pool from outside.
func stormWeather(t *testing.T, p *Pool, node *fakeNode, limit int, rnd *rand.Rand) {
	switch rnd.IntN(4) {
	case 0:
		if err := p.Resize(Limits{
			Max: 1 + rnd.IntN(limit), QueueTimeout: 20 * time.Millisecond, Lifetime: 100 * time.Millisecond,
		}); err != nil {
			t.Error(err)
		}
	case 1:
		node.set(time.Duration(rnd.IntN(3))*time.Millisecond, errRefused)
	default:
		node.set(time.Duration(rnd.IntN(3))*time.Millisecond, nil)
		p.Maintain()
	}
	if err := p.check(); err != nil {
		t.Error(err)
	}
}
