package copyrow

import (
	"bytes"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// collected is a row that outlives its yield.
type collected struct {
	Raw     string
	Value   string
	Null    bool
	Default bool
	Control bool
	Number  int
}

// split runs a stream through a splitter in chunks; next says how long the next
// chunk is, of what is left.
func split(t rapid.TB, opts Options, data []byte, next func(left int) int) ([]collected, error) {
	t.Helper()
	s, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	var rows []collected
	yield := func(r Row) error {
		rows = append(rows, collected{string(r.Raw), string(r.Value), r.Null, r.Default, r.Control, r.Number})
		return nil
	}
	for len(data) > 0 {
		n := next(len(data))
		// A chunk is the caller's: it is gone after Feed.
		chunk := bytes.Clone(data[:n])
		if err := s.Feed(chunk, yield); err != nil {
			return rows, err
		}
		for i := range chunk {
			chunk[i] = '!'
		}
		data = data[n:]
	}
	return rows, s.Finish(yield)
}

func whole(left int) int { return left }
func bytewise(int) int   { return 1 }

// values shows what was read of each row: NULL, DEFAULT, control rows as #, and
// values in quotes.
func values(rows []collected) string {
	var out []string
	for _, r := range rows {
		switch {
		case r.Control:
			out = append(out, "#")
		case r.Null:
			out = append(out, "NULL")
		case r.Default:
			out = append(out, "DEFAULT")
		default:
			out = append(out, "'"+r.Value+"'")
		}
	}
	return strings.Join(out, " ")
}

func ptr(s string) *string { return &s }

// cases are examples of the manual and of the server's code. ok holds what is
// read of the wanted column, else err a part of the error.
func cases() []splitCase {
	csv := Options{Format: CSV, Columns: 2, Column: 1}
	old := Options{Format: CSV, Columns: 2, Column: 1, EndMarker: true}
	one := Options{Columns: 1}
	text := Options{Columns: 3, Column: 1}
	with := func(o Options, change func(*Options)) Options { change(&o); return o }
	return []splitCase{
		{"text: columns", text, "a\tb\tc\nd\te\tf\n", "'b' 'e'", ""},
		{"text: first column", with(text, func(o *Options) { o.Column = 0 }), "a\tb\tc\nd\te\tf\n", "'a' 'd'", ""},
		{"text: last column", with(text, func(o *Options) { o.Column = 2 }), "a\tb\tc\nd\te\tf\n", "'c' 'f'", ""},
		{"text: no line end", text, "a\tb\tc\nd\te\tf", "'b' 'e'", ""},
		{"text: nothing", text, "", "", ""},
		{"text: NULL and empty", text, "a\t\\N\tc\na\t\tc\n", "NULL ''", ""},
		{"text: escaped NULL marker", text, "a\t\\\\N\tc\n", `'\N'`, ""},
		{"text: NULL marker inside a value", text, "a\t\\Nx\tc\n", `'Nx'`, ""},
		{"text: own NULL", with(text, func(o *Options) { o.Null = ptr("") }), "a\t\tc\na\t\\N\tc\n", "NULL 'N'", ""},
		{"text: NULL before escapes", with(text, func(o *Options) { o.Null = ptr("n") }), "a\tn\tc\na\t\\156\tc\n", "NULL 'n'", ""},
		{"text: DEFAULT", with(text, func(o *Options) { o.Default = ptr("\\D") }), "a\t\\D\tc\na\tD\tc\na\t\\N\tc\n", "DEFAULT 'D' NULL", ""},
		{"text: control letters", text, "\t\\b\\f\\n\\r\\t\\v\t\n", "'\b\f\n\r\t\v'", ""},
		{"text: octal", text, "\t\\1\\12\\1012\\08\\377\t\n", "'\x01\nA2\x008\xff'", ""},
		{"text: octal keeps a byte", text, "\t\\777\t\n", "'\xff'", ""},
		{"text: hexadecimal", text, "\t\\x41\\x4g\\xg\\xAbc\\x\t\n", "'A\x04gxg\xabcx'", ""},
		{"text: other escapes", text, "\t\\a\\\"\\8\t\n", "'a\"8'", ""},
		{"text: escaped delimiter", text, "a\\\tb\tc\\\td\te\n", "'c\td'", ""},
		{"text: escaped newline is data", text, "a\\\nb\tc\\\nd\te\n", "'c\nd'", ""},
		{"text: escaped carriage return is data", text, "a\tb\tc\na\tc\\\rd\te\n", "'b' 'c\rd'", ""},
		{"text: backslash at the end", with(text, func(o *Options) { o.Column = 2 }), "a\tb\tc\\", "'c'", ""},
		{"text: escaped column before", text, "a\\tx\tb\tc\n", "'b'", ""},
		{"text: carriage returns", text, "a\tb\tc\rd\te\tf\r", "'b' 'e'", ""},
		{"text: CR, the last without", text, "a\tb\tc\rd\te\tf", "'b' 'e'", ""},
		{"text: one CR line", text, "a\tb\tc\r", "'b'", ""},
		{"text: CRNL", with(text, func(o *Options) { o.Column = 2 }), "a\tb\tc\r\nd\te\tf\r\n", "'c' 'f'", ""},
		{"text: NL then CR", text, "a\tb\tc\nd\te\tf\r", "'b'", "carriage return"},
		{"text: NL then CRNL", text, "a\tb\tc\nd\te\tf\r\n", "'b'", "carriage return"},
		{"text: CR then NL", text, "a\tb\tc\rd\te\tf\n", "'b'", "newline"},
		{"text: CRNL then NL", text, "a\tb\tc\r\nd\te\tf\n", "'b'", "newline"},
		{"text: CRNL then CR", text, "a\tb\tc\r\nd\te\tf\rg", "'b'", "carriage return"},
		{"text: CRNL then CR at the end", text, "a\tb\tc\r\nd\te\tf\r", "'b'", "carriage return"},
		{"text: carriage return inside", text, "a\tb\tc\nd\te\rx\tf\n", "'b'", "carriage return"},
		{"text: own delimiter", with(text, func(o *Options) { o.Delimiter = '|' }), "a|b\tx|c\n", "'b\tx'", ""},
		{"text: header", with(text, func(o *Options) { o.Header = 1 }), "x\nd\te\tf\n", "# 'e'", ""},
		{"text: only a header", with(text, func(o *Options) { o.Header = 1 }), "x", "#", ""},
		{"text: end marker", text, "a\tb\tc\n\\.\nd\te", "'b' # #", ""},
		{"text: end marker first", text, "\\.\n", "#", ""},
		{"text: end marker with CR", text, "a\tb\tc\r\\.\r", "'b' #", ""},
		{"text: end marker with CRNL", text, "a\tb\tc\r\n\\.\r\nx", "'b' # #", ""},
		{"text: end marker first with CRNL", text, "\\.\r\nx", "# #", ""},
		{"text: end marker in the header", with(text, func(o *Options) { o.Header = 2 }), "x\n\\.\na", "# # #", ""},
		{"text: escaped end marker", one, "\\\\.\n", `'\.'`, ""},
		{"text: end marker after data", one, "a\\.\nb\n", "", "alone"},
		{"text: data after end marker", one, "\\.a\n", "", "alone"},
		{"text: end marker without line end", one, "\\.", "", "alone"},
		{"text: end marker of another line end", one, "a\n\\.\r", "'a'", "another line end"},
		{"text: end marker of another line end 2", one, "a\r\n\\.\n", "'a'", "another line end"},
		{"text: end marker of half a line end", one, "a\r\n\\.\rx", "'a'", "another line end"},
		{"text: end marker cut", one, "a\r\n\\.\r", "'a'", "alone"},
		{"text: end marker of another line end 3", one, "a\r\\.\n", "'a'", "another line end"},
		{"text: one column, empty lines", one, "\n\na\n", "'' '' 'a'", ""},
		{"text: empty line of more columns", text, "\n", "", "row 1: has 1 columns, expected 3"},
		{"text: missing column", text, "a\tb\tc\nd\te\n", "'b'", "row 2: has 2 columns, expected 3"},
		{"text: extra column", text, "a\tb\tc\nd\te\tf\tg\n", "'b'", "row 2: has 4 columns, expected 3"},
		{"text: delimiter escaped away", text, "a\tb\\\tc\n", "", "row 1: has 2 columns, expected 3"},
		{"text: delimiter at the end", text, "a\tb\tc\t\n", "", "row 1: has 4 columns, expected 3"},
		{"text: quotes mean nothing", text, "a\t\"b\tc\"\n", "'\"b'", ""},

		{"csv: columns", csv, "a,b\nc,d\n", "'b' 'd'", ""},
		{"csv: first column", with(csv, func(o *Options) { o.Column = 0 }), "\"a\",b\nc,\"d\"\n", "'a' 'c'", ""},
		{"csv: no line end", csv, "a,\"b\"", "'b'", ""},
		{"csv: nothing is NULL, quoted is empty", csv, "a,\na,\"\"\n", "NULL ''", ""},
		{"csv: own NULL", with(csv, func(o *Options) { o.Null = ptr("NULL") }), "a,NULL\na,\"NULL\"\na,\na,N\"ULL\"\n", "NULL 'NULL' '' 'NULL'", ""},
		{"csv: FORCE_NOT_NULL", with(csv, func(o *Options) { o.ForceNotNull = true }), "a,\na,\"\"\na,b\n", "'' '' 'b'", ""},
		{"csv: FORCE_NOT_NULL keeps the string", with(csv, func(o *Options) { o.ForceNotNull = true; o.Null = ptr("NULL") }), "a,NULL\n", "'NULL'", ""},
		{"csv: FORCE_NULL", with(csv, func(o *Options) { o.ForceNull = true }), "a,\na,\"\"\na,b\n", "NULL NULL 'b'", ""},
		{"csv: FORCE_NULL and FORCE_NOT_NULL", with(csv, func(o *Options) { o.ForceNull = true; o.ForceNotNull = true }), "a,\na,\"\"\n", "'' NULL", ""},
		{"csv: DEFAULT", with(csv, func(o *Options) { o.Default = ptr("D") }), "a,D\na,\"D\"\na,DD\n", "DEFAULT 'D' 'DD'", ""},
		{"csv: DEFAULT beside quotes", with(csv, func(o *Options) { o.Default = ptr("D") }), "\"a\",D\n", "DEFAULT", ""},
		{"csv: quoted delimiter", csv, "\"a,b\",\"c,d\"\n", "'c,d'", ""},
		{"csv: quoted line ends", csv, "\"a\nb\",\"c\r\nd\re\"\nf,g\n", "'c\r\nd\re' 'g'", ""},
		{"csv: doubled quote", csv, "\"\"\"\",\"a\"\"b\"\"\"\n", "'a\"b\"'", ""},
		{"csv: quotes inside a field", csv, "a,b\"c,d\"e\n", "'bc,de'", ""},
		{"csv: two quoted parts", csv, "a,\"b\"\"c\"\"d\"x\"e\"\n", "'b\"c\"dxe'", ""},
		{"csv: doubled quote outside quotes", csv, "a,b\"\"c\n", "'bc'", ""},
		{"csv: spaces count", csv, "a, \"b\" \n", "' b '", ""},
		{"csv: own escape", with(csv, func(o *Options) { o.Escape = '\\' }), "a,\"b\\\"c\\\\d\\e\"\n", `'b"c\d\e'`, ""},
		{"csv: own escape before the end", with(csv, func(o *Options) { o.Escape = '\\' }), "\"a\\\\\",\"b\\\\\"\nc,d\n", `'b\' 'd'`, ""},
		{"csv: own escape outside quotes", with(csv, func(o *Options) { o.Escape = '\\' }), "a\\\\,b\\n\\\n", `'b\n\'`, ""},
		{"csv: own escape, quote is not doubled", with(csv, func(o *Options) { o.Escape = '\\' }), "a,\"b\"\"c\"\n", "'bc'", ""},
		{"csv: own quote", with(csv, func(o *Options) { o.Quote = '\'' }), "a,'b''c\"'\n", `'b'c"'`, ""},
		{"csv: own delimiter", with(csv, func(o *Options) { o.Delimiter = ';' }), "a;b,c\n", "'b,c'", ""},
		{"csv: backslash is data", csv, "a,\\N\nb,\\\\\n", `'\N' '\\'`, ""},
		{"csv: CRNL", csv, "a,b\r\nc,\"d\"\r\n", "'b' 'd'", ""},
		{"csv: CR", csv, "a,b\rc,d\r", "'b' 'd'", ""},
		{"csv: unquoted carriage return", csv, "a,b\nc,d\re\n", "'b'", "carriage return"},
		{"csv: unquoted newline", csv, "a,b\r\nc,d\n", "'b'", "newline"},
		{"csv: quote that does not end", csv, "a,\"b\nc,d\n", "", "does not end"},
		{"csv: escape that swallows the end", with(csv, func(o *Options) { o.Escape = '\\' }), "a,\"b\\\"\n", "", "does not end"},
		{"csv: header with a newline", with(csv, func(o *Options) { o.Header = 1 }), "a,\"b\nc\"\nd,e\n", "# 'e'", ""},
		{"csv: header whose quotes do not end", with(csv, func(o *Options) { o.Header = 1 }), "a,\"b\nd,e\n", "#", ""},
		{"csv: header of other columns", with(csv, func(o *Options) { o.Header = 1 }), "a\nd,e\n", "# 'e'", ""},
		{"csv: missing column", csv, "a,b\nc\n", "'b'", "row 2: has 1 columns, expected 2"},
		{"csv: extra column", csv, "\"a\",b,c\n", "", "row 1: has 3 columns, expected 2"},
		{"csv: delimiter at the end", csv, "\"a\",b,\n", "", "row 1: has 3 columns, expected 2"},
		{"csv: no end marker", csv, "a,b\n\\.\nc,d\n", "'b'", "has 1 columns"},
		{"csv: no end marker, data", Options{Format: CSV, Columns: 1}, "a\n\\.\nb\n", `'a' '\.' 'b'`, ""},
		{"csv: end marker", old, "a,b\n\\.\nc,d\n", "'b' # #", ""},
		{"csv: end marker with CRNL", old, "a,b\r\n\\.\r\nc", "'b' # #", ""},
		{"csv: end marker with CR", old, "a,b\r\\.\rc", "'b' # #", ""},
		{"csv: quoted end marker", old, "\"\\.\",\"\n\\.\n\"\n", "'\n\\.\n'", ""},
		{"csv: backslash first", old, "\\.,b\n\\,c\n\\n,\\.\n\\.x,d\n", `'b' 'c' '\.' 'd'`, ""},
		{"csv: end marker without line end", with(old, func(o *Options) { o.Columns, o.Column = 1, 0 }), "\\.", `'\.'`, ""},
		{"csv: backslash at the end", with(old, func(o *Options) { o.Columns, o.Column = 1, 0 }), "\\", `'\'`, ""},
		{"csv: end marker of half a line end", old, "a,b\r\n\\.\rx", "'b'", "another line end"},
		{"csv: end marker of another line end", old, "a,b\n\\.\r", "'b'", "carriage return"},
		{"csv: end marker of another line end 2", old, "a,b\r\n\\.\n", "'b'", "newline"},
		{"csv: dot as delimiter", with(old, func(o *Options) { o.Delimiter = '.' }), "a.b\n\\.c\n\\.\n", "'b' 'c' #", ""},
	}
}

type splitCase struct {
	name string
	opts Options
	data string
	ok   string
	err  string
}

func TestSplit(t *testing.T) {
	for _, tt := range cases() {
		t.Run(tt.name, func(t *testing.T) {
			for name, next := range map[string]func(int) int{"whole": whole, "bytewise": bytewise} {
				rows, err := split(t, tt.opts, []byte(tt.data), next)
				if got := values(merged(rows)); got != tt.ok {
					t.Errorf("%s: got  %s\nwant %s", name, got, tt.ok)
				}
				var rowErr *RowError
				switch {
				case (err != nil) != (tt.err != ""):
					t.Errorf("%s: error %v", name, err)
				case err != nil && (!errors.As(err, &rowErr) || !strings.Contains(err.Error(), tt.err)):
					t.Errorf("%s: error %q, want %q", name, err, tt.err)
				case err == nil:
					checkRaw(t, rows, []byte(tt.data))
				}
			}
		})
	}
}

// checkRaw checks that no byte was lost.
func checkRaw(t rapid.TB, rows []collected, data []byte) {
	t.Helper()
	var raw strings.Builder
	for _, r := range rows {
		raw.WriteString(r.Raw)
	}
	if diff := cmp.Diff(string(data), raw.String()); diff != "" {
		t.Fatalf("raw bytes (-input +rows):\n%s", diff)
	}
}

// tuple writes a binary row; a nil field is NULL.
func tuple(fields ...[]byte) []byte {
	out := binary.BigEndian.AppendUint16(nil, uint16(len(fields)))
	for _, f := range fields {
		length := int32(len(f))
		if f == nil {
			length = -1
		}
		out = binary.BigEndian.AppendUint32(out, uint32(length))
		out = append(out, f...)
	}
	return out
}

// head writes a binary header.
func head(flags uint32, extension string) []byte {
	out := binary.BigEndian.AppendUint32([]byte(signature), flags)
	out = binary.BigEndian.AppendUint32(out, uint32(len(extension)))
	return append(out, extension...)
}

const trailer = "\xff\xff"

func TestBinary(t *testing.T) {
	b := func(s string) []byte { return []byte(s) }
	join := func(parts ...[]byte) string { return string(bytes.Join(parts, nil)) }
	two := Options{Format: Binary, Columns: 2, Column: 1}
	tests := []struct {
		name string
		data string
		ok   string
		err  string
	}{
		{"rows", join(head(0, ""), tuple(b("a"), b("b")), tuple(b(""), b("")), tuple(nil, nil), tuple(nil, b("c")), b(trailer)), "# 'b' '' NULL 'c' #", ""},
		{"no rows", join(head(0, ""), b(trailer)), "# #", ""},
		{"no trailer", join(head(0, ""), tuple(b("a"), b("b"))), "# 'b'", ""},
		{"header only", join(head(0, "")), "#", ""},
		{"extension", join(head(7, "ext"), tuple(b("a"), b("b")), b(trailer)), "# 'b' #", ""},
		{"nothing", "", "", "header: the data ends"},
		{"not binary", "a\tb\n", "", "header: this is no binary COPY data"},
		{"signature damaged by newline conversion", strings.Replace(join(head(0, "")), "\r\n", "\n", 1), "", "signature"},
		{"signature cut", signature[:5], "", "header: the data ends"},
		{"header cut", join(head(0, ""))[:18], "", "header: the data ends"},
		{"extension cut", join(head(0, "ext"))[:20], "", "header: the data ends"},
		{"OIDs", join(head(1<<16, "")), "", "OIDs"},
		{"critical flags", join(head(1<<31, "")), "", "critical flags"},
		{"negative extension", signature + "\x00\x00\x00\x00\xff\xff\xff\xff", "", "extension"},
		{"huge extension", signature + "\x00\x00\x00\x00\x7f\xff\xff\xff", "", "too long"},
		{"missing column", join(head(0, ""), tuple(b("a"))), "#", "row 1: has 1 columns, expected 2"},
		{"extra column", join(head(0, ""), tuple(b("a"), b("b")), tuple(b("a"), b("b"), nil)), "# 'b'", "row 2: has 3 columns, expected 2"},
		{"negative count", join(head(0, ""), b("\xff\xfe")), "#", "row 1: has -2 columns"},
		{"negative length", join(head(0, ""), b("\x00\x02\xff\xff\xff\xfe")), "#", "row 1: column 1 has the length -2"},
		{"huge length", join(head(0, ""), b("\x00\x02\x7f\xff\xff\xff")), "#", "too long"},
		{"count cut", join(head(0, ""), b("\x00")), "#", "row 1: the data ends"},
		{"length cut", join(head(0, ""), b("\x00\x02\x00\x00")), "#", "row 1: the data ends"},
		{"value cut", join(head(0, ""), tuple(b("a"), b("bcd"))[:13]), "#", "row 1: the data ends"},
		{"data after the trailer", join(head(0, ""), b(trailer), b("x")), "# #", "row 2: data after the trailer"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for name, next := range map[string]func(int) int{"whole": whole, "bytewise": bytewise} {
				rows, err := split(t, two, []byte(tt.data), next)
				if got := values(rows); got != tt.ok {
					t.Errorf("%s: got  %s\nwant %s", name, got, tt.ok)
				}
				switch {
				case (err != nil) != (tt.err != ""):
					t.Errorf("%s: error %v", name, err)
				case err != nil && !strings.Contains(err.Error(), tt.err):
					t.Errorf("%s: error %q, want %q", name, err, tt.err)
				case err == nil:
					checkRaw(t, rows, []byte(tt.data))
				}
			}
		})
	}
}

