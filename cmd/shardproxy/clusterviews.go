package main

import (
	"context"
	"fmt"
	"time"

	"shardproxy/admin"
	"shardproxy/meta"
	"shardproxy/meta/topology"
)

var (
	_ admin.Cluster  = (*views)(nil)
	_ admin.Changes  = (*views)(nil)
	_ admin.Members  = (*views)(nil)
	_ admin.Resolver = (*views)(nil)
)

// Standing implements admin.Cluster.
func (v *views) Standing() admin.Standing {
	e := v.engine.Load()
	if e == nil {
		return admin.Standing{State: "Starting"}
	}
	stats := e.store.Stats()
	return admin.Standing{
		Peer: e.store.Self().ID, Leader: stats.Leader, State: stats.State, Applied: stats.Epoch,
		Term: stats.Term, AppliedIndex: stats.Applied, LastIndex: stats.Last,
	}
}

// Reports implements admin.Cluster.
func (v *views) Reports() []admin.Report {
	e := v.engine.Load()
	if e == nil {
		return nil
	}
	var reports []admin.Report
	for _, p := range e.store.Stats().Peers {
		report := admin.Report{Peer: p.ID, Votes: p.Voter}
		switch {
		case p.ID == e.store.Self().ID:
			report.Heard, report.Published = true, e.store.Current().Epoch
		case !p.Report.At.IsZero():
			report.Heard, report.Published, report.Age = true, p.Report.Epoch, time.Since(p.Report.At)
		}
		reports = append(reports, report)
	}
	return reports
}

// Wait implements admin.Cluster.
func (v *views) Wait(ctx context.Context, epoch topology.Epoch) error {
	e, err := v.started()
	if err != nil {
		return err
	}
	return e.store.Wait(ctx, epoch)
}

// started returns the engine, or the problem of a peer that has none yet.
func (v *views) started() (*engine, error) {
	if e := v.engine.Load(); e != nil {
		return e, nil
	}
	return nil, admin.NewProblem(admin.CodeNotReady, errStarting.Error(), "")
}

// changing returns the engine of a peer whose topology outlives the process: what
// is changed must not be forgotten at the next start.
func (v *views) changing() (*engine, error) {
	e, err := v.started()
	if err == nil && !e.clustered {
		return nil, admin.NewProblem(admin.CodeRefused,
			"this proxy makes its topology of its configuration at each start, so nothing else can change it",
			"Change the configuration and send SIGHUP or restart, or set peer.bootstrap: then the proxy keeps its topology.")
	}
	return e, err
}

// Change implements admin.Changes. To pause is possible without a cluster, too.
func (v *views) Change(ctx context.Context, decided topology.Epoch, command topology.Command) (topology.Epoch, error) {
	find := v.changing
	switch command.(type) {
	case topology.Pause, topology.Unpause:
		find = v.started
	}
	e, err := find()
	if err != nil {
		return 0, err
	}
	return e.changes.Change(ctx, decided, command)
}

// Join implements admin.Members.
func (v *views) Join(ctx context.Context, peer topology.Peer, fresh bool) (topology.Epoch, error) {
	e, err := v.changing()
	if err != nil {
		return 0, err
	}
	request := meta.JoinRequest{Peer: peer, Nonvoter: !peer.Voter, New: fresh}
	if peer.Incarnation == 0 { // an operator asks for it
		if request, err = e.introduced(ctx, peer); err != nil {
			return 0, err
		}
	}
	epoch, err := e.store.Join(ctx, request)
	return epoch, adminError(err)
}

// introduced asks the process at a peer's address who it is.
func (e *engine) introduced(ctx context.Context, peer topology.Peer) (meta.JoinRequest, error) {
	request, err := e.store.Introduce(ctx, peer.Raft)
	if err != nil {
		return request, admin.NewProblem(admin.CodeRefused, fmt.Sprintf("peer %s does not answer at %s: %v", peer.ID, peer.Raft, err),
			"Start it with peer.join naming the admin address of a peer of this cluster; it then waits to be added, or joins by itself.")
	}
	if request.Peer.ID != peer.ID {
		return request, admin.NewProblem(admin.CodeRefused, fmt.Sprintf("at %s there is peer %s, not %s", peer.Raft, request.Peer.ID, peer.ID), "")
	}
	request.Peer.Voter, request.Nonvoter = peer.Voter, !peer.Voter
	return request, nil
}

// Remove implements admin.Members. What the peer may still have open on the nodes
// is ended at once.
func (v *views) Remove(ctx context.Context, peer topology.PeerID, force bool) (topology.Epoch, error) {
	e, err := v.started()
	if err != nil {
		return 0, err
	}
	epoch, err := e.store.Remove(ctx, peer, force)
	if err != nil {
		return epoch, adminError(err)
	}
	return epoch, adminError(e.cutOffRemoved(ctx, epoch))
}

// Promote implements admin.Members.
func (v *views) Promote(ctx context.Context, peer topology.PeerID) (topology.Epoch, error) {
	e, err := v.started()
	if err != nil {
		return 0, err
	}
	epoch, err := e.store.Promote(ctx, peer)
	return epoch, adminError(err)
}

// Resolve implements admin.Resolver.
func (v *views) Resolve(ctx context.Context, t *topology.Topology, database string, rules topology.Rules) (topology.SetRules, error) {
	e, err := v.started()
	if err != nil {
		return topology.SetRules{}, err
	}
	return e.resolveRules(ctx, t, database, rules)
}
