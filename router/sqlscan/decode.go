package sqlscan

import (
	"bytes"
	"unicode/utf16"
	"unicode/utf8"
)

// value returns the value of a string literal: a part of the text where it is
// written as it is, else in s.decoded. It reports false where the server would
// refuse the escapes in it.
func (s *Scan) value(lit *Literal) ([]byte, bool) {
	text := s.Text[lit.Start:lit.End]
	switch lit.Kind {
	case DollarString:
		tag := dollarTag(text, 0)
		return text[tag : len(text)-tag], true
	case EscapeString:
		if text[0] != '\'' {
			text = text[1:] // the E
		}
		var ok bool
		s.decoded, ok = appendSegments(s.decoded[:0], text, true)
		return s.decoded, ok
	default:
		inner := text[1 : len(text)-1]
		if bytes.IndexByte(inner, '\'') < 0 {
			return inner, true
		}
		var ok bool
		s.decoded, ok = appendSegments(s.decoded[:0], text, false)
		return s.decoded, ok
	}
}

// appendSegments appends the value of a whole string: one quoted segment, or
// several with white space and comments between them.
func appendSegments(dst, text []byte, escapes bool) ([]byte, bool) {
	var surrogate rune // the first half of a pair of \u escapes: the second must follow at once
	for i := 1; i < len(text); {
		switch c := text[i]; {
		case c == '\'' && at(text, i+1, '\''):
			dst = append(dst, c)
			i += 2
		case c == '\'':
			next := continuation(text, i+1)
			if next < 0 {
				return dst, surrogate == 0 && i+1 == len(text)
			}
			i = next + 1
		case c == '\\' && escapes:
			e := escape(text, i)
			if e.end == 0 || e.value == 0 {
				return dst, false
			}
			i = e.end
			if e.unicode {
				var ok bool
				if dst, surrogate, ok = appendUnicode(dst, surrogate, e.value); !ok {
					return dst, false
				}
				continue
			}
			dst = append(dst, byte(e.value))
		default:
			dst = append(dst, c)
			i++
		}
		if surrogate != 0 {
			return dst, false
		}
	}
	return dst, false
}

// appendUnicode appends the code point of a \u or \U escape in UTF-8. The two
// halves of a surrogate pair come one after the other.
func appendUnicode(dst []byte, first, value rune) ([]byte, rune, bool) {
	switch {
	case first != 0:
		pair := utf16.DecodeRune(first, value)
		return utf8.AppendRune(dst, pair), 0, pair != utf8.RuneError
	case 0xD800 <= value && value < 0xDC00:
		return dst, value, true
	default:
		return utf8.AppendRune(dst, value), 0, value != 0 && utf8.ValidRune(value)
	}
}

// escaped is one backslash escape: a byte or, with unicode, a code point.
type escaped struct {
	value   rune
	unicode bool
	end     int // 0: malformed
}

// escape reads the escape whose backslash is at i (manual section 4.1.2.2).
func escape(text []byte, i int) escaped {
	i++
	if i >= len(text) {
		return escaped{}
	}
	switch c := text[i]; c {
	case 'b':
		return escaped{value: '\b', end: i + 1}
	case 'f':
		return escaped{value: '\f', end: i + 1}
	case 'n':
		return escaped{value: '\n', end: i + 1}
	case 'r':
		return escaped{value: '\r', end: i + 1}
	case 't':
		return escaped{value: '\t', end: i + 1}
	case 'v':
		return escaped{value: '\v', end: i + 1}
	case 'u':
		return unicodeEscape(text, i+1, 4)
	case 'U':
		return unicodeEscape(text, i+1, 8)
	case 'x':
		value, end := hexDigits(text, i+1, 2)
		if end == i+1 {
			return escaped{value: 'x', end: end}
		}
		return escaped{value: value, end: end}
	case '0', '1', '2', '3', '4', '5', '6', '7':
		value := rune(0)
		end := i
		for end < len(text) && end < i+3 && '0' <= text[end] && text[end] <= '7' {
			value = value<<3 | rune(text[end]-'0')
			end++
		}
		return escaped{value: value & 0xFF, end: end}
	default:
		return escaped{value: rune(c), end: i + 1}
	}
}

func unicodeEscape(text []byte, i, digits int) escaped {
	value, end := hexDigits(text, i, digits)
	if end != i+digits {
		return escaped{}
	}
	return escaped{value: value, unicode: true, end: end}
}

// hexDigits reads up to limit hexadecimal digits.
func hexDigits(text []byte, i, limit int) (value rune, end int) {
	end = i
	for end < len(text) && end < i+limit && isRadixDigit(text[end], 'x') {
		c := text[end] | 0x20
		if c >= 'a' {
			c -= 'a' - 10
		} else {
			c -= '0'
		}
		value = value<<4 | rune(c)
		end++
	}
	return value, end
}
