package catalog

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"golang.org/x/sync/errgroup"

	"shardproxy/internal/noderegistry"
	"shardproxy/meta/topology"
)

// Options of Nodes.
type Options struct {
	// Nodes of the database, in the order of topology.Database.Nodes.
	Nodes []topology.Node
	// ConnectTimeout bounds connecting and logging in to a node; default 5 s.
	ConnectTimeout time.Duration
	// LockTimeout bounds waiting for a lock on a node; default 5 s.
	LockTimeout time.Duration
	// Adoption makes the nodes know who they are.
	Adoption Adoption
	// Dial replaces the network dialer, for tests; nil is net.Dialer.
	Dial pgconn.DialFunc
}

// Adoption says as the nodes of which cluster and database Load adopts the
// databases; see internal/noderegistry. The zero value: it does not, makes no
// schema on them, and takes them for what they are without a question.
type Adoption struct {
	ClusterID string
	// Database is the proxy's name of the database.
	Database string
	// Roles log in to the nodes beside those of the DSNs: the users' own.
	Roles []string
}

// wanted reports whether nodes are adopted.
func (a Adoption) wanted() bool { return a.ClusterID != "" }

// node is a node's full name.
func (a Adoption) node(id topology.NodeID) noderegistry.Node {
	return noderegistry.Node{Cluster: a.ClusterID, Database: a.Database, ID: string(id)}
}

// Nodes opens administrative connections to the nodes of one database. It
// holds none itself and may be used by several goroutines.
type Nodes struct{ opts Options }

// NewNodes checks the options.
func NewNodes(opts Options) (*Nodes, error) {
	if len(opts.Nodes) == 0 || len(opts.Nodes) > topology.MaxNodes {
		return nil, fmt.Errorf("catalog: %d nodes; 1 to %d are possible", len(opts.Nodes), topology.MaxNodes)
	}
	if opts.ConnectTimeout < 0 || opts.LockTimeout < 0 {
		return nil, errors.New("catalog: a timeout is negative")
	}
	if opts.Adoption.wanted() != (opts.Adoption.Database != "") {
		return nil, errors.New("catalog: adoption needs a cluster id and the name of the database")
	}
	if opts.ConnectTimeout == 0 {
		opts.ConnectTimeout = 5 * time.Second
	}
	if opts.LockTimeout == 0 {
		opts.LockTimeout = 5 * time.Second
	}
	return &Nodes{opts: opts}, nil
}

// Connect opens a connection to one node as the role of its AdminDSN, or DSN.
// The caller closes it. Errors are *NodeError.
func (n *Nodes) Connect(ctx context.Context, i topology.NodeIndex) (*pgx.Conn, error) {
	node := &n.opts.Nodes[i]
	config, err := n.config(node)
	if err != nil {
		return nil, err
	}
	connectCtx, cancel := context.WithTimeout(ctx, n.opts.ConnectTimeout)
	defer cancel()
	conn, err := pgx.ConnectConfig(connectCtx, config)
	if err != nil {
		return nil, nodeError(node.ID, "connect", err)
	}
	if err := n.prepare(connectCtx, conn); err != nil {
		_ = conn.Close(connectCtx)
		return nil, nodeError(node.ID, "set up the connection", err)
	}
	return conn, nil
}

func (n *Nodes) config(node *topology.Node) (*pgx.ConnConfig, error) {
	dsn := node.AdminDSN
	if dsn == "" {
		dsn = node.DSN
	}
	config, err := pgx.ParseConfig(dsn)
	if err != nil {
		// The parser's error quotes the dsn and may show parts of a password.
		return nil, nodeError(node.ID, "connect", errors.New("its dsn cannot be read; write postgres://user:password@host:port/database, with special characters in the password percent-encoded"))
	}
	// One round trip per query and nothing prepared.
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	if n.opts.Dial != nil {
		config.DialFunc = n.opts.Dial
	}
	return config, nil
}

