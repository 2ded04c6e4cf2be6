package catalog_test

import (
	"context"
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"testing"

	"github.com/jackc/pgx/v5"
	"go.uber.org/goleak"

	"shardproxy/internal/pgserver/pgservertest"
	"shardproxy/meta/topology"
	"shardproxy/router/catalog"
)

var cluster *pgservertest.Cluster

// TestMain starts the servers, but not in each worker process of a fuzz run,
// where no test needs them.
func TestMain(m *testing.M) {
	flag.Parse()
	if worker := flag.Lookup("test.fuzzworker"); worker != nil && worker.Value.String() == "true" {
		os.Exit(m.Run())
	}
	pgservertest.Main(m, &cluster, 3)
}

const partitions = 64

// fleet is a database on nodes that were empty when its test began.
type fleet struct {
	t     *testing.T
	db    *topology.Database
	nodes *catalog.Nodes
	dsns  []string
	conns []*pgx.Conn // as the application's role, for the test's own statements
}

// inTurn runs tests one after the other on the same databases, which each finds
// empty: making databases takes longer than the tests.
func inTurn(t *testing.T, dsns []string, tests map[string]func(*testing.T, []string)) {
	for _, name := range slices.Sorted(maps.Keys(tests)) {
		t.Run(name, func(t *testing.T) { tests[name](t, dsns) })
	}
}

// newFleet empties the databases and makes them the nodes of a database.
func newFleet(t *testing.T, dsns []string, rules topology.Rules) *fleet {
	t.Helper()
	// Registered first, so that it runs after the connections are closed.
	t.Cleanup(func() { goleak.VerifyNone(t, pgservertest.IgnoreServers()) })
	f := &fleet{t: t, db: &topology.Database{Name: "app", Engine: topology.Postgres, Rules: rules}, dsns: dsns}
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
		f.empty(i)
	}
	f.nodes = f.open()
	return f
}

// empty drops everything in a node's database.
func (f *fleet) empty(node int) {
	f.t.Helper()
	f.exec(node, `
ALTER DATABASE `+f.ident(node)+` RESET ALL;
DO $$ DECLARE s text; BEGIN
  FOR s IN SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema$)' LOOP
    EXECUTE format('DROP SCHEMA %I CASCADE', s);
  END LOOP;
END $$;
CREATE SCHEMA public AUTHORIZATION `+pgx.Identifier{f.conns[node].Config().User}.Sanitize(), asSuperuser)
}

func (f *fleet) open() *catalog.Nodes {
	f.t.Helper()
	nodes, err := catalog.NewNodes(catalog.Options{Nodes: f.db.Nodes})
	if err != nil {
		f.t.Fatal(err)
	}
	return nodes
}

const simple = pgx.QueryExecModeSimpleProtocol

type catalogType = catalog.Type

// role says who runs a test's statement.
type role bool

const asSuperuser role = true

// exec runs SQL on one node.
func (f *fleet) exec(node int, sql string, as ...role) {
	f.t.Helper()
	conn := f.conns[node]
	if len(as) > 0 {
		var err error
		conn, err = pgx.Connect(f.t.Context(), cluster.AdminDSN(f.t, node, f.dsns[node]))
		if err != nil {
			f.t.Fatal(err)
		}
		defer conn.Close(context.Background())
	}
	if _, err := conn.Exec(f.t.Context(), sql, simple); err != nil {
		f.t.Fatalf("node %d: %s: %v", node, sql, err)
	}
}

// ident is the name of a node's database, quoted.
func (f *fleet) ident(node int) string {
	return pgx.Identifier{f.conns[node].Config().Database}.Sanitize()
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

// binary returns the only value of a query on one node, in binary form.
func (f *fleet) binary(node int, sql string) []byte {
	f.t.Helper()
	result := f.conns[node].PgConn().ExecParams(f.t.Context(), sql, nil, nil, nil, []int16{pgx.BinaryFormatCode}).Read()
	if result.Err != nil || len(result.Rows) != 1 {
		f.t.Fatalf("node %d: %s: %d rows, %v", node, sql, len(result.Rows), result.Err)
	}
	return result.Rows[0][0]
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
