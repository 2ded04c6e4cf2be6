package sqlscan

import "bytes"

// quoted reads a string from its opening quote on, with backslash escapes or
// without. Without a backslash in it a string of either form is a
// TokenString.
func quoted(text []byte, i int, escapes bool) (TokenKind, int) {
	if !escapes {
		if end := plainEnd(text, i); end >= 0 {
			return TokenString, end
		}
		return TokenInvalid, len(text)
	}
	end, escaped := escapeEnd(text, i)
	switch {
	case end < 0:
		return TokenInvalid, len(text)
	case escaped:
		return TokenEscapeString, end
	default:
		return TokenString, end
	}
}

// prefixString reads E'x', B'x', X'x' or N'x', whose prefix is at i. It
// returns TokenWord where the letter is none of these prefixes: u'x'.
func prefixString(text []byte, i, quote int, mode Mode) (TokenKind, int) {
	kind := TokenPrefixString
	var end int
	switch text[i] | 0x20 {
	case 'e':
		kind = TokenEscapeString
		end, _ = escapeEnd(text, quote)
	case 'n':
		// The lexer makes two tokens of it, NCHAR and an ordinary string.
		if mode&BackslashStrings != 0 {
			end, _ = escapeEnd(text, quote)
		} else {
			end = plainEnd(text, quote)
		}
	case 'b', 'x':
		end = bitsEnd(text, quote)
	default:
		return TokenWord, i
	}
	if end < 0 {
		return TokenInvalid, len(text)
	}
	return kind, end
}

// unicodeString reads U&'x' from its quote on. The server refuses one while
// standard_conforming_strings is off, before it looks for its end.
func unicodeString(text []byte, quote int, mode Mode) (TokenKind, int) {
	end := plainEnd(text, quote)
	if end < 0 || mode&BackslashStrings != 0 {
		return TokenInvalid, len(text)
	}
	return TokenPrefixString, end
}

// plainEnd returns the end of a string in which only quotes are doubled, or
// -1 where it has none.
func plainEnd(text []byte, i int) int {
	for i++; ; {
		quote := bytes.IndexByte(text[i:], '\'')
		if quote < 0 {
			return -1
		}
		i += quote + 1
		if at(text, i, '\'') {
			i++
			continue
		}
		next := continuation(text, i)
		if next < 0 {
			return i
		}
		i = next + 1
	}
}

// escapeEnd is plainEnd for a string with backslash escapes. It also reports
// whether there was a backslash.
func escapeEnd(text []byte, i int) (end int, escaped bool) {
	for i++; i < len(text); i++ {
		switch text[i] {
		case '\\':
			escaped = true
			i++
		case '\'':
			if at(text, i+1, '\'') {
				i++
				continue
			}
			next := continuation(text, i+1)
			if next < 0 {
				return i + 1, escaped
			}
			i = next
		}
	}
	return -1, escaped
}

// bitsEnd is plainEnd for B'x' and X'x', in which quotes are not doubled.
func bitsEnd(text []byte, i int) int {
	for {
		quote := bytes.IndexByte(text[i+1:], '\'')
		if quote < 0 {
			return -1
		}
		end := i + quote + 2
		next := continuation(text, end)
		if next < 0 {
			return end
		}
		i = next
	}
}

// continuation returns the index of the quote that continues a string which
// seems to end before i: white space with a newline in it, line comments
// included, and then a quote (scan.l: quotecontinue). Otherwise -1.
func continuation(text []byte, i int) int {
	if !is(text, i, space) && !at(text, i, '-') {
		return -1
	}
	for newline := false; i < len(text); i++ {
		switch text[i] {
		case '\n', '\r':
			newline = true
		case ' ', '\t', '\f', '\v':
		case '-':
			if !at(text, i+1, '-') {
				return -1
			}
			i = lineEnd(text, i) - 1
		case '\'':
			if newline {
				return i
			}
			return -1
		default:
			return -1
		}
	}
	return -1
}

// identifier reads a quoted identifier from its opening quote on. It must not
// be empty.
func identifier(text []byte, i int) (TokenKind, int) {
	empty := i + 2
	for i++; ; i++ {
		quote := bytes.IndexByte(text[i:], '"')
		if quote < 0 {
			return TokenInvalid, len(text)
		}
		i += quote + 1
		if at(text, i, '"') {
			continue
		}
		if i == empty {
			return TokenInvalid, i
		}
		return TokenQuoted, i
	}
}

// dollar reads what begins with a dollar sign: a parameter or a string between
// $tag$ and $tag$.
func dollar(text []byte, i int) (TokenKind, int) {
	if is(text, i+1, digit) {
		end := span(text, i+1, digit)
		if is(text, end, wordStart) {
			return TokenInvalid, span(text, end, wordPart)
		}
		return TokenParam, end
	}
	tag := dollarTag(text, i)
	if tag == 0 {
		return TokenInvalid, i + 1
	}
	body := i + tag
	closing := bytes.Index(text[body:], text[i:body])
	if closing < 0 {
		return TokenInvalid, len(text)
	}
	return TokenDollarString, body + closing + tag
}

// dollarTag returns the length of the $tag$ that begins at i, 0 where there is
// none.
func dollarTag(text []byte, i int) int {
	end := i + 1
	if is(text, end, wordStart) {
		for is(text, end, wordStart|digit) {
			end++
		}
	}
	if !at(text, end, '$') {
		return 0
	}
	return end + 1 - i
}
