package pgsession

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"shardproxy/meta/topology"
	"shardproxy/protocol/pgwire"
	"shardproxy/router/plan"
)

func TestRewriteInsert(t *testing.T) {
	sequence := &topology.Draw{Kind: topology.DrawSequence}
	always := &topology.Draw{Kind: topology.DrawSequence, Identity: true}
	tests := []struct {
		name, sql string
		rw        plan.Rewrite
		values    []string
		want      string
	}{
		{
			"column list added", "INSERT INTO t VALUES (1, 2)",
			plan.Rewrite{AddColumns: []string{"a", `B"c`}, KeyIndex: -1},
			nil,
			`INSERT INTO t ("a", "B""c") VALUES (1, 2)`,
		},
		{
			"behind the alias", "INSERT INTO s.t AS x SELECT 1",
			plan.Rewrite{AddColumns: []string{"a"}, KeyIndex: -1},
			nil,
			`INSERT INTO s.t AS x ("a") SELECT 1`,
		},
		{
			"key added", "INSERT INTO t (name) VALUES ('x'), ('y') RETURNING id",
			plan.Rewrite{Draw: sequence, Column: "id", KeyIndex: -1},
			[]string{"'7'", "'8'"},
			`INSERT INTO t ("id", name) VALUES ('7', 'x'), ('8', 'y') RETURNING id`,
		},
		{
			"identity always", "INSERT INTO t (name) VALUES ($1)",
			plan.Rewrite{Draw: always, Column: "id", KeyIndex: -1},
			[]string{"$2"},
			`INSERT INTO t ("id", name) OVERRIDING SYSTEM VALUE VALUES ($2, $1)`,
		},
		{
			"DEFAULT replaced", "INSERT INTO t (name, id) VALUES ('a,(b', DEFAULT), (f(1, 2), default )",
			plan.Rewrite{Draw: sequence, Column: "id", KeyIndex: 1},
			[]string{"'7'", "'8'"},
			`INSERT INTO t (name, id) VALUES ('a,(b', '7'), (f(1, 2), '8' )`,
		},
		{
			"DEFAULT VALUES", "INSERT INTO t DEFAULT VALUES RETURNING *",
			plan.Rewrite{Draw: sequence, Column: "id", KeyIndex: -1, DefaultValues: true},
			[]string{"'7'"},
			`INSERT INTO t ("id") VALUES ('7') RETURNING *`,
		},
		{
			"no list, DEFAULT in place", "INSERT INTO t VALUES (DEFAULT, 'x')",
			plan.Rewrite{AddColumns: []string{"id", "name"}, Draw: sequence, Column: "id", KeyIndex: 0},
			[]string{"'7'"},
			`INSERT INTO t ("id", "name") VALUES ('7', 'x')`,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := rewriteInsert([]byte(tt.sql), 0, &tt.rw, tt.values)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, string(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestRewriteInsertRefusesOtherRows(t *testing.T) {
	rw := plan.Rewrite{Draw: &topology.Draw{Kind: topology.DrawSequence}, Column: "id", KeyIndex: -1}
	if got, err := rewriteInsert([]byte("INSERT INTO t (a) VALUES (1), (2)"), 0, &rw, []string{"'7'"}); err == nil {
		t.Errorf("one key for two rows: %s", got)
	}
}

func TestHighestParameter(t *testing.T) {
	for text, want := range map[string]int{
		"": 0, "select $1, $12, $3": 12, "$": 0, "a$b": 0, `select "a$9", b$7, $2`: 2, "select '$9' || $1 -- $3": 1,
		"select $$ $5 $$": 0, "select $99999999999": pgwire.MaxParams,
	} {
		if got := highestParameter([]byte(text), 0); got != want {
			t.Errorf("%q: %d, want %d", text, got, want)
		}
	}
}
