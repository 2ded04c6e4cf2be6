package sqlscan

import (
	"testing"

	"shardproxy/ring"
)

func addSeeds(f *testing.F) {
	for _, text := range corpus(f) {
		f.Add([]byte(text), false)
	}
	for _, text := range []string{
		"", ";", "'", "E'\\", "\"", "$$", "$a", "/*", "--", "(", ")", "[", "((((", "SELECT 'a'\n", "SELECT - /* 5",
		"EXPLAIN (", "EXPLAIN", "VALUES (1), ", "VALUES (", "SELECT a IN (", "\x05", "SELECT 'x'::regclass", "SELECT ('x'))::regclass",
		"CREATE FUNCTION BEGIN ; END ;", "SELECT '{1,\"2\",NULL}'", "INSERT INTO t (", "COPY t (", "WITH x AS (", "\xff\x00\x01",
	} {
		f.Add([]byte(text), true)
	}
}

// Nothing panics, spans are in order and in range, slots exist.
func FuzzStatement(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, text []byte, backslash bool) {
		mode := Mode(0)
		if backslash {
			mode = BackslashStrings
		}
		var s Scan
		for at := 0; at < len(text); {
			s.Statement(text, at, mode)
			checkScan(t, &s, at)
			at = int(s.End)
		}
	})
}

func checkScan(t *testing.T, s *Scan, from int) {
	text := s.Text
	if int(s.End) <= from || int(s.End) > len(text) || s.Span.Start < int32(from) || s.Span.End < s.Span.Start || s.Span.End > s.End {
		t.Fatalf("from %d: statement %v, end %d of %d", from, s.Span, s.End, len(text))
	}
	if s.Slots != len(s.slots) || !s.Strippable && len(s.Literals)+s.Slots != 0 {
		t.Fatalf("%d slots, %d literals", s.Slots, len(s.Literals))
	}
	end := s.Span.Start
	for _, l := range s.Literals {
		if l.Start < end || l.End <= l.Start || l.End > s.Span.End || l.Slot < 0 || int(l.Slot) >= s.Slots {
			t.Fatalf("literal %+v behind %d of %v, %d slots", l, end, s.Span, s.Slots)
		}
		end = l.End
	}
	end = s.Span.Start
	for _, h := range s.Hints {
		if h.Start < end || h.End < h.Start || h.End > s.Span.End {
			t.Fatalf("hint %v of %v", h, s.Span)
		}
		end = h.End
	}
	marks := 0
	if s.Strippable {
		for _, c := range s.Shape {
			if c == markScalar || c == markList {
				marks++
			}
		}
	}
	if marks != s.Slots {
		t.Fatalf("%d marks, %d slots", marks, s.Slots)
	}
	s.AppendParseText(nil)
	literals := 0
	for n := range s.Slots {
		for kt := ring.KeyInt; kt <= ring.KeyBytes; kt++ {
			key, state := s.AppendKey([]byte("k"), n, kt)
			if len(key) == 0 || key[0] != 'k' || state != KeyOK && len(key) != 1 {
				t.Fatalf("slot %d: %q, %v", n, key, state)
			}
			s.EachKey(n, kt, func([]byte, KeyState) bool { return true })
		}
		if s.slots[n].list || s.slots[n].repeated {
			s.EachKey(n, ring.KeyInt, func([]byte, KeyState) bool { literals++; return true })
		} else {
			literals++
		}
		s.AppendValue(nil, n)
	}
	if literals != len(s.Literals) {
		t.Fatalf("%d of %d literals are in slots", literals, len(s.Literals))
	}
}

// Tokens are in order and cover all that is no white space or comment.
func FuzzTokens(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, text []byte, backslash bool) {
		mode := Mode(0)
		if backslash {
			mode = BackslashStrings
		}
		tokens := NewTokens(text, 0, mode)
		for end := 0; ; {
			tok := tokens.Next()
			if tok.Start < end || tok.End < tok.Start || tok.End > len(text) || tok.Kind != TokenEnd && tok.End == tok.Start {
				t.Fatalf("token %+v behind %d of %d", tok, end, len(text))
			}
			if gap := NewTokens(text[:tok.Start], end, mode); gap.Next().Kind != TokenEnd {
				t.Fatalf("a token before %+v was skipped", tok)
			}
			if end = tok.End; tok.Kind == TokenEnd {
				return
			}
		}
	})
}

// The places found for rewriting are what they are said to be.
func FuzzFind(f *testing.F) {
	addSeeds(f)
	f.Fuzz(func(t *testing.T, text []byte, backslash bool) {
		mode := Mode(0)
		if backslash {
			mode = BackslashStrings
		}
		is := func(at int32, c byte) {
			if at < 0 || int(at) >= len(text) || text[at] != c {
				t.Fatalf("no %c at %d", c, at)
			}
		}
		if parts, ok := FindInsert(text, mode); ok {
			if parts.ListOpen >= 0 {
				is(parts.ListOpen, '(')
				is(parts.ListClose, ')')
			}
			if parts.Table.End <= parts.Table.Start || parts.ListAt < parts.Table.End || parts.SourceAt < parts.ListAt {
				t.Fatalf("%+v", parts)
			}
			for _, open := range parts.Rows {
				is(open, '(')
				FindValue(text, mode, open, 1)
			}
		}
		if parts, ok := FindCopy(text, mode); ok && parts.ListOpen >= 0 {
			is(parts.ListOpen, '(')
			is(parts.ListClose, ')')
		}
		EachArrayText(text, ring.KeyInt, func([]byte, KeyState) bool { return true })
	})
}
