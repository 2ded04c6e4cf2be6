package sqlscan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"shardproxy/ring"
)

// keyOf returns the key of the only literal of "id = literal".
func keyOf(t testing.TB, literal string, mode Mode, kt ring.KeyType) (string, KeyState) {
	t.Helper()
	var s Scan
	s.Statement([]byte("DELETE FROM t WHERE id = "+literal+" AND x"), 0, mode)
	if s.Slots != 1 {
		t.Fatalf("%s: %d slots", literal, s.Slots)
	}
	key, state := s.AppendKey([]byte("key:"), 0, kt)
	rest, ok := strings.CutPrefix(string(key), "key:")
	if !ok {
		t.Fatalf("%s: %q was overwritten", literal, key)
	}
	return rest, state
}

func intKey(v int64) string { return string(ring.AppendInt(nil, v)) }

func TestAppendKey(t *testing.T) {
	const uuid = "5b9d7a3e-3c11-4d4e-9a51-0c8f5a3b6a01"
	uuidKey, ok := ring.AppendText(nil, ring.KeyUUID, []byte(uuid))
	if !ok {
		t.Fatal("uuid")
	}
	for _, c := range []struct {
		literal string
		t       ring.KeyType
		want    string
		state   KeyState
	}{
		{"42", ring.KeyInt, intKey(42), KeyOK},
		{"-42", ring.KeyInt, intKey(-42), KeyOK},
		{"- 42", ring.KeyInt, intKey(-42), KeyOK},
		{"- /* 7 */ -- 8\n 42", ring.KeyInt, intKey(-42), KeyOK},
		{"0", ring.KeyInt, intKey(0), KeyOK},
		{"9223372036854775807", ring.KeyInt, intKey(1<<63 - 1), KeyOK},
		{"-9223372036854775808", ring.KeyInt, intKey(-1 << 63), KeyOK},
		{"042", ring.KeyInt, "", KeyMismatch},
		{"+42", ring.KeyInt, "", KeyMismatch},
		{"-0", ring.KeyInt, "", KeyMismatch},
		{"42.0", ring.KeyInt, "", KeyMismatch},
		{"4e1", ring.KeyInt, "", KeyMismatch},
		{"0x2A", ring.KeyInt, "", KeyMismatch},
		{"4_2", ring.KeyInt, "", KeyMismatch},
		{"99999999999999999999999", ring.KeyInt, "", KeyMismatch},
		{"'42'", ring.KeyInt, intKey(42), KeyOK},
		{"'-42'", ring.KeyInt, intKey(-42), KeyOK},
		{"E'4\\x32'", ring.KeyInt, intKey(42), KeyOK},
		{"$$42$$", ring.KeyInt, intKey(42), KeyOK},
		{"'4'\n'2'", ring.KeyInt, intKey(42), KeyOK},
		{"'042'", ring.KeyInt, "", KeyMismatch},
		{"' 42'", ring.KeyInt, "", KeyMismatch},
		{"''", ring.KeyInt, "", KeyMismatch},
		{"'4.2'", ring.KeyInt, "", KeyMismatch},

		{"'x'", ring.KeyText, "x", KeyOK},
		{"''", ring.KeyText, "", KeyOK},
		{"'it''s'", ring.KeyText, "it's", KeyOK},
		{"''''", ring.KeyText, "'", KeyOK},
		{`'a\b'`, ring.KeyText, `a\b`, KeyOK},
		{"'a'  \n  'b'\r'c'", ring.KeyText, "abc", KeyOK},
		{"'a' -- 'x'\n -- 'y'\n 'b'", ring.KeyText, "ab", KeyOK},
		{"'a'''\n'''b'", ring.KeyText, "a''b", KeyOK},
		{"''\n''", ring.KeyText, "", KeyOK},
		{`E'a\\b\'c''d\n\t\r\f\b\v\q'`, ring.KeyText, "a\\b'c'd\n\t\r\f\b\vq", KeyOK},
		{`E'\x41\x4a1\101\60z\u00e9\U0001F600\ud83d\ude00'`, ring.KeyText, "AJ1A0zé😀😀", KeyOK},
		{"E'a\\''\n'b\\''", ring.KeyText, "a'b'", KeyOK},
		{`E'\xc3\xa9'`, ring.KeyText, "é", KeyOK},
		{`E'\303\251'`, ring.KeyText, "é", KeyOK},
		{`E'\xff'`, ring.KeyText, "", KeyMismatch},
		{`E'\0'`, ring.KeyText, "", KeyMismatch},
		{`E'\u0000'`, ring.KeyText, "", KeyMismatch},
		{`E'\u12'`, ring.KeyText, "", KeyMismatch},
		{`E'\ud83d'`, ring.KeyText, "", KeyMismatch},
		{`E'\ud83dx'`, ring.KeyText, "", KeyMismatch},
		{`E'\ude00'`, ring.KeyText, "", KeyMismatch},
		{"E'\\ud83d'\n'\\ude00'", ring.KeyText, "", KeyMismatch},
		{`E'\U00110000'`, ring.KeyText, "", KeyMismatch},
		{"$$a'b\\n$$", ring.KeyText, `a'b\n`, KeyOK},
		{"$tag$a$$b$tag$", ring.KeyText, "a$$b", KeyOK},
		{"'\xff'", ring.KeyText, "", KeyMismatch},
		{"'a\x00'", ring.KeyText, "", KeyMismatch},
		{"42", ring.KeyText, "", KeyMismatch},
		{"4.2", ring.KeyText, "", KeyMismatch},

		{"'" + uuid + "'", ring.KeyUUID, string(uuidKey), KeyOK},
		{"'" + strings.ToUpper(uuid) + "'", ring.KeyUUID, string(uuidKey), KeyOK},
		{"'x'", ring.KeyUUID, "", KeyMismatch},
		{"42", ring.KeyUUID, "", KeyMismatch},

		{`'\x6162'`, ring.KeyBytes, "ab", KeyOK},
		{`E'\\x6162'`, ring.KeyBytes, "ab", KeyOK},
		{`'\x6'`, ring.KeyBytes, "", KeyMismatch},
		{"42", ring.KeyBytes, "", KeyMismatch},
	} {
		got, state := keyOf(t, c.literal, 0, c.t)
		if state != c.state || got != c.want {
			t.Errorf("%s as %v: %q, %v; want %q, %v", c.literal, c.t, got, state, c.want, c.state)
		}
	}
	if got, state := keyOf(t, `'a\n\'b'''`, BackslashStrings, ring.KeyText); state != KeyOK || got != "a\n'b'" {
		t.Errorf("with backslashes: %q, %v", got, state)
	}
}

