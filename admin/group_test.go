package admin

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"
	"time"

	"shardproxy/meta/topology"
)

// hunter is what nobody may ever see.
const hunter = "hunter2"

// group stands in for some peers that agree on one topology.
type group struct {
	mu     sync.Mutex
	t      *topology.Topology
	leader topology.PeerID
	// doors are the URLs of the peers' doors.
	doors    map[topology.PeerID]*url.URL
	commands []topology.Command
	// before is called before each change, with the mutex free.
	before func(ctx context.Context) error
	// after replaces the outcome of a change that was made.
	after error
	logs  bytes.Buffer
}

// newGroup has a valid topology with a user, and peer p1 leads.
func newGroup(t *testing.T) *group {
	t.Helper()
	g := &group{t: newFake().topology, leader: "p1", doors: make(map[topology.PeerID]*url.URL)}
	g.t.Users = map[string]*topology.User{"app": {Name: "app", Secret: hunter, BackendUser: "be", BackendPassword: hunter}}
	g.t.Peers = map[topology.PeerID]*topology.Peer{}
	for i, id := range []topology.PeerID{"p1", "p2", "p3"} {
		g.t.Peers[id] = &topology.Peer{
			ID: id, Raft: fmt.Sprintf("10.0.1.%d:7090", i+1), Admin: fmt.Sprintf("10.0.1.%d:7080", i+1),
			Voter: i < 2, Incarnation: 1, Commands: topology.CommandVersion,
		}
	}
	if err := g.t.Validate(); err != nil {
		t.Fatal(err)
	}
	return g
}

// Write collects the log.
func (g *group) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.logs.Write(p)
}

func (g *group) logged() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.logs.String()
}

func (g *group) current() *topology.Topology {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.t
}

func (g *group) lead(id topology.PeerID) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.leader = id
}

