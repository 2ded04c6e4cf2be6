package topology_test

import (
	"strings"
	"testing"

	"shardproxy/meta/topology"
)

func TestKept(t *testing.T) {
	resolve := func(rules topology.Rules, s topology.TableSchema) topology.Placed {
		rel := topology.Resolve(rules, s)
		return rel.Placed()
	}
	byID := resolve(topology.Rules{}, table("t", "id int8, pk id"))
	home := resolve(topology.Rules{}, table("t", "a int8"))
	reference := resolve(topology.Rules{Reference: []string{"t"}}, table("t", "id int8, pk id"))
	wasRefused := resolve(topology.Rules{}, table("t", "d date, pk d"))
	named := resolve(topology.Rules{TablePattern: "^(t)$"}, table("t", "id int8"))

	tests := []struct {
		name    string
		old     topology.Placed
		rules   topology.Rules
		table   topology.TableSchema
		want    string
		warning string
		reason  string
	}{
		{"nothing changed", byID, topology.Rules{}, table("t", "id int8, b text, pk id"), "sharded by primary key: public.t id int", "", "primary key (id)"},
		{"another integer type", byID, topology.Rules{}, table("t", "id int4, pk id"), "sharded by primary key: public.t id int", "", ""},
		{
			"a new column that conventions know", byID,
			topology.Rules{},
			table("t", "id int8, user_id int8, pk id"),
			"sharded by primary key: public.t id int", "the rules now say sharded by user_id (user)", "kept while the table has rows",
		},
		{"the key was renamed", byID, topology.Rules{}, table("t", "ident int8, pk ident"), "refused by primary key", "", `column "id", which was dropped, renamed`},
		{"the key has another type", byID, topology.Rules{}, table("t", "id text, pk id"), "refused by primary key", "", "another type"},
		{"the rules make it global", byID, topology.Rules{Global: []string{"t"}}, table("t", "id int8, pk id"), "sharded by primary key: public.t id int", "now say global", ""},
		{"home keeps a table that got a primary key", home, topology.Rules{}, table("t", "a int8, pk a"), "global by default", "now say sharded by a (public.t)", ""},
		{"reference stays", reference, topology.Rules{}, table("t", "id int8, pk id"), "reference by config", "now say sharded", ""},
		{"a refused table had no place", wasRefused, topology.Rules{}, table("t", "id int8, pk id"), "sharded by primary key: public.t id int", "", ""},
		{"name", named, topology.Rules{}, table("t", "id int8, pk id"), "sharded by pattern: project t text", "sharded by its name (project:t)", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			kept := map[topology.TableName]topology.Placed{public("t"): tt.old, public("gone"): byID}
			rel := topology.ResolveAll(tt.rules, []topology.TableSchema{tt.table}, kept)[public("t")]
			if got := placed(*rel); got != tt.want {
				t.Errorf("got %s, want %s (%s)", got, tt.want, rel.Reason)
			}
			warnings := strings.Join(rel.Warnings, "\n")
			if !strings.Contains(warnings, tt.warning) || tt.warning == "" && warnings != "" {
				t.Errorf("warnings %q lack %q", warnings, tt.warning)
			}
			if !strings.Contains(rel.Reason, tt.reason) {
				t.Errorf("reason %q lacks %q", rel.Reason, tt.reason)
			}
		})
	}
}

// A refused relation remembers where its rows are.
func TestKeptWhileRefused(t *testing.T) {
	before := topology.Resolve(topology.Rules{}, table("t", "id int8, pk id"))
	kept := map[topology.TableName]topology.Placed{public("t"): before.Placed()}
	renamed := topology.ResolveAll(topology.Rules{}, []topology.TableSchema{table("t", "ident int8, user_id int8, pk ident")}, kept)[public("t")]
	if renamed.Placement != topology.Refused || !renamed.Placed().Same(before.Placed()) {
		t.Fatalf("renamed: %s, was %s", placed(*renamed), renamed.Placed())
	}
	kept[public("t")] = renamed.Placed()
	back := topology.ResolveAll(topology.Rules{}, []topology.TableSchema{table("t", "id int8, user_id int8, pk id")}, kept)[public("t")]
	if got := placed(*back); got != "sharded by primary key: public.t id int" {
		t.Errorf("renamed back: %s", got)
	}
}

func TestKeptPartitions(t *testing.T) {
	events := table("events", "user_id int8, id int8, pk user_id id")
	events.Kind = topology.PartitionedTable
	alone := table("part", "user_id int8, id int8, pk id")
	attached := child(alone, topology.TablePartition, "events")
	byID := topology.Resolve(tableRules("part", topology.TableRule{Column: "id"}), alone)
	byUser := topology.Resolve(topology.Rules{}, alone)

	// Attached with rows that are elsewhere: neither may be read.
	kept := map[topology.TableName]topology.Placed{public("part"): byID.Placed()}
	got := topology.ResolveAll(topology.Rules{}, []topology.TableSchema{events, attached}, kept)
	for name, rel := range got {
		if rel.Placement != topology.Refused || !strings.Contains(rel.Reason, "partition public.part has rows that were placed as sharded by id") {
			t.Errorf("%s: %s: %s", name, placed(*rel), rel.Reason)
		}
	}
	if was := got[public("part")].Placed(); !was.Same(byID.Placed()) {
		t.Errorf("the partition was %s", was)
	}

	// With rows that are where the parent expects them, both are fine.
	kept[public("part")] = byUser.Placed()
	for name, rel := range topology.ResolveAll(topology.Rules{}, []topology.TableSchema{events, attached}, kept) {
		if rel.Placement != topology.Sharded {
			t.Errorf("%s: %s: %s", name, placed(*rel), rel.Reason)
		}
	}
	// Detached, it keeps the place it had as a partition.
	kept[public("part")] = byUser.Placed()
	rules := tableRules("part", topology.TableRule{Column: "id"})
	if rel := topology.ResolveAll(rules, []topology.TableSchema{alone}, kept)[public("part")]; rel.Key.Column != "user_id" {
		t.Errorf("detached: %s", placed(*rel))
	}
}