func TestKeysOfMissingSlots(t *testing.T) {
	var s Scan
	s.Statement([]byte("SELECT 1"), 0, 0)
	for _, n := range []int{-1, 1, 1 << 40} {
		if key, state := s.AppendKey([]byte("k"), n, ring.KeyInt); string(key) != "k" || state != KeyMismatch {
			t.Errorf("slot %d: %q, %v", n, key, state)
		}
		if state := s.EachKey(n, ring.KeyInt, func([]byte, KeyState) bool { t.Error("yielded"); return true }); state != KeyMismatch {
			t.Errorf("slot %d: %v", n, state)
		}
		if _, ok := s.AppendValue(nil, n); ok {
			t.Errorf("slot %d has a value", n)
		}
	}
}

// Where a slot has several literals, none of them is the key.
func TestAppendKeyOfSeveral(t *testing.T) {
	for _, c := range []struct {
		text  string
		slot  int
		state KeyState
	}{
		{"SELECT a IN (1)", 0, KeyOK},
		{"SELECT a IN (1, 1)", 0, KeyMismatch},
		{"VALUES (1, 2)", 1, KeyOK},
		{"VALUES (1, 2), (1, 2)", 0, KeyMismatch},
		{"VALUES (1, 2), (1, 2)", 1, KeyMismatch},
		{"VALUES (1), (NULL), (2)", 1, KeyOK},
		{"VALUES (a IN (1))", 0, KeyOK},
		{"VALUES (a IN (1)), (a IN (2))", 0, KeyMismatch},
	} {
		var s Scan
		s.Statement([]byte(c.text), 0, 0)
		if _, state := s.AppendKey(nil, c.slot, ring.KeyInt); state != c.state {
			t.Errorf("%s, slot %d: %v, want %v", c.text, c.slot, state, c.state)
		}
	}
}

