package pgsession

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shardproxy/router/querytree"
)

// setvalStatement is what the cutter reads of a parsed statement.
func setvalStatement(name string) *querytree.Statement {
	f := &querytree.Function{Name: "setval"}
	return &querytree.Statement{Kind: querytree.Select, Query: &querytree.Query{Targets: []querytree.Target{{Name: name, Expr: f}}}}
}

func TestCutSetval(t *testing.T) {
	for text, want := range map[string][]string{
		"SELECT setval('s', 42)":                                               {"'s', 42"},
		"select pg_catalog . SETVAL/* ( */('s', 42, true) ;":                   {"'s', 42, true"},
		"SELECT setval('s', 42) AS x":                                          {"'s', 42"},
		"SELECT setval('s)', (1 + (2)))":                                       {"'s)', (1 + (2))"},
		"SELECT setval('s', (SELECT count(*) FROM t))":                         {"'s', ?", "SELECT count(*) FROM t"},
		"SELECT setval('s', (SELECT max(id) FROM t WHERE a IN (1,2)))":         {"'s', (SELECT ? )", "SELECT max(id) FROM t WHERE a IN (1,2)"},
		"SELECT setval('s', COALESCE((SELECT MAX(id)+1 FROM t), 1), 'f')":      {"'s', COALESCE((SELECT ?+1 ), 1), 'f'", "SELECT MAX(id) FROM t"},
		"SELECT setval('s', (SELECT max(a) FROM t UNION SELECT 1))":            {"'s', ?", "SELECT max(a) FROM t UNION SELECT 1"},
		"SELECT setval('s', (SELECT max(a) FILTER (WHERE b) FROM t))":          {"'s', ?", "SELECT max(a) FILTER (WHERE b) FROM t"},
		"SELECT setval('s', (SELECT max(abs(a)) FROM t))":                      {"'s', ?", "SELECT max(abs(a)) FROM t"},
		"SELECT setval('s', max(id), max(id) IS NOT NULL) FROM t WHERE u = 1;": {"'s', ?, ? IS NOT NULL", "SELECT max(id) FROM t WHERE u = 1", "SELECT max(id) FROM t WHERE u = 1"},
		"SELECT setval('s', 42) FROM t":                                        nil,
		"SELECT setval('s', 42) WHERE false":                                   nil,
		"SELECT \"setval\"('s', 42)":                                           nil,
		"SELECT setval('s', 42":                                                nil,
		"VALUES (setval('s', 42))":                                             nil,
	} {
		name := ""
		if strings.Contains(text, " AS ") {
			name = "x"
		}
		cut, err := cutSetval([]byte(text), 0, setvalStatement(name))
		var got []string
		if err == nil {
			values := make([]string, len(cut.reads))
			for i, r := range cut.reads {
				if r.query != nil {
					values[i] = "?"
				}
			}
			whole := strings.TrimSuffix(string(cut.with(values)), "\n)")
			got = append(got, strings.TrimPrefix(whole, "SELECT pg_catalog.jsonb_build_array("))
			for _, r := range cut.reads {
				if r.query != nil {
					got = append(got, string(r.query))
				}
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

// Whatever is cut, the parts are in order and inside of the arguments.
func FuzzCutSetval(f *testing.F) {
	for _, text := range []string{
		"SELECT setval('s', (SELECT max(a)+1 FROM t))", "SELECT setval('s', max(a)) FROM t", "SELECT setval((((", "SELECT setval('s', (SELECT (max(a)) FROM))",
		"SELECT setval(max()) FROM", "SELECT setval((select))", "SELECT setval((select from))", "SELECT setval((select max( from))",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		cut, err := cutSetval([]byte(text), 0, setvalStatement(""))
		if err != nil {
			return
		}
		at := 0
		for _, r := range cut.reads {
			if r.start < at || r.end < r.start || r.end > len(cut.arguments) {
				t.Fatalf("%q: part %d to %d of %d, behind %d", text, r.start, r.end, len(cut.arguments), at)
			}
			at = r.end
		}
		cut.with(make([]string, len(cut.reads)))
	})
}
