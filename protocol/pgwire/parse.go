package pgwire

import "encoding/binary"

// Parse creates a prepared statement (manual, section "Extended Query"). Its
// slices point into the frame.
type Parse struct {
	// Name of the statement; empty is the unnamed one.
	Name []byte
	// Query is the text, without its terminator.
	Query []byte
	oids  []byte
}

// Decode reads a whole Parse frame.
func (m *Parse) Decode(frame []byte) error {
	c := open(frame, MsgParse)
	name := c.string()
	query := c.string()
	oids := c.bytes(4 * int(c.uint16()))
	if !c.end() {
		return malformed("Parse", reasonShort)
	}
	m.Name, m.Query, m.oids = name, query, oids
	return nil
}

// ParamOIDs is the number of parameter types given, which may be fewer than
// the statement has parameters.
func (m *Parse) ParamOIDs() int { return len(m.oids) / 4 }

// ParamOID is the type of parameter i (from 0); 0 leaves it to the server, as
// does an i beyond those given.
func (m *Parse) ParamOID(i int) uint32 {
	if i < 0 || i >= m.ParamOIDs() {
		return 0
	}
	return binary.BigEndian.Uint32(m.oids[4*i:])
}

// SetParamOID changes the type of parameter i in the frame. i must be below
// ParamOIDs.
func (m *Parse) SetParamOID(i int, oid uint32) {
	binary.BigEndian.PutUint32(m.oids[4*i:], oid)
}

// RawOIDs are the parameter types as they stand in the frame, four bytes each.
func (m *Parse) RawOIDs() []byte { return m.oids }

// Append writes the message with another statement name.
func (m *Parse) Append(dst, name []byte) []byte {
	dst, mark := begin(dst, MsgParse)
	dst = appendString(dst, name)
	dst = appendString(dst, m.Query)
	dst = appendUint16(dst, uint16(len(m.oids)/4))
	return finish(append(dst, m.oids...), mark)
}

// AppendParse writes a Parse. name and query must hold no NUL; at most 65535
// types fit.
func AppendParse[S, T []byte | string](dst []byte, name S, query T, oids []uint32) []byte {
	dst, mark := begin(dst, MsgParse)
	dst = appendString(dst, name)
	dst = appendString(dst, query)
	dst = appendUint16(dst, uint16(len(oids)))
	for _, oid := range oids {
		dst = appendUint32(dst, oid)
	}
	return finish(dst, mark)
}

// AppendParseComplete writes a ParseComplete.
func AppendParseComplete(dst []byte) []byte { return appendEmpty(dst, MsgParseComplete) }
