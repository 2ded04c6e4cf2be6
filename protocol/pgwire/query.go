package pgwire

// Query is a simple query (manual, section "Simple Query").
type Query struct {
	// Text is without its terminator, and points into the frame.
	Text []byte
}

// Decode reads a whole Query frame.
func (m *Query) Decode(frame []byte) error {
	c := open(frame, MsgQuery)
	text := c.string()
	if !c.end() {
		return malformed("Query", "the text does not end with the message")
	}
	m.Text = text
	return nil
}

// AppendQuery writes a Query. text must hold no NUL.
func AppendQuery[S []byte | string](dst []byte, text S) []byte {
	dst, mark := begin(dst, MsgQuery)
	return finish(appendString(dst, text), mark)
}
