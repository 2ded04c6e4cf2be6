package copyrow

import (
	"errors"
	"fmt"
)

// Row is one row of the stream, or another piece of it. Its slices are valid
// until the yield function returns, and must not be changed.
type Row struct {
	// Raw is the row as it came, with its line end.
	Raw []byte
	// Value is the decoded value of the wanted column: text as the column's
	// input function gets it, in the encoding of the stream (COPY's ENCODING,
	// else client_encoding), or the field's bytes in the binary format. It means
	// nothing where Null, Default or Control is set.
	Value []byte
	// Null: the column is NULL.
	Null bool
	// Default: the column is the DEFAULT string, the server makes the value.
	Default bool
	// Control: this is no row but a header, the end marker, or what follows it
	// and is ignored.
	Control bool
	// Number counts lines as records, or binary tuples, from 1; header lines
	// count. The binary header has 0.
	Number int
}

// ErrRowTooLong is in the chain of the error for a row beyond Options.MaxRow.
var ErrRowTooLong = errors.New("row is too long")

// RowError is what Feed and Finish return for malformed data. The stream cannot
// be continued.
type RowError struct {
	Number int // of the row, see Row
	Err    error
}

// Error implements error.
func (e *RowError) Error() string {
	if e.Number == 0 {
		return fmt.Sprintf("header: %v", e.Err)
	}
	return fmt.Sprintf("row %d: %v", e.Number, e.Err)
}

// Unwrap returns the problem without the row's number.
func (e *RowError) Unwrap() error { return e.Err }

// The problems of lines; those with numbers in them are made where they occur.
var (
	errCarriageReturn = errors.New(`carriage return found in data: write it as \r, or in CSV inside quotes`)
	errNewline        = errors.New(`newline found in data: write it as \n, or in CSV inside quotes`)
	errMarker         = errors.New(`the end marker \. is not alone on its line`)
	errMarkerLineEnd  = errors.New(`the end marker \. has another line end than the lines before`)
	errQuote          = errors.New("a quoted field does not end")
)
