package catalog_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"shardproxy/internal/pgserver/pgservertest"
	"shardproxy/meta/topology"
	"shardproxy/router/catalog"
)

var cluster *pgservertest.Cluster

func TestMain(m *testing.M) { pgservertest.Main(m, &cluster, 3) }

const partitions = 64

// fleet is a database on three fresh, empty nodes.
type fleet struct {
	t     *testing.T
	db    *topology.Database
	nodes *catalog.Nodes
	conns []*pgx.Conn // as the application's role, for the test's own statements
}

func newFleet(t *testing.T, rules topology.Rules) *fleet {
	t.Helper()
	return newFleetOn(t, rules, cluster.NewDatabases(t))
}

func newFleetOn(t *testing.T, rules topology.Rules, dsns []string) *fleet {
	t.Helper()
	// Registered first, so that it runs after the connections are closed.
	t.Cleanup(func() { goleak.VerifyNone(t, pgservertest.IgnoreServers()) })
	f := &fleet{t: t, db: &topology.Database{Name: "app", Engine: topology.Postgres, Rules: rules}}
	for i, dsn := range dsns {
		f.db.Nodes = append(f.db.Nodes, topology.Node{
			ID: topology.NodeID(fmt.Sprintf("pg-%d", i+1)), Slot: topology.Slot(i), Weight: 1, DSN: dsn,
		})
		conn, err := pgx.Connect(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close(context.Background()) })
		f.conns = append(f.conns, conn)
	}
	f.nodes = f.open()
	return f
}

func (f *fleet) open() *catalog.Nodes {
	f.t.Helper()
	nodes, err := catalog.NewNodes(catalog.Options{Nodes: f.db.Nodes})
	if err != nil {
		f.t.Fatal(err)
	}
	return nodes
}

// exec runs SQL on one node.
func (f *fleet) exec(node int, sql string) {
	f.t.Helper()
	if _, err := f.conns[node].Exec(f.t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
		f.t.Fatalf("node %d: %s: %v", node, sql, err)
	}
}

// everywhere runs SQL on all nodes, as DDL through the proxy.
func (f *fleet) everywhere(sql string) {
	f.t.Helper()
	for i := range f.conns {
		f.exec(i, sql)
	}
}

// load loads the database and keeps it as the current one.
func (f *fleet) load() *catalog.Report {
	f.t.Helper()
	report, err := f.tryLoad()
	if err != nil {
		f.t.Fatalf("Load: %v", err)
	}
	return report
}

func (f *fleet) tryLoad() (*catalog.Report, error) {
	db, report, err := catalog.Load(f.t.Context(), f.nodes, f.db, partitions)
	if err == nil {
		f.db = db
	}
	return report, err
}

func (f *fleet) reload() *catalog.Report {
	f.t.Helper()
	db, report, err := catalog.Reload(f.t.Context(), f.nodes, f.db)
	if err != nil {
		f.t.Fatalf("Reload: %v", err)
	}
	if db.SchemaEpoch != f.db.SchemaEpoch+1 {
		f.t.Errorf("schema epoch %d after %d", db.SchemaEpoch, f.db.SchemaEpoch)
	}
	f.db = db
	return report
}

// relation returns a relation of schema public.
func (f *fleet) relation(name string) *topology.Relation {
	f.t.Helper()
	rel := f.db.Relations[topology.TableName{Schema: "public", Name: name}]
	if rel == nil {
		f.t.Fatalf("no relation %s", name)
	}
	return rel
}

// ints returns the integers a query gives on one node.
func (f *fleet) ints(node int, sql string) []int64 {
	f.t.Helper()
	rows, err := f.conns[node].Query(f.t.Context(), sql)
	if err != nil {
		f.t.Fatal(err)
	}
	got, err := pgx.CollectRows(rows, pgx.RowTo[int64])
	if err != nil {
		f.t.Fatal(err)
	}
	return got
}

// snapshot reads one node.
func (f *fleet) snapshot(node int) *catalog.Snapshot {
	f.t.Helper()
	conn, err := f.nodes.Connect(f.t.Context(), topology.NodeIndex(node))
	if err != nil {
		f.t.Fatal(err)
	}
	defer conn.Close(context.Background())
	s, err := catalog.Read(f.t.Context(), conn)
	if err != nil {
		f.t.Fatalf("Read: %v", err)
	}
	return s
}
