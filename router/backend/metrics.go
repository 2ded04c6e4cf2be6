package backend

import (
	"fmt"
	"time"
)

// Metrics is told what happens in a pool, outside its lock. The methods are
// called by many goroutines and must not block.
type Metrics interface {
	// QueueWaited is called for each Acquire that found no idle connection,
	// with the time until it had one or gave up.
	QueueWaited(d time.Duration)
	// Dialed is called after each attempt to connect.
	Dialed(d time.Duration, err error)
	// Closed is called for each connection that leaves the pool.
	Closed(reason CloseReason)
}

// CloseReason says why a connection left its pool.
type CloseReason uint8

// The reasons.
const (
	// ClosedDiscarded: the holder said so.
	ClosedDiscarded CloseReason = iota + 1
	// ClosedBroken: released after MarkBroken.
	ClosedBroken
	// ClosedDead: the server had closed it, or was about to.
	ClosedDead
	// ClosedUnsettled: a cancel request for it may still arrive.
	ClosedUnsettled
	// ClosedSurplus: the pool is larger than Max allows by now.
	ClosedSurplus
	// ClosedLifetime: it reached its lifetime.
	ClosedLifetime
	// ClosedIdle: it was idle for too long.
	ClosedIdle
	// ClosedPool: its pool was closed.
	ClosedPool
)

func (r CloseReason) String() string {
	switch r {
	case ClosedDiscarded:
		return "discarded"
	case ClosedBroken:
		return "broken"
	case ClosedDead:
		return "dead"
	case ClosedUnsettled:
		return "unsettled_cancel"
	case ClosedSurplus:
		return "surplus"
	case ClosedLifetime:
		return "lifetime"
	case ClosedIdle:
		return "idle"
	case ClosedPool:
		return "pool_closed"
	default:
		return fmt.Sprintf("CloseReason(%d)", uint8(r))
	}
}

// polite reports whether the server waits for a command, so that a good-bye
// can be sent.
func (r CloseReason) polite() bool {
	switch r {
	case ClosedUnsettled, ClosedSurplus, ClosedLifetime, ClosedIdle, ClosedPool:
		return true
	default:
		return false
	}
}

// noMetrics is told and forgets.
type noMetrics struct{}

func (noMetrics) QueueWaited(time.Duration)   {}
func (noMetrics) Dialed(time.Duration, error) {}
func (noMetrics) Closed(CloseReason)          {}

var _ Metrics = noMetrics{}

// Stats of a pool at one moment.
type Stats struct {
	Min, Max int
	// Idle, Held and Cancelling connections exist; Dialing are being made.
	Idle, Held, Cancelling, Dialing int
	// Waiting clients are in the queue.
	Waiting int
	// Failing is set while the node does not accept connections.
	Failing bool

	// The rest only grows.

	Acquired   uint64 // connections given to clients
	Queued     uint64 // clients that had to wait
	Timeouts   uint64 // clients that waited in vain
	Dials      uint64 // attempts to connect
	DialErrors uint64 // of these, failed
	Closed     uint64 // connections closed
}

// Stats returns the pool's state now.
func (p *Pool) Stats() Stats {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := p.mu.counters
	s.Min, s.Max = p.mu.limits.Min, p.mu.limits.Max
	s.Idle = len(p.mu.idle)
	s.Cancelling = p.mu.cancelling
	s.Held = len(p.mu.conns) - s.Idle - s.Cancelling
	s.Dialing = p.mu.dialing
	s.Waiting = p.mu.waiters.len
	s.Failing = p.mu.trouble.failures > 0
	return s
}
