package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"shardproxy/admin"
	"shardproxy/internal/config"
	"shardproxy/internal/metrics"
	"shardproxy/meta/topology"
	"shardproxy/protocol/sqlerr"
	"shardproxy/ring"
	"shardproxy/router/plan"
)

// proxy stands in for a running proxy behind a real admin listener. The zero
// value has one peer, that leads.
type proxy struct {
	notReady error
	asked    admin.ExplainRequest
	// refuse is what every change is answered with.
	refuse error
	// standing replaces that of a leader.
	standing *admin.Standing
	// edit changes the first topology.
	edit func(*topology.Topology)

	mu sync.Mutex
	t  *topology.Topology
}

var (
	_ admin.Cluster     = (*proxy)(nil)
	_ admin.Changes     = (*proxy)(nil)
	_ admin.Members     = (*proxy)(nil)
	_ admin.NodeChanges = (*proxy)(nil)
	_ admin.Resolver    = (*proxy)(nil)
)

func firstTopology() *topology.Topology {
	db := &topology.Database{
		Name: "app", Engine: topology.Postgres, Owners: []topology.NodeIndex{0, 0, 1, 1, 1},
		Nodes: []topology.Node{
			{ID: "pg-1", Slot: 0, Weight: 1, DSN: "postgres://app:geheim@10.0.0.1:5432/app"},
			{ID: "pg-2", Slot: 1, Weight: 3, DSN: "postgres://app:geheim@10.0.0.2:5432/app", State: topology.NodeJoining},
		},
		Relations: make(map[topology.TableName]*topology.Relation),
	}
	for name, rel := range map[string]topology.Relation{
		"orders": {
			Placement: topology.Sharded, Source: topology.FromConfig, Reason: "declared",
			Key:     topology.Key{Kind: "user", Type: ring.KeyInt, Column: "customer_id"},
			Columns: []topology.Column{{Name: "customer_id", Type: "int8"}},
		},
		"_7_docs": {
			Placement: topology.Sharded, Source: topology.FromPattern, Reason: "the table pattern",
			Key: topology.Key{Kind: "project", Type: ring.KeyText, FromName: "7"}, Warnings: []string{"first", "second"},
		},
		"countries": {Placement: topology.Reference, Source: topology.FromConfig},
	} {
		rel.Name = topology.TableName{Schema: "public", Name: name}
		db.Relations[rel.Name] = &rel
	}
	return &topology.Topology{
		Epoch: 12, ClusterID: "c-1",
		Databases: map[string]*topology.Database{"app": db},
		Users: map[string]*topology.User{
			"app":     {Name: "app", Secret: "geheim", Databases: []string{"app"}},
			"reports": {Name: "reports", BackendUser: "readonly", BackendPassword: "geheim", NodeHints: true, SessionPooling: true},
		},
		Peers: map[topology.PeerID]*topology.Peer{
			"p1": {ID: "p1", Raft: "10.0.1.1:7090", Admin: "10.0.1.1:7080", Voter: true, Incarnation: 1, Commands: topology.CommandVersion},
			"p2": {ID: "p2", Raft: "10.0.1.2:7090", Admin: "10.0.1.2:7080", Voter: true, Incarnation: 1, Commands: topology.CommandVersion},
			"p3": {ID: "p3", Raft: "10.0.1.3:7090", Admin: "10.0.1.3:7080", Incarnation: 1, Commands: topology.CommandVersion},
		},
	}
}

func (p *proxy) Ready(context.Context) error { return p.notReady }

func (p *proxy) Current() *topology.Topology {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.t == nil {
		p.t = firstTopology()
		if p.edit != nil {
			p.edit(p.t)
		}
	}
	return p.t
}

// reset gives the proxy its first topology again.
func (p *proxy) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.t = nil
}

func (p *proxy) States() []metrics.PoolState {
	return []metrics.PoolState{
		{Database: "app", Node: "pg-1", Idle: 2, Active: 3, Cancelling: 1},
		{Database: "app", Node: "pg-2", Dialing: 1, Waiting: 4, Failing: true},
	}
}

func (p *proxy) Explain(_ context.Context, request admin.ExplainRequest) ([]plan.Explanation, error) {
	p.asked = request
	single := plan.Explanation{
		Class: plan.Single, Nodes: []topology.NodeID{"pg-2"}, Partitions: []ring.Partition{2}, Key: "user:42",
		Tables: []plan.TableExplanation{
			{Table: "public.orders o", Rule: "sharded by user (customer_id)", Bound: "customer_id = $1"},
			{Table: "public.countries", Rule: "reference"},
		},
		Why: []string{"All of it is there."},
	}
	switch request.SQL {
	case "broken":
		return nil, sqlerr.SyntaxError("syntax error at or near \"broken\"", 1)
	case "two":
		return []plan.Explanation{
			{Class: plan.Scatter, Nodes: []topology.NodeID{"pg-1", "pg-2"}, Whole: true},
			{Class: plan.Reject, Error: "no", Hint: "Do not."},
		}, nil
	}
	return []plan.Explanation{single}, nil
}

func (p *proxy) Standing() admin.Standing {
	if p.standing != nil {
		return *p.standing
	}
	return admin.Standing{Peer: "p1", Leader: "p1", State: "Leader", Applied: p.Current().Epoch, Term: 2}
}

