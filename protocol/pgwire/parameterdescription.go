package pgwire

import "encoding/binary"

// ParameterDescription lists the parameter types of a statement (manual,
// section "Message Formats").
type ParameterDescription struct {
	oids []byte // 4 bytes each, in the frame
}

// Decode reads a whole ParameterDescription frame.
func (m *ParameterDescription) Decode(frame []byte) error {
	c := open(frame, MsgParameterDescription)
	oids := c.bytes(4 * int(c.uint16()))
	if !c.end() {
		return malformed("ParameterDescription", reasonShort)
	}
	m.oids = oids
	return nil
}

// OIDs is the number of parameters.
func (m *ParameterDescription) OIDs() int { return len(m.oids) / 4 }

// OID is the type of parameter i (from 0, below OIDs).
func (m *ParameterDescription) OID(i int) uint32 { return binary.BigEndian.Uint32(m.oids[4*i:]) }

// SetOID changes the type of parameter i in the frame.
func (m *ParameterDescription) SetOID(i int, oid uint32) {
	binary.BigEndian.PutUint32(m.oids[4*i:], oid)
}

// AppendParameterDescription writes a ParameterDescription. At most 65535
// types fit.
func AppendParameterDescription(dst []byte, oids []uint32) []byte {
	dst, mark := begin(dst, MsgParameterDescription)
	dst = appendUint16(dst, uint16(len(oids)))
	for _, oid := range oids {
		dst = appendUint32(dst, oid)
	}
	return finish(dst, mark)
}