func TestNumbers(t *testing.T) {
	rows, err := split(t, Options{Columns: 1, Header: 1}, []byte("h\na\nb\n\\.\nx"), whole)
	if err != nil {
		t.Fatal(err)
	}
	want := []collected{
		{Raw: "h\n", Control: true, Number: 1},
		{Raw: "a\n", Value: "a", Number: 2},
		{Raw: "b\n", Value: "b", Number: 3},
		{Raw: "\\.\n", Control: true, Number: 4},
		{Raw: "x", Control: true, Number: 5},
	}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestMaxRow(t *testing.T) {
	tests := []struct {
		name string
		opts Options
		fits string
		long string
	}{
		{"text", Options{Columns: 1, MaxRow: 8}, "1234567\n1234567\n", "12345678\n"},
		{"text, no line end", Options{Columns: 1, MaxRow: 8}, "12345678", "123456789"},
		{"csv", Options{Format: CSV, Columns: 1, MaxRow: 8}, "\"12\n45\"\n1\n", "\"12\n456\"\n"},
		{"binary", Options{Format: Binary, Columns: 1, MaxRow: 19}, string(head(0, "")) + string(tuple(make([]byte, 13))), string(head(0, "")) + string(tuple(make([]byte, 14)))},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			for _, next := range []func(int) int{whole, bytewise} {
				if _, err := split(t, tt.opts, []byte(tt.fits), next); err != nil {
					t.Errorf("rows of the largest size: %v", err)
				}
				if _, err := split(t, tt.opts, []byte(tt.long), next); !errors.Is(err, ErrRowTooLong) {
					t.Errorf("a longer row: error %v, want ErrRowTooLong", err)
				}
			}
		})
	}
}

