package topology_test

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"shardproxy/meta/topology"
)

func database() *topology.Database {
	relations := topology.ResolveAll(topology.Rules{Reference: []string{"countries"}}, []topology.TableSchema{
		table("users", "id int8 serial, email text, pk id, unique email"),
		table("countries", "code text, pk code"),
		{Name: public("v"), Kind: topology.PlainView, ViewText: "SELECT 1"},
		{Name: topology.TableName{Schema: "pg_catalog", Name: "pg_class"}, Kind: topology.SystemRelation},
		table("log", "at date"),
	}, nil)
	return &topology.Database{
		Name: "app", Engine: topology.Postgres,
		Nodes:     []topology.Node{{ID: "pg-1", Weight: 1}, {ID: "pg-2", Slot: 1, Weight: 1}},
		Owners:    []topology.NodeIndex{0, 1, 1, 0, 0},
		Rules:     topology.Rules{Reference: []string{"countries"}},
		Relations: relations,
		Sequences: map[topology.TableName]topology.Sequence{
			public("s"): {Name: public("s"), Mode: topology.SequenceStrided, Stride: 1024, Reason: "for public.t.n"},
			public("h"): {Name: public("h"), Mode: topology.SequenceAtHome, Reason: "no column takes its numbers"},
		},
	}
}

