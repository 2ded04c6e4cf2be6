package pgparse

import (
	"strings"
	"testing"

	pg "github.com/pganalyze/pg_query_go/v6"
	"google.golang.org/protobuf/reflect/protoreflect"
	"pgregory.net/rapid"
)

// depth is the depth of a tree in nodes, which is how deep the C code calls
// itself when it writes the tree out.
func depth(m protoreflect.Message) int {
	deepest := 0
	fields := m.Descriptor().Fields()
	for i := range fields.Len() {
		field := fields.Get(i)
		switch {
		case field.Message() == nil || !m.Has(field):
		case field.IsList():
			list := m.Get(field).List()
			for j := range list.Len() {
				deepest = max(deepest, depth(list.Get(j).Message()))
			}
		default:
			deepest = max(deepest, depth(m.Get(field).Message()))
		}
	}
	if _, isNode := m.Interface().(*pg.Node); isNode {
		deepest++
	}
	return deepest
}

// The pieces of random statements: each adds to what stands before it, or
// wraps what comes.
var (
	suffixes = []string{
		" + 1", "::a", ` COLLATE "C"`, " IS NULL", " IS NOT TRUE", " BETWEEN 1 AND 2", " NOT BETWEEN b AND c", " AND b",
		" OR c", " = 1", " IS DISTINCT FROM b", " LIKE 'x' ESCAPE '!'", " IN (1, 2)", " = ANY (b)", " AT TIME ZONE b",
		" || f(a, b OR c)", " + CASE WHEN a AND b OR c THEN d ELSE e END", ", b", " ->> 'x'", " IS JSON", " OVERLAPS (c, d)",
		" - (1 + 2, 3)", " IS DOCUMENT", " AT LOCAL", " * ARRAY[1, [2 OR 3]]", " OPERATOR(a.+) b", " AND (a, b OR c) = (1, 2)",
	}
	prefixes = []string{
		"", "NOT ", "- ", "(", "f(a, ", "ARRAY[", "CASE WHEN ", "(SELECT ", "b AND ", "b OR ", "b + ", "EXISTS (SELECT ", "ROW(1, ",
		"a BETWEEN b AND ", "COALESCE(a OR b, ", "JSON_ARRAY(",
	}
	closers = map[string]string{
		"(": ")", "f(a, ": ")", "ARRAY[": "]", "CASE WHEN ": " THEN 1 END", "(SELECT ": ")", "EXISTS (SELECT ": ")", "ROW(1, ": ")",
		"COALESCE(a OR b, ": ")", "JSON_ARRAY(": ")",
	}
	arms  = []string{" UNION SELECT a, b", " EXCEPT ALL VALUES (1), (2)", " INTERSECT (SELECT 1 UNION SELECT 2)", " UNION SELECT 1 WHERE a AND b"}
	joins = []string{", b", " JOIN b ON a AND b", " CROSS JOIN c", " LEFT JOIN (d JOIN e ON true) USING (a, b)", " NATURAL JOIN f(1, 2)", ", LATERAL (SELECT 1)"}
)

// TestLevelsBoundTheDepth compares the measure of random statements with the
// depth of their trees. A token makes at most two levels.
func TestLevelsBoundTheDepth(t *testing.T) {
	parsed := 0
	rapid.Check(t, func(t *rapid.T) {
		text := randomStatement(t)
		tree, err := pg.Parse(text)
		if err != nil {
			return // not all sequences of pieces are SQL
		}
		parsed++
		bound, err := levels(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := depth(tree.ProtoReflect()); got > 2*bound+8 {
			t.Fatalf("depth %d, measured %d: %s", got, bound, text)
		}
	})
	if parsed < 20 {
		t.Errorf("only %d random statements were SQL", parsed)
	}
}

func randomStatement(t *rapid.T) string {
	opening := rapid.SliceOfN(rapid.SampledFrom(prefixes), 0, 12).Draw(t, "prefixes")
	text := "SELECT " + strings.Join(opening, "") + "a"
	for i := len(opening) - 1; i >= 0; i-- {
		text += repeated(t, suffixes, 3) + closers[opening[i]]
	}
	text += repeated(t, suffixes, 8)
	if rapid.Bool().Draw(t, "from") {
		text += " FROM a" + repeated(t, joins, 12)
	}
	return text + repeated(t, arms, 8)
}

// repeated draws pieces, each of them several times over.
func repeated(t *rapid.T, pieces []string, n int) string {
	var b strings.Builder
	for _, piece := range rapid.SliceOfN(rapid.SampledFrom(pieces), 0, n).Draw(t, "pieces") {
		b.WriteString(strings.Repeat(piece, rapid.IntRange(1, 30).Draw(t, "times")))
	}
	return b.String()
}
