package topology_test

import (
	"fmt"
	"strings"
	"testing"

	"shardproxy/meta/topology"
)

// large returns a topology with a database of n tables of twelve columns.
func large(n int) *topology.Topology {
	db := database()
	db.Rules = topology.Rules{}
	var tables []topology.TableSchema
	for i := range n {
		spec := "id int8 serial, user_id int8, pk id"
		for c := range 10 {
			spec += fmt.Sprintf(", column_%d text", c)
		}
		tables = append(tables, table(fmt.Sprintf("table_%d", i), spec))
		s := public(fmt.Sprintf("table_%d_id_seq", i))
		db.Sequences[s] = topology.Sequence{Name: s, Mode: topology.SequenceStrided, Stride: topology.Stride, Reason: "for its identity"}
	}
	db.Relations = topology.ResolveAll(db.Rules, tables, nil)
	db.Owners = make([]topology.NodeIndex, 4097)
	for p := range db.Owners {
		db.Owners[p] = topology.NodeIndex(p % 2)
	}
	t := &topology.Topology{Epoch: 1, ClusterID: "c", Databases: map[string]*topology.Database{"app": db}}
	t.Users = map[string]*topology.User{"app": {Name: "app"}}
	return t
}

func BenchmarkApplySetSchemaOneTable(b *testing.B) {
	t := large(1500)
	next := t.Databases["app"].Clone()
	next.Relations = map[topology.TableName]*topology.Relation{}
	for name, rel := range t.Databases["app"].Relations {
		next.Relations[name] = rel
	}
	fresh := topology.Resolve(topology.Rules{}, table("orders", "id int8 serial, user_id int8, note text, pk id"))
	next.Relations[fresh.Name] = &fresh
	c, changed := topology.SchemaDiff(t.Databases["app"], next)
	if !changed || len(c.Changed) != 1 {
		b.Fatalf("the difference is %v", c)
	}
	entry, err := topology.EncodeCommand(c, 0)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := topology.Apply(t, entry); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(entry)), "entry-bytes")
}

func BenchmarkApplySetUser(b *testing.B) {
	t := large(1500)
	entry, err := topology.EncodeCommand(topology.SetUser{User: topology.User{Name: "ada", Secret: strings.Repeat("x", 130)}}, 0)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := topology.Apply(t, entry); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkSchemaDiff(b *testing.B) {
	old, next := large(1500).Databases["app"], large(1500).Databases["app"]
	b.ReportAllocs()
	for b.Loop() {
		if _, changed := topology.SchemaDiff(old, next); changed {
			b.Fatal("equal schemas differ")
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	t := large(1500)
	b.ReportAllocs()
	for b.Loop() {
		data, err := t.Encode()
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(data)))
	}
}

func BenchmarkDecode(b *testing.B) {
	data, err := large(1500).Encode()
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := topology.Decode(data); err != nil {
			b.Fatal(err)
		}
	}
}
