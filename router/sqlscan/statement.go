package sqlscan

import (
	"hash/maphash"
	"math"
)

// seed makes the hash of a shape differ from process to process, so that
// nobody can prepare texts whose shapes collide. Whoever uses the hash
// compares shapes in full all the same.
var seed = maphash.MakeSeed()

// The largest buffers that are kept from statement to statement.
const (
	keepBytes  = 1 << 20
	keepCounts = 1 << 14
)

// Statement scans one statement of text: from offset from up to a semicolon
// that ends it, or to the end. It fills all fields of s. The slices of the
// previous result are reused. The work is linear in the length of the
// statement. A text is at most 2 GiB long; the protocol's messages are at most
// 1 GiB.
func (s *Scan) Statement(text []byte, from int, mode Mode) {
	s.begin(text[:min(len(text), math.MaxInt32)], from, mode)
	first := s.tokens.Next()
	var end Token
	switch first.Kind {
	case TokenEnd, TokenSemicolon:
		s.Empty = true
		end = first
	default:
		end = s.scan(first)
	}
	s.Hints = s.tokens.hints
	s.Span.End = int32(end.Start)
	s.End = int32(end.End)
	s.Slots = len(s.slots)
	if !s.Strippable {
		s.Shape = appendVerbatim(s.Shape[:0], s.Text[first.Start:end.Start])
		s.Literals, s.slots, s.Slots = s.Literals[:0], s.slots[:0], 0
	}
	s.Hash = maphash.Bytes(seed, s.Shape)
}

// begin empties s for the statement at from.
func (s *Scan) begin(text []byte, from int, mode Mode) {
	if cap(s.Shape) > keepBytes || cap(s.decoded) > keepBytes || cap(s.elements.key) > keepBytes {
		s.Shape, s.decoded, s.elements = nil, nil, elementBuffers{}
	}
	if cap(s.Literals) > keepCounts || cap(s.Hints) > keepCounts {
		s.Literals, s.slots, s.Hints = nil, nil, nil
	}
	s.Text = text
	s.Shape = s.Shape[:0]
	s.Literals = s.Literals[:0]
	s.slots = s.slots[:0]
	s.Empty, s.Strippable = false, false
	s.shaper = shaper{
		tokens:  NewTokens(text, from, mode),
		frames:  s.frames[:0],
		top:     frame{strip: true},
		latest:  latest{at: -1},
		scratch: s.scratch[:0],
		prev:    afterOpen,
		expect:  true,
	}
	s.tokens.hints = s.Hints[:0]
	s.Span = Span{Start: int32(span(text, s.tokens.pos, space))}
}

// scan scans a statement that begins with tok, and returns the token that ends
// it: a semicolon or the end of the text.
func (s *Scan) scan(tok Token) Token {
	s.Shape = append(s.Shape, markStripped)
	first := tok
	if s.opens(&tok) {
		end, ok := s.strip(tok)
		s.Strippable = ok
		if ok {
			return end
		}
		return s.pass(end, s.depth())
	}
	if tok != first {
		return s.pass(tok, s.depth())
	}
	return s.passBody(tok)
}

// opens reports whether tok begins a statement that can be stripped. For an
// EXPLAIN it writes what precedes the explained statement and moves tok there.
func (s *Scan) opens(tok *Token) bool {
	switch s.openingAt(*tok) {
	case opensQuery, opensModify:
		return true
	case opensExplain:
		return s.explain(tok)
	default:
		return false
	}
}

// openingAt returns the opening of the statement at tok. Behind parentheses
// only a query counts.
func (s *Scan) openingAt(tok Token) opening {
	if tok.Kind == TokenWord {
		return s.openingWord(tok)
	}
	ahead := s.tokens
	for tok.Kind == TokenOpen {
		if tok = ahead.Next(); s.openingWord(tok) == opensQuery {
			return opensQuery
		}
	}
	return opensOther
}

func (s *Scan) openingWord(tok Token) opening {
	const longest = len("explain")
	n := tok.End - tok.Start
	if tok.Kind != TokenWord || n > longest {
		return opensOther
	}
	var word [longest]byte
	for i, c := range s.Text[tok.Start:tok.End] {
		word[i] = folded[c]
	}
	return openingOf(word[:n])
}

// explain writes EXPLAIN and its options as they are.
func (s *Scan) explain(tok *Token) bool {
	s.top.strip = false
	s.word(*tok)
	next := s.tokens.Next()
	for s.isWord(next, "analyze") || s.isWord(next, "analyse") || s.isWord(next, "verbose") {
		s.word(next)
		next = s.tokens.Next()
	}
	if next.Kind == TokenOpen && s.openingAt(next) == opensOther {
		for more := true; more; more = len(s.frames) > 0 {
			if s.token(next); s.failed {
				*tok = next
				return false
			}
			next = s.tokens.Next()
		}
	}
	*tok = next
	s.top.strip = true
	s.expect, s.operand, s.prev = true, false, afterOpen
	o := s.openingAt(next)
	return o == opensQuery || o == opensModify
}
