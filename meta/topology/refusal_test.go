package topology_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shardproxy/meta/topology"
)

// refused lists which of some writes a relation refuses.
func refused(rel *topology.Relation, updates ...string) string {
	var found []string
	if rel.Refuses(topology.WriteInsert, nil) != nil {
		found = append(found, "insert")
	}
	for _, column := range updates {
		if rel.Refuses(topology.WriteUpdate, []string{column}) != nil {
			found = append(found, "update "+column)
		}
	}
	if rel.Refuses(topology.WriteDelete, nil) != nil {
		found = append(found, "delete")
	}
	return strings.Join(found, ", ")
}

func TestUniqueIndexes(t *testing.T) {
	folded := table("t", "user_id text, a text, unique user_id a")
	folded.Uniques[0].Columns[0].Exact = false
	withProblem := table("t", "id int2 serial, user_id int8, pk id")
	withProblem.Columns[0].SequenceProblem = "16 bits are too few"
	expression := table("t", "user_id int8, email text, unique expression")

	tests := []struct {
		name    string
		rules   topology.Rules
		table   topology.TableSchema
		scopes  []topology.UniqueScope
		refused string
		warning string
	}{
		{
			"contains the key",
			topology.Rules{},
			table("t", "user_id int8, a int8, pk user_id a"),
			[]topology.UniqueScope{topology.UniqueEverywhere},
			"", "",
		},
		{
			"strided ids",
			topology.Rules{},
			table("t", "id int8 serial, user_id int8, pk id"),
			[]topology.UniqueScope{topology.UniqueByGeneration},
			"", "",
		},
		{
			"ids that cannot be strided",
			topology.Rules{},
			withProblem,
			[]topology.UniqueScope{topology.UniqueRefused},
			"insert", "may repeat on other nodes: 16 bits are too few",
		},
		{
			"random uuids",
			topology.Rules{},
			table("t", "id uuid random, user_id int8, pk id"),
			[]topology.UniqueScope{topology.UniqueByGeneration},
			"", "",
		},
		{
			"uuids of the client",
			topology.Rules{},
			table("t", "id uuid, user_id int8, pk id"),
			[]topology.UniqueScope{topology.UniqueByGeneration},
			"", "clients making random uuids",
		},
		{
			"a uuid that is no primary key",
			topology.Rules{},
			table("t", "owner uuid, user_id int8, unique owner"),
			[]topology.UniqueScope{topology.UniqueRefused},
			"insert", "unique: [t_owner_key]",
		},
		{
			"a newcomer's email",
			topology.Rules{},
			table("users", "id int8 serial, name text, email text, pk id, unique email"),
			[]topology.UniqueScope{topology.UniqueEverywhere, topology.UniqueRefused},
			"insert, update email",
			`unique index "users_email_key" (email) lacks the shard key column "id", so it can hold within each node only: INSERT, COPY and UPDATE of email are refused until the index contains "id" or the table's rule accepts it: tables: {public.users: {unique: [users_email_key]}}`,
		},
		{
			"accepted by name", tableRules("users", topology.TableRule{Unique: []string{"users_email_key"}}),
			table("users", "id int8 serial, email text, pk id, unique email"),
			[]topology.UniqueScope{topology.UniqueEverywhere, topology.UniquePerNode},
			"", "",
		},
		{
			"expression",
			topology.Rules{},
			expression,
			[]topology.UniqueScope{topology.UniqueRefused},
			"insert, update name, update email", "(an expression)",
		},
		{
			"compared by other rules",
			topology.Rules{},
			folded,
			[]topology.UniqueScope{topology.UniqueRefused},
			"insert, update name, update email", "lacks the shard key",
		},
		{
			"global table",
			topology.Rules{Global: []string{"t"}},
			table("t", "a int8, unique a"),
			[]topology.UniqueScope{topology.UniqueEverywhere},
			"", "",
		},
		{
			"key in the name",
			topology.Rules{TablePattern: `^(.)$`},
			table("t", "a int8, unique a"),
			[]topology.UniqueScope{topology.UniqueEverywhere},
			"", "",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rel := topology.Resolve(tt.rules, tt.table)
			var scopes []topology.UniqueScope
			for _, u := range rel.Uniques {
				scopes = append(scopes, u.Scope)
			}
			if diff := cmp.Diff(tt.scopes, scopes); diff != "" {
				t.Errorf("scopes (-want +got):\n%s", diff)
			}
			if got := refused(&rel, "name", "email"); got != tt.refused {
				t.Errorf("refused %q, want %q", got, tt.refused)
			}
			warnings := strings.Join(rel.Warnings, "\n")
			if !strings.Contains(warnings, tt.warning) || tt.warning == "" && warnings != "" {
				t.Errorf("warnings %q lack %q", warnings, tt.warning)
			}
		})
	}
}

