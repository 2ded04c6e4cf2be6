package pgparse_test

import (
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shardproxy/router/pgparse"
	"shardproxy/router/querytree"
)

func parseOne(t *testing.T, text string) *querytree.Statement {
	t.Helper()
	list, err := pgparse.Parser{}.Parse(text)
	if err != nil {
		t.Fatalf("Parse(%q): %v", text, err)
	}
	if len(list) != 1 {
		t.Fatalf("Parse(%q): %d statements", text, len(list))
	}
	return list[0]
}

func TestParseStripped(t *testing.T) {
	got := parseOne(t, `select a from s.t where k = $1048576 and b in ($2097153) and c = $1`)
	want := &querytree.Statement{
		Kind: querytree.Select, Tag: "SELECT", InTransaction: true, End: 67,
		Query: &querytree.Query{
			Kind:    querytree.QuerySelect,
			Targets: []querytree.Target{{Expr: &querytree.Column{Name: "a"}}},
			From:    []querytree.FromItem{&querytree.TableRef{Name: querytree.RelationName{Schema: "s", Name: "t"}}},
			Where: &querytree.And{Terms: []querytree.Expr{
				&querytree.Compare{Op: "=", Left: &querytree.Column{Name: "k"}, Right: &querytree.Slot{N: 0}},
				&querytree.In{
					Left: &querytree.Column{Name: "b"},
					List: []querytree.Expr{&querytree.Slot{N: 1, List: true}},
				},
				&querytree.Compare{Op: "=", Left: &querytree.Column{Name: "c"}, Right: &querytree.Param{N: 1}},
			}},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestSpans(t *testing.T) {
	tests := []struct {
		text string
		want []string
	}{
		{"", nil},
		{" ;; ; ", nil},
		{"/* nothing */", nil},
		{"SELECT 1", []string{"SELECT 1"}},
		{" \n SELECT 1 \t;\n", []string{"SELECT 1"}},
		{"SELECT 1; SELECT 'a;b' ;\n\nBEGIN", []string{"SELECT 1", "SELECT 'a;b'", "BEGIN"}},
		{"/* a */ SELECT 1; -- b\n SELECT 2 /* c */", []string{"/* a */ SELECT 1", "-- b\n SELECT 2 /* c */"}},
		{"SELECT 'é'; SELECT 'ü'", []string{"SELECT 'é'", "SELECT 'ü'"}},
		{"SELECT $$;$$;;SELECT \"a;b\";", []string{"SELECT $$;$$", `SELECT "a;b"`}},
		{
			"CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END; SELECT 3",
			[]string{"CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END", "SELECT 3"},
		},
	}
	for _, test := range tests {
		list, err := pgparse.Parser{}.Parse(test.text)
		if err != nil {
			t.Errorf("%q: %v", test.text, err)
			continue
		}
		checkSpans(t, test.text, list)
		var got []string
		for _, s := range list {
			got = append(got, test.text[s.Start:s.End])
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%q (-want +got)\n%s", test.text, diff)
		}
	}
}

// TestConcurrentUse is for the race detector, and for state of threads in the C
// code.
func TestConcurrentUse(t *testing.T) {
	statements := corpus(t)[0].statements
	var group sync.WaitGroup
	for range 4 {
		group.Go(func() {
			for _, text := range statements {
				want := querytree.Dump(mustParse(t, text))
				if got := querytree.Dump(mustParse(t, text)); got != want {
					t.Errorf("%s\n%s", text, cmp.Diff(want, got))
				}
			}
		})
	}
	group.Wait()
}

func mustParse(t *testing.T, text string) *querytree.Statement {
	list, err := pgparse.Parser{}.Parse(text)
	if err != nil || len(list) != 1 {
		t.Errorf("%s: %d statements, %v", text, len(list), err)
		return &querytree.Statement{}
	}
	return list[0]
}
