package sqlscan

import (
	"strings"
	"testing"
)

// readable writes a shape with ?, ?.. and * for its marks.
func readable(shape []byte) string {
	return strings.NewReplacer("\x01", "?", "\x02", "?..", "\x03", "*", "\x05", "").Replace(string(shape))
}

func TestShape(t *testing.T) {
	for _, c := range []struct{ text, shape string }{
		// Spacing and folding.
		{"SELECT  a ,b FROM\tT", "select a,b from t"},
		{"select a,b/* x */from--y\nT", "select a,b from t"},
		{`SELECT "A" AS "b c", Ä FROM "T"`, `select "A" as "b c",Ä from "T"`},
		{"SELECT a.b . c, a.*, *, count(*)", "select a.b.c,a.*,*,count(*)"},
		{"SELECT a=b, a = b, a =b", "select a=b,a=b,a=b"},
		{"SELECT $1, $2 a, $1", "select $1,$2 a,$1"},
		{"SELECT a- - b, a@-b", "select a- -b,a@-b"},
		{"SELECT a/ *b", "select a/ *b"},
		{"SELECT a:: int, a::int", "select a::int,a::int"},

		// Literals.
		{"SELECT 1, 'x', E'\\n', $$y$$, 1.5", "select?,?,?,?,?"},
		{"SELECT -1, - 1, + /* x */ 1, - - 1, a - 1, a-1", "select?,?,?,-?,a-?,a-?"},
		{"SELECT NULL, TRUE, false, DEFAULT", "select null,true,false,default"},
		{"SELECT B'1', x'F', N'a', U&'b' UESCAPE '!'", "select b'1',x'F',n'a',u&'b' uescape '!'"},
		{"SELECT date '2020-01-01', interval '1' day, \"t\" 'x', int4 E'5'", `select date '2020-01-01',interval '1' day,"t" 'x',int4 e'5'`},
		{"SELECT 'x'::jsonb, '5'::numeric(10,2), 5::varchar(3)[4]", "select?::jsonb,?::numeric(10,2),?::varchar(3)[4]"},
		{"SELECT CAST('5' AS numeric(10,2)), CAST(f(5) AS bit(3))", "select cast(?as numeric(10,2)),cast(f(?)as bit(3))"},
		{"SELECT 't'::regclass, CAST('t' AS regtype), -5::regproc, ('t')::pg_catalog.regclass", "select 't'::regclass,cast('t' as regtype),-5::regproc,('t')::pg_catalog.regclass"},
		{"SELECT 'a' AS x, 't'::text::regclass, 'b' AS region", "select?as x,'t'::text::regclass,?as region"},
		{"SELECT nextval('s'), set_config('a', 'b', true), f('x')", "select nextval('s'),set_config('a','b',true),f(?)"},
		{`SELECT "nextval"('s'), pg_catalog."set_config"('a', 'b', true), "f"('x'), 't'::"regclass", "regclass"('t')`, `select "nextval"('s'),pg_catalog."set_config"('a','b',true),"f"(?),'t':: "regclass","regclass"('t')`},
		{"SELECT EXTRACT('year' FROM '2020-01-01'), x AT TIME ZONE 'UTC'", "select extract('year' from?),x at time zone?"},
		{"SELECT a LIKE 'x' ESCAPE '#', a NOT ILIKE 'y', a SIMILAR TO 'z'", "select a like?escape '#',a not ilike?,a similar to?"},
		{"SELECT a BETWEEN 1 AND -2, a[1], a[1:2], ARRAY[1,2][3]", "select a between?and?,a[?],a[?:?],array[?,?][?]"},
		{"SELECT a OPERATOR(pg_catalog.=) 5", "select a operator(pg_catalog.=)?"},
		{"SELECT current_timestamp(3), localtime(0)", "select current_timestamp(3),localtime(0)"},
		{"SELECT a FROM t LIMIT 5 OFFSET 6", "select a from t limit?offset?"},
		{"SELECT a FROM t OFFSET 5 ROWS FETCH NEXT 6 ROWS ONLY", "select a from t offset?rows fetch next?rows only"},
		{"SELECT * FROM f(5) AS t(a varchar(10)), g(6) u(b bit(3))", "select*from f(?)as t(a varchar(10)),g(?)u(b bit(3))"},

		// Ordinals.
		{"SELECT a FROM t GROUP BY 1, a + 2, (3) ORDER BY 4, f(5), -6, a - 7 LIMIT 8", "select a from t group by 1,a+?,(3)order by 4,f(?),-6,a-?limit?"},
		{"SELECT DISTINCT ON (1) 2 FROM t GROUP BY ROLLUP (3), GROUPING SETS ((4), (a, 5))", "select distinct on(1)?from t group by rollup(3),grouping sets((4),(a,5))"},
		{"SELECT a FROM t ORDER BY (SELECT 1), 2, a <-> '[3]'", "select a from t order by(select?),2,a<->?"},

		// Lists and rows.
		{"SELECT a IN (1)", "select a in(?..)"},
		{"SELECT a IN (1, -2, 'x'), b NOT IN ('y')", "select a in(?..),b not in(?..)"},
		{"SELECT a IN (1, NULL), b IN (1 + 1), c IN (SELECT 1), d IN ($1), e IN ((1), (2))", "select a in(?,null),b in(?+?),c in(select?),d in($1),e in((?),(?))"},
		{"SELECT POSITION('a' IN ('b')), POSITION('a' IN (1, 2)), position(a IN (1) IN b)", "select position(?in(?)),position(?in(?,?)),position(a in(?)in b)"},
		{"SELECT (a, b) IN ((1, 2), (3, 4))", "select(a,b)in((?,?),(?,?))"},
		{"INSERT INTO t VALUES (1, 'x')", "insert into t values(?,?)*"},
		{"INSERT INTO t VALUES (1, 'x'), (-2, 'y'),(3,'z')", "insert into t values(?,?)*"},
		{"INSERT INTO t VALUES (1, 'x'), (2, NULL), (3, NULL), (4, 'y')", "insert into t values(?,?)*,(?,null)*,(?,?)*"},
		{"INSERT INTO t VALUES ($1), ($1), ($2)", "insert into t values($1)*,($2)*"},
		{"VALUES (1, (2 IN (3, 4))), (5, (6 IN (7)))", "values(?,(?in(?..)))*"},
		{"VALUES ((VALUES (1), (2)))", "values((values(?),(?)))*"},
		{"SELECT * FROM (VALUES (1), (2)) a, (VALUES ('x')) b", "select*from(values(?)*)a,(values(?)*)b"},
		{"INSERT INTO t VALUES (1) ON CONFLICT (coalesce(a, 0)) WHERE b = 5 DO UPDATE SET c = 6", "insert into t values(?)*on conflict(coalesce(a,0))where b=5 do update set c=?"},

		// EXPLAIN.
		{"EXPLAIN (COSTS 0, FORMAT 'json') SELECT 5", "explain(costs 0,format 'json')select?"},
		{"EXPLAIN ANALYZE (SELECT 5)", "explain analyze(select?)"},
	} {
		var s Scan
		s.Statement([]byte(c.text), 0, 0)
		if got := readable(s.Shape); !s.Strippable || got != c.shape {
			t.Errorf("%s\n\tStrippable %v, shape %s\n\twant %s", c.text, s.Strippable, got, c.shape)
		}
	}
}

