package pgwire

import "encoding/binary"

// begin writes a header whose length finish fills in.
func begin(dst []byte, typ byte) ([]byte, int) {
	mark := len(dst)
	return append(dst, typ, 0, 0, 0, 0), mark
}

func finish(dst []byte, mark int) []byte {
	binary.BigEndian.PutUint32(dst[mark+1:], uint32(len(dst)-mark-1))
	return dst
}

// appendEmpty writes a message without a body.
func appendEmpty(dst []byte, typ byte) []byte { return append(dst, typ, 0, 0, 0, 4) }

func appendString[S []byte | string](dst []byte, s S) []byte {
	return append(append(dst, s...), 0)
}

func appendUint16(dst []byte, v uint16) []byte { return binary.BigEndian.AppendUint16(dst, v) }

func appendUint32(dst []byte, v uint32) []byte { return binary.BigEndian.AppendUint32(dst, v) }
