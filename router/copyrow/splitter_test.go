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
		{"text, with a fault behind the limit", Options{Columns: 1, MaxRow: 8}, "1234567\n", "1\n123456789\r\n"},
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
