package pgsession

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"shardproxy/meta/topology"
	"shardproxy/protocol/pgwire"
	"shardproxy/protocol/sqlerr"
)

// withTypeMap is a machine whose third node has other type OIDs than the first,
// the home node: 1001 and 1002 for 501 and 502, none for 503, and 1004 of its own.
func withTypeMap() *machine {
	topo := oneTable(3)
	db := topo.Databases["app"]
	db.Owners[len(db.Owners)-1] = 0
	db.Types = &topology.TypeMap{
		ToNode:     []map[uint32]uint32{nil, nil, {501: 1001, 502: 1002, 503: 0}},
		FromNode:   []map[uint32]uint32{nil, nil, {1001: 501, 1002: 502, 1004: 0}},
		Containers: map[uint32]bool{502: true},
	}
	return newMachine(testConfig(topo), noVars(), nil)
}

func TestTypesAreTranslated(t *testing.T) {
	m := withTypeMap()
	declared := &prepared{oids: []uint32{23, 501, 502, 503, 0}}
	tests := []struct {
		node       topology.NodeIndex
		parameters []uint32 // declared, as the node sees them
		described  []uint32 // 1001, 1002, 1004, 23 of the node, as the client sees them
	}{
		{0, []uint32{23, 501, 502, 503, 0}, []uint32{1001, 1002, 1004, 23}},
		{1, []uint32{23, 501, 502, 503, 0}, []uint32{1001, 1002, 1004, 23}},
		{2, []uint32{23, 1001, 1002, 0, 0}, []uint32{501, 502, 0, 23}},
		{noNode, []uint32{23, 501, 502, 503, 0}, []uint32{1001, 1002, 1004, 23}},
	}
	for _, tt := range tests {
		if diff := cmp.Diff(tt.parameters, m.parameterTypes(declared, tt.node)); diff != "" {
			t.Errorf("node %d: declared (-want +got):\n%s", tt.node, diff)
		}
		frame := pgwire.AppendParameterDescription(nil, []uint32{1001, 1002, 1004, 23})
		got, err := m.mapParameters(tt.node, frame)
		var d pgwire.ParameterDescription
		if diff := cmp.Diff(tt.described, got); err != nil || diff != "" || d.Decode(frame) != nil || d.OID(1) != tt.described[1] {
			t.Errorf("node %d: ParameterDescription: %v, the frame says %d (-want +got):\n%s", tt.node, err, d.OID(1), diff)
		}
		frame = columns(pgwire.FormatText, 1001, 1002, 1004, 23)
		if err := m.mapColumns(tt.node, frame); err != nil {
			t.Errorf("node %d: RowDescription: %v", tt.node, err)
		}
		if diff := cmp.Diff(columns(pgwire.FormatText, tt.described...), frame); diff != "" {
			t.Errorf("node %d: RowDescription (-want +got):\n%s", tt.node, diff)
		}
	}
}

// columns is a RowDescription.
func columns(format int16, oids ...uint32) []byte {
	var list []pgwire.Column
	for _, oid := range oids {
		list = append(list, pgwire.Column{Name: []byte("c"), Type: oid, Format: format})
	}
	return pgwire.AppendRowDescription(nil, list)
}

// A description that announces values which cannot be translated is an error,
// however they came to be asked for.
func TestBinaryColumnsAreGuarded(t *testing.T) {
	m := withTypeMap()
	for node, refused := range map[topology.NodeIndex]bool{0: false, 1: false, 2: true} {
		for oid, holds := range map[uint32]bool{1001: false, 1002: true, 1004: true, 23: false} {
			err := m.mapColumns(node, columns(pgwire.FormatBinary, 23, oid))
			if (err != nil) != (refused && holds) {
				t.Errorf("node %d, type %d: %v", node, oid, err)
			}
			if err != nil && sqlerr.From(err).SQLState != "0A000" {
				t.Errorf("node %d, type %d: %v", node, oid, err)
			}
		}
	}
	if m.mapColumns(2, []byte("T\x00\x00\x00\x06\x00\x09")) == nil {
		t.Error("a malformed RowDescription is no error")
	}
}

// What is known of a statement depends on all that its names depend on.
func TestSignaturesByKey(t *testing.T) {
	m := withTypeMap()
	p := &prepared{sql: []byte("SELECT a"), path: "public", epoch: 1}
	p.setText("SELECT a")
	m.learn(p, []uint32{501}, []pgwire.Column{{Type: 23}, {Type: 502}}, "form")
	want := &signature{params: []uint32{501}, columns: []uint32{23, 502}, holdsOIDs: true, form: "form"}
	if diff := cmp.Diff(want, p.signature, cmp.AllowUnexported(signature{})); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if m.cfg.types.find(p.signatureKey()) != p.signature {
		t.Error("the signature was not kept")
	}
	for name, change := range map[string]func(*prepared){
		"text":        func(p *prepared) { p.setText("SELECT b") },
		"types":       func(p *prepared) { p.oids = []uint32{20}; p.setText("SELECT a") },
		"search_path": func(p *prepared) { p.path = "other" },
		"schema":      func(p *prepared) { p.epoch = 2 },
	} {
		other := *p
		change(&other)
		if m.cfg.types.find(other.signatureKey()) != nil {
			t.Errorf("another %s has the same signature", name)
		}
	}
	m.learn(p, nil, []pgwire.Column{{Type: 501}}, "")
	if p.signature.holdsOIDs {
		t.Error("a scalar holds OIDs")
	}
}

func TestCopiedQuery(t *testing.T) {
	tests := []struct {
		text, want string
		ok         bool
	}{
		{"COPY (SELECT 1) TO STDOUT", "SELECT 1", true},
		{"copy /* ( */ ( select ')', (1), $$)$$ -- )\n) to stdout (format binary)", " select ')', (1), $$)$$ -- )\n", true},
		{"COPY t TO STDOUT (FORMAT binary)", "", false},
		{"COPY (SELECT (1)", "", false},
		{"COPY (SELECT 'x", "", false},
		{"", "", false},
	}
	for _, tt := range tests {
		if got, ok := copiedQuery([]byte(tt.text), 0); string(got) != tt.want || ok != tt.ok {
			t.Errorf("%s: %q %v", tt.text, got, ok)
		}
	}
}
