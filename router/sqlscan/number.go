package sqlscan

// number reads a number that begins at i with a digit, or with a dot before a
// digit (scan.l: decinteger, hexinteger, octinteger, bininteger, numeric,
// real). Letters glued to it are an error of the server since PostgreSQL 15,
// and meant something else before: TokenInvalid.
func number(text []byte, i int) (TokenKind, int) {
	if text[i] == '0' && i+1 < len(text) {
		switch text[i+1] | 0x20 {
		case 'x', 'o', 'b':
			return radixNumber(text, i)
		}
	}
	kind, end := TokenInteger, i
	if text[i] != '.' {
		end = span(text, i, digit)
		if at(text, end, '_') {
			kind, end = TokenNumber, digits(text, i)
		}
	}
	// "1..2" is two integers, for the loops of PL/pgSQL.
	if at(text, end, '.') && !at(text, end+1, '.') {
		kind = TokenNumber
		end++
		if is(text, end, digit) {
			end = digits(text, end)
		}
	}
	if end < len(text) && text[end]|0x20 == 'e' {
		exponent := end + 1
		if is(text, exponent, sign) {
			exponent++
		}
		if is(text, exponent, digit) {
			kind, end = TokenNumber, digits(text, exponent)
		}
	}
	return numberEnd(text, kind, end)
}

// radixNumber reads 0x1F, 0o17 or 0b11.
func radixNumber(text []byte, i int) (TokenKind, int) {
	radix := text[i+1] | 0x20
	end := i + 2
	for {
		next := end
		if at(text, next, '_') {
			next++
		}
		if next >= len(text) || !isRadixDigit(text[next], radix) {
			break
		}
		end = next + 1
	}
	if end == i+2 {
		return TokenInvalid, span(text, end, wordPart)
	}
	return numberEnd(text, TokenNumber, end)
}

func isRadixDigit(c, radix byte) bool {
	switch radix {
	case 'b':
		return c == '0' || c == '1'
	case 'o':
		return '0' <= c && c <= '7'
	default:
		return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
	}
}

// digits returns the end of decimal digits that may have one underscore
// between two of them. There is a digit at i.
func digits(text []byte, i int) int {
	for i++; ; i++ {
		if at(text, i, '_') && is(text, i+1, digit) {
			i++
		}
		if !is(text, i, digit) {
			return i
		}
	}
}

// numberEnd checks that no word, and no parameter, is glued to a number.
func numberEnd(text []byte, kind TokenKind, end int) (TokenKind, int) {
	if is(text, end, wordPart) {
		return TokenInvalid, span(text, end, wordPart)
	}
	return kind, end
}