// Statements that are not stripped are their own shape.
func TestShapeOfOthers(t *testing.T) {
	for _, c := range []struct{ text, shape string }{
		{"BEGIN", "BEGIN"},
		{"  /* a */ SET  x = 'y' -- z\n ;", "SET  x = 'y' -- z"},
		{"SELECT 'x", "SELECT 'x"},
		{"SELECT 1a", "SELECT 1a"},
		{"SELECT (1", "SELECT (1"},
		{"SELECT 1)", "SELECT 1)"},
		{"SELECT mytype(3) 'x'", "SELECT mytype(3) 'x'"},
		{"SELECT \"a\x01\"", "SELECT \"a\x01\""},
		{"SELECT interval '\x05'", "SELECT interval '\x05'"},
		{"SELECT \x01", "SELECT \x01"},
		{"SELECT $1048576", "SELECT $1048576"},
		{"SELECT $99999999999999999999999", "SELECT $99999999999999999999999"},
		{"\x05select\x01", "\x05\x05select\x01"},
		{"EXPLAIN EXECUTE p (5)", "EXPLAIN EXECUTE p (5)"},
		{"(INSERT INTO t VALUES (5))", "(INSERT INTO t VALUES (5))"},
	} {
		var s Scan
		s.Statement([]byte(c.text), 0, 0)
		if s.Strippable || string(s.Shape) != c.shape || s.Slots != 0 || len(s.Literals) != 0 {
			t.Errorf("%q: Strippable %v, shape %q, %d slots; want shape %q", c.text, s.Strippable, s.Shape, s.Slots, c.shape)
		}
	}
}

