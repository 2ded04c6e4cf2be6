package copyrow

import (
	"errors"
	"fmt"
)

// signature begins every binary stream.
const signature = "PGCOPY\n\xff\r\n\x00"

// The problems of the binary format without numbers in them.
var (
	errSignature    = errors.New("this is no binary COPY data: the signature is missing")
	errOIDs         = errors.New("the header announces OIDs, which servers no longer take")
	errFlags        = errors.New("the header has critical flags that are not known")
	errExtension    = errors.New("the length of the header extension is negative")
	errTruncated    = errors.New("the data ends inside the header or a row")
	errAfterTrailer = errors.New("data after the trailer")
)

// tupleReader finds the ends of rows in the binary format. Numbers are
// big-endian and may be split over chunks like everything else.
//
//	signature -> flags -> extension length -> skip   (the header)
//	fieldCount -> fieldLength -> skip -> fieldLength ...   (a row)
//	fieldCount -1   (the trailer)
type tupleReader struct {
	columns, wanted, maxRow int

	stage  tupleStage
	inHead bool
	pos    int    // bytes of the current row read
	number uint32 // a number that is being read
	have   int    // bytes of it, or of the signature, read
	left   int    // bytes to skip
	field  int    // fields of the current row read
	// The wanted field's place in the row; null: it has none.
	start, end int
	null       bool
}

// tupleStage says what comes next.
type tupleStage uint8

const (
	atSignature tupleStage = iota
	atFlags
	atExtension
	atFieldCount
	atFieldLength
	atSkip
)

func newTupleReader(opts Options) tupleReader {
	return tupleReader{columns: opts.Columns, wanted: opts.Column, maxRow: opts.MaxRow, inHead: true}
}

// read reads bytes up to the end of the header, the row or the trailer.
func (r *tupleReader) read(p []byte) (n int, end ending, err error) {
	for n < len(p) {
		if r.stage == atSkip {
			k := min(r.left, len(p)-n)
			r.left -= k
			r.pos += k
			n += k
			if r.left > 0 {
				return n, more, nil
			}
			end = r.skipped()
		} else {
			end, err = r.step(p[n])
			if err != nil {
				return 0, more, err
			}
			n++
		}
		if end != more {
			r.pos, r.field = 0, 0
			return n, end, nil
		}
	}
	return n, more, nil
}

// step reads one byte of the signature or of a number.
func (r *tupleReader) step(c byte) (ending, error) {
	r.pos++
	if r.stage == atSignature {
		if c != signature[r.have] {
			return more, errSignature
		}
		if r.have++; r.have == len(signature) {
			r.stage, r.have = atFlags, 0
		}
		return more, nil
	}
	r.number = r.number<<8 | uint32(c)
	width := 4
	if r.stage == atFieldCount {
		width = 2
	}
	if r.have++; r.have < width {
		return more, nil
	}
	v := r.number
	r.number, r.have = 0, 0
	return r.numberRead(v)
}

// numberRead handles a complete number.
func (r *tupleReader) numberRead(v uint32) (ending, error) {
	switch r.stage {
	case atFlags:
		if v&(1<<16) != 0 {
			return more, errOIDs
		}
		if v>>16 != 0 {
			return more, errFlags
		}
		r.stage = atExtension
		return more, nil
	case atExtension:
		if int32(v) < 0 {
			return more, errExtension
		}
		return r.skip(int(int32(v)))
	case atFieldCount:
		count := int(int16(v))
		if count == -1 {
			return marker, nil
		}
		if count != r.columns {
			return more, columnsError(count, r.columns)
		}
		r.stage = atFieldLength
		return more, nil
	}
	length := int(int32(v))
	if length < -1 {
		return more, fmt.Errorf("column %d has the length %d", r.field+1, length)
	}
	if r.field == r.wanted {
		r.null = length == -1
		r.start, r.end = r.pos, r.pos+max(length, 0)
	}
	return r.skip(max(length, 0))
}

// skip begins to skip the bytes of the header extension or of a field.
func (r *tupleReader) skip(n int) (ending, error) {
	if n > r.maxRow-r.pos {
		return more, fmt.Errorf("%w: more than %d bytes", ErrRowTooLong, r.maxRow)
	}
	r.stage, r.left = atSkip, n
	if n > 0 {
		return more, nil
	}
	return r.skipped(), nil
}

// skipped goes on after the last byte of the header or of a field.
func (r *tupleReader) skipped() ending {
	r.stage = atFieldLength
	if r.inHead {
		r.inHead = false
		r.stage = atFieldCount
		return header
	}
	if r.field++; r.field < r.columns {
		return more
	}
	r.stage = atFieldCount
	return row
}

// column sets the row's value.
func (r *tupleReader) column(row *Row) {
	row.Null = r.null
	if !r.null {
		row.Value = row.Raw[r.start:r.end]
	}
}

// finish ends the stream: without a trailer too, but not inside a row.
func (r *tupleReader) finish() error {
	if r.inHead || r.pos > 0 {
		return errTruncated
	}
	return nil
}