// prepare fixes what the text of our results depends on. Set by a statement,
// not in the startup message, which some servers in between would refuse.
//
// With row_security off the server raises an error where a policy would hide
// rows from us, instead of leaving them out of what we count.
func (n *Nodes) prepare(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, `
SELECT set_config('application_name', 'shardproxy catalog', false),
       set_config('search_path', 'pg_catalog', false),
       set_config('client_encoding', 'UTF8', false),
       set_config('standard_conforming_strings', 'on', false),
       set_config('quote_all_identifiers', 'off', false),
       set_config('bytea_output', 'hex', false),
       set_config('datestyle', 'ISO, YMD', false),
       set_config('intervalstyle', 'postgres', false),
       set_config('timezone', 'UTC', false),
       set_config('extra_float_digits', '3', false),
       set_config('row_security', 'off', false),
       set_config('statement_timeout', '0', false),
       set_config('idle_in_transaction_session_timeout', '0', false),
       set_config('lock_timeout', $1::text, false)`, n.lockTimeout())
	return err
}

// lockTimeout is the parameter's value.
func (n *Nodes) lockTimeout() string {
	return fmt.Sprintf("%dms", n.opts.LockTimeout.Milliseconds())
}

// Open connects to all nodes at once. It returns every node's error, joined,
// and no connections when one failed.
func (n *Nodes) Open(ctx context.Context) (*Conns, error) {
	c, errs := n.open(ctx)
	if err := errors.Join(errs...); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

// open leaves nil where a node could not be reached.
func (n *Nodes) open(ctx context.Context) (*Conns, []error) {
	c := &Conns{nodes: n.opts.Nodes, adoption: n.opts.Adoption, lockTimeout: n.lockTimeout(), conns: make([]*pgx.Conn, len(n.opts.Nodes))}
	errs := make([]error, len(c.conns))
	var group errgroup.Group
	for i := range c.conns {
		group.Go(func() error {
			c.conns[i], errs[i] = n.Connect(ctx, topology.NodeIndex(i))
			return nil
		})
	}
	_ = group.Wait()
	return c, errs
}

// closeTimeout bounds the goodbye to a node.
const closeTimeout = time.Second

// Disconnect closes a connection that Connect made. A node that does not answer is
// not waited for: the socket is closed in any case.
func Disconnect(conn *pgx.Conn) {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	_ = conn.Close(ctx)
}

// Conns is one open connection to each node. Not for several goroutines at
// once.
type Conns struct {
	nodes       []topology.Node
	adoption    Adoption
	conns       []*pgx.Conn
	lockTimeout string
}

// Close closes the connections.
func (c *Conns) Close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	var group errgroup.Group
	for _, conn := range c.conns {
		if conn != nil {
			// The node notices either way.
			group.Go(func() error { _ = conn.Close(ctx); return nil })
		}
	}
	_ = group.Wait()
}

// ID is the name of a node.
func (c *Conns) ID(i topology.NodeIndex) topology.NodeID { return c.nodes[i].ID }

// each runs f for the given nodes at once, waits for all, and joins their
// errors, wrapped with the node's name.
func (c *Conns) each(ctx context.Context, nodes []topology.NodeIndex, op string, f func(ctx context.Context, i topology.NodeIndex, conn *pgx.Conn) error) error {
	errs := make([]error, len(nodes))
	var group errgroup.Group
	for at, i := range nodes {
		group.Go(func() error {
			if err := f(ctx, i, c.conns[i]); err != nil {
				errs[at] = c.wrap(i, op, err)
			}
			return nil
		})
	}
	_ = group.Wait()
	return errors.Join(errs...)
}

func (c *Conns) wrap(i topology.NodeIndex, op string, err error) error {
	if _, ok := errors.AsType[*NodeError](err); ok {
		return err
	}
	return nodeError(c.ID(i), op, err)
}

// all lists every node.
func (c *Conns) all() []topology.NodeIndex {
	nodes := make([]topology.NodeIndex, len(c.conns))
	for i := range nodes {
		nodes[i] = topology.NodeIndex(i)
	}
	return nodes
}
