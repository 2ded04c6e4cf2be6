package ring

import (
	"encoding/binary"
	"encoding/hex"
	"strconv"
)

// FormatKey returns a key's canonical bytes as people write the key, for
// notices, plans and tools: 42, 8f14e45f-..., some text, \x6162. AppendText
// turns it back into the same bytes. An unsigned integer beyond int64 is shown
// as the negative number that has its bits. Bytes that are no key of type t are
// shown in hexadecimal.
func FormatKey(t KeyType, canonical []byte) string {
	switch {
	case t == KeyInt && len(canonical) == 8:
		return strconv.FormatInt(int64(binary.LittleEndian.Uint64(canonical)), 10)
	case t == KeyUUID && len(canonical) == uuidLen:
		return formatUUID(canonical)
	case t == KeyText && validText(canonical):
		return string(canonical)
	}
	return `\x` + hex.EncodeToString(canonical)
}

// formatUUID writes 8-4-4-4-12 lower-case digits.
func formatUUID(uuid []byte) string {
	var out [36]byte
	hex.Encode(out[0:8], uuid[0:4])
	hex.Encode(out[9:13], uuid[4:6])
	hex.Encode(out[14:18], uuid[6:8])
	hex.Encode(out[19:23], uuid[8:10])
	hex.Encode(out[24:36], uuid[10:16])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return string(out[:])
}
