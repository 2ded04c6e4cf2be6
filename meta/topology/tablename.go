package topology

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// MarshalText writes schema, a dot and the name. What would be ambiguous or no
// text (dots, percent signs, control characters, bytes that are not UTF-8) is
// written as %XX, so every name has one spelling and every name survives.
func (n TableName) MarshalText() ([]byte, error) {
	return appendEscaped(append(appendEscaped(nil, n.Schema), '.'), n.Name), nil
}

// UnmarshalText reads what MarshalText wrote, and no other spelling.
func (n *TableName) UnmarshalText(text []byte) error {
	schema, name, found := strings.Cut(string(text), ".")
	if !found {
		return fmt.Errorf("table name %q has no dot: %w", text, ErrInvalid)
	}
	read := TableName{Schema: unescape(schema), Name: unescape(name)}
	if again, _ := read.MarshalText(); string(again) != string(text) {
		return fmt.Errorf("table name %q is not in its canonical spelling: %w", text, ErrInvalid)
	}
	*n = read
	return nil
}

func appendEscaped(dst []byte, s string) []byte {
	for len(s) > 0 {
		r, size := utf8.DecodeRuneInString(s)
		if r == '.' || r == '%' || r < ' ' || r == 0x7f || r == utf8.RuneError && size == 1 {
			dst = fmt.Appendf(dst, "%%%02X", s[0])
		} else {
			dst = append(dst, s[:size]...)
		}
		s = s[size:]
	}
	return dst
}

func unescape(s string) string {
	if !strings.Contains(s, "%") {
		return s
	}
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if high, low := hexDigit(s[i+1]), hexDigit(s[i+2]); high >= 0 && low >= 0 {
				out = append(out, byte(high<<4|low))
				i += 2
				continue
			}
		}
		out = append(out, s[i])
	}
	return string(out)
}

// hexDigit returns the value of an upper-case hexadecimal digit, or -1.
func hexDigit(c byte) int { return strings.IndexByte("0123456789ABCDEF", c) }
