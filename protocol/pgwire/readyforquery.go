package pgwire

// ReadyForQuery ends a query cycle (manual, section "Message Flow").
type ReadyForQuery struct {
	// Status is TxIdle, TxActive or TxFailed.
	Status byte
}

// Decode reads a whole ReadyForQuery frame.
func (m *ReadyForQuery) Decode(frame []byte) error {
	c := open(frame, MsgReadyForQuery)
	status := c.byte()
	if !c.end() {
		return malformed("ReadyForQuery", reasonShort)
	}
	if status != TxIdle && status != TxActive && status != TxFailed {
		return malformed("ReadyForQuery", "unknown transaction status")
	}
	m.Status = status
	return nil
}

// AppendReadyForQuery writes a ReadyForQuery.
func AppendReadyForQuery(dst []byte, status byte) []byte {
	return append(dst, MsgReadyForQuery, 0, 0, 0, 5, status)
}
