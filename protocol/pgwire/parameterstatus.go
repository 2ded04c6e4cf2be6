package pgwire

// ParameterStatus reports the value of a server parameter (manual, section
// "Asynchronous Operations"). Its slices point into the frame.
type ParameterStatus struct{ Name, Value []byte }

// Decode reads a whole ParameterStatus frame.
func (m *ParameterStatus) Decode(frame []byte) error {
	c := open(frame, MsgParameterStatus)
	name := c.string()
	value := c.string()
	if !c.end() {
		return malformed("ParameterStatus", reasonShort)
	}
	m.Name, m.Value = name, value
	return nil
}

// AppendParameterStatus writes a ParameterStatus. name and value must hold no
// NUL.
func AppendParameterStatus[S, T []byte | string](dst []byte, name S, value T) []byte {
	dst, mark := begin(dst, MsgParameterStatus)
	dst = appendString(dst, name)
	return finish(appendString(dst, value), mark)
}
