package sqlscan

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// split returns the statements of a text and, for each, whether it can be
// stripped.
func split(text string, mode Mode) (statements []string, strippable []bool) {
	var s Scan
	for at := 0; at < len(text); at = int(s.End) {
		s.Statement([]byte(text), at, mode)
		if !s.Empty {
			statements = append(statements, text[s.Span.Start:s.Span.End])
			strippable = append(strippable, s.Strippable)
		}
	}
	return statements, strippable
}

func TestStatements(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{"", nil},
		{";", nil},
		{" ; -- nothing\n;/* x */", nil},
		{"SELECT 1", []string{"SELECT 1"}},
		{" SELECT 1 ;", []string{"SELECT 1 "}},
		{"BEGIN; SELECT 1; COMMIT", []string{"BEGIN", "SELECT 1", "COMMIT"}},
		{"/* a */ SELECT 1 /* b */; /* c */ SELECT 2", []string{"/* a */ SELECT 1 /* b */", "/* c */ SELECT 2"}},
		{"SELECT ';', $$;$$, \";\", E'\\';' /* ; */ -- ;\n; SELECT 2", []string{"SELECT ';', $$;$$, \";\", E'\\';' /* ; */ -- ;\n", "SELECT 2"}},
		{"SELECT 'a; SELECT 2", []string{"SELECT 'a; SELECT 2"}},
		{"SELECT \"a; SELECT 2", []string{"SELECT \"a; SELECT 2"}},
		{"SELECT /* a; SELECT 2", []string{"SELECT /* a; SELECT 2"}},
		{"SELECT $$a; SELECT 2", []string{"SELECT $$a; SELECT 2"}},
		{"SELECT (1; SELECT 2", []string{"SELECT (1; SELECT 2"}},
		{"SELECT (1;2); SELECT 3", []string{"SELECT (1;2)", "SELECT 3"}},
		{"SELECT 1); SELECT 2", []string{"SELECT 1)", "SELECT 2"}},
		{"SELECT a[1; SELECT 2", []string{"SELECT a[1", "SELECT 2"}},
		{"SELECT 1a, (2; 3); SELECT 4", []string{"SELECT 1a, (2; 3)", "SELECT 4"}},
		{"CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2); SELECT 3", []string{"CREATE RULE r AS ON INSERT TO t DO (SELECT 1; SELECT 2)", "SELECT 3"}},
		{"CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN a THEN 1 END; END; SELECT 2", []string{"CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT CASE WHEN a THEN 1 END; END", "SELECT 2"}},
		{"create or replace procedure p() begin atomic select 1; end; select 2", []string{"create or replace procedure p() begin atomic select 1; end", "select 2"}},
		{"CREATE FUNCTION f(a int DEFAULT (CASE WHEN b THEN 1 END)) AS 'x'; SELECT 2", []string{"CREATE FUNCTION f(a int DEFAULT (CASE WHEN b THEN 1 END)) AS 'x'", "SELECT 2"}},
		{"CREATE TABLE begin (a int); SELECT 2", []string{"CREATE TABLE begin (a int)", "SELECT 2"}},
		{"BEGIN; END; SELECT 2", []string{"BEGIN", "END", "SELECT 2"}},
		{"\x00; SELECT 2", []string{"\x00", "SELECT 2"}},
		{"SELECT '\xff\x00'; SELECT 2", []string{"SELECT '\xff\x00'", "SELECT 2"}},
	} {
		got, _ := split(c.text, 0)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%q: (-want +got)\n%s", c.text, diff)
		}
	}
}

// The mode moves the end of a string, and with it that of a statement.
func TestStatementsByMode(t *testing.T) {
	const text = `SELECT 'a\'; SELECT 'b'`
	if got, _ := split(text, 0); len(got) != 2 {
		t.Errorf("%q", got)
	}
	if got, _ := split(text, BackslashStrings); len(got) != 1 {
		t.Errorf("%q", got)
	}
}