func TestDescribe(t *testing.T) {
	const want = `TABLE             PLACEMENT  KEY          NEW KEYS                    REASON
public.countries  reference  -            -                           listed under reference
public.log        global     -            -                           no rule, no column that conventions know and no primary key
public.users      sharded    user:id int  sequence "public"."seq_id"  convention: the id of table users is a user
public.v          view       -            -                           planned through its definition

SEQUENCE  IDS      STRIDE    REASON
public.h  home     -         no column takes its numbers
public.s  strided  1024      for public.t.n

WARNINGS
public.log: the table has no shard key and no primary key: all its rows live on the home node
public.users: unique index "users_email_key" (email) lacks the shard key column "id", so it can hold within each node only: INSERT, COPY and UPDATE of email are refused until the index contains "id" or the table's rule accepts it: tables: {public.users: {unique: [users_email_key]}}
`
	if diff := cmp.Diff(want, database().Describe()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestValidate(t *testing.T) {
	tests := []struct {
		name   string
		change func(*topology.Database)
		want   string // part of the error; empty: valid
	}{
		{"valid", func(*topology.Database) {}, ""},
		{"weight zero is a leaving node", func(d *topology.Database) { d.Nodes[1].Weight = 0 }, ""},
		{"no nodes", func(d *topology.Database) { d.Nodes = nil }, "0 nodes"},
		{"equal node names", func(d *topology.Database) { d.Nodes[1].ID = "pg-1" }, `"pg-1" is empty or used twice`},
		{"empty node name", func(d *topology.Database) { d.Nodes[1].ID = "" }, `"" is empty`},
		{"equal slots", func(d *topology.Database) { d.Nodes[1].Slot = 0 }, "the same slot 0"},
		{"slot beyond the stride", func(d *topology.Database) { d.Nodes[1].Slot = 1024 }, "not below 1024"},
		{"negative weight", func(d *topology.Database) { d.Nodes[1].Weight = -1 }, "weight -1"},
		{"partitions", func(d *topology.Database) { d.Owners = d.Owners[:4] }, "3 partitions"},
		{"no partitions", func(d *topology.Database) { d.Owners = nil }, "partitions"},
		{"owner", func(d *topology.Database) { d.Owners[2] = 2 }, "owned by node 2 of 2"},
		{"engine", func(d *topology.Database) { d.Engine = 0 }, "engine 0"},
		{"rules", func(d *topology.Database) { d.Rules.TablePattern = "(" }, "table_pattern"},
		{"type map", func(d *topology.Database) { d.Types = &topology.TypeMap{} }, "type map"},
		{"nil relation", func(d *topology.Database) { d.Relations[public("x")] = nil }, "public.x is nil"},
		{"relation under another name", func(d *topology.Database) { d.Relations[public("x")] = d.Relations[public("v")] }, "another name"},
		{"key column is missing", func(d *topology.Database) { d.Relations[public("users")].Key.Column = "x" }, `no column "x"`},
		{"key twice", func(d *topology.Database) { d.Relations[public("users")].Key.FromName = "1" }, "in a column and in its name"},
		{"key without kind", func(d *topology.Database) { d.Relations[public("users")].Key.Kind = "" }, "no kind"},
		{"key without sequence", func(d *topology.Database) { d.Relations[public("users")].Key.Draw.Sequence = "" }, "drawn from an empty sequence"},
		{"key of a global table", func(d *topology.Database) { d.Relations[public("log")].Key.Kind = "user" }, "global and has a shard key"},
		{"refused without reason", func(d *topology.Database) {
			d.Relations[public("log")].Placement, d.Relations[public("log")].Reason = topology.Refused, ""
		}, "without a reason"},
		{"no placement", func(d *topology.Database) { d.Relations[public("log")].Placement = 0 }, "placement 0"},
		{"sequence without stride", func(d *topology.Database) {
			d.Sequences[public("s")] = topology.Sequence{Name: public("s"), Mode: topology.SequenceStrided}
		}, "sequence public.s"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			db := database()
			tt.change(db)
			top := &topology.Topology{Databases: map[string]*topology.Database{"app": db}}
			err := top.Validate()
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("got %v", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestValidateTopology(t *testing.T) {
	top := &topology.Topology{
		Databases: map[string]*topology.Database{"a": nil, "b": database()},
		Users: map[string]*topology.User{
			"u": {Name: "u", Databases: []string{"app"}}, "v": {Name: "w"}, "x": nil,
		},
	}
	err := top.Validate()
	for _, part := range []string{
		`database "a" is nil`, `database "app" is stored under the name "b"`,
		`user "u": there is no database "app"`, `user "v" is empty or stored`, `user "x" is empty`,
	} {
		if err == nil || !strings.Contains(err.Error(), part) {
			t.Errorf("%v lacks %q", err, part)
		}
	}
}

func TestWithDatabase(t *testing.T) {
	first := &topology.Topology{Epoch: 7}
	db := database()
	second := first.WithDatabase(db)
	changed := db.Clone()
	changed.SchemaEpoch = 5
	third := second.WithDatabase(changed)
	if len(first.Databases) != 0 || second.Databases["app"] != db || third.Databases["app"] != changed {
		t.Error("a topology shares its databases with the next")
	}
	if second.Epoch != 8 || third.Epoch != 9 || db.SchemaEpoch != 0 {
		t.Errorf("epochs %d, %d; schema epoch %d", second.Epoch, third.Epoch, db.SchemaEpoch)
	}
	fourth := third.WithUsers(map[string]*topology.User{"u": {Name: "u"}})
	if len(third.Users) != 0 || len(fourth.Users) != 1 || fourth.Epoch != 10 {
		t.Error("WithUsers")
	}
}

func TestOwnerNodes(t *testing.T) {
	db := database()
	db.Nodes = append(db.Nodes, topology.Node{ID: "pg-3", Slot: 2, Weight: 1})
	if diff := cmp.Diff([]topology.NodeIndex{0, 1}, db.OwnerNodes()); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	db.Owners = []topology.NodeIndex{1, 2}
	if diff := cmp.Diff([]topology.NodeIndex{1, 2}, db.OwnerNodes()); diff != "" {
		t.Errorf("home owns too (-want +got):\n%s", diff)
	}
	if i, ok := db.NodeNamed("pg-2"); i != 1 || !ok {
		t.Errorf("pg-2 is %d, %v", i, ok)
	}
	if _, ok := db.NodeNamed("pg-9"); ok {
		t.Error("pg-9 exists")
	}
}

func TestChanges(t *testing.T) {
	old, now := database(), database()
	delete(now.Relations, public("v"))
	fresh := topology.Resolve(topology.Rules{}, table("new", "a int8"))
	now.Relations[public("new")] = &fresh
	broken := topology.Resolve(topology.Rules{}, table("log", "d date, pk d"))
	now.Relations[public("log")] = &broken
	now.Relations[public("countries")].Warnings = []string{"something new"}

	var got []string
	for _, c := range topology.Changes(old, now) {
		got = append(got, c.Table.Name+": "+strings.Join(c.Warnings, "; "))
	}
	want := []string{
		"countries: something new",
		`log: statements on the table are refused: ` + broken.Reason,
		"new: " + fresh.Warnings[0],
		"v: ",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if c := topology.Changes(old, old); len(c) != 0 {
		t.Errorf("no change gives %v", c)
	}
	if c := topology.Changes(&topology.Database{}, &topology.Database{}); len(c) != 0 {
		t.Errorf("nothing gives %v", c)
	}
}

func TestFirstInClass(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := rapid.Int64().Draw(t, "from")
		slot := topology.Slot(rapid.IntRange(0, 1100).Draw(t, "slot"))
		stride := rapid.SampledFrom([]int64{1, 2, 64, 1024}).Draw(t, "stride")
		first, ok := topology.FirstInClass(from, slot, stride)
		if !ok {
			if int64(slot) < stride && from < math.MaxInt64-stride {
				t.Fatal("there is a number in the class")
			}
			return
		}
		if first < from || first-from >= stride || !topology.InClass(first, slot, stride) {
			t.Fatalf("got %d", first)
		}
		for other := range topology.Slot(3) {
			if other != slot && int64(other) < stride && topology.InClass(first, other, stride) {
				t.Fatalf("%d is in the class of slot %d too", first, other)
			}
		}
	})
	if first, ok := topology.FirstInClass(1, 0, 1024); first != 1024 || !ok {
		t.Errorf("slot 0 begins at %d", first)
	}
	if topology.InClass(0, 0, 0) {
		t.Error("a stride of 0 has classes")
	}
}

// Whatever the rules and tables, every table gets a placement, the same one
// each time, and the result is a valid database.
func TestResolveIsTotal(t *testing.T) {
	names := []string{"users", "t", "_1_t", "a", "b"}
	columns := []string{"id int8", "user_id int8", "_tenant text", "a date", "id int8 serial", "b uuid random", "user_id numeric", "c int8 generated"}
	rapid.Check(t, func(t *rapid.T) {
		var tables []topology.TableSchema
		for _, name := range rapid.SliceOfDistinct(rapid.SampledFrom(names), rapid.ID).Draw(t, "tables") {
			spec := rapid.SliceOfNDistinct(rapid.SampledFrom(columns), 1, 4, func(s string) string { return strings.Fields(s)[0] }).Draw(t, "columns")
			first := strings.Fields(spec[0])[0]
			spec = append(spec, rapid.SampledFrom([]string{"pk " + first, "unique " + first, "unique expression", "fk " + first + " -> " + rapid.SampledFrom(names).Draw(t, "parent") + " id"}).Draw(t, "constraint"))
			s := table(name, strings.Join(spec, ", "))
			s.Kind = topology.TableKind(rapid.IntRange(1, 7).Draw(t, "kind"))
			if rapid.Bool().Draw(t, "child") {
				s.Parents = []topology.TableName{public(rapid.SampledFrom(names).Draw(t, "of"))}
			}
			tables = append(tables, s)
		}
		rules := topology.Rules{
			TablePattern: rapid.SampledFrom([]string{"", `^_(\d+)_`}).Draw(t, "pattern"),
			NullKey:      rapid.SampledFrom([]string{"", "replicated"}).Draw(t, "null"),
			Global:       rapid.SliceOfN(rapid.SampledFrom([]string{"a", "t*", "?"}), 0, 2).Draw(t, "global"),
			Tables:       map[string]topology.TableRule{"b": {Column: rapid.SampledFrom([]string{"", "id", "x"}).Draw(t, "column")}},
		}
		if rapid.Bool().Draw(t, "reference") {
			rules.Reference = []string{"users", "*t"}
		}
		db := database()
		db.Rules, db.Relations = rules, topology.ResolveAll(rules, tables, nil)
		if len(db.Relations) != len(tables) {
			t.Fatalf("%d relations of %d tables", len(db.Relations), len(tables))
		}
		if err := db.Validate(); err != nil {
			t.Fatal(err)
		}
		kept := make(map[topology.TableName]topology.Placed)
		for name, rel := range db.Relations {
			if rel.Placement != topology.Refused {
				kept[name] = rel.Placed()
			}
		}
		again := topology.ResolveAll(rules, tables, kept)
		if diff := cmp.Diff(db.Relations, again); diff != "" {
			t.Fatalf("kept as they are, relations change:\n%s", diff)
		}
	})
}

func TestTypeMapAlike(t *testing.T) {
	other := map[uint32]uint32{16384: 16385}
	m := &topology.TypeMap{
		ToNode:   []map[uint32]uint32{nil, other, nil, nil},
		FromNode: []map[uint32]uint32{nil, other, other, nil},
	}
	for node, want := range []bool{true, false, false, true, true} {
		if got := m.Alike(topology.NodeIndex(node)); got != want {
			t.Errorf("node %d: %v", node, got)
		}
	}
	if none := (*topology.TypeMap)(nil); !none.Alike(0) {
		t.Error("without a map nothing differs")
	}
}