// each returns the keys that EachKey yields, as text keys.
func each(s *Scan, n int, kt ring.KeyType) (keys []string, state KeyState) {
	state = s.EachKey(n, kt, func(key []byte, state KeyState) bool {
		switch state {
		case KeyOK:
			keys = append(keys, string(key))
		case KeyNull:
			keys = append(keys, "NULL")
		default:
			keys = append(keys, "mismatch")
		}
		return true
	})
	return keys, state
}

func TestEachKey(t *testing.T) {
	for _, c := range []struct {
		text  string
		slot  int
		want  []string
		state KeyState
	}{
		{"SELECT a IN ('x')", 0, []string{"x"}, KeyOK},
		{"SELECT a IN ('x', E'y', 5, $$z$$)", 0, []string{"x", "y", "mismatch", "z"}, KeyOK},
		{"SELECT 1, a IN ('{x}', 'y')", 1, []string{"{x}", "y"}, KeyOK},
		{"INSERT INTO t VALUES ('a', 'b')", 1, []string{"b"}, KeyOK},
		{"INSERT INTO t VALUES ('{a}', 'b')", 0, []string{"{a}"}, KeyOK},
		{"INSERT INTO t VALUES ('a', 'b'), ('c', 'd'), ('e', 'f')", 0, []string{"a", "c", "e"}, KeyOK},
		{"INSERT INTO t VALUES ('a', 'b'), ('c', 'd'), ('e', 'f')", 1, []string{"b", "d", "f"}, KeyOK},
		{"INSERT INTO t VALUES ('a'), (NULL), ('b'), ('c')", 1, []string{"b", "c"}, KeyOK},
		{"VALUES (x IN ('a', 'b'), 'c'), (x IN ('d'), 'e')", 0, []string{"a", "b", "d"}, KeyOK},
		{"SELECT a = ANY('{x,y}')", 0, []string{"x", "y"}, KeyOK},
		{"SELECT a = ANY(E'{x,\\'y}')", 0, []string{"x", "'y"}, KeyOK},
		{"SELECT a = ANY('x')", 0, nil, KeyMismatch},
		{"SELECT a = ANY(5)", 0, nil, KeyMismatch},
		{"SELECT a = ANY(E'\\u12')", 0, nil, KeyMismatch},
	} {
		var s Scan
		s.Statement([]byte(c.text), 0, 0)
		got, state := each(&s, c.slot, ring.KeyText)
		if diff := cmp.Diff(c.want, got); diff != "" || state != c.state {
			t.Errorf("%s: %v (-want +got)\n%s", c.text, state, diff)
		}
	}
}

func TestEachKeyStops(t *testing.T) {
	var s Scan
	for _, text := range []string{"SELECT a IN (1, 2, 3)", "VALUES (1), (2), (3)", "SELECT ANY('{1,2,3}')"} {
		s.Statement([]byte(text), 0, 0)
		n := 0
		if state := s.EachKey(0, ring.KeyInt, func([]byte, KeyState) bool { n++; return n < 2 }); state != KeyOK || n != 2 {
			t.Errorf("%s: %v after %d", text, state, n)
		}
	}
}

