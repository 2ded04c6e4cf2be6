package main

import (
	"context"
	"errors"
	"strings"
	"sync"
	"time"

	"shardproxy/admin"
	"shardproxy/internal/metrics"
	"shardproxy/meta"
	"shardproxy/meta/topology"
	"shardproxy/router/gate"
)

// clusterState is what a scrape shows of the peers.
func (v *views) clusterState() (metrics.ClusterState, bool) {
	e := v.engine.Load()
	if e == nil {
		return metrics.ClusterState{}, false
	}
	stats, now := e.store.Stats(), time.Now()
	state := metrics.ClusterState{
		State: strings.ToLower(stats.State), Term: stats.Term, LeaderKnown: stats.Leader != "",
		Applied: stats.Applied, Last: stats.Last, LastContact: stats.LastContact,
		Held: e.armed.held(e.store.Current(), now),
	}
	for _, p := range stats.Peers {
		if p.Voter {
			state.Voters++
		} else {
			state.Nonvoters++
		}
		if !p.Report.At.IsZero() {
			state.Reports = append(state.Reports, metrics.PeerReport{Peer: string(p.ID), Age: now.Sub(p.Report.At)})
		}
	}
	return state, true
}

// armedSince knows when this process has learnt of the changes that are armed.
type armedSince struct {
	mu struct {
		sync.Mutex
		since map[string]armedAt // by database
	}
}

type armedAt struct {
	arm topology.ArmID
	at  time.Time
}

// note takes in a topology that is about to be published.
func (a *armedSince) note(next *topology.Topology, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	since := make(map[string]armedAt)
	for database, arm := range armedIn(next) {
		if before, known := a.mu.since[database]; known && before.arm == arm {
			since[database] = before
		} else {
			since[database] = armedAt{arm, now}
		}
	}
	a.mu.since = since
}

// held returns for how long each database holds new transactions.
func (a *armedSince) held(t *topology.Topology, now time.Time) map[string]time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	held := make(map[string]time.Duration, len(t.Databases))
	for name := range t.Databases {
		held[name] = 0
		if since, armed := a.mu.since[name]; armed {
			held[name] = now.Sub(since.at)
		}
	}
	return held
}

// countingSource counts the statements that wait at the gate, which watches for
// another topology while one does and at no other time.
type countingSource struct {
	gate.Source
	changes *metrics.Changes
}

// Watch implements gate.Source.
func (c countingSource) Watch() (<-chan struct{}, func()) {
	changed, stop := c.Source.Watch()
	c.changes.Held()
	return changed, sync.OnceFunc(func() {
		stop()
		c.changes.GoesOn()
	})
}

// countingMembers counts changes of the members.
type countingMembers struct {
	members admin.Members
	changes *metrics.Changes
}

var _ admin.Members = countingMembers{}

// Join implements admin.Members.
func (c countingMembers) Join(ctx context.Context, peer topology.Peer, fresh bool) (topology.Epoch, error) {
	epoch, err := c.members.Join(ctx, peer, fresh)
	c.changes.Result(changeResult(err))
	return epoch, err
}

// Remove implements admin.Members.
func (c countingMembers) Remove(ctx context.Context, peer topology.PeerID, force bool) (topology.Epoch, error) {
	epoch, err := c.members.Remove(ctx, peer, force)
	c.changes.Result(changeResult(err))
	return epoch, err
}

// Promote implements admin.Members.
func (c countingMembers) Promote(ctx context.Context, peer topology.PeerID) (topology.Epoch, error) {
	epoch, err := c.members.Promote(ctx, peer)
	c.changes.Result(changeResult(err))
	return epoch, err
}

// changeResult is what an error of a change is counted as.
func changeResult(err error) metrics.ChangeResult {
	is := func(targets ...error) bool {
		for _, target := range targets {
			if errors.Is(err, target) {
				return true
			}
		}
		return false
	}
	_, conflict := errors.AsType[*topology.Conflict](err)
	problem, isProblem := errors.AsType[*admin.Problem](err)
	switch {
	case err == nil:
		return metrics.ChangeMade
	case is(meta.ErrUnpublished): // this and the next come first: others may have led to them
		return metrics.ChangeMade
	case is(meta.ErrUnknownOutcome):
		return metrics.ChangeUnknown
	case is(meta.ErrUnsettled):
		return metrics.ChangeUnsettled
	case is(meta.ErrBusy):
		return metrics.ChangeBusy
	case is(meta.ErrNoLeader, meta.ErrNotLeader, admin.ErrNoLeader):
		return metrics.ChangeNoLeader
	case conflict:
		return metrics.ChangeConflict
	case is(meta.ErrRefused, meta.ErrVersion), isProblem && problem.Code == admin.CodeRefused:
		return metrics.ChangeRefused
	}
	return metrics.ChangeFailed
}