func (p *proxy) Reports() []admin.Report {
	epoch := p.Current().Epoch
	return []admin.Report{
		{Peer: "p1", Votes: true, Heard: true, Published: epoch},
		{Peer: "p2", Heard: true, Published: epoch - 1, Age: 1234 * time.Millisecond},
		{Peer: "p3"},
	}
}

func (p *proxy) Wait(context.Context, topology.Epoch) error { return nil }

func (p *proxy) Change(_ context.Context, decided topology.Epoch, command topology.Command) (topology.Epoch, error) {
	if p.refuse != nil {
		return 0, p.refuse
	}
	entry, err := topology.EncodeCommand(command, decided)
	if err != nil {
		return 0, err
	}
	now := p.Current()
	next, err := topology.Apply(now, entry)
	if err != nil {
		return 0, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.t = next
	return next.Epoch, nil
}

func (p *proxy) Join(ctx context.Context, peer topology.Peer, _ bool) (topology.Epoch, error) {
	peer.Incarnation, peer.Commands = 1, topology.CommandVersion
	return p.Change(ctx, 0, topology.PutPeer{Peer: peer})
}

func (p *proxy) Remove(ctx context.Context, id topology.PeerID, force bool) (topology.Epoch, error) {
	if id == "p2" && !force {
		return 0, admin.NewProblem(admin.CodeRefused, "the voters that are left would be no majority", "Use --force if they are lost.")
	}
	return p.Change(ctx, 0, topology.RemovePeer{ID: id})
}

func (p *proxy) Promote(ctx context.Context, id topology.PeerID) (topology.Epoch, error) {
	peer := *p.Current().Peers[id]
	peer.Voter = true
	return p.Change(ctx, 0, topology.PutPeer{Peer: peer})
}

func (p *proxy) SetNode(ctx context.Context, change topology.SetNode) (topology.Epoch, error) {
	if change.DSN != nil && strings.Contains(*change.DSN, "elsewhere") {
		return 0, admin.NodeFailed(string(change.Node), "it is another server than before", "Give the address of the same server.")
	}
	return p.Change(ctx, 0, change)
}

func (p *proxy) AddNode(ctx context.Context, database string, node topology.Node, dryRun bool) (admin.NodePlan, error) {
	result := admin.NodePlan{Database: database, Node: string(node.ID), DryRun: dryRun, Epoch: 12, Transfers: []admin.Transfer{
		{From: "pg-1", To: string(node.ID), Partitions: 1, Tables: []admin.TableEstimate{
			{Table: "public.orders", Rows: 1200, Bytes: 98304}, {Table: "public._7_docs", Rows: 7, Bytes: 512},
		}},
		{From: "pg-2", To: string(node.ID), Partitions: 1},
	}}
	if dryRun && node.ID == "pg-9" {
		result.Refused, result.Hint = "node pg-1 has rows", "Rows cannot be moved yet."
	}
	if dryRun {
		return result, nil
	}
	node.Slot = 2
	epoch, err := p.Change(ctx, 0, topology.AddNode{Database: database, Node: node})
	result.Epoch = uint64(epoch)
	return result, err
}

func (p *proxy) RemoveNode(ctx context.Context, database string, node topology.NodeID, how admin.NodeRemoval) (admin.NodePlan, error) {
	result := admin.NodePlan{Database: database, Node: string(node), DryRun: how.DryRun, Epoch: 12}
	if how.DryRun {
		return result, nil
	}
	epoch, err := p.Change(ctx, 0, topology.RemoveNode{Database: database, Node: node})
	result.Epoch = uint64(epoch)
	return result, err
}

func (p *proxy) Resolve(_ context.Context, t *topology.Topology, database string, rules topology.Rules) (topology.SetRules, error) {
	if rules.NullKey != "" {
		return topology.SetRules{}, errors.New("a fault of the proxy")
	}
	return topology.SetRules{Database: database, Rules: rules, Schema: topology.SchemaChange{OnSchemaEpoch: t.Databases[database].SchemaEpoch}}, nil
}

// serve runs an admin listener until the test ends and returns its URL.
func (p *proxy) serve(t *testing.T, c config.Admin) string {
	t.Helper()
	if err := p.Current().Validate(); err != nil {
		t.Fatal(err)
	}
	c.Listen = "127.0.0.1:0"
	s, err := admin.New(admin.Options{
		Config: c, Version: "v1", Logger: slog.New(slog.DiscardHandler), Readiness: p, Topology: p, Pools: p, Explainer: p,
		Cluster: p, Changes: p, Members: p, Nodes: p, Resolver: p,
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Listen(); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	group.Go(func() {
		if err := s.Serve(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := s.Close(ctx); err != nil {
			t.Error(err)
		}
		group.Wait()
	})
	return "http://" + s.Addr().String()
}

// shardctl runs the command.
func shardctl(env map[string]string, stdin string, args ...string) (code int, stdout, stderr string) {
	var out, errOut strings.Builder
	code = run(args, func(key string) string { return env[key] }, strings.NewReader(stdin), &out, &errOut)
	return code, out.String(), errOut.String()
}