// Pairs of texts that mean different things have different shapes, however
// alike they look.
func TestShapesThatDiffer(t *testing.T) {
	for _, c := range []struct{ a, b string }{
		{"SELECT a b", "SELECT ab"},
		{"SELECT a.b", "SELECT a b"},
		{"SELECT A", `SELECT "A"`},
		{"SELECT a", `SELECT "a"`},
		{"SELECT $1 2", "SELECT $12"},
		{"SELECT $1", "SELECT $2"},
		{"SELECT 1 e5", "SELECT 1e5"},
		{"SELECT a.5", "SELECT a. 5"},
		{"SELECT date 'a' 'b'", "SELECT date 'a''b'"},
		{"SELECT date 'a' 'b'", "SELECT date 'a'\n'b'"},
		{`SELECT "a" "b"`, `SELECT "a""b"`},
		{`SELECT u & "x"`, `SELECT u&"x"`},
		{"SELECT e 'x'", "SELECT E'x'"},
		{"SELECT n 'x'", "SELECT N'x'"},
		{"SELECT a - -b", "SELECT a"},
		{"SELECT a @- b", "SELECT a @ -b"},
		{"SELECT a::b", "SELECT a: :b"},
		{"SELECT a:=b", "SELECT a: =b"},
		{"SELECT 'x'::regclass", "SELECT 'y'::regclass"},
		{"SELECT 5::numeric(3)", "SELECT 5::numeric(4)"},
		{"SELECT a ORDER BY 1", "SELECT a ORDER BY 2"},
		{"SELECT interval '1 day'", "SELECT interval '2 days'"},
		{"SELECT a IN (1, 2)", "SELECT a IN (1, NULL)"},
		{"VALUES (1), (2)", "VALUES (1), (NULL)"},
		{"INSERT INTO t VALUES (1, 2)", "INSERT INTO t VALUES (1), (2)"},
		{"SELECT 1", "EXPLAIN SELECT 1"},
		{"SELECT 1", "select\x01"},
		{"SELECT 1", "\x05select\x01"},
		{"SELECT -a", "SELECT a"},
		{"SELECT -5", "SELECT - -5"},
		{"SELECT a FOR UPDATE", "SELECT a FOR SHARE"},
	} {
		var a, b Scan
		a.Statement([]byte(c.a), 0, 0)
		b.Statement([]byte(c.b), 0, 0)
		if string(a.Shape) == string(b.Shape) {
			t.Errorf("%q and %q have the same shape %q", c.a, c.b, a.Shape)
		}
	}
}

// The mode decides where strings end, and kept strings say so in the shape.
func TestBackslashStrings(t *testing.T) {
	for _, c := range []struct{ text, shape, parse string }{
		{`SELECT 'a\'b', 'c'`, "select?,?", "select $1048576 , $1048577 "},
		{`SELECT date 'a\'b' FROM t WHERE a = 'x'`, `select date e'a\'b' from t where a=?`, `select date e'a\'b' from t where a= $1048576 `},
		{`SELECT 't\'u'::regclass`, `select e't\'u'::regclass`, `select e't\'u'::regclass`},
		{`SET x = 'a\'; DELETE FROM t --'`, `SET x = 'a\'; DELETE FROM t --'`, `SET x =  E'a\'; DELETE FROM t --'`},
		{`SET x='b', y = N'a\n', z = 'c`, `SET x='b', y = N'a\n', z = 'c`, `SET x='b', y =  NCHAR E'a\n', z =  E'c`},
		{`SELECT N'a\''`, `SELECT N'a\''`, `SELECT  NCHAR E'a\''`},
	} {
		var s Scan
		s.Statement([]byte(c.text), 0, BackslashStrings)
		if got := readable(s.Shape); got != c.shape {
			t.Errorf("%s: shape %s, want %s", c.text, got, c.shape)
		}
		if got := string(s.AppendParseText(nil)); got != c.parse {
			t.Errorf("%s: parse text %s, want %s", c.text, got, c.parse)
		}
		if int(s.End) != len(c.text) {
			t.Errorf("%s: ends at %d", c.text, s.End)
		}
	}
}
