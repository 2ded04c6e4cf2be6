package topology_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shardproxy/meta/topology"
)

func child(t topology.TableSchema, kind topology.TableKind, parents ...string) topology.TableSchema {
	t.Kind = kind
	for _, p := range parents {
		t.Parents = append(t.Parents, public(p))
	}
	return t
}

func TestChildren(t *testing.T) {
	columns := "user_id int8, id int8, day date"
	events := table("events", columns+", pk user_id day")
	events.Kind = topology.PartitionedTable
	legacy := table("legacy", "id int8, pk id")
	legacy.Kind = topology.InheritanceParent

	tables := []topology.TableSchema{
		events,
		child(table("events_1", "id int8, day date, user_id int8"), topology.TablePartition, "events"),
		child(table("events_2", columns), topology.PartitionedTable, "events"),
		child(table("events_2_a", columns), topology.TablePartition, "events_2"),
		legacy,
		child(table("heir", "id int8, project_id int8, pk id"), topology.InheritanceChild, "legacy"),
		child(table("orphan", "id int8"), topology.TablePartition, "gone"),
		child(table("circle_a", "id int8"), topology.TablePartition, "circle_b"),
		child(table("circle_b", "id int8"), topology.TablePartition, "circle_a"),
	}
	user, refused := "sharded by convention: user user_id int", "refused by default"
	want := map[string]string{
		"events": user, "events_1": user, "events_2": user, "events_2_a": user,
		"legacy": refused, "heir": "sharded by convention: project project_id int",
		"orphan": refused, "circle_a": refused, "circle_b": refused,
	}
	check := func(t *testing.T, rules topology.Rules, want map[string]string) {
		t.Helper()
		have := make(map[string]string)
		for name, rel := range topology.ResolveAll(rules, tables, nil) {
			have[name.Name] = placed(*rel)
		}
		if diff := cmp.Diff(want, have); diff != "" {
			t.Errorf("placements (-want +got):\n%s", diff)
		}
	}
	check(t, topology.Rules{}, want)

	// A declared parent decides for its children.
	want["legacy"], want["heir"] = "sharded by config: public.legacy id int", "sharded by config: public.legacy id int"
	check(t, tableRules("legacy", topology.TableRule{Column: "id"}), want)

	// A rule for a partition has no say; the partitioned table's has.
	want["legacy"], want["heir"] = refused, "sharded by convention: project project_id int"
	check(t, tableRules("events_1", topology.TableRule{Column: "id"}), want)
}

func TestChildrenOfSeveralParents(t *testing.T) {
	parent := func(name string) topology.TableSchema {
		p := table(name, "id int8, user_id int8")
		p.Kind = topology.InheritanceParent
		return p
	}
	tables := []topology.TableSchema{
		parent("p1"), parent("p2"),
		child(table("c", "id int8, user_id int8"), topology.InheritanceChild, "p1", "p2"),
	}
	same := topology.Rules{Tables: map[string]topology.TableRule{"p1": {Key: "user"}, "p2": {Key: "user"}}}
	if got := topology.ResolveAll(same, tables, nil)[public("c")]; placed(*got) != "sharded by config: user user_id int" {
		t.Errorf("same rules: %s", placed(*got))
	}
	other := topology.Rules{Tables: map[string]topology.TableRule{"p1": {Key: "user"}, "p2": {Column: "id"}}}
	got := topology.ResolveAll(other, tables, nil)[public("c")]
	if got.Placement != topology.Refused || !strings.Contains(got.Reason, "different rules") {
		t.Errorf("other rules: %s: %s", placed(*got), got.Reason)
	}
}

// A write to a partitioned table meets the triggers and constraints of its
// partitions.
func TestPartitionsSpeakForTheirTable(t *testing.T) {
	events := table("events", "user_id int8, a int8, unique a user_id")
	events.Kind = topology.PartitionedTable
	part := child(table("part", "user_id int8, a int8, b int8, unique a user_id, unique b"), topology.TablePartition, "events")
	part.Uniques[0].Inherited = true
	part.Triggers = []topology.Trigger{{Name: "audit", Function: "public.audit"}}
	part.CheckFunctions = []string{"public.odd"}
	got := topology.ResolveAll(topology.Rules{}, []topology.TableSchema{events, part}, nil)[public("events")]
	if !got.HasTriggers {
		t.Error("the trigger of the partition is not seen")
	}
	if r := refused(got, "b"); r != "insert, update b" {
		t.Errorf("refused %q", r)
	}
	if len(got.Uniques) != 2 {
		t.Errorf("uniques %+v", got.Uniques)
	}
	if len(got.Refusals) != 2 {
		t.Errorf("refusals %+v", got.Refusals)
	}
}

func TestPartitionAcceptsWithItsTable(t *testing.T) {
	events := table("events", "user_id int8, a int8, unique a")
	events.Kind = topology.PartitionedTable
	part := child(table("part", "user_id int8, a int8, unique a"), topology.TablePartition, "events")
	part.Uniques[0].Inherited = true
	rules := tableRules("events", topology.TableRule{Unique: []string{"events_a_key"}})
	for _, name := range []string{"events", "part"} {
		rel := topology.ResolveAll(rules, []topology.TableSchema{events, part}, nil)[public(name)]
		if rel.Uniques[0].Scope != topology.UniquePerNode || len(rel.Refusals) != 0 {
			t.Errorf("%s: %v, refusals %v", name, rel.Uniques[0].Scope, rel.Refusals)
		}
	}
}

func TestForeignPartition(t *testing.T) {
	events := table("events", "user_id int8")
	events.Kind = topology.PartitionedTable
	got := topology.ResolveAll(topology.Rules{}, []topology.TableSchema{
		events, child(table("far", "user_id int8"), topology.ForeignTable, "events"),
	}, nil)
	for name, rel := range got {
		if rel.Placement != topology.Refused || !strings.Contains(rel.Reason, "foreign table") {
			t.Errorf("%s: %s: %s", name, placed(*rel), rel.Reason)
		}
	}
}

// A partition of an identity column has no sequence of its own.
func TestPartitionDrawsFromItsTable(t *testing.T) {
	users := table("users", "id int8 serial, pk id")
	users.Kind = topology.PartitionedTable
	got := topology.ResolveAll(topology.Rules{}, []topology.TableSchema{
		users, child(table("users_1", "id int8"), topology.TablePartition, "users"),
	}, nil)
	if diff := cmp.Diff(got[public("users")].Key, got[public("users_1")].Key); diff != "" {
		t.Errorf("keys differ (-table +partition):\n%s", diff)
	}
}
