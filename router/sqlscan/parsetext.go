package sqlscan

import (
	"bytes"
	"strconv"

	"shardproxy/router/querytree"
)

// AppendParseText appends the shape as a text for the parser: slot n is the
// parameter querytree.SlotBase+n, a list slot querytree.ListBase+n, and rows of
// VALUES that have one form are there once. Where the statement parses, so does
// this text. A statement that is not Strippable is appended as it is, but that
// strings with backslash escapes begin with E: the text means the same in every
// Mode.
func (s *Scan) AppendParseText(dst []byte) []byte {
	if !s.Strippable {
		return appendPortable(dst, s.Shape, s.tokens.mode)
	}
	shape := s.Shape[1:]
	done, n := 0, 0
	for i, c := range shape {
		if c > lastMark {
			continue
		}
		base := querytree.SlotBase
		switch c {
		case markScalar:
		case markList:
			base = querytree.ListBase
		case markRow:
			dst = append(dst, shape[done:i]...)
			done = i + 1
			continue
		default:
			continue // a NUL inside of quotes
		}
		dst = append(dst, shape[done:i]...)
		dst = append(dst, " $"...)
		dst = strconv.AppendInt(dst, int64(base+n), 10)
		dst = append(dst, ' ')
		n++
		done = i + 1
	}
	return append(dst, shape[done:]...)
}

// appendPortable appends a statement written for mode, for a lexer that does
// not know the mode.
func appendPortable(dst, statement []byte, mode Mode) []byte {
	done := 0
	if mode&BackslashStrings != 0 && bytes.IndexByte(statement, '\\') >= 0 {
		tokens := NewTokens(statement, 0, mode)
		for tok := tokens.Next(); tok.Kind != TokenEnd; tok = tokens.Next() {
			prefix := ""
			quote := tok.Start
			switch {
			case tok.Kind != TokenString && statement[tok.Start] == '\'':
				prefix = " E" // also where the string does not end
			case tok.Kind == TokenPrefixString && isEscaped(mode, statement[tok.Start:tok.End]):
				prefix = " NCHAR E"
				quote++
			default:
				continue
			}
			dst = append(dst, statement[done:tok.Start]...)
			dst = append(dst, prefix...)
			done = quote
		}
	}
	return append(dst, statement[done:]...)
}

// isEscaped reports whether a string with a prefix is an N'x' that has
// backslash escapes.
func isEscaped(mode Mode, text []byte) bool {
	return mode&BackslashStrings != 0 && text[0]|0x20 == 'n' && bytes.IndexByte(text, '\\') >= 0
}
