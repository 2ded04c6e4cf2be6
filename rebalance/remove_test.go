package rebalance_test

import (
	"slices"
	"strings"
	"testing"

	"shardproxy/meta/topology"
	"shardproxy/rebalance"
)

func (f *fleet) remove(r rebalance.RemoveNode) func() (*rebalance.Result, error) {
	r.Database = "app"
	return func() (*rebalance.Result, error) { return f.operator.RemoveNode(f.t.Context(), r) }
}

// A plain node, then home, then the last.
func TestRemoveNode(t *testing.T) {
	roles(t, 0, 1)
	f := newFleet(t, `CREATE TYPE filler AS ENUM ('a');`+rich)
	f.exec(0, `SELECT setval('users_id_seq', 4000), setval('tickets', 777)`)
	f.exec(2, `SELECT nextval('projects_id_seq') FROM generate_series(1, 20)`)
	before := f.db()
	if _, err := f.remove(rebalance.RemoveNode{Node: "pg-2"})(); err != nil {
		t.Fatal(err)
	}
	now := f.db()
	if len(now.Nodes) != 2 || now.Nodes[now.Home()].ID != "pg-1" || len(now.OwnerNodes()) != 2 {
		t.Errorf("%d nodes, home %s", len(now.Nodes), now.Nodes[now.Home()].ID)
	}
	for p, owner := range now.Owners {
		if was := before.Nodes[before.Owners[p]].ID; was != "pg-2" && now.Nodes[owner].ID != was {
			t.Errorf("partition %d went from %s to %s", p, was, now.Nodes[owner].ID)
		}
	}
	if got := f.value(1, `SELECT count(*)::text FROM shardproxy.node`); got != "0" {
		t.Error("the server takes itself for a node still")
	}
	f.reload()

	// A number is drawn at home after the counters were carried ahead.
	f.peers.whileHeld = func() { f.exec(0, `SELECT nextval('users_id_seq')`) }
	if _, err := f.remove(rebalance.RemoveNode{Node: "pg-1"})(); err != nil {
		t.Fatal(err)
	}
	f.peers.whileHeld = nil
	if now = f.db(); len(now.Nodes) != 1 || now.Nodes[now.Home()].ID != "pg-3" {
		t.Fatalf("%+v", now.Nodes)
	}
	if next := f.value(2, `SELECT nextval('users_id_seq')::text || ' ' || nextval('tickets')::text`); next != "4002 778" {
		t.Errorf("the new home draws %s", next)
	}
	if now.Types != nil && now.Types.ToNode[0] != nil {
		t.Errorf("types are mapped for home: %+v", now.Types)
	}
	oid := f.value(2, `SELECT 'users'::regclass::oid::text`)
	if rel := now.Relations[topology.TableName{Schema: "public", Name: "users"}]; rel == nil || rel.Placement != topology.Sharded || oid == "" {
		t.Errorf("users: %+v", rel)
	}
	f.reload()
	f.refused(rebalance.CodeLastNode, f.remove(rebalance.RemoveNode{Node: "pg-3"}))
	f.refused(rebalance.CodeUnknownNode, f.remove(rebalance.RemoveNode{Node: "pg-9"}))

	// What was a node may become one again.
	if _, err := f.operator.AddNode(t.Context(), rebalance.AddNode{Database: "app", Node: "again", DSN: f.dsns[1], Weight: 1}); err != nil {
		t.Fatal(err)
	}
	f.reload()
}

// A node that does not answer, with partitions and without.
func TestRemoveDeadNode(t *testing.T) {
	f := newFleet(t, plainTables)
	nowhere := "postgres://app:app@127.0.0.1:1/app"
	f.apply(topology.SetNode{Database: "app", Node: "pg-3", DSN: &nowhere})
	for _, force := range []bool{false, true} {
		e := f.refused(rebalance.CodeUnreachable, f.remove(rebalance.RemoveNode{Node: "pg-3", Force: force}))
		if !strings.Contains(e.Error(), "cannot be counted") {
			t.Error(e)
		}
	}
	// Nor another one, whose partitions it would get without being asked.
	f.refused(rebalance.CodeUnreachable, f.remove(rebalance.RemoveNode{Node: "pg-2"}))

	owners := slices.Clone(f.db().Owners)
	for p := range owners {
		owners[p] %= 2
	}
	f.apply(topology.SetOwners{Database: "app", Owners: f.db().OwnerRuns(owners)})
	f.exec(0, `INSERT INTO users (name) VALUES ('rows elsewhere do not matter')`)
	e := f.refused(rebalance.CodeUnreachable, f.remove(rebalance.RemoveNode{Node: "pg-3"}))
	if !strings.Contains(e.Hint, "with force") {
		t.Error(e)
	}
	result, err := f.remove(rebalance.RemoveNode{Node: "pg-3", Force: true})()
	if err != nil {
		t.Fatal(err)
	}
	containing(t, result.Plan.Notes, "nothing is lost")
	if len(f.db().Nodes) != 2 {
		t.Error("it is still there")
	}
	// One that answers, owns nothing, and has rows.
	for p := range owners {
		owners[p] = 0
	}
	f.apply(topology.SetOwners{Database: "app", Owners: f.db().OwnerRuns(owners)})
	f.exec(1, `INSERT INTO users (name) VALUES ('orphan')`)
	e = f.refused(rebalance.CodeHasData, f.remove(rebalance.RemoveNode{Node: "pg-2"}))
	containing(t, e.Problems, "public.users (1 row)")
	if result, err = f.remove(rebalance.RemoveNode{Node: "pg-2", Force: true})(); err != nil {
		t.Fatal(err)
	}
	containing(t, result.Plan.Notes, `forgotten with it: node "pg-2": public.users (1 row)`)
}

