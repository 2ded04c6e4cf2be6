package copyrow

import "bytes"

// csvColumn reads the wanted column of a line in the CSV format.
func (s *Splitter) csvColumn(r *Row, line []byte) error {
	if bytes.IndexByte(line, s.opts.Quote) < 0 {
		field, err := s.plainColumn(line)
		if err != nil {
			return err
		}
		s.setCSV(r, field, field, false)
		return nil
	}
	var field []byte
	quoted := false
	columns, start := 0, 0
	for {
		wanted := columns == s.opts.Column
		if wanted {
			s.value = s.value[:0]
		}
		end, q, err := s.csvField(line, start, wanted)
		if err != nil {
			return err
		}
		if wanted {
			field, quoted = line[start:end], q
		}
		columns++
		if end == len(line) {
			break
		}
		start = end + 1
	}
	if columns != s.opts.Columns {
		return columnsError(columns, s.opts.Columns)
	}
	s.setCSV(r, field, s.value, quoted)
	return nil
}

// csvField reads the field at start. It returns its end, which is at a
// delimiter or at the end of the line, and whether any part of it was quoted;
// its value is appended to s.value where it is wanted. Quotes may stand
// anywhere in a field.
func (s *Splitter) csvField(line []byte, start int, wanted bool) (end int, quoted bool, err error) {
	inQuote := false
	for i := start; i < len(line); i++ {
		c := line[i]
		switch {
		case inQuote && c == s.opts.Escape && i+1 < len(line) &&
			(line[i+1] == s.opts.Escape || line[i+1] == s.opts.Quote):
			i++
			c = line[i]
		case c == s.opts.Quote:
			inQuote = !inQuote
			quoted = true
			continue
		case !inQuote && c == s.opts.Delimiter:
			return i, quoted, nil
		}
		if wanted {
			s.value = append(s.value, c)
		}
	}
	if inQuote {
		return 0, false, errQuote
	}
	return len(line), quoted, nil
}

// setCSV sets the row's value from a field as it is written and as it reads. A
// field with quotes in it is not NULL, unless FORCE_NULL says so.
func (s *Splitter) setCSV(r *Row, field, value []byte, quoted bool) {
	switch {
	case !quoted && bytes.Equal(field, s.null):
		if s.opts.ForceNotNull {
			r.Value = s.null
			return
		}
		r.Null = true
	case s.deflt != nil && bytes.Equal(field, s.deflt):
		r.Default = true
	case s.opts.ForceNull && bytes.Equal(value, s.null):
		r.Null = true
	default:
		r.Value = value
	}
}
