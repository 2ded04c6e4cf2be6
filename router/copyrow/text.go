package copyrow

import (
	"bytes"
	"fmt"
)

// textColumn reads the wanted column of a line in the text format.
func (s *Splitter) textColumn(r *Row, line []byte) error {
	if bytes.IndexByte(line, '\\') < 0 {
		field, err := s.plainColumn(line)
		if err != nil {
			return err
		}
		s.setText(r, field, false)
		return nil
	}
	var field []byte
	columns := 0
	for start := 0; start <= len(line); columns++ {
		end, next := s.textField(line, start)
		if columns == s.opts.Column {
			field = line[start:end]
		}
		start = next
	}
	if columns != s.opts.Columns {
		return columnsError(columns, s.opts.Columns)
	}
	s.setText(r, field, true)
	return nil
}

// textField returns the end of the field at start and the start of the next,
// which is beyond the line where there is none. The server drops a backslash
// that is the last byte of the stream.
func (s *Splitter) textField(line []byte, start int) (end, next int) {
	delimiter := s.opts.Delimiter
	for i := start; i < len(line); i++ {
		switch c := line[i]; {
		case c != '\\' && c != delimiter:
		case c == delimiter:
			return i, i + 1
		case i+1 == len(line):
			return i, i + 2
		default:
			i++
		}
	}
	return len(line), len(line) + 1
}

// plainColumn returns the wanted column of a line in which only the delimiter
// has a meaning.
func (s *Splitter) plainColumn(line []byte) ([]byte, error) {
	delimiter := [1]byte{s.opts.Delimiter}
	if columns := 1 + bytes.Count(line, delimiter[:]); columns != s.opts.Columns {
		return nil, columnsError(columns, s.opts.Columns)
	}
	for range s.opts.Column {
		line = line[bytes.IndexByte(line, s.opts.Delimiter)+1:]
	}
	if end := bytes.IndexByte(line, s.opts.Delimiter); end >= 0 {
		line = line[:end]
	}
	return line, nil
}

// columnsError says that a row has the wrong number of columns.
func columnsError(columns, want int) error {
	return fmt.Errorf("has %d columns, expected %d", columns, want)
}

// setText sets the row's value from a field as it is written. The strings for
// NULL and DEFAULT are compared before escapes are read.
func (s *Splitter) setText(r *Row, field []byte, escapes bool) {
	switch {
	case bytes.Equal(field, s.null):
		r.Null = true
	case s.deflt != nil && bytes.Equal(field, s.deflt):
		r.Default = true
	case escapes && bytes.IndexByte(field, '\\') >= 0:
		s.value = unescape(s.value[:0], field)
		r.Value = s.value
	default:
		r.Value = field
	}
}

// unescape appends a field of the text format to dst with its backslash
// sequences replaced. There is no malformed one: a backslash before any other
// character is dropped.
func unescape(dst, field []byte) []byte {
	for i := 0; i < len(field); i++ {
		c := field[i]
		if c != '\\' || i+1 == len(field) {
			dst = append(dst, c)
			continue
		}
		i++
		switch c = field[i]; c {
		case 'b':
			c = '\b'
		case 'f':
			c = '\f'
		case 'n':
			c = '\n'
		case 'r':
			c = '\r'
		case 't':
			c = '\t'
		case 'v':
			c = '\v'
		case 'x':
			if v, n := digits(field[i+1:], 16, 2); n > 0 {
				c = v
				i += n
			}
		case '0', '1', '2', '3', '4', '5', '6', '7':
			v, n := digits(field[i:], 8, 3)
			c = v
			i += n - 1
		}
		dst = append(dst, c)
	}
	return dst
}

// digits reads up to most digits of a base and returns the low byte of the
// value and how many there were.
func digits(s []byte, base, most int) (value byte, n int) {
	v := 0
	for n < len(s) && n < most {
		d := digit(s[n])
		if d >= base {
			break
		}
		v = v*base + d
		n++
	}
	return byte(v), n
}

// digit returns the value of a hexadecimal digit, or 16.
func digit(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return 16
}
