package ring

// appendBytea reads PostgreSQL's bytea input: "Binary Data Types", sections
// "bytea Hex Format" and "bytea Escape Format" of its manual.
func appendBytea(dst, s []byte) ([]byte, bool) {
	if len(s) >= 2 && s[0] == '\\' && s[1] == 'x' {
		return appendByteaHex(dst, s[2:])
	}
	return appendByteaEscape(dst, s)
}

// appendByteaHex reads pairs of hexadecimal digits; white space may stand
// between pairs.
func appendByteaHex(dst, s []byte) ([]byte, bool) {
	out := dst
	for i := 0; i < len(s); i++ {
		switch s[i] {
		case ' ', '\n', '\t', '\r':
			continue
		}
		if i+1 == len(s) {
			return dst, false
		}
		hi, lo := hexValue(s[i]), hexValue(s[i+1])
		if hi > 15 || lo > 15 {
			return dst, false
		}
		out = append(out, hi<<4|lo)
		i++
	}
	return out, true
}

// appendByteaEscape reads ASCII in which \\ is a backslash and \ooo, from \000
// to \377, any byte.
func appendByteaEscape(dst, s []byte) ([]byte, bool) {
	out := dst
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == 0 || c >= 0x80:
			return dst, false
		case c != '\\':
			out = append(out, c)
		case i+1 < len(s) && s[i+1] == '\\':
			out = append(out, '\\')
			i++
		case i+3 < len(s) && isOctal(s[i+1], 3) && isOctal(s[i+2], 7) && isOctal(s[i+3], 7):
			out = append(out, (s[i+1]-'0')<<6|(s[i+2]-'0')<<3|(s[i+3]-'0'))
			i += 3
		default:
			return dst, false
		}
	}
	return out, true
}

// isOctal reports whether c is a digit from 0 to highest.
func isOctal(c, highest byte) bool { return c-'0' <= highest }