func TestEachArrayText(t *testing.T) {
	for _, c := range []struct {
		array string
		want  []string
		ok    bool
	}{
		{"{}", nil, true},
		{" { } ", nil, true},
		{"{a}", []string{"a"}, true},
		{"{a,b c , d}", []string{"a", "b c", "d"}, true},
		{` { "a" , b, "c d" } `, []string{"a", "b", "c d"}, true},
		{`{"a,b","c}d","{","",NULL,null,"NULL",\NULL,nul}`, []string{"a,b", "c}d", "{", "", "NULL", "NULL", "NULL", "NULL", "nul"}, true},
		{`{"a\"b\\c",d\,e,f\ }`, []string{`a"b\c`, "d,e", "f "}, true},
		{"{1,2}", []string{"1", "2"}, true},
		{"", nil, false},
		{"{", nil, false},
		{"{a", nil, false},
		{"{a,", nil, false},
		{"{a,}", nil, false},
		{"{,a}", nil, false},
		{"{a,,b}", nil, false},
		{"{a}b", nil, false},
		{"{a}}", nil, false},
		{"a", nil, false},
		{"{{a},{b}}", nil, false},
		{"{a,{b}}", nil, false},
		{"[1:2]={a,b}", nil, false},
		{`{"a}`, nil, false},
		{`{"a"b}`, nil, false},
		{`{a"b"}`, nil, false},
		{`{a\`, nil, false},
		{`{"a\`, nil, false},
	} {
		var got []string
		state := EachArrayText([]byte(c.array), ring.KeyText, func(key []byte, state KeyState) bool {
			if state == KeyNull {
				key = []byte("NULL")
			}
			got = append(got, string(key))
			return true
		})
		if diff := cmp.Diff(c.want, got); diff != "" || (state == KeyOK) != c.ok {
			t.Errorf("%s: %v (-want +got)\n%s", c.array, state, diff)
		}
	}
}

func TestAppendValue(t *testing.T) {
	var s Scan
	s.Statement([]byte("SELECT 1, - 2.5, 'a''b', E'\\n', $$c$$, x IN (3, 4), E'\\u12', 0x1F"), 0, 0)
	for n, want := range []string{"1", "-2.5", "a'b", "\n", "c", "3", "", "0x1F"} {
		got, ok := s.AppendValue([]byte(">"), n)
		if string(got) != ">"+want || ok != (want != "") {
			t.Errorf("slot %d: %q, %v; want %q", n, got, ok, want)
		}
	}
}

// A string's value is what PostgreSQL's parser makes of it.
func TestStringsAreTheServers(t *testing.T) {
	pieces := rapid.SampledFrom([]string{
		"a", "é", "''", `\\`, `\'`, `\n`, `\b`, `\v`, `\q`, `\x4`, `\x41`, `\xc3\xa9`, `\xff`, `\0`, `\7`, `\101`, `\1019`, `\777`,
		`\u00e9`, `\ud83d`, `\ude00`, `\U0001F600`, `\u12`, `\U00110000`, "'\n'", "' \t\r '", "1", "{", " ",
	})
	rapid.Check(t, func(t *rapid.T) {
		prefix := rapid.SampledFrom([]string{"", "E", "e"}).Draw(t, "prefix")
		literal := prefix + "'" + strings.Join(rapid.SliceOfN(pieces, 0, 8).Draw(t, "pieces"), "") + "'"
		var s Scan
		s.Statement([]byte("SELECT "+literal), 0, 0)
		tree, err := parseJSON("SELECT " + literal)
		if !s.Strippable || s.Slots != 1 {
			if err == nil && s.Slots == 1 {
				t.Fatalf("%s is not stripped", literal)
			}
			return
		}
		value, ok := s.AppendValue(nil, 0)
		if ok && err == nil {
			if err := sameTree(&s); err != nil {
				t.Fatalf("%s: %q: %v, %v", literal, value, err, tree)
			}
		}
		// The parser's copy of the lexer takes bytes that are no UTF-8.
		if !ok && err == nil && !strings.Contains(literal, `\0`) {
			t.Fatalf("%s is refused", literal)
		}
		if ok && err != nil && strings.ToValidUTF8(string(value), "") == string(value) {
			t.Fatalf("%s is taken for %q: %v", literal, value, err)
		}
	})
}
