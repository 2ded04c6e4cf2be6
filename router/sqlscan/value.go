package sqlscan

// FindValue returns the span, without the white space and comments around it,
// of the n-th (from 0) value of the row of VALUES whose opening parenthesis is
// at open (InsertParts.Rows). ok is false where the row has fewer values.
func FindValue(text []byte, mode Mode, open int32, n int) (value Span, ok bool) {
	tokens := NewTokens(text, int(open), mode)
	depth := 0
	for {
		tok := tokens.Next()
		switch tok.Kind {
		case TokenEnd, TokenSemicolon, TokenInvalid:
			return Span{}, false
		case TokenOpen, TokenOpenBracket:
			if depth++; depth == 1 {
				continue
			}
		case TokenClose, TokenCloseBracket:
			if depth--; depth == 0 {
				return value, n == 0 && value.End > 0
			}
		case TokenComma:
			if depth == 1 {
				if n == 0 {
					return value, value.End > 0
				}
				n--
				continue
			}
		}
		if n == 0 {
			if value.End == 0 {
				value.Start = int32(tok.Start)
			}
			value.End = int32(tok.End)
		}
	}
}
