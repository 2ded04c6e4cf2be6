package sqlscan

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	pgquery "github.com/pganalyze/pg_query_go/v6"
)

// insertion is a text to insert at an offset.
type insertion struct {
	at   int32
	text string
}

func insertAll(text string, insertions []insertion) string {
	slices.SortStableFunc(insertions, func(a, b insertion) int { return int(a.at) - int(b.at) })
	var out strings.Builder
	done := 0
	for _, i := range insertions {
		out.WriteString(text[done:i.at])
		out.WriteString(i.text)
		done = int(i.at)
	}
	out.WriteString(text[done:])
	return out.String()
}

// addColumn adds a column to an INSERT at the places FindInsert names.
func addColumn(text string, parts InsertParts) string {
	var edits []insertion
	if parts.ListOpen >= 0 {
		edits = append(edits, insertion{parts.ListOpen + 1, "new, "})
	} else {
		edits = append(edits, insertion{parts.ListAt, " (new)"})
	}
	if parts.Overriding == (Span{}) {
		edits = append(edits, insertion{parts.SourceAt, " OVERRIDING SYSTEM VALUE "})
	}
	for _, open := range parts.Rows {
		edits = append(edits, insertion{open + 1, "NEW, "})
	}
	if d := parts.DefaultValues; d != (Span{}) {
		return insertAll(text[:d.Start], edits) + "VALUES (NEW)" + text[d.End:]
	}
	return insertAll(text, edits)
}

