package pgparse_test

import (
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