func TestErrorsStick(t *testing.T) {
	s, err := New(Options{Columns: 2})
	if err != nil {
		t.Fatal(err)
	}
	none := func(Row) error { t.Error("a row after an error"); return nil }
	first := s.Feed([]byte("a\n"), none)
	if first == nil {
		t.Fatal("no error")
	}
	if err := s.Feed([]byte("a\tb\n"), none); !errors.Is(err, first) {
		t.Errorf("Feed: %v, want %v", err, first)
	}
	if err := s.Finish(none); !errors.Is(err, first) {
		t.Errorf("Finish: %v, want %v", err, first)
	}
}

func TestYieldErrorIsReturned(t *testing.T) {
	mine := errors.New("mine")
	for _, data := range []string{"a\nb\n", "a", "\\.\nx"} {
		s, err := New(Options{Columns: 1})
		if err != nil {
			t.Fatal(err)
		}
		calls := 0
		yield := func(Row) error { calls++; return mine }
		err = s.Feed([]byte(data), yield)
		if err == nil {
			err = s.Finish(yield)
		}
		if !errors.Is(err, mine) || errors.Unwrap(err) != nil || calls != 1 {
			t.Errorf("%q: error %v after %d calls", data, err, calls)
		}
	}
}

func TestFeedAfterFinish(t *testing.T) {
	s, err := New(Options{Columns: 1})
	if err != nil {
		t.Fatal(err)
	}
	count := 0
	yield := func(Row) error { count++; return nil }
	if err := s.Feed([]byte("a"), yield); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := s.Finish(yield); err != nil {
			t.Fatal(err)
		}
	}
	if count != 1 {
		t.Errorf("the last row came %d times", count)
	}
	if s.Feed([]byte("b\n"), yield) == nil || s.Finish(yield) == nil {
		t.Error("Feed after Finish is accepted")
	}
}

// A buffer that one large row needed is not kept.
func TestLargeBuffersAreReleased(t *testing.T) {
	s, err := New(Options{Columns: 1})
	if err != nil {
		t.Fatal(err)
	}
	row := append(bytes.Repeat([]byte(`\t`), keepBuffer), '\n')
	for _, half := range [][]byte{row[:len(row)/2], row[len(row)/2:]} {
		if err := s.Feed(half, func(Row) error { return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if cap(s.buf) > keepBuffer || cap(s.value) > keepBuffer {
		t.Errorf("buffers of %d and %d bytes are kept", cap(s.buf), cap(s.value))
	}
}
