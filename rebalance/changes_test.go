package rebalance_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"shardproxy/internal/noderegistry"
	"shardproxy/meta/topology"
	"shardproxy/rebalance"
)

// refused calls an operation that must fail with a code, and looks at the
// topology: nothing has changed, and nothing stays armed.
func (f *fleet) refused(code rebalance.Code, call func() (*rebalance.Result, error)) *rebalance.Error {
	f.t.Helper()
	before := f.db()
	_, err := call()
	e, ok := errors.AsType[*rebalance.Error](err)
	if !ok || e.Code != code {
		f.t.Fatalf("got %v, want an error of code %s", err, code)
	}
	now := f.db()
	if now.Armed != nil || !slices.Equal(now.Owners, before.Owners) || !slices.Equal(now.Nodes, before.Nodes) {
		f.t.Errorf("the topology has changed")
	}
	return e
}

func (f *fleet) tryAdd(r rebalance.AddNode) func() (*rebalance.Result, error) {
	return func() (*rebalance.Result, error) { return f.operator.AddNode(f.t.Context(), r) }
}

// What appears between the plan and the hold stops the change; afterwards the
// same call succeeds, also under another name, because all that was done on the
// node is found and accepted.
func TestAddNodeIsProved(t *testing.T) {
	f := newFleetOf(t, 2, plainTables)
	n := f.newcomer()

	f.peers.whileHeld = func() { f.exec(1, `INSERT INTO projects (user_id) VALUES (7)`) }
	e := f.refused(rebalance.CodeHasData, f.tryAdd(f.add()))
	containing(t, e.Problems, `node "pg-2": public.projects (1 row)`)
	f.exec(1, `DELETE FROM projects`)

	// A transaction in doubt may write anywhere.
	f.peers.whileHeld = nil
	f.exec(0, `BEGIN; INSERT INTO users (name) VALUES ('x'); PREPARE TRANSACTION 'doubt'`)
	e = f.refused(rebalance.CodeHasData, f.tryAdd(f.add()))
	containing(t, e.Problems, "1 prepared transactions")
	f.exec(0, `ROLLBACK PREPARED 'doubt'`)

	// DDL of which the topology does not know yet.
	f.peers.whileHeld = func() { f.exec(0, `CREATE TABLE unknown (user_id bigint)`) }
	e = f.refused(rebalance.CodeConflict, f.tryAdd(f.add()))
	if !strings.Contains(e.Error(), "relation public.unknown is missing") {
		t.Error(e)
	}
	f.peers.whileHeld = nil
	f.exec(0, `DROP TABLE unknown`)

	// DDL in between: the schema on the node is not home's any more.
	f.peers.beforeArm = func() {
		f.peers.beforeArm = nil
		f.exec(0, `CREATE TABLE late (user_id bigint)`)
		f.exec(1, `CREATE TABLE late (user_id bigint)`)
		db := f.reloaded()
		if diff, _ := topology.SchemaDiff(f.db(), db); len(diff.Changed) != 1 {
			t.Errorf("diff %+v", diff)
		} else if _, err := f.peers.apply(diff); err != nil {
			t.Error(err)
		}
	}
	f.refused2(rebalance.CodeConflict, f.tryAdd(f.add()))
	e = f.refused(rebalance.CodePreflight, f.tryAdd(f.add()))
	containing(t, e.Problems, "relation public.late is missing", "make its schema equal")
	f.exec(n, `CREATE TABLE late (user_id bigint)`)

	// Another change of the nodes in between.
	f.peers.beforeArm = func() {
		f.peers.beforeArm = nil
		weight := 5
		if _, err := f.peers.apply(topology.SetNode{Database: "app", Node: "pg-2", Weight: &weight}); err != nil {
			t.Error(err)
		}
	}
	f.refused2(rebalance.CodeConflict, f.tryAdd(f.add()))

	// Somebody made the server another node in between.
	f.peers.whileHeld = func() {
		f.peers.whileHeld = nil
		f.admin(n, func(conn *pgx.Conn) {
			err := errors.Join(noderegistry.Release(t.Context(), conn, identity("pg-3")), noderegistry.Adopt(t.Context(), conn, identity("thief")))
			if err != nil {
				t.Error(err)
			}
		})
	}
	f.refused(rebalance.CodeNode, f.tryAdd(f.add()))

	// "thief" is no node of the database, so its name is a leftover.
	r := f.add()
	r.Node = "another-name"
	result, err := f.operator.AddNode(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Plan.Problems) > 0 || f.value(n, `SELECT node_id FROM shardproxy.node`) != "another-name" {
		t.Errorf("node %s, %v", f.value(n, `SELECT node_id FROM shardproxy.node`), result.Plan.Problems)
	}
	f.reload()
	if got := f.value(n, `SELECT min(seqincrement)::text || ' ' || min(seqstart % 1024)::text FROM pg_sequence WHERE seqrelid = 'projects_id_seq'::regclass`); got != "1024 2" {
		t.Errorf("the sequence is %s", got)
	}
}

