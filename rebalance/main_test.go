package rebalance_test

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"shardproxy/internal/noderegistry"
	"shardproxy/internal/pgserver"
	"shardproxy/internal/pgserver/pgservertest"
	"shardproxy/meta/topology"
	"shardproxy/rebalance"
	"shardproxy/ring"
	"shardproxy/router/catalog"
)

// cluster is two servers: the nodes of a database share the first, and who joins
// is on the second, which has other roles.
var cluster *pgservertest.Cluster

func TestMain(m *testing.M) { os.Exit(run(m)) }

// run starts servers that take prepared transactions.
func run(m *testing.M) (code int) {
	var err error
	cluster, err = pgservertest.NewCluster(context.Background(), 2, pgserver.Options{Settings: map[string]string{"max_prepared_transactions": "5"}})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() {
		if err := cluster.Close(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}()
	return m.Run()
}

const (
	partitions = 64
	clusterID  = "c-test"
)

// fleet is a database on three nodes, and a server that may become the fourth.
type fleet struct {
	t        *testing.T
	peers    *peers
	operator *rebalance.Operator
	dsns     []string // of the nodes, then of the newcomer
}

// newFleet makes the databases, with a schema on the nodes, and loads them.
func newFleet(t *testing.T, schema string) *fleet { t.Helper(); return newFleetOf(t, 3, schema) }

func newFleetOf(t *testing.T, n int, schema string) *fleet {
	t.Helper()
	t.Cleanup(func() { goleak.VerifyNone(t, pgservertest.IgnoreServers()) })
	f := &fleet{t: t}
	db := &topology.Database{Name: "app", Engine: topology.Postgres}
	for i := range n {
		dsn := cluster.NewDatabase(t, 0)
		f.dsns = append(f.dsns, dsn)
		if schema != "" {
			f.exec(i, schema)
		}
		node := topology.Node{ID: nodeID(i), Slot: topology.Slot(i), Weight: 1, DSN: dsn}
		db.Nodes = append(db.Nodes, node)
		f.admin(i, func(conn *pgx.Conn) {
			if err := noderegistry.Adopt(t.Context(), conn, identity(node.ID)); err != nil {
				t.Fatal(err)
			}
		})
	}
	f.dsns = append(f.dsns, cluster.NewDatabase(t, 1))
	nodes, err := catalog.NewNodes(catalog.Options{Nodes: db.Nodes})
	if err != nil {
		t.Fatal(err)
	}
	loaded, _, err := catalog.Load(t.Context(), nodes, db, partitions)
	if err != nil {
		t.Fatal(err)
	}
	f.peers = &peers{t: t}
	f.peers.mu.current = &topology.Topology{Epoch: 1, ClusterID: clusterID, Databases: map[string]*topology.Database{"app": loaded}}
	f.operator, err = rebalance.New(rebalance.Options{Cluster: f.peers, ConnectTimeout: 2 * time.Second, LockTimeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func nodeID(i int) topology.NodeID { return topology.NodeID(fmt.Sprintf("pg-%d", i+1)) }

func identity(id topology.NodeID) noderegistry.Node {
	return noderegistry.Node{Cluster: clusterID, Database: "app", ID: string(id)}
}

func (f *fleet) db() *topology.Database { return f.peers.Current().Databases["app"] }

// newcomer is the place of the server that is no node yet.
func (f *fleet) newcomer() int { return len(f.dsns) - 1 }

// add is the request for the newcomer.
func (f *fleet) add() rebalance.AddNode {
	return rebalance.AddNode{Database: "app", Node: nodeID(f.newcomer()), DSN: f.dsns[f.newcomer()], Weight: 1}
}

func (f *fleet) server(i int) int {
	if i == f.newcomer() && f.peers != nil {
		return 1
	}
	return 0
}

// superDSN is the superuser's for the database of node i.
func (f *fleet) superDSN(i int) string { return cluster.AdminDSN(f.t, f.server(i), f.dsns[i]) }

func (f *fleet) connect(dsn string, use func(conn *pgx.Conn)) {
	f.t.Helper()
	conn, err := pgx.Connect(f.t.Context(), dsn)
	if err != nil {
		f.t.Fatal(err)
	}
	defer conn.Close(context.Background())
	use(conn)
}

func (f *fleet) admin(i int, use func(conn *pgx.Conn)) { f.t.Helper(); f.connect(f.dsns[i], use) }

// exec runs SQL on a node as the application's role.
func (f *fleet) exec(i int, sql string) { f.t.Helper(); f.execAs(f.dsns[i], sql) }

// super runs SQL on a node as the superuser.
func (f *fleet) super(i int, sql string) { f.t.Helper(); f.execAs(f.superDSN(i), sql) }

func (f *fleet) execAs(dsn, sql string) {
	f.t.Helper()
	f.connect(dsn, func(conn *pgx.Conn) {
		if _, err := conn.Exec(f.t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			f.t.Fatalf("%.80s: %v", sql, err)
		}
	})
}

// value returns the only value of a query on a node, as text.
func (f *fleet) value(i int, sql string) (text string) {
	f.t.Helper()
	f.connect(f.superDSN(i), func(conn *pgx.Conn) {
		if err := conn.QueryRow(f.t.Context(), sql).Scan(&text); err != nil {
			f.t.Fatalf("%s: %v", sql, err)
		}
	})
	return text
}

// reload reads the nodes of the current topology, as after DDL, and fails where a
// table is refused or a counter out of class.
func (f *fleet) reload() *topology.Database {
	f.t.Helper()
	nodes, err := catalog.NewNodes(catalog.Options{Nodes: f.db().Nodes})
	if err != nil {
		f.t.Fatal(err)
	}
	db, report, err := catalog.Reload(f.t.Context(), nodes, f.db())
	if err != nil {
		f.t.Fatal(err)
	}
	for _, c := range report.Strides.Changed {
		f.t.Errorf("a counter was out of class: %+v", c)
	}
	for _, p := range report.Problems {
		if p.Node != "" {
			f.t.Errorf("problem: %s", p)
		}
	}
	if diff, differs := topology.SchemaDiff(withoutEmptyMap(f.db()), withoutEmptyMap(db)); differs {
		f.t.Errorf("a reload finds another schema: %+v, types %+v", diff, diff.Types)
	}
	return db
}

// peers applies commands as one peer would.
type peers struct {
	t  *testing.T
	mu struct {
		sync.Mutex
		current *topology.Topology
	}
	// whileHeld, if set, runs behind the hold before the proof, and beforeArm
	// before everything.
	whileHeld, beforeArm func()
	changes              int
}

var _ rebalance.Cluster = (*peers)(nil)

func (p *peers) Current() *topology.Topology {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mu.current
}

func (p *peers) apply(c topology.Command) (topology.Epoch, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	entry, err := topology.EncodeCommand(c, 0)
	if err != nil {
		return 0, err
	}
	next, err := topology.Apply(p.mu.current, entry)
	p.mu.current = next
	return next.Epoch, err
}

func (p *peers) Change(ctx context.Context, cmd topology.Command, prove func(context.Context, *topology.Topology) error) (topology.Epoch, error) {
	if p.beforeArm != nil {
		p.beforeArm()
	}
	if prove == nil && !topology.NeedsHold(p.Current(), cmd) {
		return p.apply(cmd)
	}
	arm, err := topology.NewArm("app", cmd, topology.Hold{})
	if err != nil {
		return 0, err
	}
	epoch, err := p.apply(arm)
	if err != nil {
		return 0, err
	}
	if p.whileHeld != nil {
		p.whileHeld()
	}
	if err := prove(ctx, p.Current()); err != nil {
		if _, failed := p.apply(topology.Disarm{Database: "app", ID: topology.ArmID(epoch), Reason: "not proved"}); failed != nil {
			p.t.Error(failed)
		}
		return 0, fmt.Errorf("given up: %w", err)
	}
	p.changes++
	return p.apply(topology.CommitArmed{Database: "app", ID: topology.ArmID(epoch)})
}

// withUser returns a dsn with other credentials.
func withUser(t *testing.T, dsn, user, password string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(user, password)
	return u.String()
}

// containing fails unless exactly one of the texts contains each of the parts,
// and every text one of them.
func containing(t *testing.T, texts []string, parts ...string) {
	t.Helper()
	for _, part := range parts {
		n := 0
		for _, text := range texts {
			if strings.Contains(text, part) {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%q is in %d texts", part, n)
		}
	}
	if len(texts) != len(parts) {
		t.Errorf("%d texts, not %d:\n%s", len(texts), len(parts), strings.Join(texts, "\n"))
	}
}

// execServer runs SQL on a server as its superuser.
func execServer(t *testing.T, server int, sql string) {
	t.Helper()
	(&fleet{t: t}).execAs(cluster.AdminDSN(t, server, "postgres://x/postgres"), sql)
}

func (f *fleet) databaseOf(i int) string {
	u, err := url.Parse(f.dsns[i])
	if err != nil {
		f.t.Fatal(err)
	}
	return strings.TrimPrefix(u.Path, "/")
}

func (f *fleet) adopt(i int, as noderegistry.Node) {
	f.t.Helper()
	f.admin(i, func(conn *pgx.Conn) {
		if err := noderegistry.Adopt(f.t.Context(), conn, as); err != nil {
			f.t.Fatal(err)
		}
	})
}

// dropRole and dropDatabase clean up, when the test's context has ended.
func (f *fleet) dropRole(name string) { f.cleanUp(0, `DROP ROLE IF EXISTS `+name) }

func (f *fleet) dropDatabase(name string) { f.cleanUp(1, `DROP DATABASE `+name+` WITH (FORCE)`) }

func (f *fleet) cleanUp(server int, sql string) {
	f.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := pgserver.Exec(ctx, cluster.AdminDSN(f.t, server, "postgres://x/postgres"), sql); err != nil {
		f.t.Errorf("%s: %v", sql, err)
	}
}

func (f *fleet) apply(c topology.Command) {
	f.t.Helper()
	if _, err := f.peers.apply(c); err != nil {
		f.t.Fatal(err)
	}
}

// reloaded reads the nodes anew.
func (f *fleet) reloaded() *topology.Database {
	f.t.Helper()
	nodes, err := catalog.NewNodes(catalog.Options{Nodes: f.db().Nodes})
	if err != nil {
		f.t.Fatal(err)
	}
	db, _, err := catalog.Reload(f.t.Context(), nodes, f.db())
	if err != nil {
		f.t.Fatal(err)
	}
	return db
}

// fill writes users (few) and projects (many) where they belong.
func (f *fleet) fill() {
	f.t.Helper()
	db := f.db()
	for i := range db.Nodes {
		f.connect(f.dsns[i], func(conn *pgx.Conn) {
			var users [][]any
			var projects [][]any
			for id := int64(1); id <= 3000; id++ {
				if db.Owners[partitionOf(id)] != topology.NodeIndex(i) {
					continue
				}
				users = append(users, []any{id, "user"})
				for n := range int64(15) {
					projects = append(projects, []any{id*100 + n, id, "a project of theirs"})
				}
			}
			copyInto(f.t, conn, "users", []string{"id", "name"}, users)
			copyInto(f.t, conn, "projects", []string{"id", "user_id", "name"}, projects)
			if _, err := conn.Exec(f.t.Context(), "ANALYZE"); err != nil {
				f.t.Fatal(err)
			}
		})
	}
}

func copyInto(t *testing.T, conn *pgx.Conn, table string, columns []string, rows [][]any) {
	t.Helper()
	if _, err := conn.CopyFrom(t.Context(), pgx.Identifier{table}, columns, pgx.CopyFromRows(rows)); err != nil {
		t.Fatal(err)
	}
}

func partitionOf(id int64) ring.Partition {
	return ring.PartitionOf(ring.AppendInt(nil, id), partitions)
}

// rowsAt returns how many users and projects a plan really moves.
func (f *fleet) rowsAt(plan *rebalance.Plan) (users, projects int64) {
	for id := int64(1); id <= 3000; id++ {
		p := partitionOf(id)
		for _, m := range plan.Moves {
			for _, r := range m.Ranges {
				if r.First <= p && p <= r.Last {
					users++
					projects += 15
				}
			}
		}
	}
	return users, projects
}

// withoutEmptyMap: a type map that maps nothing is as good as none.
func withoutEmptyMap(db *topology.Database) *topology.Database {
	c := db.Clone()
	for i := range c.Nodes {
		if !c.Types.Alike(topology.NodeIndex(i)) {
			return c
		}
	}
	c.Types = nil
	return c
}

// empty makes a database as new: creating one takes longer than most tests.
func (f *fleet) empty(i int) {
	f.t.Helper()
	name := pgx.Identifier{f.databaseOf(i)}.Sanitize()
	f.super(i, `BEGIN READ WRITE; DROP SCHEMA IF EXISTS shardproxy CASCADE; DROP SCHEMA public CASCADE;
CREATE SCHEMA public AUTHORIZATION pg_database_owner; GRANT USAGE ON SCHEMA public TO PUBLIC;
ALTER DATABASE `+name+` RESET ALL; ALTER DATABASE `+name+` OWNER TO app; COMMIT`)
}