func TestSpans(t *testing.T) {
	var s Scan
	const text = "SELECT 1;  SELECT a FROM t WHERE b = - 5 AND c IN ('x', 'y') ; COMMIT"
	s.Statement([]byte(text), 9, 0)
	if got := text[s.Span.Start:s.Span.End]; got != "SELECT a FROM t WHERE b = - 5 AND c IN ('x', 'y') " {
		t.Errorf("statement %q", got)
	}
	if got := text[s.End:]; got != " COMMIT" {
		t.Errorf("rest %q", got)
	}
	type literal struct {
		Text string
		Slot int32
		Kind LiteralKind
	}
	var got []literal
	for _, l := range s.Literals {
		got = append(got, literal{text[l.Start:l.End], l.Slot, l.Kind})
	}
	want := []literal{{"- 5", 0, Integer}, {"'x'", 1, String}, {"'y'", 1, String}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("literals (-want +got)\n%s", diff)
	}
	if s.Slots != 2 {
		t.Errorf("%d slots", s.Slots)
	}
	s.Statement([]byte(text), 1000, 0)
	if !s.Empty || int(s.End) != len(text) || len(s.Literals) != 0 || s.Slots != 0 {
		t.Errorf("behind the end: %+v", s)
	}
	s.Statement([]byte(text), -1, 0)
	if s.Span.Start != 0 {
		t.Errorf("before the start: %v", s.Span)
	}
}

// The rows of one form share slots, and their literals stay in order.
func TestSlotsOfRows(t *testing.T) {
	var s Scan
	s.Statement([]byte("INSERT INTO t VALUES (1, 2), (3, 4), (NULL, 5), (NULL, 6), (7 IN (8, 9), 10), (11 IN (12), 13)"), 0, 0)
	var got []int32
	for _, l := range s.Literals {
		got = append(got, l.Slot)
	}
	want := []int32{0, 1, 0, 1, 2, 2, 3, 4, 4, 5, 3, 4, 5}
	if diff := cmp.Diff(want, got); diff != "" || s.Slots != 6 {
		t.Errorf("%d slots (-want +got)\n%s", s.Slots, diff)
	}
}

func TestHints(t *testing.T) {
	for _, c := range []struct {
		text string
		want []string
	}{
		{"SELECT 1", nil},
		{"/* shardproxy: key=user:42 */ SELECT 1", []string{"key=user:42"}},
		{"/*shardproxy:key=user:42*/SELECT 1", []string{"key=user:42"}},
		{"SELECT 1 /*\n\tshardproxy:   node=pg-2\n*/", []string{"node=pg-2"}},
		{"SELECT /* shardproxy: a */ - /* shardproxy: b */ 5 /* shardproxy: c /* d */ */; /* shardproxy: e */", []string{"a", "b", "c /* d */"}},
		{"BEGIN /* shardproxy: a */", []string{"a"}},
		{"/* shardproxy: a */", []string{"a"}},
		{"SELECT 1a /* shardproxy: a */", []string{"a"}},
		{"( /* shardproxy: a */ ( /* shardproxy: b */ SELECT 1))", []string{"a", "b"}},
		{"EXPLAIN /* shardproxy: a */ ( /* shardproxy: b */ COSTS) SELECT 1", []string{"a", "b"}},
		{"CREATE /* shardproxy: a */ FUNCTION /* shardproxy: b */ f()", []string{"a", "b"}},
		{"/* shardproxy: */ SELECT 1", []string{""}},
		{"/* shardproxy key=1 */ SELECT 1", nil},
		{"/* x shardproxy: a */ SELECT 1", nil},
		{"/* Shardproxy: a */ SELECT 1", nil},
		{"/* /* shardproxy: a */ */ SELECT 1", nil},
		{"-- shardproxy: a\nSELECT 1", nil},
		{"SELECT '/* shardproxy: a */', \"/* shardproxy: b */\", $$/* shardproxy: c */$$", nil},
		{"SELECT 1 /* shardproxy: a", nil},
		{"/*shardproxy:*/", []string{""}},
		{"/*shardproxy*/", nil},
	} {
		var s Scan
		for range 2 { // the second time with used buffers
			s.Statement([]byte(c.text), 0, 0)
			var got []string
			for _, h := range s.Hints {
				got = append(got, c.text[h.Start:h.End])
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%q: (-want +got)\n%s", c.text, diff)
			}
		}
	}
}

// Equal shapes have equal hashes, others almost never.
func TestHash(t *testing.T) {
	var a, b, c Scan
	a.Statement([]byte("SELECT 1"), 0, 0)
	b.Statement([]byte("select   2 -- x"), 0, 0)
	c.Statement([]byte("SELECT a"), 0, 0)
	if a.Hash != b.Hash || a.Hash == c.Hash || a.Hash == 0 {
		t.Errorf("hashes %x %x %x", a.Hash, b.Hash, c.Hash)
	}
}

