package ring

const uuidLen = 16

// appendUUID reads a uuid in any spelling PostgreSQL's input function accepts.
func appendUUID(dst, s []byte) ([]byte, bool) {
	if len(s) >= 2 && s[0] == '{' {
		if s[len(s)-1] != '}' {
			return dst, false
		}
		s = s[1 : len(s)-1]
	}
	var uuid [uuidLen]byte
	for i := range uuid {
		if len(s) < 2 {
			return dst, false
		}
		hi, lo := hexValue(s[0]), hexValue(s[1])
		if hi > 15 || lo > 15 {
			return dst, false
		}
		uuid[i] = hi<<4 | lo
		s = s[2:]
		if i%2 == 1 && i < uuidLen-1 && len(s) > 0 && s[0] == '-' {
			s = s[1:]
		}
	}
	if len(s) != 0 {
		return dst, false
	}
	return append(dst, uuid[:]...), true
}

// hexValue returns the value of a hexadecimal digit, or more than 15.
func hexValue(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 0xff
}
