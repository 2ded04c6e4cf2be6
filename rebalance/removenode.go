package rebalance

import (
	"context"
	"fmt"
	"slices"

	"shardproxy/internal/noderegistry"
	"shardproxy/meta/topology"
	"shardproxy/router/catalog"
)

// RemoveNode asks for a node to be forgotten.
type RemoveNode struct {
	Database string
	Node     topology.NodeID
	// Force removes a node that owns nothing though it does not answer, or though
	// it holds rows, which are forgotten with it.
	Force  bool
	DryRun bool
}

// RemoveNode gives a node's partitions to the others and forgets it. The server
// keeps its tables.
//
// A node that owns partitions is removed only where no node holds rows: else it
// is an *Error of CodeHasData. A node that does not answer cannot be asked for
// its rows: if it owns partitions it is refused, with Force as well.
func (o *Operator) RemoveNode(ctx context.Context, r RemoveNode) (*Result, error) {
	t, db, err := o.database(r.Database)
	if err != nil {
		return nil, err
	}
	i, ok := db.NodeNamed(r.Node)
	if !ok {
		return nil, &Error{Code: CodeUnknownNode, Message: fmt.Sprintf("database %q has no node %q", db.Name, r.Node)}
	}
	if len(db.Nodes) == 1 {
		return nil, &Error{Code: CodeLastNode, Message: fmt.Sprintf("node %q is the only one of database %q", r.Node, db.Name)}
	}
	owners, err := ownersAfter(db, db.Nodes, r.Node)
	if err != nil {
		return nil, &Error{
			Code: CodeLastNode, Message: fmt.Sprintf("no other node of database %q has a weight, so nobody can take over from %q", db.Name, r.Node),
			Hint: "Give another node a weight first.", err: err,
		}
	}
	if !slices.Contains(db.Owners, i) {
		owners = db.Owners // others need not be levelled for it
	}
	l := &leaver{operator: o, t: t, db: db, request: r, node: i, owners: owners}
	l.plan = &Plan{Database: db.Name, Node: r.Node, Moves: movesBetween(db, db.Nodes, owners)}
	defer l.close()
	return l.run(ctx)
}

// leaver is one RemoveNode.
type leaver struct {
	operator *Operator
	t        *topology.Topology
	db       *topology.Database
	request  RemoveNode
	node     topology.NodeIndex
	owners   []topology.NodeIndex // after the change
	plan     *Plan
	fleet    *fleet
	built    *catalog.Built // with owners; nil where nothing is owned
}

func (l *leaver) close() {
	if l.fleet != nil {
		l.fleet.close()
	}
}

// owns says whether the node has partitions to give.
func (l *leaver) owns() bool { return len(l.plan.Moves) > 0 }

func (l *leaver) homeMoves() bool { return l.owners[len(l.owners)-1] != l.db.Home() }

func (l *leaver) run(ctx context.Context) (*Result, error) {
	unreachable, err := l.connect(ctx)
	if err != nil {
		return nil, err
	}
	if l.request.DryRun {
		for _, u := range unreachable {
			l.plan.problem(u.Error())
		}
		return l.dryRun(ctx)
	}
	if err := l.mayGo(unreachable); err != nil {
		return nil, err
	}
	if err := l.noRows(ctx); err != nil {
		return nil, err
	}
	cmd, err := l.command(ctx)
	if err != nil {
		return nil, err
	}
	log := l.operator.opts.Logger.With("database", l.db.Name, "node", string(l.request.Node))
	log.Info("removing a node", "moves", len(l.plan.Moves), "force", l.request.Force)
	epoch, err := l.operator.opts.Cluster.Change(ctx, cmd, l.prove)
	if err != nil {
		log.Warn("the node was not removed", "error", err)
		return nil, changeError(fmt.Sprintf("remove node %q from database %q", l.request.Node, l.db.Name), epoch, err)
	}
	log.Info("removed a node", "epoch", epoch)
	l.release(ctx)
	return &Result{Plan: l.plan, Epoch: epoch}, nil
}

// connect connects to the nodes that have to be asked: all, or the one that
// leaves where it owns nothing.
func (l *leaver) connect(ctx context.Context) (unreachable []error, err error) {
	nodes := l.db.Nodes
	if !l.owns() {
		nodes = nodes[l.node : l.node+1]
	}
	l.fleet, unreachable, err = l.operator.connect(ctx, nodes)
	return unreachable, err
}

func (l *leaver) dryRun(ctx context.Context) (*Result, error) {
	if err := l.fleet.read(ctx); err != nil {
		return nil, err
	}
	if l.owns() {
		if err := l.fleet.measure(ctx, l.db, l.plan, false); err != nil {
			return nil, err
		}
		if l.homeMoves() {
			l.plan.note(fmt.Sprintf("the home partition goes to node %q", l.db.Nodes[l.owners[len(l.owners)-1]].ID))
		}
	}
	return &Result{Plan: l.plan}, nil
}

