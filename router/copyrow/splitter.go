package copyrow

import (
	"errors"
	"fmt"
)

// Splitter splits one COPY stream. It is not safe for concurrent use.
type Splitter struct {
	opts          Options
	null, deflt   []byte
	lines         lineReader
	tuples        tupleReader
	number        int    // rows before the current one
	buf           []byte // the current row's bytes from earlier chunks
	value         []byte // holds a decoded value
	ended, closed bool   // the end marker was seen; Finish was called
	err           error
}

// ending says how far a reader got.
type ending uint8

const (
	// more: the bytes are read and the row has not ended.
	more ending = iota
	// row: the row ends after the bytes read.
	row
	// header: the same, and it is the binary header.
	header
	// marker: the same, and it is the end marker or the binary trailer.
	marker
)

// keepBuffer is the largest buffer that is kept for further rows.
const keepBuffer = 1 << 20

// New returns a splitter for one stream.
func New(opts Options) (*Splitter, error) {
	if err := opts.check(); err != nil {
		return nil, err
	}
	s := &Splitter{opts: opts}
	if opts.Format == Binary {
		s.number = -1 // the header comes first
		s.tuples = newTupleReader(opts)
		return s, nil
	}
	s.null = []byte(*opts.Null)
	if opts.Default != nil {
		s.deflt = append([]byte{}, *opts.Default...) // not nil
	}
	s.lines = newLineReader(opts)
	return s, nil
}

// Feed takes the next bytes of the stream and calls yield for each row that is
// complete with them. It returns the first error of yield as it is, or a
// *RowError; after an error it returns the same again.
func (s *Splitter) Feed(chunk []byte, yield func(Row) error) error {
	if s.err == nil && s.closed {
		s.err = errors.New("copyrow: Feed after Finish")
	}
	if s.err == nil {
		s.err = s.feed(chunk, yield)
	}
	return s.err
}

func (s *Splitter) feed(chunk []byte, yield func(Row) error) error {
	for len(chunk) > 0 {
		if s.ended {
			return s.rest(chunk, yield)
		}
		n, end, err := s.read(s.window(chunk))
		if err == nil && len(s.buf)+n > s.opts.MaxRow {
			err = fmt.Errorf("%w: more than %d bytes", ErrRowTooLong, s.opts.MaxRow)
		}
		if err != nil {
			return &RowError{Number: s.number + 1, Err: err}
		}
		if end == more {
			s.buf = append(s.buf, chunk[:n]...)
			return nil
		}
		raw := chunk[:n:n]
		if len(s.buf) > 0 {
			s.buf = append(s.buf, raw...)
			raw = s.buf
		}
		chunk = chunk[n:]
		if err := s.emit(raw, end, yield); err != nil {
			return err
		}
	}
	return nil
}

// window is what of a chunk may belong to the current row, and one byte more: a
// row that is too long is told by it whatever stands behind, so the error is
// the same however the stream is cut.
func (s *Splitter) window(chunk []byte) []byte {
	if left := s.opts.MaxRow - len(s.buf); left < len(chunk) {
		return chunk[:left+1]
	}
	return chunk
}

// Finish ends the stream: yield gets a last row that no line end ended. It
// returns a *RowError where the stream ends inside a row. After a failed copy
// there is no need to call it.
func (s *Splitter) Finish(yield func(Row) error) error {
	if s.err == nil && !s.closed {
		s.closed = true
		s.err = s.finish(yield)
	}
	return s.err
}

func (s *Splitter) finish(yield func(Row) error) error {
	if s.ended {
		return nil
	}
	var err error
	if s.opts.Format == Binary {
		err = s.tuples.finish()
	} else {
		err = s.lines.finish()
	}
	if err != nil {
		return &RowError{Number: s.number + 1, Err: err}
	}
	if len(s.buf) == 0 {
		return nil
	}
	return s.emit(s.buf, row, yield)
}

// read finds the end of the current row in p: it has read n bytes.
func (s *Splitter) read(p []byte) (n int, end ending, err error) {
	if s.opts.Format == Binary {
		return s.tuples.read(p)
	}
	return s.lines.read(p)
}

// emit yields a complete row and makes room for the next.
func (s *Splitter) emit(raw []byte, end ending, yield func(Row) error) error {
	s.number++
	r := Row{Raw: raw, Number: s.number}
	switch {
	case end == marker:
		s.ended = true
		r.Control = true
	case end == header || s.number <= s.opts.Header:
		r.Control = true
	default:
		if err := s.column(&r); err != nil {
			return &RowError{Number: s.number, Err: err}
		}
	}
	err := yield(r)
	s.buf = s.buf[:0]
	if cap(s.buf) > keepBuffer {
		s.buf = nil
	}
	if cap(s.value) > keepBuffer {
		s.value = nil
	}
	return err
}

// column reads the wanted column of a complete row.
func (s *Splitter) column(r *Row) error {
	switch s.opts.Format {
	case Binary:
		s.tuples.column(r)
		return nil
	case CSV:
		return s.csvColumn(r, s.lines.content(r.Raw))
	default:
		return s.textColumn(r, s.lines.content(r.Raw))
	}
}

// rest handles what follows the end marker: servers ignore it after lines, and
// refuse it after the binary trailer.
func (s *Splitter) rest(chunk []byte, yield func(Row) error) error {
	if s.opts.Format == Binary {
		return &RowError{Number: s.number + 1, Err: errAfterTrailer}
	}
	return yield(Row{Raw: chunk, Control: true, Number: s.number + 1})
}
