package topology_test

import (
	"bytes"
	"errors"
	"testing"

	"shardproxy/meta/topology"
)

// FuzzApply: whatever the bytes, Apply does not panic, a refusal leaves the
// value as it is, and what is made is valid and survives its encoding.
func FuzzApply(f *testing.F) {
	for _, c := range commands() {
		entry, err := topology.EncodeCommand(c, 0)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(entry)
	}
	for _, text := range []string{
		`{"version":1,"kind":"set_schema","body":{"Database":"app","OnSchemaEpoch":1,"Changed":[null]}}`,
		`{"version":1,"kind":"create_database","body":{"Database":{"Name":"b","Engine":1,"Nodes":[{"ID":"n"}],"Owners":[0,0],"Relations":{"a.b":null},"Moves":{"1":null}}}}`,
		`{"version":1,"kind":"set_owners","body":{"Database":"app","Owners":[{"First":4294967295,"Last":4294967295,"Node":"pg-1"}]}}`,
		`{"version":1,"kind":"plan_moves","body":{"Database":"app","Moves":[{"Source":"pg-1","Target":"pg-2","Partitions":[{"Last":4294967295}]}]}}`,
		`{"version":1,"kind":"plan_moves","body":{"Database":"app","Moves":[{"Source":"pg-1","Target":"pg-2","Partitions":[{}]}]}}`,
		`{"version":1,"kind":"restore","body":{"Topology":{"Epoch":18446744073709551615,"Databases":{"app":null},"Peers":{"x":null},"Users":{"u":null}}}}`,
		`{"version":1,"kind":"remove_node","body":{"Database":"app","Node":"pg-2"}}`,
		`{"version":1,"kind":"add_node","body":{"Database":"app","Node":{"ID":"pg-3","Slot":9},"Schema":{"OnSchemaEpoch":1,"Types":{"Map":{}}}}}`,
		`{"version":1,"kind":"set_rules","body":{"Database":"app","Rules":{"TablePattern":"(((("}}}`,
	} {
		f.Add([]byte(text))
	}
	db := database()
	db.SchemaEpoch = 1
	db.Types = &topology.TypeMap{ToNode: make([]map[uint32]uint32, 2), FromNode: make([]map[uint32]uint32, 2)}
	top := &topology.Topology{
		Epoch: 1, ClusterID: "c", Databases: map[string]*topology.Database{"app": db},
		Users: map[string]*topology.User{"ada": {Name: "ada"}},
	}
	before := encode(f, top)

	f.Fuzz(func(t *testing.T, entry []byte) {
		next, err := topology.Apply(top, entry)
		if !bytes.Equal(before, encode(t, top)) {
			t.Fatal("the value was changed")
		}
		if err != nil && next != top {
			t.Fatalf("refused and changed: %v", err)
		}
		if c, on, err := topology.DecodeCommand(entry); err == nil {
			// Of what holds an entry that cannot be read, none is made.
			if again, err := topology.EncodeCommand(c, on); err != nil && !errors.Is(err, topology.ErrInvalid) || err == nil && !bytes.Equal(again, entry) {
				t.Fatalf("%s was encoded otherwise: %v", c, err)
			}
			_, _, _, _ = c.String(), topology.IsRouting(c), topology.NeedsHold(top, c), topology.VersionOf(c)
		} else if !errors.Is(err, topology.ErrUnknownCommand) {
			t.Fatal(err)
		}
		if next == top {
			return
		}
		if err := next.Validate(); err != nil {
			t.Fatal(err)
		}
		data, err := next.Encode()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := topology.Decode(data); err != nil || again.Hash() != next.Hash() {
			t.Fatalf("%v", err)
		}
	})
}

// FuzzDecode: whatever the bytes, Decode does not panic, and what it takes is
// what Encode writes. Validate copes with all of it.
func FuzzDecode(f *testing.F) {
	f.Add(encode(f, &topology.Topology{Epoch: 1, Databases: map[string]*topology.Database{"app": database()}}))
	f.Add([]byte(`{"Databases":{"a":{"Owners":[0],"Moves":{"1":null},"Armed":{}}},"Users":{"":null},"Flags":{"x":"y"}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		top, err := topology.Decode(data)
		if err != nil {
			return
		}
		if again := encode(t, top); !bytes.Equal(again, data) {
			t.Fatal("another encoding")
		}
		_ = top.Validate()
		for _, db := range top.Databases {
			if db != nil && db.Validate() == nil {
				_ = db.Describe()
			}
		}
	})
}
