package pgsession

import (
	"encoding/binary"
	"math/big"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5/pgtype"

	"shardproxy/protocol/pgwire"
	"shardproxy/protocol/sqlerr"
	"shardproxy/router/plan"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

// mergedRow makes one row of an ungrouped aggregate from the rows of several
// nodes. Values arrive as decimal text and are added exactly.
type mergedRow struct {
	columns []mergedColumn
}

type mergedColumn struct {
	oid    uint32
	binary bool
	value  *decimal // nil: NULL so far
}

// describe takes the columns from a RowDescription and writes the formats that
// the client asked for into it.
func (r *mergedRow) describe(frame []byte, binaryFormat func(int) bool) error {
	var d pgwire.RowDescription
	if err := d.Decode(frame); err != nil {
		return err
	}
	r.grow(len(d.Columns))
	for i := range d.Columns {
		c := &r.columns[i]
		c.oid, c.binary = d.Columns[i].Type, binaryFormat(i)
		if c.binary {
			d.SetFormat(i, pgwire.FormatBinary)
		}
	}
	return nil
}

func (r *mergedRow) grow(n int) {
	for len(r.columns) < n {
		r.columns = append(r.columns, mergedColumn{})
	}
}

// add takes the row of one node.
func (r *mergedRow) add(merge *plan.Merge, frame []byte) error {
	var row pgwire.DataRow
	if err := row.Decode(frame); err != nil {
		return err
	}
	if len(row.Values) != len(merge.Columns) {
		return sqlerr.Internal(errColumns)
	}
	r.grow(len(row.Values))
	for i, value := range row.Values {
		if value == nil {
			continue
		}
		d, ok := parseDecimal(string(value))
		if !ok {
			return sqlerr.NotSupported("an aggregate over several nodes is not supported for the value " + strconv.Quote(string(value))).
				WithHint("Add the shard key to the conditions.")
		}
		r.columns[i].merge(merge.Columns[i], d)
	}
	return nil
}

// merge combines a further value.
func (c *mergedColumn) merge(how plan.MergeColumn, d *decimal) {
	if c.value == nil {
		c.value = d
		return
	}
	switch how {
	case plan.MergeMin:
		if d.cmp(c.value) < 0 {
			c.value = d
		}
	case plan.MergeMax:
		if d.cmp(c.value) > 0 {
			c.value = d
		}
	default:
		c.value = c.value.plus(d)
	}
}

// encode writes the DataRow in the formats that the client asked for.
func (r *mergedRow) encode() ([]byte, error) {
	values := make([][]byte, len(r.columns))
	for i := range r.columns {
		value, err := r.columns[i].encode()
		if err != nil {
			return nil, err
		}
		values[i] = value
	}
	return pgwire.AppendDataRow(nil, values), nil
}

func (c *mergedColumn) encode() ([]byte, error) {
	if c.value == nil {
		return nil, nil
	}
	size, whole := integerSize(c.oid)
	if whole && !c.value.fits(size) {
		return nil, sqlerr.NumericOutOfRange(c.value.String())
	}
	switch {
	case !c.binary:
		return []byte(c.value.String()), nil
	case whole:
		return c.value.integer(size), nil
	case c.oid == oidNumeric:
		number := pgtype.Numeric{Int: c.value.digits, Exp: -int32(c.value.scale), Valid: true}
		wire, err := pgtype.NewMap().Encode(oidNumeric, pgtype.BinaryFormatCode, number, nil)
		return trimNumeric(wire), err
	}
	return nil, sqlerr.NotSupported("a binary aggregate over several nodes is not supported for type " + strconv.Itoa(int(c.oid))).
		WithHint("Ask for the text format.")
}

// trimNumeric drops the trailing zero digits of a binary numeric, which
// PostgreSQL never sends: count, weight, sign and scale, then digits of base
// 10000 (numeric_send).
func trimNumeric(wire []byte) []byte {
	const header = 8
	for len(wire) > header && wire[len(wire)-1] == 0 && wire[len(wire)-2] == 0 {
		wire = wire[:len(wire)-2]
		binary.BigEndian.PutUint16(wire, uint16(len(wire)-header)/2)
	}
	if len(wire) == header {
		binary.BigEndian.PutUint32(wire[2:], 0) // zero has weight 0 and no sign
	}
	return wire
}

// integerSize returns the bytes of an integer type.
func integerSize(oid uint32) (size int, ok bool) {
	switch oid {
	case oidInt2:
		return 2, true
	case oidInt4:
		return 4, true
	case oidInt8:
		return 8, true
	}
	return 0, false
}

// decimal is an exact decimal number: digits * 10^-scale.
type decimal struct {
	digits *big.Int
	scale  int
}

// parseDecimal reads PostgreSQL's text form of integers and numerics. NaN and
// infinities are no decimals.
func parseDecimal(s string) (*decimal, bool) {
	whole, fraction, _ := strings.Cut(s, ".")
	digits, ok := new(big.Int).SetString(whole+fraction, 10)
	if !ok || strings.ContainsAny(s, "_+ ") {
		return nil, false
	}
	return &decimal{digits, len(fraction)}, true
}

// at returns the digits at a scale that is not smaller.
func (d *decimal) at(scale int) *big.Int {
	factor := new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(scale-d.scale)), nil)
	return factor.Mul(factor, d.digits)
}

func (d *decimal) cmp(other *decimal) int {
	scale := max(d.scale, other.scale)
	return d.at(scale).Cmp(other.at(scale))
}

// plus keeps the larger scale, as PostgreSQL's numeric does.
func (d *decimal) plus(other *decimal) *decimal {
	scale := max(d.scale, other.scale)
	sum := d.at(scale)
	return &decimal{sum.Add(sum, other.at(scale)), scale}
}

func (d *decimal) String() string {
	if d.scale == 0 {
		return d.digits.String()
	}
	text := new(big.Int).Abs(d.digits).String()
	if missing := d.scale + 1 - len(text); missing > 0 {
		text = strings.Repeat("0", missing) + text
	}
	point := len(text) - d.scale
	sign := ""
	if d.digits.Sign() < 0 {
		sign = "-"
	}
	return sign + text[:point] + "." + text[point:]
}

// fits reports whether the number is an integer of that many bytes.
func (d *decimal) fits(size int) bool {
	if d.scale != 0 || !d.digits.IsInt64() {
		return false
	}
	shift := 64 - 8*size
	v := d.digits.Int64()
	return v<<shift>>shift == v
}

// integer is the big-endian form of a number that fits.
func (d *decimal) integer(size int) []byte {
	var b [8]byte
	binary.BigEndian.PutUint64(b[:], uint64(d.digits.Int64()))
	return b[8-size:]
}