// The work is linear in the text, however hostile: each of these would take
// minutes if it were not.
func TestHostileTextsAreLinear(t *testing.T) {
	const n = 1 << 17
	for name, text := range map[string]string{
		"comments":           strings.Repeat("/*", n),
		"closed comments":    strings.Repeat("/*", n) + strings.Repeat("*/", n),
		"parentheses":        "SELECT " + strings.Repeat("(", n),
		"opening":            strings.Repeat("(", n),
		"explained":          "EXPLAIN " + strings.Repeat("(", n),
		"balanced":           "SELECT " + strings.Repeat("(", n) + "1" + strings.Repeat(")", n),
		"brackets":           "SELECT a" + strings.Repeat("[", n),
		"signs":              "SELECT " + strings.Repeat("+-", n),
		"signs then special": "SELECT a" + strings.Repeat("+-", n) + "@",
		"operators":          "SELECT a" + strings.Repeat("*", n) + "-",
		"spaced signs":       "SELECT " + strings.Repeat("- ", n),
		"quotes":             "SELECT " + strings.Repeat("'", n+1),
		"double quotes":      "SELECT " + strings.Repeat(`"`, n+1),
		"dollars":            "SELECT " + strings.Repeat("$", n),
		"tags":               "SELECT " + strings.Repeat("$a", n),
		"dollar strings":     "SELECT " + strings.Repeat("$$a$$,", n),
		"open tag":           "SELECT $a$" + strings.Repeat("$a", n),
		"continuations":      "SELECT " + strings.Repeat("'a'\n", n),
		"false continuation": "SELECT " + strings.Repeat("'a'\n\n\n-- x\n,", n/8),
		"one continuation":   "SELECT 'a'" + strings.Repeat("\n", n) + "x",
		"casts":              "SELECT 'a'" + strings.Repeat("::regclass", n/8),
		"long cast":          "SELECT 'a'" + strings.Repeat(")", n) + "::regclass",
		"restored":           "SELECT " + strings.Repeat("'a'::regclass,", n/16),
		"literals":           "SELECT " + strings.Repeat("1,", n/4) + "1",
		"list":               "SELECT a IN (" + strings.Repeat("1,", n) + "1)",
		"rows":               "VALUES " + strings.Repeat("(1),", n) + "(1)",
		"forms":              "VALUES " + strings.Repeat("(1),(NULL),", n/8) + "(1)",
		"nested rows":        "VALUES " + strings.Repeat("((VALUES (1),", 900) + "(1)" + strings.Repeat("))", 900),
		"words":              strings.Repeat("a", n),
		"numbers":            "SELECT " + strings.Repeat("1.", n),
		"params":             "SELECT $" + strings.Repeat("1", n),
		"create":             "CREATE FUNCTION " + strings.Repeat("BEGIN ", n),
		"line comments":      strings.Repeat("--\n", n),
		"explain options":    "EXPLAIN (" + strings.Repeat("a,", n),
		"escapes":            "SELECT E'" + strings.Repeat(`\`, n),
		"junk":               "SELECT " + strings.Repeat("1a ", n),
	} {
		var s Scan
		for _, mode := range []Mode{0, BackslashStrings} {
			start := time.Now()
			at, statements := 0, 0
			for at < len(text) {
				s.Statement([]byte(text), at, mode)
				at = int(s.End)
				statements++
			}
			_ = s.AppendParseText(nil)
			if took := time.Since(start); took > 3*time.Second {
				t.Errorf("%s: %v for %d bytes, %d statements", name, took, len(text), statements)
			}
		}
	}
}

// Buffers that one large statement has blown up are not kept.
func TestLargeBuffersAreLetGo(t *testing.T) {
	var s Scan
	s.Statement([]byte("SELECT a IN ("+strings.Repeat("1,", keepCounts)+"1)"), 0, 0)
	if len(s.Literals) != keepCounts+1 {
		t.Fatalf("%d literals", len(s.Literals))
	}
	s.Statement([]byte("SELECT 1"), 0, 0)
	if cap(s.Literals) > keepCounts {
		t.Errorf("room for %d literals is kept", cap(s.Literals))
	}
}
