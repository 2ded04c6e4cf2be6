package rebalance

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"shardproxy/internal/noderegistry"
	"shardproxy/meta/topology"
	"shardproxy/router/catalog"
)

// AddNode asks for a new node.
type AddNode struct {
	Database string
	// Node is the new node's name, which no node of the database had before.
	Node topology.NodeID
	// DSN is the application's role on the new server, AdminDSN that of the proxy;
	// empty means DSN.
	DSN      string
	AdminDSN string
	// Weight is the node's share relative to the others', from 1 on.
	Weight int
	// DryRun: nothing is changed; the plan says what would be.
	DryRun bool
}

// AddNode makes a server a node of a database and gives it its share of the
// partitions.
//
// A dry run returns the plan with all problems and no error, unless the request
// itself is wrong. Otherwise problems are an *Error of CodePreflight that lists
// them all, and a database with rows is one of CodeHasData.
func (o *Operator) AddNode(ctx context.Context, r AddNode) (*Result, error) {
	t, db, err := o.database(r.Database)
	if err != nil {
		return nil, err
	}
	j := &joiner{operator: o, t: t, db: db, request: r, plan: &Plan{Database: db.Name, Node: r.Node, Moves: []Move{}}}
	defer j.close()
	if err := j.preflight(ctx); err != nil {
		return nil, err
	}
	if r.DryRun {
		return &Result{Plan: j.plan}, nil
	}
	if len(j.plan.Problems) > 0 {
		return nil, &Error{
			Code: CodePreflight, Message: fmt.Sprintf("node %q cannot be added to database %q", r.Node, db.Name),
			Hint: "Nothing was changed. Cure all of these and try again.", Problems: j.plan.Problems, Plan: j.plan,
		}
	}
	return j.join(ctx)
}

// joiner is one AddNode.
type joiner struct {
	operator *Operator
	t        *topology.Topology
	db       *topology.Database
	request  AddNode
	plan     *Plan

	node  topology.Node // the new one
	nodes []topology.Node
	// owners after the change, for nodes.
	owners []topology.NodeIndex
	fleet  *fleet
	server *catalog.Server // the new one; nil where it cannot be reached
	schema schema
	// leftover is what an earlier attempt that failed left on the node.
	leftover *noderegistry.Node
}

func (j *joiner) close() {
	if j.fleet != nil {
		j.fleet.close()
	}
}

// last is the new node's place.
func (j *joiner) last() topology.NodeIndex { return topology.NodeIndex(len(j.nodes) - 1) }

func (j *joiner) identity() noderegistry.Node {
	return noderegistry.Node{Cluster: j.t.ClusterID, Database: j.db.Name, ID: string(j.node.ID)}
}

// join does what preflight has found possible.
func (j *joiner) join(ctx context.Context) (*Result, error) {
	rows, err := j.fleet.findRows(ctx)
	if err != nil {
		return nil, err
	}
	if len(rows) > 0 {
		return nil, hasData(fmt.Sprintf("node %q cannot be added to database %q", j.node.ID, j.db.Name), rows, j.plan)
	}
	log := j.operator.opts.Logger.With("database", j.db.Name, "node", string(j.node.ID))
	if err := j.bringSchema(ctx); err != nil {
		return nil, err
	}
	if err := j.adopt(ctx); err != nil {
		return nil, err
	}
	if err := j.placeCounters(ctx); err != nil {
		return nil, err
	}
	cmd, err := j.command(ctx)
	if err != nil {
		return nil, err
	}
	log.Info("adding a node", "slot", j.node.Slot, "partitions", j.partitions())
	epoch, err := j.operator.opts.Cluster.Change(ctx, cmd, j.prove)
	if err != nil {
		log.Warn("the node was not added", "error", err)
		return nil, changeError(fmt.Sprintf("add node %q to database %q", j.node.ID, j.db.Name), epoch, err)
	}
	log.Info("added a node", "epoch", epoch)
	return &Result{Plan: j.plan, Epoch: epoch}, nil
}

func (j *joiner) partitions() int {
	n := 0
	for _, m := range j.plan.Moves {
		n += m.Partitions
	}
	return n
}

// adopt tells the node which it is. What an attempt under another name has left
// is taken back first.
func (j *joiner) adopt(ctx context.Context) error {
	conn := j.fleet.conns[j.last()]
	if j.leftover != nil && *j.leftover != j.identity() {
		if err := noderegistry.Release(ctx, conn, *j.leftover); err != nil {
			return nodeFailed(j.node.ID, "take back its former name", err)
		}
	}
	if err := noderegistry.Adopt(ctx, conn, j.identity()); err != nil {
		return nodeFailed(j.node.ID, "adopt it", err)
	}
	return nil
}

