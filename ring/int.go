package ring

import (
	"encoding/binary"
	"math"
)

// AppendIntBinary appends the canonical bytes of a big-endian int2, int4 or
// int8, PostgreSQL's binary format of integers.
func AppendIntBinary(dst, wire []byte) ([]byte, bool) {
	switch len(wire) {
	case 2:
		return AppendInt(dst, int64(int16(binary.BigEndian.Uint16(wire)))), true
	case 4:
		return AppendInt(dst, int64(int32(binary.BigEndian.Uint32(wire)))), true
	case 8:
		return AppendInt(dst, int64(binary.BigEndian.Uint64(wire))), true
	}
	return dst, false
}

// maxIntDigits is the number of digits of 2^64-1.
const maxIntDigits = 20

// parseInt reads a canonically spelled integer between -2^63 and 2^64-1 and
// returns its 64 bits.
func parseInt(s []byte) (uint64, bool) {
	negative := len(s) > 0 && s[0] == '-'
	if negative {
		s = s[1:]
	}
	v, ok := parseDigits(s)
	if !ok {
		return 0, false
	}
	if !negative {
		return v, true
	}
	if v == 0 || v > -math.MinInt64 {
		return 0, false
	}
	return -v, true
}

// parseDigits reads decimal digits without a leading zero, up to 2^64-1.
func parseDigits(s []byte) (uint64, bool) {
	if len(s) == 0 || len(s) > maxIntDigits || (s[0] == '0' && len(s) > 1) {
		return 0, false
	}
	var v uint64
	for i, c := range s {
		d := uint64(c - '0')
		if d > 9 {
			return 0, false
		}
		if i == maxIntDigits-1 && v > (math.MaxUint64-d)/10 {
			return 0, false
		}
		v = v*10 + d
	}
	return v, true
}
