package pgsession

import (
	"encoding/binary"

	"shardproxy/protocol/pgwire"
	"shardproxy/ring"
	"shardproxy/router/sqlscan"
)

// Type OIDs of the built-in types that a shard key may have (PostgreSQL's
// pg_type.dat; they never change).
const (
	oidBytea   = 17
	oidInt8    = 20
	oidInt2    = 21
	oidInt4    = 23
	oidText    = 25
	oidUnknown = 705
	oidVarchar = 1043
	oidNumeric = 1700
	oidUUID    = 2950

	oidByteaArray   = 1001
	oidInt2Array    = 1005
	oidInt4Array    = 1007
	oidTextArray    = 1009
	oidVarcharArray = 1015
	oidInt8Array    = 1016
	oidUUIDArray    = 2951
)

// bindKeys reads shard keys from the parameters of a Bind message.
type bindKeys struct {
	bind      *pgwire.Bind
	statement *prepared
	// unsure: a parameter was asked for whose type only a server knows.
	unsure bool
}

var _ sqlscan.Keys = (*bindKeys)(nil)

// parameterType returns the type of parameter n (from 1), 0 where it is not
// known.
func (p *prepared) parameterType(n int) uint32 {
	if n <= len(p.oids) && p.oids[n-1] != 0 {
		return p.oids[n-1]
	}
	if s := p.signature; s != nil && n <= len(s.params) {
		return s.params[n-1]
	}
	return 0
}

// AppendKey implements sqlscan.Keys.
func (b *bindKeys) AppendKey(dst []byte, n int, t ring.KeyType) ([]byte, sqlscan.KeyState) {
	if n < 1 || n > b.bind.Params() {
		return dst, sqlscan.KeyMismatch
	}
	value, null, format := b.bind.Param(n - 1)
	if null {
		return dst, sqlscan.KeyNull
	}
	oid := b.statement.parameterType(n)
	if oid == 0 {
		if format == pgwire.FormatText && (t == ring.KeyInt || t == ring.KeyUUID) {
			// Whatever type the server infers, this spelling has one meaning.
			return appendSpelling(dst, t, value)
		}
		b.unsure = b.statement.signature == nil
		return dst, sqlscan.KeyMismatch
	}
	return appendTyped(dst, t, oid, value, format == pgwire.FormatBinary)
}

// appendTyped appends the canonical bytes of a value of a PostgreSQL type. A
// value whose type the server would have to convert first is no key.
func appendTyped(dst []byte, t ring.KeyType, oid uint32, value []byte, binaryForm bool) ([]byte, sqlscan.KeyState) {
	var ok bool
	switch {
	case !fits(t, oid):
		return dst, sqlscan.KeyMismatch
	case !binaryForm && oid == oidNumeric:
		dst, ok = ring.AppendNumericText(dst, value)
	case !binaryForm:
		return appendSpelling(dst, t, value)
	case oid == oidNumeric:
		dst, ok = ring.AppendNumericBinary(dst, value)
	default:
		dst, ok = ring.AppendBinary(dst, t, value)
	}
	if !ok {
		return dst, sqlscan.KeyMismatch
	}
	return dst, sqlscan.KeyOK
}

// appendSpelling appends the canonical bytes of a value in text form.
func appendSpelling(dst []byte, t ring.KeyType, value []byte) ([]byte, sqlscan.KeyState) {
	dst, ok := ring.AppendText(dst, t, value)
	if !ok {
		return dst, sqlscan.KeyMismatch
	}
	return dst, sqlscan.KeyOK
}

// fits reports whether values of a type compare equal to a key column exactly
// when their canonical bytes are equal.
func fits(t ring.KeyType, oid uint32) bool {
	switch oid {
	case oidInt2, oidInt4, oidInt8, oidNumeric:
		return t == ring.KeyInt
	case oidUUID:
		return t == ring.KeyUUID
	case oidText, oidVarchar, oidUnknown:
		return t == ring.KeyText
	case oidBytea:
		return t == ring.KeyBytes
	}
	return false
}

// elementOf returns the element type of an array type, or 0.
func elementOf(array uint32) uint32 {
	switch array {
	case oidInt2Array:
		return oidInt2
	case oidInt4Array:
		return oidInt4
	case oidInt8Array:
		return oidInt8
	case oidUUIDArray:
		return oidUUID
	case oidTextArray:
		return oidText
	case oidVarcharArray:
		return oidVarchar
	case oidByteaArray:
		return oidBytea
	}
	return 0
}

// EachKey implements sqlscan.Keys for array parameters.
func (b *bindKeys) EachKey(n int, t ring.KeyType, yield func([]byte, sqlscan.KeyState) bool) sqlscan.KeyState {
	if n < 1 || n > b.bind.Params() {
		return sqlscan.KeyMismatch
	}
	value, null, format := b.bind.Param(n - 1)
	if null {
		return sqlscan.KeyNull
	}
	oid := b.statement.parameterType(n)
	if oid == 0 {
		b.unsure = b.statement.signature == nil
		return sqlscan.KeyMismatch
	}
	element := elementOf(oid)
	if !fits(t, element) {
		return sqlscan.KeyMismatch
	}
	if format == pgwire.FormatBinary {
		return eachBinary(value, t, element, yield)
	}
	return sqlscan.EachArrayText(value, t, yield)
}

// eachBinary yields the elements of a one-dimensional array in binary form:
// dimensions, flags, element type, then length and lower bound, then the
// elements (PostgreSQL array_send).
func eachBinary(b []byte, t ring.KeyType, element uint32, yield func([]byte, sqlscan.KeyState) bool) sqlscan.KeyState {
	if len(b) < 12 || binary.BigEndian.Uint32(b[8:]) != element {
		return sqlscan.KeyMismatch
	}
	dimensions := binary.BigEndian.Uint32(b)
	if dimensions == 0 && len(b) == 12 {
		return sqlscan.KeyOK
	}
	if dimensions != 1 || len(b) < 20 {
		return sqlscan.KeyMismatch
	}
	count := binary.BigEndian.Uint32(b[12:])
	b = b[20:]
	var buf [64]byte
	for range count {
		if len(b) < 4 {
			return sqlscan.KeyMismatch
		}
		length := int32(binary.BigEndian.Uint32(b))
		b = b[4:]
		if length == -1 {
			if !yield(nil, sqlscan.KeyNull) {
				return sqlscan.KeyOK
			}
			continue
		}
		if length < 0 || int(length) > len(b) {
			return sqlscan.KeyMismatch
		}
		key, state := appendTyped(buf[:0], t, element, b[:length], true)
		b = b[length:]
		if !yield(key, state) {
			return sqlscan.KeyOK
		}
	}
	if len(b) != 0 {
		return sqlscan.KeyMismatch
	}
	return sqlscan.KeyOK
}
