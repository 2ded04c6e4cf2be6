package meta

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"shardproxy/meta/topology"
)

// await waits until no peer is behind: each has done what is asked, or is lost.
// When ctx ends before, the error wraps ErrBusy and the census is that of then.
// The leader must not have changed meanwhile; else the error is ErrNotLeader.
func (s *Store) await(ctx context.Context, since time.Time, epoch topology.Epoch, done func(*ReceivedReport) bool) (*census, error) {
	for {
		reported := s.reports.changed.next()
		if !s.IsLeader() {
			return nil, fmt.Errorf("meta: %w any more", ErrNotLeader)
		}
		c, next := s.count(since, epoch, done)
		if len(c.behind) == 0 {
			return c, nil
		}
		if !pause(ctx, reported, next) {
			return c, fmt.Errorf("meta: %w: still waiting for %s: %w", ErrBusy, c, context.Cause(ctx))
		}
	}
}

// count looks at all reports. A peer is lost when it has not reported for the
// time of the flag report_timeout, or has not published epoch for that long.
// next is when another one would be.
func (s *Store) count(since time.Time, epoch topology.Epoch, done func(*ReceivedReport) bool) (c *census, next time.Duration) {
	value, now := s.fsm.value(), time.Now()
	timeout := value.FlagDuration(topology.FlagReportTimeout)
	c, next = new(census), s.options.Timing.Report
	for _, id := range slices.Sorted(maps.Keys(value.Peers)) {
		r := s.reports.of(id)
		current := r.Incarnation == value.Peers[id].Incarnation
		silentAt := r.At.Add(timeout)
		if !current || r.Epoch < epoch {
			if late := since.Add(timeout); late.Before(silentAt) {
				silentAt = late
			}
		}
		switch {
		case current && done(&r):
			c.allowed = append(c.allowed, PeerStart{id, r.Incarnation})
		case !silentAt.After(now):
			c.lost = append(c.lost, id)
		default:
			c.behind = append(c.behind, id)
			next = min(next, silentAt.Sub(now))
		}
	}
	return c, max(next, time.Millisecond)
}
