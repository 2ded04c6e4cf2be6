package pgsession

import (
	"errors"
	"strings"

	"shardproxy/protocol/sqlerr"
	"shardproxy/router/copyrow"
	"shardproxy/router/plan"
	"shardproxy/router/querytree"
	"shardproxy/router/sqlscan"

	"shardproxy/protocol/pgwire"
	"shardproxy/ring"
)

// copyOptions translates the options of COPY FROM for the splitter, and returns
// the format code of CopyInResponse.
func copyOptions(spec *querytree.CopySpec, p *plan.CopyPlan) (copyrow.Options, int16, error) {
	o := copyrow.Options{Columns: len(p.Columns), Column: p.KeyIndex}
	format := pgwire.FormatText
	for name, value := range spec.Options {
		value := value
		switch name {
		case "format":
			switch strings.ToLower(value) {
			case "text":
			case "csv":
				o.Format, o.EndMarker = copyrow.CSV, true
			case "binary":
				o.Format, format = copyrow.Binary, pgwire.FormatBinary
			default:
				return o, 0, errors.New("unknown format " + value)
			}
		case "delimiter":
			if len(value) != 1 {
				return o, 0, errors.New("the delimiter must be a single one-byte character")
			}
			o.Delimiter = value[0]
		case "null":
			o.Null = &value
		case "default":
			o.Default = &value
		case "header":
			if on, err := copyBool(value); err != nil {
				return o, 0, err
			} else if on {
				o.Header = 1
			}
		case "quote":
			if len(value) != 1 {
				return o, 0, errors.New("the quote must be a single one-byte character")
			}
			o.Quote = value[0]
		case "escape":
			if len(value) != 1 {
				return o, 0, errors.New("the escape must be a single one-byte character")
			}
			o.Escape = value[0]
		case "force_null":
			o.ForceNull = names(value, p.Columns[p.KeyIndex])
		case "force_not_null":
			o.ForceNotNull = names(value, p.Columns[p.KeyIndex])
		case "encoding":
			if !encodingUTF8.MatchString(value) {
				return o, 0, errors.New("encoding " + value + ": use UTF8")
			}
		case "freeze", "on_error", "log_verbosity", "reject_limit":
			if !strings.EqualFold(value, "stop") && !strings.EqualFold(value, "false") && name != "log_verbosity" {
				return o, 0, errors.New("option " + name)
			}
		default:
			return o, 0, errors.New("option " + name)
		}
	}
	return o, format, nil
}

func copyBool(value string) (bool, error) {
	switch strings.ToLower(value) {
	case "", "true", "on", "1", "match":
		return true, nil
	case "false", "off", "0":
		return false, nil
	}
	return false, errors.New("header " + value)
}

// names reports whether a list of columns, or *, has the column.
func names(list, column string) bool {
	for _, name := range strings.Split(list, ",") {
		if name = strings.TrimSpace(name); name == "*" || name == column {
			return true
		}
	}
	return false
}

// copyKey is the canonical key of a COPY row's field.
func (m *machine) copyKey(dst, value []byte) ([]byte, sqlscan.KeyState) {
	t := m.copying.plan.Key.Type
	var ok bool
	if m.copying.binary {
		dst, ok = ring.AppendBinary(dst, t, value)
	} else {
		dst, ok = ring.AppendText(dst, t, value)
	}
	if !ok {
		return dst, sqlscan.KeyMismatch
	}
	return dst, sqlscan.KeyOK
}

// copyError is what a client sees of malformed COPY data.
func copyError(err error) *sqlerr.Error {
	var known *sqlerr.Error
	if errors.As(err, &known) {
		return known
	}
	return sqlerr.BadCopyData(err.Error())
}
