package catalog_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"shardproxy/internal/noderegistry"
	"shardproxy/internal/pgserver"
	"shardproxy/meta/topology"
	"shardproxy/router/catalog"
)

func TestAdoption(t *testing.T) {
	inTurn(t, cluster.NewDatabases(t), map[string]func(*testing.T, []string){
		"Load adopts":              loadAdopts,
		"off":                      loadAdoptsOnRequest,
		"the schema is invisible":  registryIsInvisible,
		"swapped nodes":            loadFindsSwappedNodes,
		"node of another cluster":  loadFindsForeignNode,
		"misplaced rows":           misplacedRowsAreNotAdopted,
		"Reload looks who it asks": reloadVerifies,
		"missing rights":           loadFindsMissingRights,
	})
}

// adopting makes the fleet one whose nodes are adopted.
func (f *fleet) adopting(cluster string) {
	f.t.Helper()
	var err error
	f.nodes, err = catalog.NewNodes(catalog.Options{
		Nodes: f.db.Nodes, Adoption: catalog.Adoption{ClusterID: cluster, Database: "app"},
	})
	if err != nil {
		f.t.Fatal(err)
	}
}

// identities are what the nodes say they are, "" for none.
func (f *fleet) identities() []string {
	f.t.Helper()
	var ids []string
	for i := range f.dsns {
		conn, err := pgx.Connect(f.t.Context(), cluster.AdminDSN(f.t, i, f.dsns[i]))
		if err != nil {
			f.t.Fatal(err)
		}
		id, err := noderegistry.ReadIdentity(f.t.Context(), conn)
		switch {
		case err == nil:
			ids = append(ids, id.Node.Cluster+"/"+id.Node.Database+"/"+id.Node.ID)
		case noderegistry.ReasonOf(err) == noderegistry.NotANode:
			ids = append(ids, "")
		default:
			f.t.Fatal(err)
		}
		_ = conn.Close(context.Background())
	}
	return ids
}

func (f *fleet) wantIdentities(want ...string) {
	f.t.Helper()
	if got := f.identities(); !slices.Equal(got, want) {
		f.t.Errorf("the nodes are %q, want %q", got, want)
	}
}

// atEnd runs SQL as a superuser when the test is over.
func (f *fleet) atEnd(node int, sql string) {
	admin := cluster.AdminDSN(f.t, node, f.dsns[node])
	f.t.Cleanup(func() {
		if err := pgserver.Exec(context.Background(), admin, sql); err != nil {
			f.t.Error(err)
		}
	})
}

func loadAdopts(t *testing.T, dsns []string) {
	f := newFleet(t, dsns, topology.Rules{})
	f.everywhere(`CREATE TABLE users (id bigserial PRIMARY KEY)`)
	f.adopting("c-1")
	other := f.db.Clone()
	other.Name = "other"
	if _, _, err := catalog.Load(t.Context(), f.nodes, other, partitions); err == nil {
		t.Error("adopted for another database")
	}
	f.wantIdentities("", "", "")
	first := f.db
	for range 2 { // and after a restart
		f.db = first
		if report := f.load(); report.Seeding.Basis != catalog.SeedEmpty {
			t.Errorf("seeded by %s", report.Seeding.Basis)
		}
		f.wantIdentities("c-1/app/pg-1", "c-1/app/pg-2", "c-1/app/pg-3")
	}
}

func loadAdoptsOnRequest(t *testing.T, dsns []string) {
	f := newFleet(t, dsns, topology.Rules{})
	if report := f.load(); len(report.Problems) > 0 {
		t.Errorf("problems %v", report.Problems)
	}
	f.wantIdentities("", "", "")
	if err := noderegistry.Adopt(t.Context(), f.conns[1], noderegistry.Node{Cluster: "c-2", Database: "app", ID: "pg-9"}); err != nil {
		t.Fatal(err)
	}
	if report := f.load(); len(report.Problems) != 1 || report.Problems[0].Node != "pg-2" || !strings.Contains(report.Problems[0].What, "join the cluster") {
		t.Errorf("problems %v", report.Problems)
	}
	for _, a := range []catalog.Adoption{{ClusterID: "c-1"}, {Database: "app"}} {
		if _, err := catalog.NewNodes(catalog.Options{Nodes: f.db.Nodes, Adoption: a}); err == nil {
			t.Errorf("%+v is accepted", a)
		}
	}
}