func TestForeignKeys(t *testing.T) {
	users := table("users", "id int8, name text, pk id")
	cascade := func(fk topology.TableSchema, onDelete, onUpdate topology.Action) topology.TableSchema {
		fk.ForeignKeys[0].OnDelete, fk.ForeignKeys[0].OnUpdate = onDelete, onUpdate
		return fk
	}
	tests := []struct {
		name          string
		rules         topology.Rules
		parent, child topology.TableSchema
		inChild       string
		inParent      string
	}{
		{"joins the keys", topology.Rules{}, users, table("c", "user_id int8, a int8, fk user_id -> users id"), "", ""},
		{
			"joins the keys among others",
			topology.Rules{},
			table("p", "user_id int8, n int8, pk user_id n"),
			table("c", "user_id int8, n int8, fk n user_id -> p n user_id"), "", "",
		},
		{
			"another kind",
			topology.Rules{},
			users, table("c", "project_id int8, a int8, fk a -> users id"),
			"insert, update a", "update id, delete",
		},
		{
			"the same kind without the key",
			topology.Rules{},
			users, table("c", "user_id int8, a int8, fk a -> users id"),
			"insert, update a", "update id, delete",
		},
		{
			"keys crossed",
			topology.Rules{},
			table("p", "user_id int8, n int8, unique n user_id"),
			table("c", "user_id int8, n int8, fk user_id n -> p n user_id"), "insert", "update n, delete",
		},
		{
			"accepted", tableRules("c", topology.TableRule{ForeignKeys: []string{"c_a_fkey"}}), users,
			table("c", "user_id int8, a int8, fk a -> users id"), "", "",
		},
		{
			"to a reference table",
			topology.Rules{Reference: []string{"p"}},
			table("p", "id int8, pk id"),
			table("c", "user_id int8, a int8, fk a -> p id"), "", "",
		},
		{
			"to a global table",
			topology.Rules{Global: []string{"p"}},
			table("p", "id int8, pk id"),
			table("c", "user_id int8, a int8, fk a -> p id"), "insert, update a", "update id, delete",
		},
		{
			"global to global",
			topology.Rules{Global: []string{"p", "c"}},
			table("p", "id int8, pk id"),
			table("c", "a int8, fk a -> p id"), "", "",
		},
		{
			"global to sharded",
			topology.Rules{Global: []string{"c"}},
			users,
			table("c", "a int8, fk a -> users id"), "insert, update a", "update id, delete",
		},
		{
			"reference to global",
			topology.Rules{Reference: []string{"c"}, Global: []string{"p"}},
			table("p", "id int8, pk id"),
			table("c", "a int8, fk a -> p id"), "insert, update a", "update id, delete",
		},
		{
			"to a refused table",
			topology.Rules{},
			table("p", "id date, pk id"),
			table("c", "user_id int8, a date, fk a -> p id"), "insert, update a", "",
		},
		{
			"keys of other types",
			topology.Rules{},
			table("users", "id text, pk id"),
			table("c", "user_id int8, fk user_id -> users id"), "insert", "update id, delete",
		},
		{
			"set null on the key",
			topology.Rules{},
			users,
			cascade(table("c", "user_id int8, fk user_id -> users id"), topology.SetNull, topology.NoAction), "", "delete",
		},
		{
			"cascading update of the key",
			topology.Rules{},
			users,
			cascade(table("c", "user_id int8, fk user_id -> users id"), topology.Cascade, topology.Cascade), "", "update id",
		},
		{
			"set null elsewhere",
			topology.Rules{Reference: []string{"p"}},
			table("p", "id int8, pk id"),
			cascade(table("c", "user_id int8, a int8, fk a -> p id"), topology.SetNull, topology.Cascade), "", "",
		},
		{
			"a cascade from a reference table into the key",
			topology.Rules{Reference: []string{"p"}},
			table("p", "id int8, pk id"),
			cascade(table("c", "user_id int8, fk user_id -> p id"), topology.Cascade, topology.Cascade), "", "update id",
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := topology.ResolveAll(tt.rules, []topology.TableSchema{tt.child, tt.parent}, nil)
			if text := refused(got[tt.child.Name], "a", "name"); text != tt.inChild {
				t.Errorf("child refuses %q, want %q: %v", text, tt.inChild, got[tt.child.Name].Warnings)
			}
			if text := refused(got[tt.parent.Name], "name", "id", "n"); text != tt.inParent {
				t.Errorf("parent refuses %q, want %q: %v", text, tt.inParent, got[tt.parent.Name].Warnings)
			}
		})
	}
}

