package topology_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shardproxy/meta/topology"
	"shardproxy/ring"
)

// placed is what a resolved table is compared by: placement, source and key.
func placed(rel topology.Relation) string {
	text := rel.Placement.String() + " by " + rel.Source.String()
	if rel.Placement != topology.Sharded {
		return text
	}
	text += ": " + string(rel.Key.Kind) + " " + rel.Key.Column + rel.Key.FromName + " " + rel.Key.Type.String()
	if rel.Key.NullReplicated {
		text += " nulls"
	}
	return text
}

func TestResolve(t *testing.T) {
	foreign := table("t", "user_id int8")
	foreign.Kind = topology.ForeignTable
	parent := table("t", "user_id int8")
	parent.Kind = topology.InheritanceParent
	extension := table("spatial_ref_sys", "srid int4, pk srid")
	extension.Extension = "postgis"
	view := topology.TableSchema{Name: public("v"), Kind: topology.PlainView, ViewText: "SELECT 1"}

	tests := []struct {
		name   string
		rules  topology.Rules
		table  topology.TableSchema
		want   string
		reason string // part of Reason
	}{
		// Rules of the table.
		{
			"rule with kind and column", tableRules("orders", topology.TableRule{Key: "user", Column: "customer"}),
			table("orders", "id int8, customer int4, pk id"), "sharded by config: user customer int", "rule",
		},
		{
			"rule by full name", tableRules("public.orders", topology.TableRule{Key: "user", Column: "customer"}),
			table("orders", "id int8, customer uuid, pk id"), "sharded by config: user customer uuid", "rule",
		},
		{
			"rule of another schema", tableRules("sales.orders", topology.TableRule{Key: "user", Column: "customer"}),
			table("orders", "id int8, customer uuid, pk id"), "sharded by primary key: public.orders id int", "",
		},
		{
			"rule with kind only", tableRules("orders", topology.TableRule{Key: "project"}),
			table("orders", "id int8, user_id int8, _tenant text"), "sharded by config: project _tenant text", "",
		},
		{
			"rule with a kind nobody knows", tableRules("orders", topology.TableRule{Key: "shop"}),
			table("orders", "id int8, pk id"), "refused by config", "no column is known for that kind",
		},
		{
			"rule with column only", tableRules("orders", topology.TableRule{Column: "customer"}),
			table("orders", "id int8, customer int8"), "sharded by config: public.orders customer int", "",
		},
		{
			"rule with a column of a convention", tableRules("orders", topology.TableRule{Column: "project_id"}),
			table("orders", "user_id int8, project_id int8"), "sharded by config: project project_id int", "",
		},
		{
			"rule with a missing column", tableRules("orders", topology.TableRule{Key: "user", Column: "custmer"}),
			table("orders", "id int8, customer int8, pk id"), "refused by config", `no column "custmer"`,
		},
		{
			"rule with a column that cannot be a key", tableRules("orders", topology.TableRule{Column: "price"}),
			table("orders", "id int8, price numeric, pk id"), "refused by config", "it has type numeric",
		},
		{
			"rule with a generated column", tableRules("orders", topology.TableRule{Column: "g"}),
			table("orders", "id int8, g int8 generated, pk id"), "refused by config", "generated",
		},
		{
			"rule without a key leaves the choice", tableRules("users", topology.TableRule{Unique: []string{"x"}}),
			table("users", "id int8, pk id"), "sharded by convention: user id int", "",
		},
		{"rule wins over pattern and list", topology.Rules{
			Tables:       map[string]topology.TableRule{"_1_t": {Key: "user", Column: "u"}},
			TablePattern: `^_(\d+)_`, Global: []string{"_*"},
		}, table("_1_t", "u int8"), "sharded by config: user u int", ""},

		// The name carries the key.
		{"pattern", topology.Rules{TablePattern: `^_(\d+)_`}, table("_42_users", "id int8, user_id int8"), "sharded by pattern: project 42 int", ""},
		{"pattern with kind", topology.Rules{TablePattern: `^t_([a-z]+)_`, PatternKind: "user"}, table("t_acme_x", "id int8"), "sharded by pattern: user acme text", ""},
		{"pattern with a number that is no integer key", topology.Rules{TablePattern: `^_(\d+)_`}, table("_007_users", "id int8"), "sharded by pattern: project 007 text", ""},
		{"pattern does not match", topology.Rules{TablePattern: `^_(\d+)_`}, table("_console_users", "id int8, pk id"), "sharded by primary key: public._console_users id int", ""},
		{"pattern with an empty capture", topology.Rules{TablePattern: `^_(\d*)_`}, table("__t", "a int8"), "global by default", ""},
		{"pattern that does not compile", topology.Rules{TablePattern: `^_(\d+_`}, table("users", "id int8, pk id"), "refused by config", "table_pattern"},

		// Lists.
		{"reference", topology.Rules{Reference: []string{"countries"}}, table("countries", "user_id int8"), "reference by config", ""},
		{"global by glob", topology.Rules{Global: []string{"_console_*"}}, table("_console_users", "id int8, pk id"), "global by config", ""},
		{"glob of a schema", topology.Rules{Global: []string{"public.*"}}, table("x", "id int8, pk id"), "global by config", ""},
		{"glob does not match in the middle", topology.Rules{Global: []string{"console"}}, table("_console_users", "id int8, pk id"), "sharded by primary key: public._console_users id int", ""},
		{"a name wins over a glob", topology.Rules{Reference: []string{"a*"}, Global: []string{"ab"}}, table("ab", "id int8"), "global by config", ""},
		{"reference wins over global", topology.Rules{Reference: []string{"a*"}, Global: []string{"*b"}}, table("ab", "id int8"), "reference by config", ""},

		// Conventions.
		{"user_id", topology.Rules{}, table("t", "id int8, user_id int4, pk id"), "sharded by convention: user user_id int", ""},
		{"userId", topology.Rules{}, table("t", "id int8, userId text, pk id"), "sharded by convention: user userId text", ""},
		{"userid, as the server folds it", topology.Rules{}, table("t", "id int8, userid int8, pk id"), "sharded by convention: user userid int", ""},
		{"_tenant", topology.Rules{}, table("t", "_id int8, _tenant int4, pk _id"), "sharded by convention: project _tenant int", ""},
		{"$collectionId", topology.Rules{}, table("t", "id int8, $collectionId text"), "sharded by convention: collection $collectionId text", ""},
		{"id of projects", topology.Rules{}, table("projects", "id uuid, pk id"), "sharded by convention: project id uuid", ""},
		{"id of users before another user_id", topology.Rules{}, table("users", "user_id int8, id int8, pk id"), "sharded by convention: user id int", ""},
		{"projects of a user", topology.Rules{}, table("projects", "id int8, user_id int8, pk id"), "sharded by convention: user user_id int", ""},
		{"key_order", topology.Rules{KeyOrder: []ring.KeyKind{"project"}}, table("t", "id int8, user_id int8, project_id int8, pk id"), "sharded by convention: project project_id int", ""},
		{"key_order without the kind", topology.Rules{KeyOrder: []ring.KeyKind{"project"}}, table("t", "id int8, user_id int8, pk id"), "sharded by primary key: public.t id int", ""},
		{"key_columns", topology.Rules{KeyColumns: map[ring.KeyKind][]string{"project": {"workspace"}}}, table("t", "project_id int8, workspace int8"), "sharded by convention: project workspace int", ""},
		{"key_columns of a new kind", topology.Rules{KeyColumns: map[ring.KeyKind][]string{"shop": {"shop_id"}}}, table("t", "shop_id int8"), "sharded by convention: shop shop_id int", ""},
		{"null_key", topology.Rules{NullKey: "replicated"}, table("t", "_tenant int4"), "sharded by convention: project _tenant int nulls", ""},
		{"null_key is for conventions", topology.Rules{NullKey: "replicated"}, table("t", "id int8, pk id"), "sharded by primary key: public.t id int", ""},
		{"null_key of the table", tableRules("t", topology.TableRule{NullKey: "replicated"}), table("t", "_tenant int4"), "sharded by convention: project _tenant int nulls", ""},
		{"convention with a type that cannot be a key", topology.Rules{}, table("t", "id int8, user_id numeric, pk id"), "refused by convention", "it has type numeric"},

		// Tables of migration tools.
		{"Django", topology.Rules{}, table("django_migrations", "id int8, app text, pk id"), "global by convention", "Django notes there"},
		{"Sequelize's spelling", topology.Rules{}, table("SequelizeMeta", "name text, pk name"), "global by convention", "Sequelize"},
		{
			"a rule beats that", tableRules("schema_migrations", topology.TableRule{Column: "version"}),
			table("schema_migrations", "version text, pk version"), "sharded by config: public.schema_migrations version text", "",
		},

		// The primary key, and nothing.
		{"primary key", topology.Rules{}, table("t", "id int8, pk id"), "sharded by primary key: public.t id int", "primary key (id)"},
		{"composite primary key", topology.Rules{}, table("t", "a int8, b text, pk b a"), "sharded by primary key: public.t b text", "primary key (b, a)"},
		{"composite with one usable column", topology.Rules{}, table("t", "day date, b text, pk day b"), "sharded by primary key: public.t b text", ""},
		{"primary key that cannot be a key", topology.Rules{}, table("t", "day date, pk day"), "refused by primary key", "it has type date"},
		{"nothing", topology.Rules{}, table("t", "a int8, unique a"), "global by default", "no primary key"},

		// Kinds of relations.
		{"foreign table", topology.Rules{}, foreign, "refused by default", "foreign table"},
		{"declared foreign table", topology.Rules{Global: []string{"t"}}, foreign, "global by config", ""},
		{"inheritance parent", topology.Rules{}, parent, "refused by default", "inheritance parent"},
		{"declared inheritance parent", tableRules("t", topology.TableRule{Key: "user"}), parent, "sharded by config: user user_id int", ""},
		{"extension", topology.Rules{}, extension, "global by default", "postgis"},
		{"view", topology.Rules{Global: []string{"*"}}, view, "view by default", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rel := topology.Resolve(tt.rules, tt.table)
			if got := placed(rel); got != tt.want {
				t.Errorf("got  %s\nwant %s\nreason: %s", got, tt.want, rel.Reason)
			}
			if !strings.Contains(rel.Reason, tt.reason) {
				t.Errorf("reason %q lacks %q", rel.Reason, tt.reason)
			}
			if rel.Name != tt.table.Name || len(rel.Columns) != len(tt.table.Columns) {
				t.Errorf("name %s with %d columns", rel.Name, len(rel.Columns))
			}
		})
	}
}

