package copyrow

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// checkChunks checks that the chunking changes nothing: not the rows, not the
// error, and no byte is lost.
func checkChunks(t rapid.TB, opts Options, data []byte, next func(left int) int) {
	t.Helper()
	want, wantErr := split(t, opts, data, whole)
	got, gotErr := split(t, opts, data, next)
	if errText(gotErr) != errText(wantErr) {
		t.Fatalf("error %v, of the whole %v", gotErr, wantErr)
	}
	if wantErr == nil {
		checkRaw(t, want, data)
		checkRaw(t, got, data)
	}
	if diff := cmp.Diff(merged(want), merged(got)); diff != "" {
		t.Fatalf("rows (-whole +chunks):\n%s", diff)
	}
}

// merged joins the pieces behind the end marker, which are as the chunks are.
func merged(rows []collected) []collected {
	var out []collected
	for _, r := range rows {
		last := len(out) - 1
		if last >= 0 && r.Control && out[last].Control && out[last].Number == r.Number {
			out[last].Raw += r.Raw
			continue
		}
		out = append(out, r)
	}
	return out
}

func errText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// drawOptions draws options for one column of three.
func drawOptions(t *rapid.T) Options {
	opts := Options{
		Format: rapid.SampledFrom([]Format{Text, CSV}).Draw(t, "format"),
		Header: rapid.IntRange(0, 1).Draw(t, "header"),
	}
	opts.Columns = rapid.IntRange(1, 3).Draw(t, "columns")
	opts.Column = rapid.IntRange(0, opts.Columns-1).Draw(t, "column")
	opts.Delimiter = rapid.SampledFrom([]byte{0, '|'}).Draw(t, "delimiter")
	opts.Null = rapid.SampledFrom([]*string{nil, ptr(""), ptr("N"), ptr(`\N`)}).Draw(t, "null")
	if opts.Format == CSV {
		opts.EndMarker = true // as the servers before 18, which the tests have
		opts.Escape = rapid.SampledFrom([]byte{0, '\\', '|'}).Draw(t, "escape")
		opts.ForceNull = rapid.Bool().Draw(t, "force null")
		opts.ForceNotNull = rapid.Bool().Draw(t, "force not null")
	}
	return opts
}

// drawData draws a stream of what has a meaning somewhere, mostly with the
// right number of columns.
func drawData(t *rapid.T, opts Options) []byte {
	delimiter := string(opts.Delimiter)
	if opts.Delimiter == 0 {
		delimiter = "\t"
		if opts.Format == CSV {
			delimiter = ","
		}
	}
	piece := rapid.SampledFrom([]string{
		"a", "a", "b", "N", "7", "x4", `\N`, `\.`, `\\`, `\`, `\101`, `\x41`, `\t`, ".",
		`"`, `""`, `"a"`, `"a,b|c` + "\t" + `"`, "|", "\\" + delimiter, "é",
	})
	end := rapid.SampledFrom([]string{"\n", "\n", "\r", "\r\n"}).Draw(t, "line end")
	odd := rapid.SampledFrom([]string{"\n", "\r", "\r\n", "\\\n", "\\\r", "\"\n\"", `\.` + end, ""})
	var out []byte
	for range rapid.IntRange(0, 5).Draw(t, "lines") {
		columns := opts.Columns
		if rapid.IntRange(0, 19).Draw(t, "wrong") == 0 {
			columns++
		}
		for c := range columns {
			if c > 0 {
				out = append(out, delimiter...)
			}
			for range rapid.IntRange(0, 3).Draw(t, "pieces") {
				out = append(out, piece.Draw(t, "piece")...)
			}
		}
		if rapid.IntRange(0, 14).Draw(t, "odd") == 0 {
			out = append(out, odd.Draw(t, "end")...)
		} else {
			out = append(out, end...)
		}
	}
	return out
}

func TestAnyChunks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		opts := drawOptions(t)
		size := rapid.IntRange(1, 9)
		checkChunks(t, opts, drawData(t, opts), func(left int) int { return min(left, size.Draw(t, "chunk")) })
	})
}

func TestAnyBinaryChunks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		columns := rapid.IntRange(1, 4).Draw(t, "columns")
		opts := Options{Format: Binary, Columns: columns, Column: rapid.IntRange(0, columns-1).Draw(t, "column")}
		data := head(0, rapid.StringN(0, 5, -1).Draw(t, "extension"))
		var want []collected
		for i := range rapid.IntRange(0, 5).Draw(t, "rows") {
			fields := make([][]byte, columns)
			for c := range fields {
				if rapid.IntRange(0, 3).Draw(t, "null") > 0 {
					fields[c] = append([]byte{}, rapid.SliceOfN(rapid.Byte(), 0, 5).Draw(t, "field")...)
				}
			}
			raw := tuple(fields...)
			data = append(data, raw...)
			value := fields[opts.Column]
			want = append(want, collected{Raw: string(raw), Value: string(value), Null: value == nil, Number: i + 1})
		}
		size := rapid.IntRange(1, 9)
		next := func(left int) int { return min(left, size.Draw(t, "chunk")) }
		checkChunks(t, opts, data, next)
		got, err := split(t, opts, data, next)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, append([]collected(nil), got[1:]...)); diff != "" {
			t.Fatalf("rows (-want +got):\n%s", diff)
		}
	})
}

// FuzzSplit: whatever the input, chunks change nothing.
func FuzzSplit(f *testing.F) {
	for _, c := range cases() {
		f.Add(uint8(c.opts.Format), uint8(c.opts.Columns), uint8(c.opts.Column), c.opts.Escape, c.opts.EndMarker, uint8(3), []byte(c.data))
	}
	f.Add(uint8(Binary), uint8(2), uint8(1), byte(0), false, uint8(3), append(head(0, "ext"), tuple([]byte("a"), nil)...))
	f.Fuzz(func(t *testing.T, format, columns, column uint8, escape byte, endMarker bool, chunk uint8, data []byte) {
		opts := Options{Format: Format(format), Columns: int(columns), Column: int(column), MaxRow: 1 << 10}
		if opts.Format == CSV {
			opts.Escape, opts.EndMarker = escape, endMarker
		}
		if _, err := New(opts); err != nil {
			return // not options of any stream
		}
		checkChunks(t, opts, data, func(left int) int { return min(left, int(chunk)+1) })
	})
}