func registryIsInvisible(t *testing.T, dsns []string) {
	f := newFleet(t, dsns, topology.Rules{})
	f.everywhere(`CREATE TABLE users (id bigserial PRIMARY KEY)`)
	f.load()
	before := f.db
	f.adopting("c-1")
	f.db = before.Clone()
	report := f.load()
	for _, p := range report.Problems {
		if strings.Contains(p.String(), "shardproxy") || strings.Contains(p.String(), "register") {
			t.Errorf("problem: %s", p)
		}
	}
	f.exec(0, `INSERT INTO shardproxy.session VALUES (1, now(), 'p', 1, 1)`)
	report = f.reload()
	if f.db.Functions["register"] || len(f.db.Sequences) != 1 {
		t.Errorf("functions %v, sequences %v", f.db.Functions, f.db.Sequences)
	}
	if diff := cmp.Diff(before.Types, f.db.Types); diff != "" {
		t.Errorf("types (-without +with the schema):\n%s", diff)
	}
	for name, rel := range f.db.Relations {
		if name.Schema == noderegistry.Schema && rel.Placement != topology.System {
			t.Errorf("%s is %s", name, rel.Placement)
		}
	}
	for _, p := range report.Problems {
		if strings.Contains(p.String(), "shardproxy") || strings.Contains(p.String(), "register") {
			t.Errorf("problem: %s", p)
		}
	}
	// Registered sessions are no rows.
	f.db = before.Clone()
	if report := f.load(); report.Seeding.Basis != catalog.SeedEmpty {
		t.Errorf("seeded by %s", report.Seeding.Basis)
	}
}

func loadFindsSwappedNodes(t *testing.T, dsns []string) {
	f := newFleet(t, dsns, topology.Rules{})
	f.adopting("c-1")
	f.load()
	nodes := f.db.Nodes
	nodes[0].DSN, nodes[1].DSN = nodes[1].DSN, nodes[0].DSN
	f.adopting("c-1")
	_, err := f.tryLoad()
	for _, part := range []string{
		`node "pg-1": adopt: this database is node "pg-2" of database "app"`,
		`node "pg-2": adopt: this database is node "pg-1" of database "app"`,
		"swapped",
	} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("error %v lacks %q", err, part)
		}
	}
}

func loadFindsForeignNode(t *testing.T, dsns []string) {
	f := newFleet(t, dsns, topology.Rules{})
	theirs := noderegistry.Node{Cluster: "c-2", Database: "app", ID: "theirs"}
	if err := noderegistry.Adopt(t.Context(), f.conns[1], theirs); err != nil {
		t.Fatal(err)
	}
	f.adopting("c-1")
	if _, err := f.tryLoad(); err == nil || !strings.Contains(err.Error(), `in cluster "c-2"`) || strings.Contains(err.Error(), `node "pg-1":`) {
		t.Errorf("error %v", err)
	}
	f.wantIdentities("", "c-2/app/theirs", "")
}

// A database that cannot be served may still become another cluster's.
func misplacedRowsAreNotAdopted(t *testing.T, dsns []string) {
	f := newFleet(t, dsns, topology.Rules{})
	f.everywhere(`CREATE TABLE users (id bigserial PRIMARY KEY); INSERT INTO users SELECT generate_series(1, 50)`)
	f.adopting("c-1")
	if _, err := f.tryLoad(); err == nil {
		t.Error("loaded")
	}
	f.wantIdentities("", "", "")
}

func reloadVerifies(t *testing.T, dsns []string) {
	f := newFleet(t, dsns, topology.Rules{})
	f.adopting("c-1")
	f.load()
	f.reload()
	nodes := f.db.Nodes
	nodes[0].DSN, nodes[1].DSN = nodes[1].DSN, nodes[0].DSN
	f.adopting("c-1")
	if _, _, err := catalog.Reload(t.Context(), f.nodes, f.db); noderegistry.ReasonOf(err) != noderegistry.OtherNode {
		t.Errorf("error %v", err)
	}
}

func loadFindsMissingRights(t *testing.T, dsns []string) {
	f := newFleet(t, dsns, topology.Rules{})
	// The administrative role cannot end what another role runs.
	f.exec(0, `DO $$ BEGIN CREATE ROLE weak_admin LOGIN PASSWORD 'weak'; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
GRANT CREATE ON DATABASE `+f.ident(0)+` TO weak_admin`, asSuperuser)
	f.atEnd(0, `REVOKE CREATE ON DATABASE `+f.ident(0)+` FROM weak_admin; DROP ROLE weak_admin`)
	f.db.Nodes[0].AdminDSN = as(t, dsns[0], "weak_admin", "weak")
	f.adopting("c-1")
	if _, err := f.tryLoad(); err == nil || !strings.Contains(err.Error(), `role "weak_admin" may not see the sessions of role`) || !strings.Contains(err.Error(), "docs/privileges.md") {
		t.Errorf("error %v", err)
	}
	f.wantIdentities("", "", "")
}