func TestResolveWarnings(t *testing.T) {
	noDraw := table("t", "id text, pk id")
	noDraw.Columns[0].DrawProblem = `"current_user" may depend on the session or on rows`
	impure := table("t", "id int8, pk id")
	impure.Columns[0].DefaultFunctions = []string{"public.next"}
	impure.Columns[0].Draw = topology.Draw{Kind: topology.DrawExpression, Expression: "public.next()"}

	tests := []struct {
		name  string
		rules topology.Rules
		table topology.TableSchema
		want  []string // parts, one for each warning
	}{
		{"one candidate", topology.Rules{}, table("t", "user_id int8"), nil},
		{"two candidates", topology.Rules{}, table("t", "user_id int8, project_id int8"), []string{`placed by "user_id" (user), though "project_id" (project)`}},
		{"composite primary key", topology.Rules{}, table("t", "a int8, b int8, pk a b"), []string{`placed by "a", one column of its primary key (a, b)`}},
		{"no key at all", topology.Rules{}, table("t", "a int8"), []string{"all its rows live on the home node"}},
		{"in both lists", topology.Rules{Reference: []string{"t*"}, Global: []string{"?"}}, table("t", "a int8"), []string{"both lists"}},
		{"default that cannot be drawn", topology.Rules{}, noDraw, []string{"each INSERT must name the key"}},
		{"default with an unknown function", topology.Rules{}, impure, []string{"it calls function public.next", "the default of column \"id\" calls function public.next"}},
		{"default with a pure function", topology.Rules{Functions: map[string]string{"next": "pure"}}, impure, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := topology.Resolve(tt.rules, tt.table).Warnings
			if len(got) != len(tt.want) {
				t.Fatalf("got %q, want %d warnings", got, len(tt.want))
			}
			for i, part := range tt.want {
				if !strings.Contains(got[i], part) {
					t.Errorf("warning %q lacks %q", got[i], part)
				}
			}
		})
	}
}

