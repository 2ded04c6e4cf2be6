package copyrow

import (
	"errors"
	"fmt"
	"math"
	"strings"
)

// Format is the format of the copied data.
type Format uint8

// The formats; text is the server's default and the zero value.
const (
	Text Format = iota
	CSV
	Binary
)

// String returns the format's name in SQL.
func (f Format) String() string {
	switch f {
	case Text:
		return "text"
	case CSV:
		return "csv"
	case Binary:
		return "binary"
	}
	return fmt.Sprintf("Format(%d)", uint8(f))
}

// DefaultMaxRow is the largest row in bytes where Options does not say.
const DefaultMaxRow = 64 << 20

// Options describe the data, with the words of the COPY command, and the column
// that is wanted.
type Options struct {
	Format Format
	// Columns is the number of columns of every row.
	Columns int
	// Column is the index of the wanted column, from 0.
	Column int
	// MaxRow is the largest row in bytes, line end included. Default:
	// DefaultMaxRow.
	MaxRow int

	// The following are for Text and CSV.

	// Delimiter separates columns. Default: a tab in Text, a comma in CSV.
	Delimiter byte
	// Null is the string that stands for NULL. Default (nil): \N in Text, the
	// empty string in CSV.
	Null *string
	// Default is the string that stands for the column's default (PostgreSQL
	// 16). Default (nil): there is none.
	Default *string
	// Header is the number of header lines: 1 for HEADER and HEADER MATCH.
	Header int

	// The following are for CSV.

	// Quote is the quoting character. Default: a double quote.
	Quote byte
	// Escape stands before a quote inside quotes. Default: the quote.
	Escape byte
	// ForceNull and ForceNotNull say that the wanted column is in these lists.
	ForceNull, ForceNotNull bool
	// EndMarker says that a line \. ends CSV data, too: set it for servers
	// before PostgreSQL 18. In Text it always does.
	EndMarker bool
}

// check fills in defaults and returns an error where the server would refuse
// the options, or where the package does.
func (o *Options) check() error {
	switch {
	case o.Format > Binary:
		return fmt.Errorf("copyrow: unknown format %v", o.Format)
	case o.Columns < 1 || o.Columns > math.MaxInt16:
		return fmt.Errorf("copyrow: %d columns: must be between 1 and %d", o.Columns, math.MaxInt16)
	case o.Column < 0 || o.Column >= o.Columns:
		return fmt.Errorf("copyrow: column %d of %d", o.Column, o.Columns)
	case o.MaxRow < 0 || o.Header < 0:
		return errors.New("copyrow: MaxRow and Header must not be negative")
	}
	if o.MaxRow == 0 {
		o.MaxRow = DefaultMaxRow
	}
	if o.Format == Binary {
		return o.checkBinary()
	}
	return o.checkLines()
}

// checkBinary refuses what has no meaning in the binary format.
func (o *Options) checkBinary() error {
	if o.Delimiter != 0 || o.Null != nil || o.Default != nil || o.Header != 0 {
		return errors.New("copyrow: DELIMITER, NULL, DEFAULT and HEADER are not for the binary format")
	}
	return o.checkQuotes()
}

// checkLines completes and checks the options of the formats made of lines.
func (o *Options) checkLines() error {
	null := ""
	if o.Format == Text {
		null = `\N`
	}
	if o.Null == nil {
		o.Null = &null
	}
	if o.Delimiter == 0 {
		o.Delimiter = ','
		if o.Format == Text {
			o.Delimiter = '\t'
		}
	}
	if !separator(o.Delimiter) {
		return fmt.Errorf("copyrow: the delimiter %q must be an ASCII character other than line ends", o.Delimiter)
	}
	if o.Format == Text && strings.IndexByte(`\.abcdefghijklmnopqrstuvwxyz0123456789`, o.Delimiter) >= 0 {
		return fmt.Errorf("copyrow: the delimiter cannot be %q", o.Delimiter)
	}
	if err := o.checkQuotes(); err != nil {
		return err
	}
	return o.checkMarkers()
}

// checkQuotes completes and checks the options of CSV alone.
func (o *Options) checkQuotes() error {
	if o.Format != CSV {
		if o.Quote != 0 || o.Escape != 0 || o.ForceNull || o.ForceNotNull || o.EndMarker {
			return errors.New("copyrow: QUOTE, ESCAPE, FORCE_NULL and FORCE_NOT_NULL are for the CSV format")
		}
		return nil
	}
	if o.Quote == 0 {
		o.Quote = '"'
	}
	if o.Escape == 0 {
		o.Escape = o.Quote
	}
	switch {
	case !separator(o.Quote) || !separator(o.Escape):
		return fmt.Errorf("copyrow: quote %q and escape %q must be ASCII characters other than line ends", o.Quote, o.Escape)
	case o.Quote == o.Delimiter:
		return errors.New("copyrow: the delimiter and the quote must be different")
	case o.EndMarker && (o.Quote == '\\' || o.Quote == '.'):
		return fmt.Errorf(`copyrow: with the quote %q the end marker \. would be ambiguous`, o.Quote)
	}
	return nil
}

// checkMarkers checks the strings that stand for NULL and for the default.
func (o *Options) checkMarkers() error {
	markers := []*string{o.Null}
	if o.Default != nil {
		if *o.Default == *o.Null {
			return errors.New("copyrow: the NULL and DEFAULT strings must be different")
		}
		markers = append(markers, o.Default)
	}
	for _, m := range markers {
		if strings.ContainsAny(*m, "\r\n\x00") {
			return fmt.Errorf("copyrow: the string %q for NULL or DEFAULT contains a line end", *m)
		}
		if strings.IndexByte(*m, o.Delimiter) >= 0 {
			return fmt.Errorf("copyrow: the string %q for NULL or DEFAULT contains the delimiter", *m)
		}
		if o.Format == CSV && strings.IndexByte(*m, o.Quote) >= 0 {
			return fmt.Errorf("copyrow: the string %q for NULL or DEFAULT contains the quote", *m)
		}
	}
	return nil
}

// separator reports whether c can separate or quote columns.
func separator(c byte) bool {
	return c != 0 && c < 0x80 && c != '\r' && c != '\n'
}
