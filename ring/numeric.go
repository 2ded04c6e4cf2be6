package ring

import (
	"encoding/binary"
	"math"
)

// AppendNumericText appends the canonical bytes of a KeyInt that is written as
// a decimal constant: 5, 5.0, -12.00. It returns false unless the number is an
// integer in the range of int64, spelled without leading zeros or exponent.
//
// Use it only for what the server itself reads as numeric, as in id = 5.0; the
// quoted '5.0' is not an integer to any server (see AppendText).
func AppendNumericText(dst, spelling []byte) ([]byte, bool) {
	whole := spelling
	for i, c := range spelling {
		if c != '.' {
			continue
		}
		for _, d := range spelling[i+1:] {
			if d != '0' {
				return dst, false
			}
		}
		whole = spelling[:i]
		break
	}
	v, ok := parseInt(whole)
	if !ok || (whole[0] != '-' && v > math.MaxInt64) {
		return dst, false
	}
	return AppendInt(dst, int64(v)), true
}

// The binary format of numeric: a header of four int16 (number of digits,
// weight of the first digit, sign, display scale), then the digits, base 10000.
const (
	numericHeader   = 8
	numericBase     = 10000
	numericPositive = 0x0000
	numericNegative = 0x4000
	// maxNumericWeight is the weight of the first digit of 2^63.
	maxNumericWeight = 4
)

// AppendNumericBinary appends the canonical bytes of a KeyInt that came as a
// numeric in PostgreSQL's binary format. It returns false unless the number is
// an integer in the range of int64. NaN and the infinities are not.
func AppendNumericBinary(dst, wire []byte) ([]byte, bool) {
	if len(wire) < numericHeader {
		return dst, false
	}
	count := int(binary.BigEndian.Uint16(wire))
	weight := int(int16(binary.BigEndian.Uint16(wire[2:])))
	sign := binary.BigEndian.Uint16(wire[4:])
	digits := wire[numericHeader:]
	if len(digits) != 2*count || (sign != numericPositive && sign != numericNegative) {
		return dst, false
	}
	limit := uint64(math.MaxInt64)
	if sign == numericNegative {
		limit = -math.MinInt64
	}
	v, ok := numericMagnitude(digits, weight, limit)
	if !ok {
		return dst, false
	}
	if sign == numericNegative {
		v = -v
	}
	return AppendInt(dst, int64(v)), true
}

// numericMagnitude returns the value of base-10000 digits of which the first
// has the given weight, if it is an integer of at most limit.
func numericMagnitude(digits []byte, weight int, limit uint64) (uint64, bool) {
	var v uint64
	for ; len(digits) > 0 || weight >= 0; weight-- {
		var d uint64
		if len(digits) > 0 {
			d = uint64(binary.BigEndian.Uint16(digits))
			digits = digits[2:]
		}
		switch {
		case d >= numericBase:
			return 0, false
		case d == 0 && v == 0:
			if len(digits) == 0 {
				return 0, true
			}
		case weight < 0:
			if d != 0 {
				return 0, false
			}
		case weight > maxNumericWeight || v > (limit-d)/numericBase:
			return 0, false
		default:
			v = v*numericBase + d
		}
	}
	return v, true
}