// change applies a command as the store would.
func (g *group) change(ctx context.Context, decided topology.Epoch, command topology.Command) (topology.Epoch, error) {
	if g.before != nil {
		if err := g.before(ctx); err != nil {
			return 0, err
		}
	}
	entry, err := topology.EncodeCommand(command, decided)
	if err != nil {
		return 0, err
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	next, err := topology.Apply(g.t, entry)
	if err != nil {
		return 0, err
	}
	if next != g.t {
		g.t = next
		g.commands = append(g.commands, command)
	}
	return next.Epoch, g.after
}

// peer is one of the group: all that a Server needs.
type peer struct {
	*fake
	group *group
	id    topology.PeerID
	// forward replaces what Forward does.
	forward func(r *http.Request) (*http.Response, error)
}

var (
	_ Cluster     = (*peer)(nil)
	_ Forwarder   = (*peer)(nil)
	_ Changes     = (*peer)(nil)
	_ Members     = (*peer)(nil)
	_ NodeChanges = (*peer)(nil)
	_ Resolver    = (*peer)(nil)
)

// join makes a peer's options.
func (g *group) join(id topology.PeerID) (*peer, Options) {
	p := &peer{fake: newFake(), group: g, id: id}
	o := options(p.fake)
	o.Logger = slog.New(slog.NewTextHandler(g, nil))
	o.Topology, o.Cluster, o.Forwarder = p, p, p
	o.Changes, o.Members, o.Nodes, o.Resolver = p, p, p, p
	return p, o
}

// start serves a peer, with the door for the others, and returns its address.
func (g *group) start(t *testing.T, id topology.PeerID, o Options) string {
	t.Helper()
	addr, s := serve(t, o)
	g.openDoor(t, id, s.PeerHandler())
	return addr
}

// openDoor serves what the other peers call.
func (g *group) openDoor(t *testing.T, id topology.PeerID, handler http.Handler) {
	t.Helper()
	door := httptest.NewServer(handler)
	t.Cleanup(door.Close)
	address, err := url.Parse(door.URL)
	if err != nil {
		t.Fatal(err)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.doors[id] = address
}

// one is a group of one, and a client of it.
func one(t *testing.T) (*group, *peer, *Client) {
	t.Helper()
	g := newGroup(t)
	p, o := g.join("p1")
	return g, p, client(t, ClientOptions{Addr: "http://" + g.start(t, "p1", o)})
}

func (p *peer) Current() *topology.Topology { return p.group.current() }

func (p *peer) Standing() Standing {
	p.group.mu.Lock()
	defer p.group.mu.Unlock()
	s := Standing{Peer: p.id, Leader: p.group.leader, State: "Follower", Applied: p.group.t.Epoch, Term: 3, AppliedIndex: 40, LastIndex: 41}
	if s.Leader == p.id {
		s.State = "Leader"
	}
	return s
}

func (p *peer) Reports() []Report {
	epoch := p.Current().Epoch
	if !p.IsLeader() {
		return []Report{{Peer: p.id, Votes: true, Heard: true, Published: epoch}}
	}
	return []Report{
		{Peer: "p1", Votes: true, Heard: true, Published: epoch},
		{Peer: "p2", Votes: true, Heard: true, Published: epoch - 1, Age: 1500 * time.Millisecond},
		{Peer: "p3"},
	}
}

func (p *peer) Wait(ctx context.Context, epoch topology.Epoch) error {
	for p.Current().Epoch < epoch {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
	return nil
}

func (p *peer) IsLeader() bool {
	p.group.mu.Lock()
	defer p.group.mu.Unlock()
	return p.group.leader == p.id
}

// Forward calls the leader's door.
func (p *peer) Forward(ctx context.Context, r *http.Request) (*http.Response, error) {
	if p.forward != nil {
		return p.forward(r)
	}
	p.group.mu.Lock()
	leader := p.group.leader
	p.group.mu.Unlock()
	return p.group.call(ctx, leader, r)
}

// call sends a request to a peer's door.
func (g *group) call(ctx context.Context, id topology.PeerID, r *http.Request) (*http.Response, error) {
	g.mu.Lock()
	door := g.doors[id]
	g.mu.Unlock()
	if door == nil {
		return nil, fmt.Errorf("nobody leads: %w", ErrNoLeader)
	}
	r = r.Clone(ctx)
	r.URL.Scheme, r.URL.Host, r.Close = door.Scheme, door.Host, true
	return http.DefaultTransport.RoundTrip(r)
}

func (p *peer) Change(ctx context.Context, decided topology.Epoch, command topology.Command) (topology.Epoch, error) {
	return p.group.change(ctx, decided, command)
}

func (p *peer) Join(ctx context.Context, joining topology.Peer, fresh bool) (topology.Epoch, error) {
	if !fresh && p.Current().Peers[joining.ID] == nil {
		return 0, NewProblem(CodeRefused, "peer "+string(joining.ID)+" has been in another cluster", "Empty its data directory.")
	}
	joining.Commands = topology.CommandVersion
	return p.group.change(ctx, 0, topology.PutPeer{Peer: joining})
}

func (p *peer) Remove(ctx context.Context, id topology.PeerID, force bool) (topology.Epoch, error) {
	if !force {
		return 0, NewProblem(CodeRefused, "the voters that are left would be no majority", "Use force if the others are lost.")
	}
	return p.group.change(ctx, 0, topology.RemovePeer{ID: id})
}

func (p *peer) Promote(ctx context.Context, id topology.PeerID) (topology.Epoch, error) {
	promoted := *p.Current().Peers[id]
	promoted.Voter = true
	return p.group.change(ctx, 0, topology.PutPeer{Peer: promoted})
}

func (p *peer) SetNode(ctx context.Context, change topology.SetNode) (topology.Epoch, error) {
	if change.DSN != nil && bytes.Contains([]byte(*change.DSN), []byte("elsewhere")) {
		return 0, NodeFailed(string(change.Node), "it is another server than before", "Give the address of the same server.")
	}
	return p.group.change(ctx, 0, change)
}

func (p *peer) AddNode(ctx context.Context, database string, node topology.Node, dryRun bool) (NodePlan, error) {
	plan := NodePlan{Database: database, Node: string(node.ID), DryRun: dryRun, Epoch: uint64(p.Current().Epoch), Transfers: []Transfer{
		{From: "pg-1", To: string(node.ID), Partitions: 1, Tables: []TableEstimate{{Table: "public.projects", Rows: 1200, Bytes: 98304}}},
		{From: "pg-2", To: string(node.ID), Partitions: 1},
	}}
	if dryRun {
		plan.Refused, plan.Hint = "node pg-1 has rows", "Moving rows comes later."
		return plan, nil
	}
	node.Slot = 2
	epoch, err := p.group.change(ctx, 0, topology.AddNode{Database: database, Node: node})
	plan.Epoch = uint64(epoch)
	return plan, err
}

func (p *peer) RemoveNode(ctx context.Context, database string, node topology.NodeID, how NodeRemoval) (NodePlan, error) {
	plan := NodePlan{Database: database, Node: string(node), DryRun: how.DryRun, Epoch: uint64(p.Current().Epoch)}
	if how.DryRun {
		return plan, nil
	}
	epoch, err := p.group.change(ctx, 0, topology.RemoveNode{Database: database, Node: node})
	plan.Epoch = uint64(epoch)
	return plan, err
}

// Resolve makes a reference table of projects where the rules say so.
func (p *peer) Resolve(_ context.Context, t *topology.Topology, database string, rules topology.Rules) (topology.SetRules, error) {
	if rules.TablePattern == "(broken)" {
		return topology.SetRules{}, errors.New("nobody prepared this for callers")
	}
	command := topology.SetRules{Database: database, Rules: rules}
	db := t.Databases[database]
	command.Schema.OnSchemaEpoch = db.SchemaEpoch
	for _, name := range rules.Reference {
		before := db.Relations[topology.TableName{Schema: "public", Name: name}]
		if before == nil {
			continue
		}
		now := *before
		now.Placement, now.Key, now.Source = topology.Reference, topology.Key{}, topology.FromConfig
		command.Schema.Changed = append(command.Schema.Changed, &now)
	}
	return command, nil
}
