package copyrow

import (
	"strings"
	"testing"
)

func TestBadOptions(t *testing.T) {
	tests := []struct {
		name string
		opts Options
		err  string
	}{
		{"format", Options{Format: 3, Columns: 1}, "format"},
		{"no columns", Options{}, "columns"},
		{"too many columns", Options{Columns: 1 << 15}, "columns"},
		{"negative column", Options{Columns: 1, Column: -1}, "column -1"},
		{"column beyond", Options{Columns: 2, Column: 2}, "column 2 of 2"},
		{"negative limit", Options{Columns: 1, MaxRow: -1}, "MaxRow"},
		{"negative header", Options{Columns: 1, Header: -1}, "Header"},
		{"newline delimiter", Options{Columns: 1, Delimiter: '\n'}, "delimiter"},
		{"carriage return delimiter", Options{Format: CSV, Columns: 1, Delimiter: '\r'}, "delimiter"},
		{"high delimiter", Options{Columns: 1, Delimiter: 0xe9}, "delimiter"},
		{"backslash delimiter", Options{Columns: 1, Delimiter: '\\'}, "delimiter"},
		{"letter delimiter", Options{Columns: 1, Delimiter: 'n'}, "delimiter"},
		{"digit delimiter", Options{Columns: 1, Delimiter: '0'}, "delimiter"},
		{"NULL with newline", Options{Columns: 1, Null: ptr("\n")}, "line end"},
		{"NULL with delimiter", Options{Columns: 1, Null: ptr("a\tb")}, "delimiter"},
		{"NULL with quote", Options{Format: CSV, Columns: 1, Null: ptr(`"`)}, "quote"},
		{"DEFAULT with delimiter", Options{Format: CSV, Columns: 1, Default: ptr(",")}, "delimiter"},
		{"DEFAULT is NULL", Options{Columns: 1, Default: ptr(`\N`)}, "different"},
		{"quote is delimiter", Options{Format: CSV, Columns: 1, Quote: ','}, "different"},
		{"newline quote", Options{Format: CSV, Columns: 1, Quote: '\n'}, "quote"},
		{"carriage return escape", Options{Format: CSV, Columns: 1, Escape: '\r'}, "escape"},
		{"quote of the end marker", Options{Format: CSV, Columns: 1, Quote: '\\', EndMarker: true}, "end marker"},
		{"quote in text", Options{Columns: 1, Quote: '"'}, "CSV"},
		{"FORCE_NULL in text", Options{Columns: 1, ForceNull: true}, "CSV"},
		{"delimiter in binary", Options{Format: Binary, Columns: 1, Delimiter: ','}, "binary"},
		{"NULL in binary", Options{Format: Binary, Columns: 1, Null: ptr("")}, "binary"},
		{"header in binary", Options{Format: Binary, Columns: 1, Header: 1}, "binary"},
		{"quote in binary", Options{Format: Binary, Columns: 1, Quote: '"'}, "CSV"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if _, err := New(tt.opts); err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("error %v, want %q", err, tt.err)
			}
		})
	}
}

func TestGoodOptions(t *testing.T) {
	for _, opts := range []Options{
		{Columns: 1600},
		{Columns: 1, Delimiter: 'A', Null: ptr("")},
		{Format: CSV, Columns: 1, Delimiter: 'n', Quote: '\\'},
		{Format: CSV, Columns: 1, Delimiter: '\\', Null: ptr("a\tb"), EndMarker: true},
		{Format: Binary, Columns: 1},
	} {
		if _, err := New(opts); err != nil {
			t.Error(err)
		}
	}
}

func TestFormatString(t *testing.T) {
	got := Text.String() + " " + CSV.String() + " " + Binary.String() + " " + Format(3).String()
	if want := "text csv binary Format(3)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