func TestSetNode(t *testing.T) {
	f := newFleetOf(t, 2, plainTables)
	set := func(r rebalance.SetNode) func() (*rebalance.Result, error) {
		r.Database = "app"
		return func() (*rebalance.Result, error) { return f.operator.SetNode(t.Context(), r) }
	}
	same := f.dsns[1] + "&application_name=x"
	super := f.superDSN(1)
	if _, err := set(rebalance.SetNode{Node: "pg-2", DSN: &same, AdminDSN: &super})(); err != nil {
		t.Fatal(err)
	}
	if n := f.db().Nodes[1]; n.DSN != same || n.AdminDSN != super {
		t.Errorf("%+v", n)
	}
	for _, test := range []struct {
		dsn, admin *string
		want       string
	}{
		{&f.dsns[0], nil, `node "pg-2": its dsn and its admin_dsn lead to two databases`},
		{&f.dsns[0], new(string), `node "pg-1" of database "app" in cluster "c-test" answers at the new address`},
		{&f.dsns[2], new(string), `another database answers at the new address`},
		{new("postgres://app:app@127.0.0.1:1/app"), nil, `with its dsn: node "pg-2": connect`},
		{new(""), nil, "no dsn"},
	} {
		e := f.refused(rebalance.CodePreflight, set(rebalance.SetNode{Node: "pg-2", DSN: test.dsn, AdminDSN: test.admin}))
		if !strings.Contains(e.Error(), test.want) {
			t.Errorf("%v, want %s", e, test.want)
		}
	}
	f.refused(rebalance.CodeInvalid, set(rebalance.SetNode{Node: "pg-2"}))
	f.refused(rebalance.CodePreflight, set(rebalance.SetNode{Node: "pg-2", Weight: new(-1)}))
	owners := f.db().Owners
	for _, node := range []topology.NodeID{"pg-1", "pg-2"} {
		_, err := set(rebalance.SetNode{Node: node, Weight: new(0)})()
		if (err == nil) != (node == "pg-1") {
			t.Errorf("weight 0 of %s: %v", node, err)
		}
	}
	if !slices.Equal(owners, f.db().Owners) {
		t.Error("a weight has moved partitions")
	}
	e := f.refused(rebalance.CodeLastNode, f.remove(rebalance.RemoveNode{Node: "pg-2"}))
	if !strings.Contains(e.Error(), "has a weight") {
		t.Error(e)
	}
}

// A node that owned nothing and lacks tables is not given partitions, nor is what
// only home has forgotten.
func TestRemoveNodeForUnfitOnes(t *testing.T) {
	f := newFleet(t, plainTables)
	owners := slices.Clone(f.db().Owners)
	for p := range owners {
		owners[p] %= 2
	}
	f.apply(topology.SetOwners{Database: "app", Owners: f.db().OwnerRuns(owners)})
	f.exec(2, `DROP TABLE projects`)
	e := f.refused(rebalance.CodePreflight, f.remove(rebalance.RemoveNode{Node: "pg-2"}))
	containing(t, e.Problems, `table public.projects would be refused: on node "pg-3" it is missing`)
	for p := range owners {
		owners[p] = 0
	}
	f.apply(topology.SetOwners{Database: "app", Owners: f.db().OwnerRuns(owners)})
	for _, node := range []topology.NodeID{"pg-2", "pg-3"} {
		if _, err := f.remove(rebalance.RemoveNode{Node: node, DryRun: true})(); err != nil {
			t.Error(err)
		}
	}
	if _, err := f.remove(rebalance.RemoveNode{Node: "pg-3"})(); err != nil {
		t.Fatal(err)
	}
	f.exec(1, `DROP TABLE projects`)
	e = f.refused(rebalance.CodePreflight, f.remove(rebalance.RemoveNode{Node: "pg-1"}))
	if !strings.Contains(e.Error(), "table public.projects is on the home node only") {
		t.Error(e)
	}
}
