package pgwire

// DataRow is a row of a result (manual, section "Message Formats"). A DataRow
// is meant to be used again: decoding then allocates nothing.
type DataRow struct {
	// Values point into the frame; nil is NULL.
	Values [][]byte
}

// Decode reads a whole DataRow frame.
func (m *DataRow) Decode(frame []byte) error {
	c := open(frame, MsgDataRow)
	count := int(c.uint16())
	m.Values = m.Values[:0]
	for range count {
		var value []byte
		if length := int32(c.uint32()); length != -1 {
			value = c.bytes(int(length))
		}
		if c.bad {
			break
		}
		m.Values = append(m.Values, value)
	}
	if !c.end() {
		m.Values = m.Values[:0]
		return malformed("DataRow", reasonShort)
	}
	return nil
}

// AppendDataRow writes a DataRow; a nil value is NULL. At most 65535 values
// fit.
func AppendDataRow(dst []byte, values [][]byte) []byte {
	dst, mark := begin(dst, MsgDataRow)
	dst = appendUint16(dst, uint16(len(values)))
	for _, v := range values {
		dst = appendValue(dst, v)
	}
	return finish(dst, mark)
}
