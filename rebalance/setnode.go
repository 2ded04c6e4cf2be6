package rebalance

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"shardproxy/internal/noderegistry"
	"shardproxy/meta/topology"
	"shardproxy/ring"
	"shardproxy/router/catalog"
)

// SetNode asks for a node to be reached in another way, or to have another
// weight. What is nil stays.
type SetNode struct {
	Database string
	Node     topology.NodeID
	DSN      *string
	AdminDSN *string // "" is as DSN
	// Weight decides what the next plan gives the node, from 0 on; partitions
	// stay where they are.
	Weight *int
	DryRun bool
}

// SetNode changes a node. Behind its new address there must be the same database
// as before: the same server, or a promoted standby of it.
func (o *Operator) SetNode(ctx context.Context, r SetNode) (*Result, error) {
	t, db, err := o.database(r.Database)
	if err != nil {
		return nil, err
	}
	i, ok := db.NodeNamed(r.Node)
	if !ok {
		return nil, &Error{Code: CodeUnknownNode, Message: fmt.Sprintf("database %q has no node %q", db.Name, r.Node)}
	}
	s := &setter{operator: o, t: t, db: db, request: r, old: db.Nodes[i], node: db.Nodes[i], plan: &Plan{Database: db.Name, Node: r.Node, Moves: []Move{}}}
	if err := s.check(ctx); err != nil {
		return nil, err
	}
	if r.DryRun {
		return &Result{Plan: s.plan}, nil
	}
	if len(s.plan.Problems) > 0 {
		return nil, &Error{
			Code: CodePreflight, Message: fmt.Sprintf("node %q of database %q cannot be changed", r.Node, db.Name),
			Hint: "Nothing was changed.", Problems: s.plan.Problems, Plan: s.plan,
		}
	}
	cmd := topology.SetNode{Database: db.Name, Node: r.Node, DSN: r.DSN, AdminDSN: r.AdminDSN, Weight: r.Weight}
	epoch, err := o.opts.Cluster.Change(ctx, cmd, nil)
	if err != nil {
		return nil, changeError(fmt.Sprintf("change node %q of database %q", r.Node, db.Name), epoch, err)
	}
	return &Result{Plan: s.plan, Epoch: epoch}, nil
}

// setter is one SetNode.
type setter struct {
	operator  *Operator
	t         *topology.Topology
	db        *topology.Database
	request   SetNode
	old, node topology.Node
	plan      *Plan
}

func (s *setter) check(ctx context.Context) error {
	r := s.request
	if r.DSN == nil && r.AdminDSN == nil && r.Weight == nil {
		return &Error{Code: CodeInvalid, Message: "nothing is to be changed", Hint: "Name a dsn, an admin_dsn or a weight."}
	}
	if r.Weight != nil {
		s.node.Weight = *r.Weight
		s.checkWeight()
	}
	if r.DSN != nil {
		s.node.DSN = *r.DSN
	}
	if r.AdminDSN != nil {
		s.node.AdminDSN = *r.AdminDSN
	}
	if r.DSN == nil && r.AdminDSN == nil {
		return nil
	}
	if s.node.DSN == "" {
		s.plan.problem("the node has no dsn")
		return nil
	}
	return s.checkAddress(ctx)
}

func (s *setter) checkWeight() {
	if s.node.Weight < 0 || s.node.Weight > ring.MaxWeight {
		s.plan.problem(fmt.Sprintf("the weight %d is not from 0 to %d", s.node.Weight, ring.MaxWeight))
		return
	}
	total := s.node.Weight
	for _, n := range s.db.Nodes {
		if n.ID != s.node.ID {
			total += n.Weight
		}
	}
	if total == 0 {
		s.plan.problem("no node would have a weight, and the partitions no place")
	}
	s.plan.note("partitions stay where they are until nodes are added or removed")
}

// checkAddress logs in as both roles and holds what is there against what was.
func (s *setter) checkAddress(ctx context.Context) error {
	application := s.node
	application.AdminDSN = ""
	nodes := []topology.Node{s.node}
	if s.node.AdminDSN != "" && s.node.AdminDSN != s.node.DSN {
		nodes = append(nodes, application)
	}
	var admin *catalog.Server
	for at, node := range nodes {
		fleet, unreachable, err := s.operator.connect(ctx, []topology.Node{node})
		if err != nil {
			return err
		}
		defer fleet.close()
		if len(unreachable) > 0 {
			s.plan.problem([]string{"", "with its dsn: "}[at] + unreachable[0].Error() + s.forgotten())
			continue
		}
		server, err := catalog.ReadServer(ctx, fleet.conns[0])
		if err != nil {
			return nodeFailed(s.node.ID, "ask what it is", err)
		}
		for _, fault := range server.Faults() {
			s.problem("%s", fault)
		}
		if at == 0 {
			admin = server
			if err := s.checkIdentity(ctx, fleet.conns[0], server); err != nil {
				return err
			}
		} else if admin != nil && !admin.Identity.Same(server.Identity) {
			s.problem("its dsn and its admin_dsn lead to two databases; both must name the same one%s", s.forgotten())
		}
	}
	return nil
}

// forgotten reminds of an admin_dsn that stays where it was.
func (s *setter) forgotten() string {
	if s.request.DSN != nil && s.request.AdminDSN == nil && s.node.AdminDSN != "" {
		return "; the node has an admin_dsn, too, which stays as it is unless a new one is given"
	}
	return ""
}

func (s *setter) problem(format string, args ...any) {
	s.plan.problem(fmt.Sprintf("node %q: ", s.node.ID) + fmt.Sprintf(format, args...))
}

// checkIdentity asks the server which node it is. One that was never told is
// compared with the server at the old address.
func (s *setter) checkIdentity(ctx context.Context, conn *pgx.Conn, server *catalog.Server) error {
	want := noderegistry.Node{Cluster: s.t.ClusterID, Database: s.db.Name, ID: string(s.node.ID)}
	identity, err := noderegistry.ReadIdentity(ctx, conn)
	switch {
	case err == nil && identity.Node == want && !identity.Copied:
		return nil
	case err == nil && identity.Copied:
		s.problem("a copy of %s answers at the new address, restored from a dump or made on another server", identity.Node)
		return nil
	case err == nil:
		s.problem("%s answers at the new address", identity.Node)
		return nil
	case noderegistry.ReasonOf(err) == 0:
		return nodeFailed(s.node.ID, "ask which node it is", err)
	case noderegistry.ReasonOf(err) != noderegistry.NotANode:
		s.problem("%v", err)
		return nil
	}
	fleet, unreachable, err := s.operator.connect(ctx, []topology.Node{s.old})
	if err != nil {
		return err
	}
	defer fleet.close()
	if len(unreachable) > 0 {
		s.problem("the server at the new address was never told which node it is, and the old address does not answer for a comparison: %v", errors.Join(unreachable...))
		return nil
	}
	before, err := catalog.ReadServer(ctx, fleet.conns[0])
	if err != nil {
		return nodeFailed(s.node.ID, "ask what it was", err)
	}
	if !before.Identity.Same(server.Identity) {
		s.problem("another database answers at the new address than at the old one")
	}
	return nil
}