// mayGo refuses while nodes that have to be asked for rows do not answer.
func (l *leaver) mayGo(unreachable []error) error {
	if len(unreachable) == 0 {
		return nil
	}
	e := &Error{Code: CodeUnreachable, Message: fmt.Sprintf("node %q cannot be removed from database %q", l.request.Node, l.db.Name)}
	for _, u := range unreachable {
		e.Problems = append(e.Problems, u.Error())
	}
	switch {
	case l.owns():
		e.Hint = "The rows of a node that does not answer cannot be counted, and would be lost; start it again. Force does not help here."
		return e
	case l.request.Force:
		l.plan.note(fmt.Sprintf("node %q does not answer; it owns no partitions, so nothing is lost that statements could reach", l.request.Node))
		return nil
	}
	e.Hint = "It owns no partitions. If it is gone for good, remove it with force: nothing is lost that statements could reach."
	return e
}

// noRows refuses rows that would be lost: any at all where partitions change
// their owner, or those of the node that leaves.
func (l *leaver) noRows(ctx context.Context) error {
	rows, err := l.fleet.findRows(ctx)
	if err != nil || len(rows) == 0 {
		return err
	}
	if l.owns() {
		return hasData(fmt.Sprintf("node %q cannot be removed from database %q", l.request.Node, l.db.Name), rows, l.plan)
	}
	if l.request.Force {
		for _, n := range rows {
			for _, text := range n.texts() {
				l.plan.note("forgotten with it: " + text)
			}
		}
		return nil
	}
	e := hasData("", rows, l.plan)
	e.Message = fmt.Sprintf("node %q owns no partitions and holds rows all the same; no statement reaches them", l.request.Node)
	e.Hint = "With force the node is removed and they are left where they are."
	return e
}

// command is the change of the topology: the partitions go, then the node.
func (l *leaver) command(ctx context.Context) (topology.Command, error) {
	remove := topology.RemoveNode{Database: l.db.Name, Node: l.request.Node}
	if !l.owns() {
		return remove, nil
	}
	set := topology.SetOwners{Database: l.db.Name, Owners: l.db.OwnerRuns(l.owners)}
	change, err := l.resolve(ctx)
	if err != nil {
		return nil, err
	}
	if l.homeMoves() {
		set.Schema = change
		if err := carryAhead(ctx, l.fleet, l.built, l.owners[len(l.owners)-1]); err != nil {
			return nil, err
		}
	}
	return topology.Batch(set, remove)
}

// resolve resolves the rules for the nodes that own partitions afterwards, the
// new home's word being canonical, and refuses what that would make worse.
func (l *leaver) resolve(ctx context.Context) (topology.SchemaChange, error) {
	if err := l.fleet.read(ctx); err != nil {
		return topology.SchemaChange{}, err
	}
	l.built = catalog.Build(inputOf(l.db, l.db.Nodes, l.fleet.snapshots, l.owners))
	next := l.db.Clone()
	next.Relations, next.Sequences = l.built.Relations, l.built.Sequences
	next.Functions, next.Types = l.built.Functions, l.built.Types
	diff, _ := topology.SchemaDiff(l.db, next)
	var problems []string
	for _, rel := range diff.Changed {
		was := l.db.Relations[rel.Name]
		if rel.Placement == topology.Refused && (was == nil || was.Placement != topology.Refused) {
			problems = append(problems, fmt.Sprintf("table %s would be refused: %s", rel.Name, rel.Reason))
		}
	}
	for _, name := range diff.Removed {
		if p := l.db.Relations[name].Placement; p != topology.Refused && p != topology.System {
			problems = append(problems, fmt.Sprintf("table %s is on the home node only, which leaves", name))
		}
	}
	if len(problems) > 0 {
		return topology.SchemaChange{}, &Error{
			Code: CodePreflight, Message: fmt.Sprintf("node %q cannot be removed from database %q: the others are not fit to take over", l.request.Node, l.db.Name),
			Hint: "Make the nodes' schemas equal first.", Problems: problems, Plan: l.plan,
		}
	}
	return diff.SchemaChange, nil
}

// prove is called behind the hold: nobody writes, or draws a number, now.
func (l *leaver) prove(ctx context.Context, armed *topology.Topology) error {
	if err := unchanged(l.db, armed); err != nil {
		return err
	}
	notes := l.plan.Notes // they say it already
	err := l.noRows(ctx)
	if l.plan.Notes = notes; err != nil || !l.homeMoves() {
		return err
	}
	if err := l.fleet.read(ctx); err != nil {
		return err
	}
	return carryAhead(ctx, l.fleet, l.built, l.owners[len(l.owners)-1])
}

// release tells the server that it is no node any more, so that it may become
// one again. The topology has forgotten it either way.
func (l *leaver) release(ctx context.Context) {
	at := slices.IndexFunc(l.fleet.nodes, func(n topology.Node) bool { return n.ID == l.request.Node })
	conn := l.fleet.conns[at]
	if conn == nil {
		return
	}
	identity := noderegistry.Node{Cluster: l.t.ClusterID, Database: l.db.Name, ID: string(l.request.Node)}
	err := noderegistry.Release(ctx, conn, identity)
	if err != nil && noderegistry.ReasonOf(err) != noderegistry.NotANode {
		l.plan.note(fmt.Sprintf("the server still takes itself for node %q (%v); DROP SCHEMA shardproxy CASCADE in its database before it is added again", l.request.Node, err))
	}
}
