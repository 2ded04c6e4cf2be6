package ring

import (
	"bytes"
	"encoding/binary"
	"unicode/utf8"
)

// The Append functions share one contract: they append a key's canonical bytes
// to dst and return the extended slice and true, or dst as it was and false.
// They do not allocate beyond growing dst, and keep no reference to their input.

// AppendInt appends the canonical bytes of an integer key.
func AppendInt(dst []byte, v int64) []byte {
	return binary.LittleEndian.AppendUint64(dst, uint64(v))
}

// AppendText appends the canonical bytes of a key of type t that is written as
// text: a literal, a text parameter, a field of a text or CSV copy. It returns
// false unless the server is certain to read the spelling as one value of that
// type:
//
//   - KeyInt: decimal digits without leading zero, after a minus sign if
//     negative: 0, -1, 42. Not 042, +5, -0, " 5", 5.0, 1_000, 0x2a or nothing,
//     though some servers read them. From -2^63 to 2^64-1; what is beyond int64
//     is an unsigned value and keeps its bits.
//   - KeyUUID: what PostgreSQL reads: 32 hexadecimal digits of either case, a
//     hyphen allowed after every fourth, all in braces or not. Spellings
//     differ, the 16 bytes they name do not.
//   - KeyText: the spelling itself, if it is valid UTF-8 without NUL.
//   - KeyBytes: PostgreSQL's bytea input, hexadecimal (\x6162) or escape format
//     (a\\b\000). The escape format must be ASCII: there the server would
//     convert other characters between encodings first. A MySQL binary string
//     is not written this way: its bytes go to AppendBinary.
func AppendText(dst []byte, t KeyType, spelling []byte) ([]byte, bool) {
	switch t {
	case KeyInt:
		v, ok := parseInt(spelling)
		if !ok {
			return dst, false
		}
		return binary.LittleEndian.AppendUint64(dst, v), true
	case KeyUUID:
		return appendUUID(dst, spelling)
	case KeyText:
		if !validText(spelling) {
			return dst, false
		}
		return append(dst, spelling...), true
	case KeyBytes:
		return appendBytea(dst, spelling)
	}
	return dst, false
}

// AppendBinary appends the canonical bytes of a key of type t in PostgreSQL's
// binary format: int2, int4 or int8 (told apart by their width), uuid, text,
// bytea. A MySQL binary string is KeyBytes in this form too.
func AppendBinary(dst []byte, t KeyType, wire []byte) ([]byte, bool) {
	switch t {
	case KeyInt:
		return AppendIntBinary(dst, wire)
	case KeyUUID:
		if len(wire) != uuidLen {
			return dst, false
		}
		return append(dst, wire...), true
	case KeyText:
		if !validText(wire) {
			return dst, false
		}
		return append(dst, wire...), true
	case KeyBytes:
		return append(dst, wire...), true
	}
	return dst, false
}

// validText reports whether a server with a UTF-8 database can store text.
func validText(text []byte) bool {
	return bytes.IndexByte(text, 0) < 0 && utf8.Valid(text)
}