func TestResolveDraw(t *testing.T) {
	rel := topology.Resolve(topology.Rules{}, table("users", "id int8 serial, pk id"))
	want := topology.Key{
		Kind: "user", Type: ring.KeyInt, Column: "id",
		Draw: topology.Draw{Kind: topology.DrawSequence, Sequence: `"public"."seq_id"`},
	}
	if diff := cmp.Diff(want, rel.Key); diff != "" {
		t.Errorf("key (-want +got):\n%s", diff)
	}
}

func TestRulesValidate(t *testing.T) {
	tests := []struct {
		name  string
		rules topology.Rules
		want  []string // parts of the error; none: valid
	}{
		{"empty", topology.Rules{}, nil},
		{"all right", topology.Rules{
			KeyOrder: []ring.KeyKind{"user", "shop"}, KeyColumns: map[ring.KeyKind][]string{"shop": {"shop_id"}},
			TablePattern: `^_(\d+)_`, NullKey: "replicated", Reference: []string{"a"}, Global: []string{"b"},
			Tables:    map[string]topology.TableRule{"a": {Unique: []string{"x"}}, "c": {Key: "user", Triggers: "local"}},
			Functions: map[string]string{"f": "pure"},
		}, nil},
		{"pattern without capture", topology.Rules{TablePattern: `^_\d+_`}, []string{"0 captures"}},
		{"pattern with two captures", topology.Rules{TablePattern: `^_(\d+)_(.*)`}, []string{"2 captures"}},
		{"kind without pattern", topology.Rules{PatternKind: "user"}, []string{"pattern_kind"}},
		{"many faults at once", topology.Rules{
			KeyOrder: []ring.KeyKind{"user", "user"}, KeyColumns: map[ring.KeyKind][]string{"shop": nil},
			TablePattern: `(`, NullKey: "everywhere", Reference: []string{"a", "c"}, Global: []string{"a"},
			Tables: map[string]topology.TableRule{
				"c": {Key: "user"}, "d": {Triggers: "maybe"}, "e": {NullKey: "x"}, "": {},
			},
			Functions: map[string]string{"f": "impure"},
		}, []string{
			"key_order", "key_columns", "table_pattern", `null_key: "everywhere"`, `"a" is listed under both`,
			"c has a key and is listed", `d: triggers: "maybe"`, `e: null_key: "x"`, "no table name", `f: "impure"`,
		}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.rules.Validate()
			if (err != nil) != (len(tt.want) > 0) {
				t.Fatalf("got %v", err)
			}
			for _, part := range tt.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("error lacks %q:\n%v", part, err)
				}
			}
		})
	}
}
