package sqlscan

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// strippable returns the statements of the corpus that are stripped.
func strippable(t testing.TB) []string {
	var s Scan
	var statements []string
	for _, text := range corpus(t) {
		s.Statement([]byte(text), 0, 0)
		if s.Strippable && !strings.Contains(text, "/* refused */") {
			statements = append(statements, text[s.Span.Start:s.Span.End])
		}
	}
	return statements
}

// drawNumber draws another number for a literal. One with a sign gets another
// with a sign, or a sign before it would become its own.
func drawNumber(t *rapid.T, signed bool) string {
	signs := []string{"-", "- ", "+", "- /* c */ ", ""}
	if signed {
		signs = signs[:4]
	}
	return rapid.SampledFrom(signs).Draw(t, "sign") +
		rapid.StringMatching(`[0-9]{1,20}|[0-9]*\.[0-9]+|[0-9]+e-?[0-9]+|0x[0-9a-f]+|[0-9]_[0-9]`).Draw(t, "number")
}

// drawString draws another string for a literal, in any way to write one.
func drawString(t *rapid.T) string {
	body := strings.Join(rapid.SliceOf(rapid.SampledFrom([]string{
		"a", "é", "\x01", "\x05", ";", "--", "/*", "*/", `"`, "(", ")", ",", "\n", "::regclass", "$", "$$",
	})).Draw(t, "body"), "")
	switch rapid.IntRange(0, 3).Draw(t, "form") {
	case 0:
		return "'" + body + "''" + body + "'"
	case 1:
		return "E'" + body + `\'` + body + "'"
	case 2:
		return "$tag$" + body + "$tag$"
	default:
		return "'" + body + "'  -- c\n '" + body + "'"
	}
}

// Replacing literals by others of the same class leaves the shape as it is, and
// the new literals are what is found.
func TestLiteralsDoNotChangeTheShape(t *testing.T) {
	statements := strippable(t)
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SampledFrom(statements).Draw(t, "statement")
		var s Scan
		s.Statement([]byte(text), 0, 0)
		var other strings.Builder
		var literals []string
		done := 0
		for _, l := range s.Literals {
			literal := ""
			if l.Kind < String {
				literal = drawNumber(t, is(s.Text, int(l.Start), sign))
			} else {
				literal = drawString(t)
			}
			literals = append(literals, literal)
			fmt.Fprintf(&other, "%s %s ", text[done:l.Start], literal)
			done = int(l.End)
		}
		other.WriteString(text[done:])
		var o Scan
		o.Statement([]byte(other.String()), 0, 0)
		if string(o.Shape) != string(s.Shape) {
			t.Fatalf("%s\n\t%q\n%s\n\t%q", text, s.Shape, other.String(), o.Shape)
		}
		if o.Hash != s.Hash || o.Slots != s.Slots || len(o.Literals) != len(literals) {
			t.Fatalf("%s\n\t%d slots, literals %v\n%s\n\t%d slots, literals %v", text, s.Slots, s.Literals, other.String(), o.Slots, o.Literals)
		}
		for i, l := range o.Literals {
			if got := other.String()[l.Start:l.End]; got != literals[i] || l.Slot != s.Literals[i].Slot {
				t.Fatalf("literal %d: %q in slot %d, want %q in slot %d", i, got, l.Slot, literals[i], s.Literals[i].Slot)
			}
		}
	})
}

// White space and comments between tokens change nothing but the spans.
func TestSpacingDoesNotChangeTheShape(t *testing.T) {
	statements := strippable(t)
	gaps := rapid.SampledFrom([]string{" ", "\n", "\t \r\f", " /* c */ ", " -- c\n", " /* /* ' */ $$ */", " /**/-- \"\r"})
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SampledFrom(statements).Draw(t, "statement")
		var other strings.Builder
		done, last := 0, TokenEnd
		for tokens := NewTokens([]byte(text), 0, 0); ; {
			tok := tokens.Next()
			gap := text[done:tok.Start]
			if gap != "" || rapid.Bool().Draw(t, "gap") {
				gap = gaps.Draw(t, "gap")
			}
			if TokenString <= last && last <= TokenPrefixString {
				if strings.ContainsAny(gap, "\n\r") {
					gap = " /* c */ " // no continuation
				}
			}
			other.WriteString(gap)
			if tok.Kind == TokenEnd {
				break
			}
			other.WriteString(text[tok.Start:tok.End])
			done, last = tok.End, tok.Kind
		}
		var s, o Scan
		s.Statement([]byte(text), 0, 0)
		o.Statement([]byte(other.String()), 0, 0)
		if string(o.Shape) != string(s.Shape) {
			t.Fatalf("%s\n\t%q\n%s\n\t%q", text, s.Shape, other.String(), o.Shape)
		}
	})
}

// A row more or less of the same form, a literal more or less in an IN list:
// the shape is the same.
func TestCountsDoNotChangeTheShape(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list := func() string {
			return strings.Repeat("1, 'x', ", rapid.IntRange(0, 5).Draw(t, "pairs")) + "-5"
		}
		rows := func() string {
			row := "(1, f('x'), NULL)"
			return row + strings.Repeat(", "+row, rapid.IntRange(0, 5).Draw(t, "rows"))
		}
		text := func() string {
			return "INSERT INTO t VALUES " + rows() + ", (DEFAULT), (DEFAULT) ON CONFLICT DO NOTHING RETURNING a IN (" + list() + ")"
		}
		var a, b Scan
		a.Statement([]byte(text()), 0, 0)
		b.Statement([]byte(text()), 0, 0)
		if string(a.Shape) != string(b.Shape) || a.Slots != b.Slots {
			t.Fatalf("%q (%d slots) and %q (%d slots)", a.Shape, a.Slots, b.Shape, b.Slots)
		}
	})
}

// A Scan that was used before gives what a new one gives.
func TestScansAreIndependent(t *testing.T) {
	statements := append(corpus(t), "SELECT 'x", "\x00", "(((")
	var used Scan
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(rapid.SampledFrom(statements).Draw(t, "statement"))
		mode := Mode(rapid.IntRange(0, 1).Draw(t, "mode"))
		var fresh Scan
		fresh.Statement(text, 0, mode)
		used.Statement(text, 0, mode)
		a := fmt.Sprint(fresh.Shape, fresh.Hash, fresh.Literals, fresh.Hints, fresh.Span, fresh.End, fresh.Empty, fresh.Strippable, fresh.Slots, fresh.slots)
		b := fmt.Sprint(used.Shape, used.Hash, used.Literals, used.Hints, used.Span, used.End, used.Empty, used.Strippable, used.Slots, used.slots)
		if a != b {
			t.Fatalf("%s\nfresh %s\nused  %s", text, a, b)
		}
	})
}
