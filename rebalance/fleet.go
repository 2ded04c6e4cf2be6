package rebalance

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"

	"shardproxy/meta/topology"
	"shardproxy/rebalance/postgres"
	"shardproxy/router/catalog"
)

// fleet is a connection to each of some nodes as its administrative role, and
// what the nodes' catalogs said. One operation uses it, on one goroutine but for
// each.
type fleet struct {
	nodes     []topology.Node
	opener    *catalog.Nodes
	conns     []*pgx.Conn         // nil where the node could not be reached
	snapshots []*catalog.Snapshot // nil before read
}

// connect connects to all nodes at once. The errors are those of the nodes that
// cannot be reached. The caller closes the fleet.
func (o *Operator) connect(ctx context.Context, nodes []topology.Node) (*fleet, []error, error) {
	opener, err := catalog.NewNodes(catalog.Options{Nodes: nodes, ConnectTimeout: o.opts.ConnectTimeout, LockTimeout: o.opts.LockTimeout})
	if err != nil {
		return nil, nil, err
	}
	f := &fleet{nodes: nodes, opener: opener, conns: make([]*pgx.Conn, len(nodes)), snapshots: make([]*catalog.Snapshot, len(nodes))}
	errs := make([]error, len(nodes))
	var group errgroup.Group
	for i := range nodes {
		group.Go(func() error {
			f.conns[i], errs[i] = opener.Connect(ctx, topology.NodeIndex(i))
			return nil
		})
	}
	_ = group.Wait()
	return f, slices.DeleteFunc(errs, func(err error) bool { return err == nil }), nil
}

// closeTimeout bounds the goodbye to a node.
const closeTimeout = time.Second

func (f *fleet) close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	var group errgroup.Group
	for _, conn := range f.conns {
		if conn != nil {
			group.Go(func() error { _ = conn.Close(ctx); return nil })
		}
	}
	_ = group.Wait()
}

// reached lists the nodes that there is a connection to.
func (f *fleet) reached() []topology.NodeIndex {
	var nodes []topology.NodeIndex
	for i, conn := range f.conns {
		if conn != nil {
			nodes = append(nodes, topology.NodeIndex(i))
		}
	}
	return nodes
}

// each runs g for the nodes that there is a connection to, at once, and returns
// an error of the first that fails.
func (f *fleet) each(ctx context.Context, what string, g func(ctx context.Context, i topology.NodeIndex, conn *pgx.Conn) error) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, i := range f.reached() {
		group.Go(func() error {
			if err := g(ctx, i, f.conns[i]); err != nil {
				return nodeFailed(f.nodes[i].ID, what, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// read reads the catalogs of all nodes.
func (f *fleet) read(ctx context.Context) error {
	return f.each(ctx, "read the catalog", f.readOne)
}

func (f *fleet) readOne(ctx context.Context, i topology.NodeIndex, conn *pgx.Conn) (err error) {
	f.snapshots[i], err = catalog.Read(ctx, conn)
	return err
}

// countLimit is up to how many rows are counted to say how many there are.
const countLimit = 100_000

// findRows looks for rows in all tables of the nodes. A transaction that is
// prepared and not ended may hold any number.
func (f *fleet) findRows(ctx context.Context) ([]nodeRows, error) {
	found := make([]nodeRows, len(f.nodes))
	err := f.each(ctx, "look for rows", func(ctx context.Context, i topology.NodeIndex, conn *pgx.Conn) error {
		tables, err := postgres.Occupied(ctx, conn, countLimit)
		if err != nil {
			return err
		}
		prepared, err := postgres.PreparedTransactions(ctx, conn)
		found[i] = nodeRows{node: f.nodes[i].ID, tables: tables, prepared: prepared}
		return err
	})
	return slices.DeleteFunc(found, nodeRows.none), err
}

// nodeRows is what a node holds.
type nodeRows struct {
	node     topology.NodeID
	tables   []postgres.TableRows
	prepared int
}

func (n nodeRows) none() bool { return len(n.tables) == 0 && n.prepared == 0 }

// maxListed is how many tables of a node are named.
const maxListed = 20

// texts says what there is, one line for each table.
func (n nodeRows) texts() []string {
	var texts []string
	for i, t := range n.tables {
		if i == maxListed {
			texts = append(texts, fmt.Sprintf("node %q: and %d tables more", n.node, len(n.tables)-i))
			break
		}
		texts = append(texts, fmt.Sprintf("node %q: %s", n.node, t))
	}
	if n.prepared > 0 {
		texts = append(texts, fmt.Sprintf("node %q: %d prepared transactions, which may have written rows; COMMIT PREPARED or ROLLBACK PREPARED them (pg_prepared_xacts)", n.node, n.prepared))
	}
	return texts
}

// hasData makes an error of rows that are there.
func hasData(what string, rows []nodeRows, plan *Plan) *Error {
	e := &Error{
		Code: CodeHasData, Message: what + ": the database holds rows, and would have to move them, which this version cannot do; there are",
		Hint: "Empty the tables, or leave the nodes as they are. A dry run shows what would move.", Plan: plan,
	}
	for _, n := range rows {
		e.Problems = append(e.Problems, n.texts()...)
	}
	return e
}