// command is the change of the topology: the node, and its partitions.
func (j *joiner) command(ctx context.Context) (topology.Command, error) {
	if err := j.fleet.read(ctx); err != nil {
		return nil, err
	}
	built := j.build(j.owners)
	add := topology.AddNode{Database: j.db.Name, Node: j.node}
	if built.Types != nil || j.db.Types != nil {
		add.Schema = topology.SchemaChange{OnSchemaEpoch: j.db.SchemaEpoch, Types: &topology.TypesChange{Map: built.Types}}
	}
	with := j.db.Clone()
	with.Nodes = j.nodes
	return topology.Batch(add, topology.SetOwners{Database: j.db.Name, Owners: with.OwnerRuns(j.owners)})
}

// build resolves the rules for the nodes with the new one, for given owners.
func (j *joiner) build(owners []topology.NodeIndex) *catalog.Built {
	return catalog.Build(inputOf(j.db, j.nodes, j.fleet.snapshots, owners))
}

// inputOf keeps what is known of a database's tables and sequences.
func inputOf(db *topology.Database, nodes []topology.Node, snapshots []*catalog.Snapshot, owners []topology.NodeIndex) catalog.Input {
	return catalog.Input{
		Rules: db.Rules, Nodes: nodes, Snapshots: snapshots, Owners: owners,
		Kept: placedNow(db), NotStrided: notStrided(db),
	}
}

// notStrided are the sequences whose numbers may repeat, with the reason.
func notStrided(db *topology.Database) map[topology.TableName]string {
	reasons := make(map[topology.TableName]string)
	for name, s := range db.Sequences {
		if s.Mode == topology.SequencePerNode {
			_, reason, _ := strings.Cut(s.Reason, ": ") // behind the column
			reasons[name] = cmp.Or(reason, s.Reason)
		}
	}
	return reasons
}

// placedNow keeps every table where it is.
func placedNow(db *topology.Database) map[topology.TableName]topology.Placed {
	kept := make(map[topology.TableName]topology.Placed)
	for name, rel := range db.Relations {
		if p := rel.Placed(); p.Placement != 0 {
			kept[name] = p
		}
	}
	return kept
}

// prove is called behind the hold: nobody writes now.
func (j *joiner) prove(ctx context.Context, armed *topology.Topology) error {
	if err := unchanged(j.db, armed); err != nil {
		return err
	}
	rows, err := j.fleet.findRows(ctx)
	if err != nil {
		return err
	}
	if len(rows) > 0 {
		return hasData(fmt.Sprintf("node %q cannot be added to database %q", j.node.ID, j.db.Name), rows, j.plan)
	}
	if err := j.stillEqual(ctx); err != nil {
		return err
	}
	identity, err := noderegistry.ReadIdentity(ctx, j.fleet.conns[j.last()])
	if err == nil && (identity.Node != j.identity() || identity.Copied) {
		err = fmt.Errorf("it is %s by now", identity.Node)
	}
	if err != nil {
		return nodeFailed(j.node.ID, "check which node it is", err)
	}
	return nil
}

// stillEqual looks for tables that were made on the home node while its schema was
// copied: their change of the topology may be waiting for this one.
func (j *joiner) stillEqual(ctx context.Context) error {
	differences, _, err := j.compare(ctx, j.fleet.conns[j.last()])
	if err != nil {
		return nodeFailed(j.node.ID, "compare it with the home node", err)
	}
	if i := slices.IndexFunc(differences, serious); i >= 0 {
		return &Error{
			Code: CodeConflict, Message: fmt.Sprintf("the schema of database %q has changed meanwhile: on node %q, %s", j.db.Name, j.node.ID, differences[i]),
			Hint: "Empty the database of the new node, and try again.",
		}
	}
	return nil
}

// unchanged says whether a decision on db still stands.
func unchanged(db *topology.Database, t *topology.Topology) error {
	now := t.Databases[db.Name]
	if now != nil && now.SchemaEpoch == db.SchemaEpoch && slices.Equal(now.Owners, db.Owners) && slices.Equal(now.Nodes, db.Nodes) {
		return nil
	}
	return &Error{
		Code: CodeConflict, Message: fmt.Sprintf("the nodes, the partitions or the tables of database %q have changed meanwhile", db.Name),
		Hint: "Try again.",
	}
}
