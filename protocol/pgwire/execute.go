package pgwire

// Execute runs a portal (manual, section "Extended Query").
type Execute struct {
	Portal []byte // points into the frame
	// MaxRows is the most rows to return; 0 or less: all.
	MaxRows int32
}

// Decode reads a whole Execute frame.
func (m *Execute) Decode(frame []byte) error {
	c := open(frame, MsgExecute)
	portal := c.string()
	rows := int32(c.uint32())
	if !c.end() {
		return malformed("Execute", reasonShort)
	}
	m.Portal, m.MaxRows = portal, rows
	return nil
}

// AppendExecute writes an Execute. portal must hold no NUL.
func AppendExecute[S []byte | string](dst []byte, portal S, maxRows int32) []byte {
	dst, mark := begin(dst, MsgExecute)
	dst = appendString(dst, portal)
	return finish(appendUint32(dst, uint32(maxRows)), mark)
}

// AppendPortalSuspended writes a PortalSuspended.
func AppendPortalSuspended(dst []byte) []byte { return appendEmpty(dst, MsgPortalSuspended) }

// AppendEmptyQueryResponse writes an EmptyQueryResponse.
func AppendEmptyQueryResponse(dst []byte) []byte { return appendEmpty(dst, MsgEmptyQueryResponse) }
