package sqlscan

import "bytes"

// maxSlots is below the distance of the bases of slots and list slots
// (router/querytree).
const maxSlots = 1 << 20

// latest is the last stripped literal, in case a cast demands it back.
type latest struct {
	at   int  // the index of its mark in Shape, or -1
	glue glue // of the token before it
}

// strippable reports whether a literal here may be replaced by a mark. It may
// where the grammar wants any expression, but for the positions of ORDER BY,
// GROUP BY and DISTINCT ON.
func (s *Scan) strippable(number bool) bool {
	return s.expect && s.top.strip && !(number && s.top.ordinals && s.itemStarts())
}

// literal strips a literal or keeps it.
func (s *Scan) literal(tok Token, kind LiteralKind) {
	number := kind == Integer || kind == Number
	switch {
	case s.strippable(number):
		s.stripped(tok.Start, tok.End, kind)
	case number:
		s.keep(tok, glueNumber)
	default:
		s.keep(tok, glueQuote)
	}
}

// stripped writes a mark for the literal at start.
func (s *Scan) stripped(start, end int, kind LiteralKind) {
	n := int32(len(s.slots))
	if n == maxSlots {
		s.failed = true
		return
	}
	s.latest = latest{at: len(s.Shape), glue: s.last}
	at := int32(len(s.Literals))
	s.slots = append(s.slots, slot{first: at, last: at + 1, repeated: s.top.inRow})
	s.Literals = append(s.Literals, Literal{Start: int32(start), End: int32(end), Slot: n, Kind: kind})
	s.Shape = append(s.Shape, markScalar)
	s.last = gluePunct
	s.expect, s.operand, s.prev = false, true, plain
}

// signed handles a sign before an operand if a number follows: the sign
// belongs to it.
func (s *Scan) signed(tok Token) bool {
	i := s.tokens.skip()
	if !is(s.Text, i, digit) && !(at(s.Text, i, '.') && is(s.Text, i+1, digit)) {
		return false
	}
	number := s.tokens.Next()
	kind := Integer
	switch number.Kind {
	case TokenInteger:
	case TokenNumber:
		kind = Number
	default:
		s.failed = true
		return true
	}
	if s.strippable(true) {
		s.stripped(tok.Start, number.End, kind)
		return true
	}
	s.separate(glueOperator)
	s.Shape = append(s.Shape, s.Text[tok.Start])
	s.keep(number, glueNumber)
	return true
}

// keep writes a literal as it is.
func (s *Scan) keep(tok Token, g glue) {
	text := s.Text[tok.Start:tok.End]
	// mytype(3) 'x' is a typed literal, not the call of a function whose
	// arguments have just been stripped.
	if g == glueQuote && (s.prev == afterCall || holdsMark(text)) {
		s.failed = true
		return
	}
	s.separate(g)
	if tok.Kind == TokenEscapeString && text[0] == '\'' {
		s.Shape = append(s.Shape, 'e') // means the same in every mode
	}
	at := len(s.Shape)
	s.Shape = append(s.Shape, text...)
	s.Shape[at] = folded[s.Shape[at]] // the prefix of E'x', B'x', U&'x'
	s.expect, s.operand, s.prev = false, false, plain
}

// restore takes back the mark of the latest literal if all that follows it in
// the shape is the cast, to a reg* type, that has just been written.
func (s *Scan) restore() {
	if s.latest.at < 0 {
		return
	}
	cast := s.Shape[s.latest.at+1:]
	if !castsOnly(cast) {
		return
	}
	s.scratch = append(s.scratch[:0], cast...)
	last, operand, expect := s.last, s.operand, s.expect
	lit := s.Literals[len(s.Literals)-1]
	s.Literals = s.Literals[:len(s.Literals)-1]
	s.slots = s.slots[:len(s.slots)-1]
	s.Shape = s.Shape[:s.latest.at]
	s.last = s.latest.glue
	s.latest.at = -1
	if lit.Kind == Integer || lit.Kind == Number {
		digits := lit.digits(s.Text)
		if digits > int(lit.Start) {
			s.separate(glueOperator)
			s.Shape = append(s.Shape, s.Text[lit.Start])
		}
		s.keep(Token{lit.Kind.token(), digits, int(lit.End)}, glueNumber)
	} else {
		s.keep(Token{lit.Kind.token(), int(lit.Start), int(lit.End)}, glueQuote)
	}
	if properties[s.scratch[0]]&wordPart != 0 {
		s.Shape = append(s.Shape, ' ')
	}
	s.Shape = append(s.Shape, s.scratch...)
	s.last, s.operand, s.expect = last, operand, expect
}

// castsOnly reports whether shape is closing parentheses and then casts.
func castsOnly(shape []byte) bool {
	const longest = 200
	if len(shape) == 0 || len(shape) > longest {
		return false
	}
	cast := bytes.TrimLeft(shape, ")")
	if !bytes.HasPrefix(cast, []byte("::")) && !bytes.HasPrefix(cast, []byte("as ")) {
		return false
	}
	return !bytes.ContainsAny(cast, "([,\x01\x02\x03")
}

// digits returns the index in text of a number behind its sign, if it has one,
// and what may stand between the two.
func (l Literal) digits(text []byte) int {
	start := int(l.Start)
	if !is(text, start, sign) {
		return start
	}
	t := NewTokens(text[:l.End], start+1, 0)
	return t.skip()
}

// token returns the kind of token a literal of kind k is.
func (k LiteralKind) token() TokenKind {
	switch k {
	case Integer:
		return TokenInteger
	case Number:
		return TokenNumber
	case String:
		return TokenString
	case EscapeString:
		return TokenEscapeString
	default:
		return TokenDollarString
	}
}
