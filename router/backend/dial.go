package backend

import (
	"context"
	"errors"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// trouble is what a pool remembers of a node that does not accept connections.
// The zero value means that the last dial succeeded.
type trouble struct {
	failures int       // one after another
	last     error     // the latest
	until    time.Time // no dial before, once failures reach maxFailures
}

const (
	// maxFailures in a row make the pool hold back: then it dials once per
	// back-off window, and clients that have nothing else to wait for fail at
	// once.
	maxFailures = 3
	minBackoff  = 100 * time.Millisecond
	maxBackoff  = 3 * time.Second
)

// fail notes a failed dial.
func (t *trouble) fail(err error, now time.Time) {
	t.failures++
	t.last = err
	if serverRefuses(err) { // the next attempt would end the same way
		t.failures = max(t.failures, maxFailures)
	}
	if !t.open() {
		return
	}
	window := maxBackoff
	if n := t.failures - maxFailures; n < 8 { // minBackoff<<8 is above maxBackoff
		window = min(maxBackoff, minBackoff<<n)
	}
	t.until = now.Add(window - time.Duration(rand.Int64N(int64(window)/5)))
}

// open reports whether the pool holds back.
func (t *trouble) open() bool { return t.failures >= maxFailures }

// mayDial reports whether one more dial may be started beside the running ones.
func (t *trouble) mayDial(now time.Time, running int) bool {
	return !t.open() || running == 0 && !now.Before(t.until)
}

// roomLocked reports whether one more dial may be started.
func (p *Pool) roomLocked() bool {
	return len(p.mu.conns)+p.mu.dialing < p.mu.limits.Max &&
		p.mu.trouble.mayDial(p.o.Clock.Now(), p.mu.dialing)
}

// dialLocked starts a dial. The pool must not be closed.
func (p *Pool) dialLocked() {
	p.mu.dialing++
	p.mu.counters.Dials++
	p.group.Go(p.dial)
}

// dial makes a connection and gives it to whoever waits longest, or to the idle
// ones.
func (p *Pool) dial() {
	ctx, cancel := context.WithTimeout(p.ctx, p.o.DialTimeout)
	defer cancel()
	start := p.o.Clock.Now()
	c, err := p.o.Dial(ctx)
	if err == nil && c == nil {
		err = errors.New("backend: dial returned no connection")
	}
	p.o.Metrics.Dialed(p.o.Clock.Now().Sub(start), err)
	if err != nil {
		p.dialFailed(err)
		return
	}
	p.mu.Lock()
	p.mu.dialing--
	if p.mu.closed {
		p.mu.Unlock()
		c.hangUp(true)
		return
	}
	p.mu.trouble = trouble{}
	p.adoptLocked(c)
	reason := p.settleLocked(c)
	p.serveWaitersLocked()
	p.mu.Unlock()
	p.finish(c, reason)
}

// dialFailed notes a failed dial.
func (p *Pool) dialFailed(err error) {
	p.mu.Lock()
	p.mu.dialing--
	p.mu.counters.DialErrors++
	if p.mu.closed {
		p.mu.Unlock()
		return
	}
	p.mu.trouble.fail(err, p.o.Clock.Now())
	failures := p.mu.trouble.failures
	p.disappointLocked(err)
	p.mu.Unlock()
	p.o.Logger.Warn("cannot connect to node", "node", p.o.Node, "failures", failures, "error", err)
}

// disappointLocked decides what becomes of the waiting clients after a dial
// failed. They go on waiting only for something that is likely to come: another
// dial, or the release of a connection that still works.
func (p *Pool) disappointLocked(err error) {
	others := len(p.mu.conns) > 0
	down := p.mu.trouble.open() && !serverRefuses(err)
	switch {
	case p.mu.dialing == 0 && (!others || down):
		p.failWaitersLocked(p.unavailableLocked())
	case others:
		p.serveWaitersLocked()
	}
}

// serverRefuses reports whether a server that is up refused one more connection:
// it has too many, or does not like the login. Those it gave before still work,
// unless it is about to stop (SQLSTATE 57P0x), or refuses because the topology
// is out of date: then it ends those, too.
func serverRefuses(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && !strings.HasPrefix(pg.Code, "57P") && !outdated(err)
}

// newTopology forgets a refusal that a newer topology may have cured.
func (p *Pool) newTopology() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.mu.closed && outdated(p.mu.trouble.last) {
		p.mu.trouble = trouble{}
		p.serveWaitersLocked()
	}
}

func (p *Pool) unavailableLocked() error {
	t := &p.mu.trouble
	var retryIn time.Duration
	if t.open() {
		retryIn = max(0, t.until.Sub(p.o.Clock.Now()))
	}
	return unavailableError(p.o.Node, t.last, retryIn)
}
