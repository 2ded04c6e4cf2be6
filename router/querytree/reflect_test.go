package querytree

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// nodes are all kinds of nodes.
var nodes = []Node{
	&Statement{}, &Query{},
	&TableRef{}, &Join{}, &SubqueryRef{}, &FunctionRef{}, &UnknownFrom{},
	&Column{}, &Slot{}, &Param{}, &Null{}, &Literal{}, &Cast{}, &Compare{}, &And{}, &Or{}, &Not{}, &In{},
	&AnyArray{}, &ArrayExpr{}, &Row{}, &IsNull{}, &Operator{}, &Function{}, &Subquery{}, &Group{},
	&Special{}, &Unknown{},
}

// TestNodesAreComplete compares the list above with the source.
func TestNodesAreComplete(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "node.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var want, got []string
	for _, d := range file.Decls {
		if method, ok := d.(*ast.FuncDecl); ok && method.Recv != nil {
			want = append(want, method.Recv.List[0].Type.(*ast.StarExpr).X.(*ast.Ident).Name)
		}
	}
	for _, n := range nodes {
		got = append(got, reflect.TypeOf(n).Elem().Name())
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// filler sets every field of a value, each node in it to a leaf of its own.
type filler struct {
	leaves []Node
	skip   reflect.Type
}

func (f *filler) leaf(n Node) reflect.Value {
	f.leaves = append(f.leaves, n)
	return reflect.ValueOf(n)
}

func (f *filler) fill(v reflect.Value) {
	name := fmt.Sprintf("leaf%d", len(f.leaves))
	switch v.Interface().(type) {
	case *Query:
		v.Set(f.leaf(&Query{CurrentOf: name}))
		return
	case *Statement:
		v.Set(f.leaf(&Statement{Name: name}))
		return
	case *TableRef:
		v.Set(f.leaf(&TableRef{Alias: name}))
		return
	}
	switch v.Type() {
	case reflect.TypeFor[Expr]():
		v.Set(f.leaf(&Special{Name: name}))
		return
	case reflect.TypeFor[FromItem]():
		v.Set(f.leaf(&UnknownFrom{What: name}))
		return
	case f.skip:
		return
	}
	f.fillPlain(v)
}

func (f *filler) fillPlain(v reflect.Value) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			f.fill(v.Field(i))
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		f.fill(v.Elem())
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		f.fill(v.Index(0))
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{"key": "value"}))
	case reflect.String:
		v.SetString("word")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int:
		v.SetInt(7)
	case reflect.Uint8:
		v.SetUint(1)
	default:
		panic(v.Type().String())
	}
}

// TestWalkVisitsEverything fills every field of every kind of node and looks
// whether Walk finds what is in them.
func TestWalkVisitsEverything(t *testing.T) {
	for _, zero := range nodes {
		f := filler{skip: reflect.TypeFor[*DDLSpec]()}
		n := reflect.New(reflect.TypeOf(zero).Elem())
		f.fill(n.Elem())
		var visited []Node
		Walk(n.Interface().(Node), func(m Node) bool {
			visited = append(visited, m)
			return true
		})
		if len(visited) != len(f.leaves)+1 {
			t.Errorf("%T: visited %d nodes, there are %d", zero, len(visited), len(f.leaves)+1)
		}
		for _, leaf := range f.leaves {
			if !slices.Contains(visited, leaf) {
				t.Errorf("%T: %s was not visited", zero, Dump(leaf))
			}
		}
	}
}

func TestWalkSkips(t *testing.T) {
	var visited []string
	tree := &And{Terms: []Expr{&Not{Term: &Special{Name: "hidden"}}, &Special{Name: "seen"}, nil}}
	Walk(tree, func(n Node) bool {
		visited = append(visited, fmt.Sprintf("%T", n))
		_, isNot := n.(*Not)
		return !isNot
	})
	want := []string{"*querytree.And", "*querytree.Not", "*querytree.Special"}
	if diff := cmp.Diff(want, visited); diff != "" {
		t.Error(diff)
	}
	Walk(nil, func(Node) bool {
		t.Error("nil was visited")
		return true
	})
}

func TestWalkDoesNotAllocate(t *testing.T) {
	f := filler{skip: reflect.TypeFor[*DDLSpec]()}
	var q Query
	f.fill(reflect.ValueOf(&q).Elem())
	n := 0
	visit := func(Node) bool { n++; return true }
	if got := testing.AllocsPerRun(100, func() { Walk(&q, visit) }); got != 0 {
		t.Errorf("%v allocations", got)
	}
}

// notDumped are fields that Dump leaves out, or shows only where another field
// is not set.
var notDumped = map[string]bool{
	"Statement.Start": true, "Statement.End": true,
	"Column.Name":     true,                          // a star has none
	"Literal.Integer": true, "Literal.Default": true, // a string is neither
	"Query.Into": true, // IntoTable says it
}

// TestDumpShowsEveryField clears each field of a full node and looks whether
// the text differs.
func TestDumpShowsEveryField(t *testing.T) {
	for _, zero := range nodes {
		f := filler{}
		n := reflect.New(reflect.TypeOf(zero).Elem())
		f.fill(n.Elem())
		full := Dump(n.Interface().(Node))
		clearEach(t, n.Elem(), func(field string) {
			if got := Dump(n.Interface().(Node)); got == full && !notDumped[field] {
				t.Errorf("%s is not in\n%s", field, full)
			}
		})
	}
}

// clearEach clears one field of a struct after the other, at any depth above
// the leaves, and calls check each time.
func clearEach(t *testing.T, v reflect.Value, check func(field string)) {
	t.Helper()
	for i := range v.NumField() {
		field := v.Field(i)
		name := v.Type().Name() + "." + v.Type().Field(i).Name
		before := reflect.New(field.Type()).Elem()
		before.Set(field)
		field.SetZero()
		check(name)
		field.Set(before)
		inner := field
		for inner.Kind() == reflect.Pointer || inner.Kind() == reflect.Slice && inner.Len() > 0 {
			if inner.Kind() == reflect.Pointer {
				inner = inner.Elem()
			} else {
				inner = inner.Index(0)
			}
		}
		if _, isNode := inner.Addr().Interface().(Node); inner.Kind() == reflect.Struct && !isNode {
			clearEach(t, inner, check)
		}
	}
}

func TestKindNames(t *testing.T) {
	seen := map[string]bool{}
	for k := Unsupported; k <= SetConstraints; k++ {
		name := k.String()
		if name == "" || seen[name] {
			t.Errorf("kind %d is called %q", k, name)
		}
		seen[name] = true
	}
	if got := StatementKind(200).String(); got != "statement kind 200" {
		t.Error(got)
	}
}
