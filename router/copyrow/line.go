package copyrow

import "bytes"

// lineReader finds the ends of lines, which are rows in Text and CSV, byte by
// byte as the server's COPY does. All state is kept between chunks.
//
//	plain --\r--> afterCR --\n or not--> end of row
//	plain --\----> afterBackslash --.--> afterDot [--\r--> afterDotCR] --> marker
//	CSV: plain <--quote--> inQuote
type lineReader struct {
	csv       bool
	endMarker bool // \. ends the data
	quote     byte
	escape    byte // 0: the quote is its own escape
	// special bytes need a step even in the middle of a plain line.
	special [256]bool

	eol eol // learnt from the first line end

	// The state inside the current line.
	state   lineState
	begun   bool // a byte of the line was read
	first   bool // the backslash of the state was the line's first byte
	inQuote bool
	escaped bool // inside quotes, after an escape that counts
	trim    int  // length of the line end of the line that just ended
}

// eol is a convention of line ends.
type eol uint8

const (
	eolUnknown eol = iota
	eolNL
	eolCR
	eolCRNL
)

// lineState says which bytes were seen that only the next one explains.
type lineState uint8

const (
	plain          lineState = iota
	afterCR                  // a carriage return that may be half a line end
	afterBackslash           // Text: any; CSV: one that may begin the end marker
	afterDot                 // \. so far
	afterDotCR               // \. and half a line end
)

func newLineReader(opts Options) lineReader {
	r := lineReader{csv: opts.Format == CSV, endMarker: true}
	if r.csv {
		r.endMarker = opts.EndMarker
		r.quote = opts.Quote
		if opts.Escape != opts.Quote {
			r.escape = opts.Escape
		}
		r.special[r.quote], r.special[r.escape] = true, true
	} else {
		r.special['\\'] = true
	}
	r.special['\r'], r.special['\n'] = true, true
	return r
}

// content returns the line that just ended without its line end.
func (r *lineReader) content(raw []byte) []byte { return raw[:len(raw)-r.trim] }

// read reads bytes up to the end of the current line.
func (r *lineReader) read(p []byte) (n int, end ending, err error) {
	if !r.begun && r.eol == eolNL {
		if n := r.plainLine(p); n > 0 {
			r.trim = 1
			return n, row, nil
		}
	}
	for i := 0; i < len(p); i++ {
		if r.state == plain && r.begun && !r.escaped {
			for i < len(p) && !r.special[p[i]] {
				i++
			}
			if i == len(p) {
				break
			}
		}
		var used bool
		used, end, err = r.step(p[i])
		if err != nil {
			return 0, more, err
		}
		if end != more {
			r.state, r.begun, r.inQuote, r.escaped = plain, false, false, false
			if used {
				i++
			}
			return i, end, nil
		}
	}
	return len(p), more, nil
}

// plainLine returns the length of the first line of p if no byte in it has a
// meaning but its end, else 0.
func (r *lineReader) plainLine(p []byte) int {
	n := bytes.IndexByte(p, '\n')
	if n < 0 {
		return 0
	}
	line := p[:n]
	if r.csv {
		if bytes.IndexByte(line, r.quote) >= 0 || (r.endMarker && n > 0 && line[0] == '\\') {
			return 0
		}
	} else if bytes.IndexByte(line, '\\') >= 0 {
		return 0
	}
	if bytes.IndexByte(line, '\r') >= 0 {
		return 0
	}
	return n + 1
}

// step reads one byte. The line may end before it: then it is not used.
func (r *lineReader) step(c byte) (used bool, end ending, err error) {
	switch r.state {
	case plain:
	case afterCR:
		if c == '\n' {
			r.eol, r.trim = eolCRNL, 2
			return true, row, nil
		}
		if r.eol == eolCRNL {
			return false, more, errCarriageReturn
		}
		r.eol, r.trim = eolCR, 1
		return false, row, nil
	case afterBackslash:
		r.state = plain
		if c == '.' && r.endMarker && (r.first || !r.csv) {
			if !r.first {
				return false, more, errMarker
			}
			r.state = afterDot
			return true, more, nil
		}
		if !r.csv {
			return true, more, nil // whatever it is, even a newline, it is data
		}
	default:
		if end, err = r.markerEnd(c); err != nil || end == marker || r.state == afterDotCR {
			return true, end, err
		}
	}
	return r.plainByte(c)
}

// markerEnd reads the byte after \. or after \. and a carriage return. In CSV
// it may turn out that these are data: the state is plain again.
func (r *lineReader) markerEnd(c byte) (ending, error) {
	state := r.state
	r.state = plain
	switch {
	case state == afterDotCR:
		if c != '\n' {
			return more, errMarkerLineEnd
		}
		return marker, nil
	case c == '\r' && r.eol == eolCRNL:
		r.state = afterDotCR
		return more, nil
	case c == '\n' && (r.eol == eolNL || r.eol == eolUnknown),
		c == '\r' && (r.eol == eolCR || r.eol == eolUnknown):
		return marker, nil
	case r.csv:
		return more, nil
	case c == '\n' || c == '\r':
		return more, errMarkerLineEnd
	}
	return more, errMarker
}

// plainByte reads a byte that nothing before it explains.
func (r *lineReader) plainByte(c byte) (used bool, end ending, err error) {
	first := !r.begun
	r.begun = true
	if r.csv {
		r.quoting(c)
		if r.inQuote {
			return true, more, nil
		}
	}
	switch c {
	case '\r':
		return r.carriageReturn()
	case '\n':
		if r.eol == eolCR || r.eol == eolCRNL {
			return false, more, errNewline
		}
		r.eol, r.trim = eolNL, 1
		return true, row, nil
	case '\\':
		if !r.csv || (first && r.endMarker) {
			r.state, r.first = afterBackslash, first
		}
	}
	return true, more, nil
}

// carriageReturn reads a carriage return outside quotes.
func (r *lineReader) carriageReturn() (used bool, end ending, err error) {
	switch r.eol {
	case eolNL:
		return false, more, errCarriageReturn
	case eolCR:
		r.trim = 1
		return true, row, nil
	}
	r.state = afterCR
	return true, more, nil
}

// quoting keeps track of quotes. A quote that is its own escape just toggles;
// another escape counts only inside quotes, and not where it is escaped itself.
func (r *lineReader) quoting(c byte) {
	isEscape := r.escape != 0 && c == r.escape
	if isEscape && r.inQuote {
		r.escaped = !r.escaped
	}
	if c == r.quote && !r.escaped {
		r.inQuote = !r.inQuote
	}
	if !isEscape {
		r.escaped = false
	}
}

// finish ends the stream inside a line, or before one. That a quoted field does
// not end is for the field reader to say.
func (r *lineReader) finish() error {
	r.trim = 0
	switch {
	case r.state == afterCR && r.eol == eolCRNL:
		return errCarriageReturn
	case r.state == afterCR:
		r.trim = 1
	case r.state == afterDot && !r.csv, r.state == afterDotCR:
		return errMarker
	}
	return nil
}
