package topology_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"math"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"shardproxy/meta/topology"
)

// golden compares data with a file of testdata. What these files hold is on
// disks and in logs: a difference means that old data cannot be read any more.
func golden(t *testing.T, file string, data []byte) {
	t.Helper()
	path := "testdata/" + file
	if *update {
		if err := os.WriteFile(path, data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(data)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", file, diff)
	}
}

func indent(t *testing.T, data []byte) []byte {
	var b bytes.Buffer
	if err := json.Indent(&b, data, "", "\t"); err != nil {
		t.Fatal(err)
	}
	return append(b.Bytes(), '\n')
}

// plain drops the methods by which values compare and print themselves.
var plain = cmp.Exporter(func(reflect.Type) bool { return true })

func TestEncodingIsWhole(t *testing.T) {
	top := fullTopology(t)
	data := encode(t, top)
	again, err := topology.Decode(data)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(top, again) {
		t.Errorf("(-want +got):\n%s", cmp.Diff(top, again, plain))
	}
	golden(t, "topology.json", indent(t, data))
}

func TestEntriesAreWhole(t *testing.T) {
	var all bytes.Buffer
	for _, c := range filled(t) {
		entry, err := topology.EncodeCommand(c, 7)
		if err != nil {
			t.Fatalf("%T: %v", c, err)
		}
		again, on, err := topology.DecodeCommand(entry)
		if err != nil || on != 7 || !reflect.DeepEqual(c, again) {
			t.Errorf("%T decided on %d: %v\n%s", c, on, err, cmp.Diff(c, again, plain))
		}
		all.Write(indent(t, entry))
	}
	golden(t, "entries.json", all.Bytes())
}

// TestNilAndEmptyAreKept: values that differ in nothing but that behave alike,
// but equal states must have equal bytes, whichever way they came about.
func TestNilAndEmptyAreKept(t *testing.T) {
	top := &topology.Topology{Users: map[string]*topology.User{}, Databases: map[string]*topology.Database{"a": {Functions: map[string]bool{}, Nodes: []topology.Node{}}}}
	again, err := topology.Decode(encode(t, top))
	if err != nil || !reflect.DeepEqual(top, again) {
		t.Errorf("%v\n%s", err, cmp.Diff(top, again, plain))
	}
}

// TestFieldsAreOmittedWhenZero: a field that comes later must not change the
// bytes of values that do not use it.
func TestFieldsAreOmittedWhenZero(t *testing.T) {
	seen := make(map[reflect.Type]bool)
	var check func(reflect.Type)
	check = func(typ reflect.Type) {
		if seen[typ] {
			return
		}
		seen[typ] = true
		switch typ.Kind() {
		case reflect.Pointer, reflect.Slice:
			check(typ.Elem())
		case reflect.Map:
			check(typ.Key())
			check(typ.Elem())
		case reflect.Struct:
			if typ == reflect.TypeFor[topology.TableName]() {
				return
			}
			for i := range typ.NumField() {
				f := typ.Field(i)
				if !f.Anonymous && f.Tag.Get("json") != ",omitzero" {
					t.Errorf("%s.%s has the tag %q", typ, f.Name, f.Tag)
				}
				check(f.Type)
			}
		}
	}
	check(reflect.TypeFor[topology.Topology]())
	for _, c := range commands() {
		check(reflect.TypeOf(c))
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":             ``,
		"no object":           `7`,
		"null":                `null`,
		"an unknown field":    `{"Epoch":1,"Colour":"red"}`,
		"more after it":       `{"Epoch":1}{}`,
		"space":               `{"Epoch": 1}`,
		"space after it":      "{\"Epoch\":1}\n",
		"another order":       `{"ClusterID":"c","Epoch":1}`,
		"another case":        `{"epoch":1}`,
		"a field twice":       `{"Epoch":1,"Epoch":2}`,
		"a zero":              `{"Epoch":0}`,
		"another escape":      `{"ClusterID":"\u0061"}`,
		"no text":             "{\"ClusterID\":\"\xff\"}",
		"a table name":        `{"Databases":{"a":{"Relations":{"t":{}}}}}`,
		"a table name's case": `{"Databases":{"a":{"Relations":{"public.%2e":{}}}}}`,
		"a number too large":  `{"Epoch":18446744073709551616}`,
	} {
		if top, err := topology.Decode([]byte(text)); err == nil || top != nil {
			t.Errorf("%s: %v, %v", name, top, err)
		}
	}
}

func TestDecodeCommandRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"nothing":                  ``,
		"no object":                `[]`,
		"no kind":                  `{"version":1,"kind":"","body":{}}`,
		"an unknown kind":          `{"version":1,"kind":"paint","body":{}}`,
		"a newer version":          `{"version":2,"kind":"remove_user","body":{"Name":"a"}}`,
		"no version":               `{"version":0,"kind":"remove_user","body":{"Name":"a"}}`,
		"an unknown field":         `{"version":1,"kind":"remove_user","body":{"Name":"a","Why":"b"}}`,
		"an unknown field outside": `{"version":1,"kind":"remove_user","body":{"Name":"a"},"by":"x"}`,
		"another field's case":     `{"version":1,"kind":"remove_user","body":{"name":"a"}}`,
		"no body":                  `{"version":1,"kind":"remove_user"}`,
		"a body that is none":      `{"version":1,"kind":"remove_user","body":null}`,
		"more after it":            `{"version":1,"kind":"remove_user","body":{"Name":"a"}} `,
		"epoch 0":                  `{"version":1,"kind":"remove_user","on":0,"body":{"Name":"a"}}`,
	} {
		top := &topology.Topology{Epoch: 3}
		if next, err := topology.Apply(top, []byte(text)); !errors.Is(err, topology.ErrUnknownCommand) || next != top {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestInnerEntries: an entry that cannot be read makes what it is in unreadable,
// and nothing is made of it in the first place. It may not name an epoch.
func TestInnerEntries(t *testing.T) {
	top := &topology.Topology{Epoch: 3, Databases: map[string]*topology.Database{"app": database()}}
	dated, err := topology.EncodeCommand(topology.RemoveNode{Database: "app", Node: "pg-1"}, 3)
	if err != nil {
		t.Fatal(err)
	}
	newer := []byte(`{"version":2,"kind":"remove_node","body":{}}`)
	for name, inner := range map[string][]byte{"newer": newer, "dated": dated, "none": nil, "damaged": []byte("{}")} {
		for _, c := range []topology.Command{
			topology.SetAll{Commands: []topology.Entry{inner}},
			topology.Arm{Database: "app", Change: inner},
		} {
			if entry, err := topology.EncodeCommand(c, 0); !errors.Is(err, topology.ErrInvalid) || errors.Is(err, topology.ErrUnknownCommand) {
				t.Errorf("%s: %s, %v", name, entry, err)
			}
		}
		text := base64.StdEncoding.EncodeToString(inner)
		for _, entry := range []string{
			`{"version":1,"kind":"set_all","body":{"Commands":["` + text + `"]}}`,
			`{"version":1,"kind":"arm","body":{"Database":"app","Change":"` + text + `"}}`,
		} {
			next, err := topology.Apply(top, []byte(entry))
			if want := name != "dated"; next != top || err == nil || errors.Is(err, topology.ErrUnknownCommand) != want {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if v := topology.VersionOf(topology.SetAll{Commands: []topology.Entry{newer}}); v != 2 {
		t.Errorf("with a newer command inside: version %d", v)
	}
}

// TestBadBackups: a backup that is not valid is refused, and is not an entry
// that cannot be read, after which nothing could be published any more.
func TestBadBackups(t *testing.T) {
	for name, change := range map[string]func(*topology.Topology){
		"nil database":  func(top *topology.Topology) { top.Databases["b"] = nil },
		"nil user":      func(top *topology.Topology) { top.Users = map[string]*topology.User{"u": nil} },
		"owners":        func(top *topology.Topology) { top.Databases["app"].Owners = nil },
		"epoch":         func(top *topology.Topology) { top.Epoch = math.MaxInt64 },
		"largest epoch": func(top *topology.Topology) { top.Epoch = math.MaxUint64 },
		"schema epoch":  func(top *topology.Topology) { top.Databases["app"].SchemaEpoch = math.MaxUint64 },
		"flag":          func(top *topology.Topology) { top.Flags = map[string]string{"colour": "red"} },
		"move": func(top *topology.Topology) {
			top.Databases["app"].Moves = map[topology.MoveID]*topology.Move{1: nil}
		},
	} {
		from := &topology.Topology{Epoch: 3, Databases: map[string]*topology.Database{"app": database()}}
		change(from)
		if got := apply(t, &topology.Topology{Epoch: 1}, topology.Restore{Topology: from}, 0); got.err == nil || errors.Is(got.err, topology.ErrUnknownCommand) {
			t.Errorf("%s: %v", name, got.err)
		}
	}
	// What was armed is not taken over, so it need not be readable.
	from := &topology.Topology{Epoch: 3, Databases: map[string]*topology.Database{"app": database()}}
	from.Databases["app"].Armed = &topology.Armed{ID: 3, Change: []byte("?")}
	if got := apply(t, &topology.Topology{Epoch: 1}, topology.Restore{Topology: from}, 0); got.err != nil || got.top.Epoch != 4 {
		t.Error(got.err)
	}
	// A value with one is invalid, and no more than that.
	if err := from.Validate(); err == nil || errors.Is(err, topology.ErrUnknownCommand) {
		t.Error(err)
	}
}

// TestTextIsUTF8: what JSON cannot hold is refused and not replaced; what only
// looks like a replacement is kept.
func TestTextIsUTF8(t *testing.T) {
	for text, want := range map[string]bool{
		"\xff": false, "a\xc3": false, "\\\xff": false, `\\ufffd` + "\xff": false,
		"\ufffd": true, `\ufffd`: true, `\\ufffd`: true, "<&>\u2028\x00\t": true,
	} {
		entry, err := topology.EncodeCommand(topology.RemoveUser{Name: text}, 0)
		if want != (err == nil) {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if err == nil {
			c, _, err := topology.DecodeCommand(entry)
			if err != nil || c != (topology.RemoveUser{Name: text}) {
				t.Errorf("%q became %v, %v", text, c, err)
			}
		} else if !errors.Is(err, topology.ErrInvalid) {
			t.Errorf("%q: %v", text, err)
		}
		top := &topology.Topology{Users: map[string]*topology.User{text: {}}}
		if _, err := top.Encode(); want != (err == nil) || (top.Hash() != "") != want {
			t.Errorf("%q as a key: %v", text, err)
		}
	}
}

func TestTableNamesSurvive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		anything := rapid.OneOf(
			rapid.String(), rapid.StringOf(rapid.SampledFrom([]rune(`.%"2E\n`))),
			rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
		)
		n := topology.TableName{Schema: anything.Draw(t, "schema"), Name: anything.Draw(t, "name")}
		text, err := n.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var again topology.TableName
		if err := again.UnmarshalText(text); err != nil || again != n {
			t.Fatalf("%q became %q by %s: %v", n, again, text, err)
		}
		data, err := json.Marshal(map[topology.TableName]int{n: 1})
		if err != nil {
			t.Fatal(err)
		}
		var m map[topology.TableName]int
		if err := json.Unmarshal(data, &m); err != nil || m[n] != 1 {
			t.Fatalf("%q became %v: %v", n, m, err)
		}
	})
	for text, want := range map[string]bool{
		"public.orders": true, ".": true, "a.b%2Ec": true, "a.%FF": true, "täble.x y": true,
		"orders": false, "a.b.c": false, "a.%2e": false, "a.%41": false, "a.%": false, "a.%zz": false, "a.\xff": false,
	} {
		var n topology.TableName
		if err := n.UnmarshalText([]byte(text)); want != (err == nil) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestHash(t *testing.T) {
	one, two := large(2), large(2)
	if one.Hash() != two.Hash() || len(one.Hash()) != 32 {
		t.Errorf("%q and %q", one.Hash(), two.Hash())
	}
	two.Databases["app"].Nodes[1].DSN = "elsewhere"
	if one.Hash() == two.Hash() {
		t.Error("another value has the same hash")
	}
}

func TestCommandsAreAll(t *testing.T) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	declared := 0
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), ".go") && !strings.HasSuffix(e.Name(), "_test.go") {
			source, err := os.ReadFile(e.Name())
			if err != nil {
				t.Fatal(err)
			}
			declared += strings.Count(string(source), ") kind() string {")
		}
	}
	kinds := make(map[string]bool)
	for _, c := range commands() {
		entry, err := topology.EncodeCommand(c, 0)
		if err != nil {
			t.Fatal(err)
		}
		var e struct{ Kind string }
		if err := json.Unmarshal(entry, &e); err != nil {
			t.Fatal(err)
		}
		kinds[e.Kind] = true
	}
	if declared != len(kinds) {
		t.Errorf("%d commands are declared, %d are tested", declared, len(kinds))
	}
}

// A pointer to a command has the command's methods, but no type switch knows it.
func TestCommandsAreValues(t *testing.T) {
	for _, c := range []topology.Command{nil, &topology.SetOwners{Database: "app"}, (*topology.SetUser)(nil)} {
		if entry, err := topology.EncodeCommand(c, 0); !errors.Is(err, topology.ErrInvalid) {
			t.Errorf("%T: %s, %v", c, entry, err)
		}
	}
}

// Commands inside of commands inside of commands are refused, and soon: each
// level is read a fixed number of times.
func TestDeepNesting(t *testing.T) {
	top := &topology.Topology{Epoch: 3, Databases: map[string]*topology.Database{"app": database()}}
	var c topology.Command = topology.RemoveNode{Database: "app", Node: "pg-1"}
	var err error
	for range 25 {
		if c, err = topology.NewArm("app", c, topology.Hold{}); err != nil {
			t.Fatal(err)
		}
	}
	entry, err := topology.EncodeCommand(c, 0)
	if err != nil {
		t.Fatal(err)
	}
	began := time.Now()
	if next, err := topology.Apply(top, entry); !errors.Is(err, topology.ErrInvalid) || next != top {
		t.Errorf("%v", err)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("an entry of %d bytes took %s", len(entry), took)
	}
}

func TestSchemaEpochsDoNotWrap(t *testing.T) {
	db := database()
	db.SchemaEpoch = math.MaxUint64
	if got := apply(t, &topology.Topology{}, topology.CreateDatabase{Database: db}, 0); !errors.Is(got.err, topology.ErrInvalid) {
		t.Error(got.err)
	}
}