// refused2 is refused where the topology has changed by other hands.
func (f *fleet) refused2(code rebalance.Code, call func() (*rebalance.Result, error)) {
	f.t.Helper()
	if _, err := call(); rebalance.CodeOf(err) != code || f.db().Armed != nil {
		f.t.Fatalf("got %v, want an error of code %s", err, code)
	}
	if _, ok := f.db().NodeNamed(nodeID(f.newcomer())); ok {
		f.t.Fatal("the node was added")
	}
}

// With rows the plan says what would move, and nothing moves.
func TestAddNodeWithData(t *testing.T) {
	f := newFleetOf(t, 3, plainTables+`CREATE TABLE countries (code text PRIMARY KEY); CREATE TABLE settings (name text PRIMARY KEY)`)
	f.fill()
	r := f.add()
	r.DryRun = true
	result, err := f.operator.AddNode(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	plan := result.Plan
	containing(t, plan.Problems)
	moved := map[string]int64{}
	partitionsMoved := 0
	for _, m := range plan.Moves {
		if m.Target != "pg-4" || m.Home {
			t.Errorf("move %+v", m)
		}
		partitionsMoved += m.Partitions
		for _, table := range m.Tables {
			moved[table.Name] += table.Rows
			if table.Bytes <= 0 || table.Exact != (table.Name == "public.users") {
				t.Errorf("%s: %+v", m.Source, table)
			}
		}
	}
	if partitionsMoved != partitions/4 {
		t.Errorf("%d partitions", partitionsMoved)
	}
	wantUsers, wantProjects := f.rowsAt(plan)
	if moved["public.users"] != wantUsers {
		t.Errorf("%d users, want %d", moved["public.users"], wantUsers)
	}
	if got := moved["public.projects"]; got < wantProjects*8/10 || got > wantProjects*12/10 || !plan.Estimated {
		t.Errorf("about %d projects, want %d", got, wantProjects)
	}
	if plan.TotalRows != moved["public.users"]+moved["public.projects"] {
		t.Errorf("%d rows in all", plan.TotalRows)
	}
	r.DryRun = false
	e := f.refused(rebalance.CodeHasData, f.tryAdd(r))
	if len(e.Problems) != 6 || !strings.Contains(e.Error(), "public.projects (") || e.Plan == nil {
		t.Errorf("%v", e)
	}
	if f.value(f.newcomer(), `SELECT count(*)::text FROM pg_class WHERE relname = 'users'`) != "0" {
		t.Error("the schema was brought all the same")
	}
	remove := rebalance.RemoveNode{Database: "app", Node: "pg-1"}
	f.refused(rebalance.CodeHasData, func() (*rebalance.Result, error) { return f.operator.RemoveNode(t.Context(), remove) })
	remove.DryRun = true
	if result, err = f.operator.RemoveNode(t.Context(), remove); err != nil {
		t.Fatal(err)
	}
	home := 0
	for _, m := range result.Plan.Moves {
		if m.Source != "pg-1" {
			t.Errorf("move %+v", m)
		}
		if m.Home {
			home++
		}
	}
	if home != 1 || result.Plan.TotalRows < 10_000 {
		t.Errorf("%d moves of home, %d rows", home, result.Plan.TotalRows)
	}
}