func TestFindInsert(t *testing.T) {
	for _, c := range []struct{ text, table, want string }{
		{"INSERT INTO t VALUES (1)", "t", "INSERT INTO t (new)  OVERRIDING SYSTEM VALUE VALUES (NEW, 1)"},
		{"INSERT INTO t(a)VALUES(1),(2)", "t", "INSERT INTO t(new, a) OVERRIDING SYSTEM VALUE VALUES(NEW, 1),(NEW, 2)"},
		{`insert into "s" . "t" as "u" ( a, b ) values ( (1), f(2, ')') ) , (3, '(') returning id`, `"s" . "t"`, `insert into "s" . "t" as "u" (new,  a, b )  OVERRIDING SYSTEM VALUE values (NEW,  (1), f(2, ')') ) , (NEW, 3, '(') returning id`},
		{"INSERT INTO a.b.c AS d VALUES (1) ON CONFLICT DO NOTHING", "a.b.c", "INSERT INTO a.b.c AS d (new)  OVERRIDING SYSTEM VALUE VALUES (NEW, 1) ON CONFLICT DO NOTHING"},
		{"INSERT INTO t DEFAULT VALUES", "t", "INSERT INTO t (new)  OVERRIDING SYSTEM VALUE VALUES (NEW)"},
		{"INSERT INTO t DEFAULT VALUES RETURNING id;", "t", "INSERT INTO t (new)  OVERRIDING SYSTEM VALUE VALUES (NEW) RETURNING id;"},
		{"INSERT INTO t (a) OVERRIDING USER VALUE VALUES (1)", "t", "INSERT INTO t (new, a) OVERRIDING USER VALUE VALUES (NEW, 1)"},
		{"INSERT INTO t OVERRIDING SYSTEM VALUE DEFAULT VALUES", "t", ""},
		{"INSERT INTO t (values) VALUES (1)", "t", "INSERT INTO t (new, values)  OVERRIDING SYSTEM VALUE VALUES (NEW, 1)"},
		{"INSERT INTO t (values, a) VALUES (1, 2)", "t", "INSERT INTO t (new, values, a)  OVERRIDING SYSTEM VALUE VALUES (NEW, 1, 2)"},
		{"INSERT INTO t/* ( */--)\n(/* x */a)VALUES(1)", "t", "INSERT INTO t/* ( */--)\n(new, /* x */a) OVERRIDING SYSTEM VALUE VALUES(NEW, 1)"},
		{"INSERT INTO t (a[1], b.c) VALUES (1, 2)", "t", "INSERT INTO t (new, a[1], b.c)  OVERRIDING SYSTEM VALUE VALUES (NEW, 1, 2)"},
		{"WITH x AS (INSERT INTO u VALUES (1) RETURNING id), y (a, b) AS NOT MATERIALIZED (SELECT 2) INSERT INTO t (a) VALUES (3)", "t", "WITH x AS (INSERT INTO u VALUES (1) RETURNING id), y (a, b) AS NOT MATERIALIZED (SELECT 2) INSERT INTO t (new, a)  OVERRIDING SYSTEM VALUE VALUES (NEW, 3)"},
		{"WITH RECURSIVE x AS (SELECT 1) SEARCH DEPTH FIRST BY a, b SET c CYCLE a, b SET d TO 'Y' DEFAULT 'N' USING e, y AS (SELECT 2) INSERT INTO t VALUES (3)", "t", "WITH RECURSIVE x AS (SELECT 1) SEARCH DEPTH FIRST BY a, b SET c CYCLE a, b SET d TO 'Y' DEFAULT 'N' USING e, y AS (SELECT 2) INSERT INTO t (new)  OVERRIDING SYSTEM VALUE VALUES (NEW, 3)"},
		{"EXPLAIN (ANALYZE, FORMAT json) INSERT INTO t VALUES (1)", "t", "EXPLAIN (ANALYZE, FORMAT json) INSERT INTO t (new)  OVERRIDING SYSTEM VALUE VALUES (NEW, 1)"},
		{"EXPLAIN ANALYZE VERBOSE INSERT INTO t VALUES (1)", "t", "EXPLAIN ANALYZE VERBOSE INSERT INTO t (new)  OVERRIDING SYSTEM VALUE VALUES (NEW, 1)"},

		// A query: the column list is found, but values cannot be added.
		{"INSERT INTO t SELECT 1", "t", "INSERT INTO t (new)  OVERRIDING SYSTEM VALUE SELECT 1"},
		{"INSERT INTO t (SELECT 1)", "t", "INSERT INTO t (new)  OVERRIDING SYSTEM VALUE (SELECT 1)"},
		{"INSERT INTO t ((VALUES (1)) UNION SELECT 2)", "t", "INSERT INTO t (new)  OVERRIDING SYSTEM VALUE ((VALUES (1)) UNION SELECT 2)"},
		{"INSERT INTO t (VALUES (1))", "t", "INSERT INTO t (new)  OVERRIDING SYSTEM VALUE (VALUES (1))"},
		{"INSERT INTO t (a) (VALUES (1))", "t", "INSERT INTO t (new, a)  OVERRIDING SYSTEM VALUE (VALUES (1))"},
		{"INSERT INTO t TABLE u", "t", "INSERT INTO t (new)  OVERRIDING SYSTEM VALUE TABLE u"},
		{"INSERT INTO t WITH x AS (SELECT 1) SELECT * FROM x", "t", "INSERT INTO t (new)  OVERRIDING SYSTEM VALUE WITH x AS (SELECT 1) SELECT * FROM x"},
		{"INSERT INTO t VALUES (1) UNION SELECT 2", "t", "INSERT INTO t (new)  OVERRIDING SYSTEM VALUE VALUES (1) UNION SELECT 2"},
		{"INSERT INTO t VALUES (1) ORDER BY 1 LIMIT 5", "t", "INSERT INTO t (new)  OVERRIDING SYSTEM VALUE VALUES (1) ORDER BY 1 LIMIT 5"},
	} {
		parts, ok := FindInsert([]byte(c.text), 0)
		if !ok {
			t.Errorf("%s: not found", c.text)
			continue
		}
		if got := c.text[parts.Table.Start:parts.Table.End]; got != c.table {
			t.Errorf("%s: table %s, want %s", c.text, got, c.table)
		}
		if c.want == "" {
			continue
		}
		got := addColumn(c.text, parts)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: (-want +got)\n%s", c.text, diff)
		}
		if _, err := pgquery.Parse(got); err != nil {
			t.Errorf("%s: %v", got, err)
		}
	}
}