func TestForeignKeyToNowhere(t *testing.T) {
	rel := topology.Resolve(topology.Rules{}, table("c", "user_id int8, a int8, fk a -> gone id"))
	if got := refused(&rel, "a"); got != "insert, update a" {
		t.Errorf("refused %q", got)
	}
	if r := rel.Refuses(topology.WriteInsert, nil); !strings.Contains(r.Reason, "public.gone, which is unknown") || r.Hint == "" {
		t.Errorf("refusal %+v", r)
	}
}

// A table placed by its primary key shares the kind of the table that a column
// of the key refers to.
func TestSharedKinds(t *testing.T) {
	got := topology.ResolveAll(topology.Rules{}, []topology.TableSchema{
		table("orders", "id int8, pk id"),
		table("items", "line int4, order_id int8, pk line order_id, fk order_id -> orders id"),
		table("notes", "line int4, order_id int8, n int8, pk order_id line n, fk order_id line -> items order_id line"),
		table("detail", "order_id int8, pk order_id, fk order_id -> orders id"),
		table("more", "detail_id int8, pk detail_id, fk detail_id -> detail order_id"),
		table("ring_a", "id int8, pk id, fk id -> ring_b id"),
		table("ring_b", "id int8, pk id, fk id -> ring_a id"),
		table("tree", "id int8, up int8, pk id, fk id -> tree id"),
	}, nil)
	want := map[string]string{
		"orders": "sharded by primary key: public.orders id int",
		"items":  "sharded by primary key: public.orders order_id int",
		"notes":  "sharded by primary key: public.orders order_id int",
		"detail": "sharded by primary key: public.orders order_id int",
		"more":   "sharded by primary key: public.orders detail_id int",
		"ring_a": "sharded by primary key: public.ring_a id int",
		"ring_b": "sharded by primary key: public.ring_a id int",
		"tree":   "sharded by primary key: public.tree id int",
	}
	have := make(map[string]string)
	for name, rel := range got {
		have[name.Name] = placed(*rel)
	}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("placements (-want +got):\n%s", diff)
	}
	if w := got[public("items")].Warnings; len(w) != 0 {
		t.Errorf("items: %q", w)
	}
}

