package sqlscan

import "shardproxy/router/querytree"

// The bytes of a shape that stand for something else. They cannot be in a
// statement that is stripped: outside of quotes the server knows no such
// bytes, and a statement that has one inside of kept quotes is left as it is.
const (
	markScalar   = 0x01 // a literal
	markList     = 0x02 // the literals of an IN list
	markRow      = 0x03 // behind a row of VALUES: here once, in the text once or more
	markStripped = 0x05 // begins every stripped shape

	firstMark, lastMark = markScalar, markStripped
)

// glue is the kind of the last token of the shape, as far as it decides
// whether the next one needs a space before it.
type glue uint8

const (
	gluePunct    glue = iota // ( ) [ ] , and marks
	glueWord                 // words and parameters
	glueNumber               // kept numbers
	glueQuote                // quoted identifiers and kept strings
	glueOperator             // operators and colons
	glueDot                  // . and ..
)

// apart says for each kind which kinds would lex differently right behind it,
// or could: 1<<next.
var apart = [...]uint8{
	gluePunct:    0,
	glueWord:     1<<glueWord | 1<<glueNumber | 1<<glueQuote,
	glueNumber:   1<<glueWord | 1<<glueNumber | 1<<glueQuote | 1<<glueDot,
	glueQuote:    1<<glueWord | 1<<glueNumber | 1<<glueQuote,
	glueOperator: 1<<glueOperator | 1<<glueQuote,
	glueDot:      1<<glueDot | 1<<glueNumber,
}

// separate writes the space that token kind g needs behind the last one. It
// depends on the two tokens alone, never on the white space in the text.
func (s *Scan) separate(g glue) {
	if apart[s.last]>>g&1 != 0 {
		s.Shape = append(s.Shape, ' ')
	}
	s.last = g
}

// strip writes the shape of the statement that begins with tok. It returns the
// token that ended it and whether the statement could be stripped; if not, the
// token is where that turned out.
func (s *Scan) strip(tok Token) (Token, bool) {
	for ; ; tok = s.tokens.Next() {
		if tok.Kind == TokenEnd || tok.Kind == TokenSemicolon {
			return tok, len(s.frames) == 0
		}
		if s.token(tok); s.failed {
			return tok, false
		}
	}
}

// token writes one token to the shape. It sets failed, and leaves the frames
// as they are, if the statement cannot be stripped.
func (s *Scan) token(tok Token) {
	switch tok.Kind {
	case TokenWord:
		s.word(tok)
	case TokenQuoted:
		s.quotedName(tok)
	case TokenParam:
		s.param(tok)
	case TokenOperator:
		s.operator(tok)
	case TokenInteger:
		s.literal(tok, Integer)
	case TokenNumber:
		s.literal(tok, Number)
	case TokenString:
		s.literal(tok, String)
	case TokenEscapeString:
		s.literal(tok, EscapeString)
	case TokenDollarString:
		s.literal(tok, DollarString)
	case TokenPrefixString:
		s.prefixString(tok)
	case TokenOpen:
		s.open('(')
	case TokenClose:
		s.close(')')
	case TokenOpenBracket:
		s.open('[')
	case TokenCloseBracket:
		s.close(']')
	case TokenComma:
		s.comma()
	case TokenDot:
		s.dot(tok)
	case TokenColon:
		s.colon(tok)
	default:
		s.failed = true
	}
}

// prefixString keeps B'x', X'x', N'x' and U&'x'. What a backslash means in
// N'x' depends on the mode, which the shape does not tell.
func (s *Scan) prefixString(tok Token) {
	if isEscaped(s.tokens.mode, s.Text[tok.Start:tok.End]) {
		s.failed = true
		return
	}
	s.keep(tok, glueQuote)
}

func (s *Scan) comma() {
	s.Shape = append(s.Shape, ',')
	s.last = gluePunct
	s.expect, s.operand = true, false
	if s.prev == afterRow {
		s.prev = afterRowComma
	} else {
		s.prev = afterComma
	}
}

func (s *Scan) dot(tok Token) {
	s.separate(glueDot)
	s.Shape = append(s.Shape, s.Text[tok.Start:tok.End]...)
	s.expect = false
	s.prev = afterDot
}

func (s *Scan) colon(tok Token) {
	s.separate(glueOperator)
	s.Shape = append(s.Shape, s.Text[tok.Start:tok.End]...)
	s.operand = false
	if tok.End-tok.Start == 2 && s.Text[tok.Start+1] == ':' {
		s.expect, s.prev = false, afterCast
	} else {
		s.expect, s.prev = true, plain
	}
}

func (s *Scan) operator(tok Token) {
	c := s.Text[tok.Start]
	if tok.End-tok.Start == 1 && properties[c]&sign != 0 && s.expect && s.signed(tok) {
		return
	}
	s.separate(glueOperator)
	s.Shape = append(s.Shape, s.Text[tok.Start:tok.End]...)
	// The star of t.* is an operand.
	s.expect = c != '*' || s.prev != afterDot
	s.operand, s.prev = false, plain
}

func (s *Scan) param(tok Token) {
	if !isParam(s.Text[tok.Start+1 : tok.End]) {
		s.failed = true
		return
	}
	s.separate(glueWord)
	s.Shape = append(s.Shape, s.Text[tok.Start:tok.End]...)
	s.expect, s.operand, s.prev = false, true, plain
}

// isParam reports whether digits are the number of a parameter of the client,
// not one of ours (querytree.SlotBase).
func isParam(digits []byte) bool {
	n := 0
	for _, c := range digits {
		if n = n*10 + int(c-'0'); n >= querytree.SlotBase {
			return false
		}
	}
	return true
}

func (s *Scan) quotedName(tok Token) {
	name := s.Text[tok.Start:tok.End]
	if holdsMark(name) {
		s.failed = true
		return
	}
	s.separate(glueQuote)
	at := len(s.Shape)
	s.Shape = append(s.Shape, name...)
	s.Shape[at] = folded[s.Shape[at]] // U&"x"
	if s.prev != afterDot {
		s.operand = s.expect
	}
	s.expect, s.prev = false, plain
	switch lookup(name[1 : len(name)-1]) {
	case kwNames:
		s.prev = kwNames
	case kwReg:
		s.regWord(s.operand)
	}
}

// holdsMark reports whether text has a byte that is a mark in shapes.
func holdsMark(text []byte) bool {
	for _, c := range text {
		if c-firstMark <= lastMark-firstMark {
			return true
		}
	}
	return false
}
