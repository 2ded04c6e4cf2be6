package topology_test

import (
	"strings"
	"testing"

	"shardproxy/meta/topology"
)

func TestKept(t *testing.T) {
	resolve := func(rules topology.Rules, s topology.TableSchema) *topology.Relation {
		rel := topology.Resolve(rules, s)
		return &rel
	}
	byID := resolve(topology.Rules{}, table("t", "id int8, pk id"))
	home := resolve(topology.Rules{}, table("t", "a int8"))
	reference := resolve(topology.Rules{Reference: []string{"t"}}, table("t", "id int8, pk id"))
	wasRefused := resolve(topology.Rules{}, table("t", "d date, pk d"))
	named := resolve(topology.Rules{TablePattern: "^(t)$"}, table("t", "id int8"))

	tests := []struct {
		name    string
		old     *topology.Relation
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
			kept := map[topology.TableName]*topology.Relation{public("t"): tt.old, public("gone"): byID}
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
