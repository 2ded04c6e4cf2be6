package copyrow

import (
	"bytes"
	"fmt"
	"testing"
)

// benchData is about 1 MiB of rows of 5 columns; the key is the second.
func benchData(format Format, value string) []byte {
	var out bytes.Buffer
	if format == Binary {
		out.Write(head(0, ""))
	}
	for i := 0; out.Len() < 1<<20; i++ {
		switch format {
		case Text:
			fmt.Fprintf(&out, "%d\t%d\t%s\t2024-01-01 00:00:00\t\\N\n", i, i%1000, value)
		case CSV:
			fmt.Fprintf(&out, "%d,%d,%s,2024-01-01 00:00:00,\n", i, i%1000, value)
		case Binary:
			out.Write(tuple([]byte("12345678"), []byte("1234"), []byte(value), []byte("12345678"), nil))
		}
	}
	return out.Bytes()
}

func BenchmarkFeed(b *testing.B) {
	for _, bm := range []struct {
		name   string
		format Format
		value  string
	}{
		{"text", Text, "a document's title"},
		{"text with escapes", Text, `a document\\'s\ttitle`},
		{"csv", CSV, "a document's title"},
		{"csv quoted", CSV, `"a document's ""title"""`},
		{"binary", Binary, "a document's title"},
	} {
		b.Run(bm.name, func(b *testing.B) {
			data := benchData(bm.format, bm.value)
			opts := Options{Format: bm.format, Columns: 5, Column: 1}
			rows := 0
			yield := func(r Row) error {
				if r.Null {
					b.Error("NULL")
				}
				rows++
				return nil
			}
			b.SetBytes(int64(len(data)))
			b.ReportAllocs()
			for b.Loop() {
				s, err := New(opts)
				if err != nil {
					b.Fatal(err)
				}
				for rest := data; len(rest) > 0; {
					n := min(len(rest), 64<<10)
					if err := s.Feed(rest[:n], yield); err != nil {
						b.Fatal(err)
					}
					rest = rest[n:]
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(rows), "ns/row")
		})
	}
}

// Once its buffers have grown, the splitter allocates nothing per row, in any
// format, with escapes and with rows cut by chunks.
func TestNoAllocationsPerRow(t *testing.T) {
	for _, tt := range []struct {
		opts Options
		row  string
	}{
		{Options{Columns: 3, Column: 1}, "a\tb\tc\n"},
		{Options{Columns: 3, Column: 1}, "a\tb\\tb\tc\n"},
		{Options{Format: CSV, Columns: 3, Column: 1}, "a,b,c\n"},
		{Options{Format: CSV, Columns: 3, Column: 1}, "a,\"b\"\"b\",c\n"},
		{Options{Format: Binary, Columns: 3, Column: 1}, string(tuple([]byte("a"), []byte("b"), nil))},
	} {
		s, err := New(tt.opts)
		if err != nil {
			t.Fatal(err)
		}
		rows := 0
		yield := func(r Row) error {
			if !r.Control && (r.Null || len(r.Value) == 0) {
				t.Fatalf("row %q has no value", r.Raw)
			}
			rows++
			return nil
		}
		feed := func(chunk []byte) {
			if err := s.Feed(chunk, yield); err != nil {
				t.Fatal(err)
			}
		}
		if tt.opts.Format == Binary {
			feed(head(0, ""))
		}
		data := bytes.Repeat([]byte(tt.row), 100)
		feed(data[:3])
		feed(data[3:])
		allocs := testing.AllocsPerRun(10, func() {
			feed(data[:3])
			feed(data[3:])
		})
		if allocs != 0 || rows < 1200 {
			t.Errorf("%v %q: %v allocations per 100 rows, want 0", tt.opts.Format, tt.row, allocs)
		}
	}
}
