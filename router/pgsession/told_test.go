package pgsession

import (
	"bytes"
	"testing"

	"pgregory.net/rapid"

	"shardproxy/protocol/pgwire"
)

// The form of a description is that of its names, types and modifiers alone.
func TestForm(t *testing.T) {
	form := func(columns ...pgwire.Column) string {
		return string(appendForm(nil, pgwire.AppendRowDescription(nil, columns)))
	}
	a := pgwire.Column{Name: []byte("a"), Type: 23, Size: 4, Modifier: -1}
	same := a
	same.Table, same.Attribute, same.Format = 4711, 3, pgwire.FormatBinary
	if form(a) != form(same) {
		t.Error("the table or the format is part of the form")
	}
	for name, other := range map[string]string{
		"a name":     form(pgwire.Column{Name: []byte("b"), Type: 23, Size: 4, Modifier: -1}),
		"a type":     form(pgwire.Column{Name: []byte("a"), Type: 20, Size: 8, Modifier: -1}),
		"a modifier": form(pgwire.Column{Name: []byte("a"), Type: 23, Size: 4, Modifier: 8}),
		"a column":   form(a, a),
		"none":       form(),
	} {
		if other == form(a) {
			t.Errorf("%s is not part of the form", name)
		}
	}
	rapid.Check(t, func(t *rapid.T) { // no bytes make it panic
		frame := rapid.SliceOfN(rapid.Byte(), 0, 60).Draw(t, "frame")
		if !bytes.HasPrefix(appendForm([]byte("kept"), frame), []byte("kept")) {
			t.Fatal("what was there is gone")
		}
	})
}

// Drivers know the error by its fields, the length must be right.
func TestErrorOfChangedColumns(t *testing.T) {
	err, ok := errColumnsChanged().(*serverError)
	if !ok || err.code != "0A000" || err.message != "cached plan must not change result type" {
		t.Errorf("%+v", err)
	}
	if !bytes.Contains(err.frame, []byte("\x00RRevalidateCachedQuery\x00\x00")) {
		t.Errorf("%q", err.frame)
	}
}