func TestTriggersAndCode(t *testing.T) {
	trigger := table("t", "user_id int8, a int8")
	trigger.Triggers = []topology.Trigger{{Name: "search", Function: ""}, {Name: "audit", Function: "public.audit"}}
	builtIn := table("t", "user_id int8")
	builtIn.Triggers = trigger.Triggers[:1]
	rowRule := table("t", "user_id int8")
	rowRule.RowRules = []string{"copy"}
	code := table("t", "user_id int8, a int8")
	code.Columns[1].DefaultFunctions = []string{"public.lookup"}
	check := table("t", "user_id int8, a int8")
	check.CheckFunctions = []string{"public.lookup"}
	differ := table("t", "user_id int8, a int8")
	differ.Columns[1].DefaultsDiffer = true

	local := tableRules("t", topology.TableRule{Triggers: "local"})
	pure := topology.Rules{Functions: map[string]string{"public.audit": "pure", "lookup": "pure"}}
	tests := []struct {
		name     string
		rules    topology.Rules
		table    topology.TableSchema
		triggers bool
		refused  string
	}{
		{"trigger", topology.Rules{}, trigger, true, ""},
		{"trigger declared local", local, trigger, false, ""},
		{"trigger with a pure function", pure, trigger, false, ""},
		{"trigger of the server's", topology.Rules{}, builtIn, false, ""},
		{"trigger of a global table", topology.Rules{Global: []string{"t"}}, trigger, true, ""},
		{"rule", topology.Rules{}, rowRule, true, ""},
		{"rule declared local", local, rowRule, false, ""},
		{"default", topology.Rules{}, code, false, "insert"},
		{"default with a pure function", pure, code, false, ""},
		{"default declared local", local, code, false, ""},
		{"check", topology.Rules{}, check, false, "insert, update a"},
		{"check with a pure function", pure, check, false, ""},
		{"different defaults", local, differ, false, "insert"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rel := topology.Resolve(tt.rules, tt.table)
			if rel.HasTriggers != tt.triggers {
				t.Errorf("HasTriggers %v", rel.HasTriggers)
			}
			if got := refused(&rel, "a"); got != tt.refused {
				t.Errorf("refused %q, want %q", got, tt.refused)
			}
		})
	}
}

func TestPolicies(t *testing.T) {
	other := table("other", "user_id int8")
	with := func(p topology.Policy) topology.TableSchema {
		s := table("t", "user_id int8")
		s.Policies = []topology.Policy{p}
		return s
	}
	reads := topology.Policy{Name: "p", Reads: []topology.TableName{public("other")}}
	calls := topology.Policy{Name: "p", Functions: []string{"public.allowed"}}
	tests := []struct {
		name   string
		rules  topology.Rules
		policy topology.Policy
		want   topology.Placement
	}{
		{"reads a sharded table", topology.Rules{}, reads, topology.Refused},
		{"reads a reference table", topology.Rules{Reference: []string{"other"}}, reads, topology.Sharded},
		{"reads something unknown", topology.Rules{}, topology.Policy{Name: "p", Reads: []topology.TableName{public("x")}}, topology.Refused},
		{"declared", tableRules("t", topology.TableRule{Triggers: "local"}), reads, topology.Sharded},
		{"calls a function", topology.Rules{}, calls, topology.Refused},
		{"calls a pure function", topology.Rules{Functions: map[string]string{"allowed": "pure"}}, calls, topology.Sharded},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := topology.ResolveAll(tt.rules, []topology.TableSchema{with(tt.policy), other}, nil)[public("t")]
			if got.Placement != tt.want {
				t.Errorf("got %s (%s), want %s", got.Placement, got.Reason, tt.want)
			}
		})
	}
}

func TestRefuses(t *testing.T) {
	rel := &topology.Relation{Refusals: []topology.Refusal{
		{Writes: topology.WriteUpdate, Columns: []string{"a", "b"}, Reason: "one"},
		{Writes: topology.WriteInsert | topology.WriteUpdate, Columns: []string{"c"}, Reason: "two"},
		{Writes: topology.WriteDelete, Columns: []string{"a"}, Reason: "three"},
	}}
	tests := []struct {
		writes   topology.Writes
		assigned []string
		want     string
	}{
		{topology.WriteUpdate, []string{"x", "b"}, "one"},
		{topology.WriteUpdate, []string{"x"}, ""},
		{topology.WriteUpdate, []string{}, ""},
		{topology.WriteUpdate, nil, "one"},
		{topology.WriteInsert, nil, "two"},
		{topology.WriteInsert | topology.WriteUpdate, []string{"x"}, "two"},
		{topology.WriteDelete, nil, "three"},
		{0, nil, ""},
	}
	for _, tt := range tests {
		got := ""
		if r := rel.Refuses(tt.writes, tt.assigned); r != nil {
			got = r.Reason
		}
		if got != tt.want {
			t.Errorf("Refuses(%v, %q) = %q, want %q", tt.writes, tt.assigned, got, tt.want)
		}
	}
}