func TestFindInsertRefuses(t *testing.T) {
	for _, text := range []string{
		"", ";", "SELECT 1", "UPDATE t SET a = 1", "INSERT", "INSERT INTO", "INSERT INTO t", "INSERT INTO t (a)", "INSERT INTO t (a",
		"INSERT INTO t VALUES", "INSERT INTO t VALUES (1", "INSERT INTO t VALUES (1),", "INSERT INTO t VALUES ('1)", "INSERT INTO t VALUES (1) '",
		"INSERT INTO 5 VALUES (1)", "INSERT INTO t. VALUES (1)", "INSERT INTO t AS VALUES", "INSERT INTO t OVERRIDING", "INSERT INTO t DEFAULT",
		"WITH x AS (INSERT INTO t VALUES (1) RETURNING id) SELECT * FROM x", "WITH x AS (SELECT 1", "WITH x", "WITH x AS SELECT 1",
		"WITH x AS (SELECT 1) CYCLE a SET b USING c", "EXPLAIN (ANALYZE INSERT INTO t VALUES (1)", "EXPLAIN SELECT 1",
		`INSERT INTO U&"d!0061t" UESCAPE '!' VALUES (1)`, "(INSERT INTO t VALUES (1))", "MERGE INTO t USING u ON a WHEN NOT MATCHED THEN INSERT VALUES (1)",
	} {
		if parts, ok := FindInsert([]byte(text), 0); ok {
			t.Errorf("%s: %+v", text, parts)
		}
	}
}

func TestFindValue(t *testing.T) {
	const text = `INSERT INTO t VALUES (1, f(2, 3) , ARRAY[4, 5][1] /* x, y */, '6, 7', -- z,
	DEFAULT ), ( 8 ), ()`
	parts, ok := FindInsert([]byte(text), 0)
	if !ok || len(parts.Rows) != 3 {
		t.Fatalf("%+v, %v", parts, ok)
	}
	for _, c := range []struct {
		row, n int
		want   string
	}{
		{0, 0, "1"},
		{0, 1, "f(2, 3)"},
		{0, 2, "ARRAY[4, 5][1]"},
		{0, 3, "'6, 7'"},
		{0, 4, "DEFAULT"},
		{0, 5, ""},
		{0, -1, ""},
		{1, 0, "8"},
		{1, 1, ""},
		{2, 0, ""},
	} {
		value, ok := FindValue([]byte(text), 0, parts.Rows[c.row], c.n)
		if ok != (c.want != "") || ok && text[value.Start:value.End] != c.want {
			t.Errorf("row %d, value %d: %q, %v; want %q", c.row, c.n, text[value.Start:value.End], ok, c.want)
		}
	}
	for _, cut := range []string{"(", "(1", "(1 (2)", "('x", "(1;", "(1a)"} {
		if value, ok := FindValue([]byte(cut), 0, 0, 0); ok {
			t.Errorf("%s: %v", cut, value)
		}
	}
}

func TestFindCopy(t *testing.T) {
	for _, c := range []struct {
		text, table, list string
		from              bool
	}{
		{"COPY t FROM STDIN", "t", "", true},
		{"copy s.t from stdin with (format csv)", "s.t", "", true},
		{`COPY "s"."t" (a, "b)") FROM STDIN`, `"s"."t"`, `(a, "b)")`, true},
		{"COPY t(a) TO STDOUT", "t", "(a)", false},
		{"COPY BINARY t FROM STDIN", "t", "", true},
		{"/* x */ COPY t /* (y) */ TO '/tmp/x'", "t", "", false},
	} {
		parts, ok := FindCopy([]byte(c.text), 0)
		if !ok {
			t.Errorf("%s: not found", c.text)
			continue
		}
		list := ""
		if parts.ListOpen >= 0 {
			list = c.text[parts.ListOpen : parts.ListClose+1]
		}
		if table := c.text[parts.Table.Start:parts.Table.End]; table != c.table || list != c.list || parts.From != c.from {
			t.Errorf("%s: table %s, list %s, from %v", c.text, table, list, parts.From)
		}
		if parts.ListAt != parts.Table.End {
			t.Errorf("%s: a list goes to %d", c.text, parts.ListAt)
		}
	}
	for _, text := range []string{
		"", "SELECT 1", "COPY", "COPY t", "COPY t (a", "COPY t (a) ", "COPY (SELECT 1) TO STDOUT", "COPY t. FROM STDIN", "COPY 't' FROM STDIN",
	} {
		if parts, ok := FindCopy([]byte(text), 0); ok {
			t.Errorf("%s: %+v", text, parts)
		}
	}
}
