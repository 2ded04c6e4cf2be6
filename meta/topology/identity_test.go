package topology_test

import (
	"maps"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"shardproxy/meta/topology"
)

// TestUntouchedPartsKeepTheirIdentity: pools and sessions take a part for the
// same as long as its pointer is.
func TestUntouchedPartsKeepTheirIdentity(t *testing.T) {
	top := large(5)
	top.Databases["other"] = &topology.Database{
		Name: "other", Engine: topology.MySQL, Nodes: []topology.Node{{ID: "n"}}, Owners: []topology.NodeIndex{0, 0},
	}
	top.Users["ada"] = &topology.User{Name: "ada"}
	app := top.Databases["app"]
	var changed *topology.Relation
	for _, rel := range app.Relations {
		changed = rel
	}
	altered := *changed
	altered.Warnings = []string{"new"}
	// An equal relation, decoded from the entry, must not replace the old one.
	same := *app.Relations[public("table_0")]
	if same.Name == altered.Name {
		same = *app.Relations[public("table_1")]
	}

	tests := []struct {
		c         topology.Command
		databases []string // those that change
		users     []string
	}{
		{topology.SetUser{User: topology.User{Name: "ada", NodeHints: true}}, nil, []string{"ada"}},
		{topology.RemoveUser{Name: "ada"}, nil, []string{"ada"}},
		{topology.SetFlag{Name: topology.FlagMaxVoters, Value: "3"}, nil, nil},
		{topology.PutPeer{Peer: topology.Peer{ID: "p", Voter: true, Commands: 1}}, nil, nil},
		{topology.SetPool{Database: "other", Pool: topology.Pool{Max: 1}}, []string{"other"}, nil},
		{topology.SetOwners{Database: "app", Owners: []topology.OwnerRun{{First: 0, Last: 9, Node: "pg-1"}}}, []string{"app"}, nil},
		{topology.SetSchema{Database: "app", SchemaChange: topology.SchemaChange{Changed: []*topology.Relation{&altered, &same}}}, []string{"app"}, nil},
		{topology.SetAll{}, nil, nil},
	}
	for _, tt := range tests {
		got := apply(t, top, tt.c, 0)
		if got.err != nil {
			t.Fatal(got.err)
		}
		checkIdentity(t, tt.c, top.Databases, got.top.Databases, tt.databases)
		checkIdentity(t, tt.c, top.Users, got.top.Users, tt.users)
		var relations []topology.TableName
		if _, ok := tt.c.(topology.SetSchema); ok {
			relations = append(relations, altered.Name)
		}
		checkIdentity(t, tt.c, app.Relations, got.top.Databases["app"].Relations, relations)
	}
}

func checkIdentity[K comparable, V any](t *testing.T, c topology.Command, old, now map[K]*V, changed []K) {
	t.Helper()
	old = maps.Clone(old)
	for _, k := range changed {
		if old[k] == now[k] {
			t.Errorf("%s did not change %v", c, k)
		}
		delete(old, k)
	}
	for k := range old {
		if old[k] != now[k] {
			t.Errorf("%s changed the identity of %v", c, k)
		}
	}
}

// TestSchemaDiff: what leads from one schema to another, applied, gives just
// that, and nothing leads from a schema to itself.
func TestSchemaDiff(t *testing.T) {
	names := []string{"a", "b", "c", "users"}
	schema := func(t *rapid.T, label string) *topology.Database {
		db := database()
		db.SchemaEpoch = topology.Epoch(rapid.IntRange(1, 3).Draw(t, label+" epoch"))
		var tables []topology.TableSchema
		for _, name := range rapid.SliceOfDistinct(rapid.SampledFrom(names), rapid.ID).Draw(t, label) {
			spec := rapid.SampledFrom([]string{"id int8 serial, pk id", "id int8, user_id int8", "a date"}).Draw(t, name)
			tables = append(tables, table(name, spec))
		}
		db.Relations = topology.ResolveAll(db.Rules, tables, nil)
		db.Sequences, db.Functions = make(map[topology.TableName]topology.Sequence), make(map[string]bool)
		for _, name := range rapid.SliceOfDistinct(rapid.SampledFrom(names), rapid.ID).Draw(t, label+" sequences") {
			mode := rapid.SampledFrom([]topology.SequenceMode{topology.SequenceAtHome, topology.SequencePerNode}).Draw(t, name)
			db.Sequences[public(name)] = topology.Sequence{Name: public(name), Mode: mode}
			db.Functions[name] = true
		}
		if rapid.Bool().Draw(t, label+" types") {
			db.Types = &topology.TypeMap{ToNode: make([]map[uint32]uint32, 2), FromNode: []map[uint32]uint32{nil, {1: uint32(len(tables))}}}
		}
		return db
	}
	rapid.Check(t, func(t *rapid.T) {
		old, next := schema(t, "old"), schema(t, "next")
		c, changed := topology.SchemaDiff(old, next)
		same := reflect.DeepEqual(old.Relations, next.Relations) && reflect.DeepEqual(old.Sequences, next.Sequences) &&
			reflect.DeepEqual(old.Functions, next.Functions) && reflect.DeepEqual(old.Types, next.Types)
		if changed == same || c.OnSchemaEpoch != old.SchemaEpoch || c.Database != "app" {
			t.Fatalf("changed %v, same %v: %+v", changed, same, c.SchemaChange)
		}
		top := &topology.Topology{Epoch: 8, Databases: map[string]*topology.Database{"app": old}}
		got := applyRapid(t, top, c)
		if (got == top) != same {
			t.Fatalf("same %v, but %s", same, got)
		}
		db := got.Databases["app"]
		if back, changed := topology.SchemaDiff(db, next); changed {
			t.Fatalf("left over: %+v", back.SchemaChange)
		}
		if !same && db.SchemaEpoch <= old.SchemaEpoch {
			t.Fatalf("schema epoch %d after %d", db.SchemaEpoch, old.SchemaEpoch)
		}
	})
}

func applyRapid(t *rapid.T, top *topology.Topology, c topology.Command) *topology.Topology {
	entry, err := topology.EncodeCommand(c, 0)
	if err != nil {
		t.Fatal(err)
	}
	next, err := topology.Apply(top, entry)
	if err != nil {
		t.Fatal(err)
	}
	return next
}
