package pgwire

// BackendKeyData is what a client needs to cancel a query (manual, section
// "Canceling Requests in Progress").
type BackendKeyData struct {
	PID uint32
	// Secret is 4 bytes in protocol 3.0, 4 to 256 since 3.2. It points into
	// the frame.
	Secret []byte
}

// Decode reads a whole BackendKeyData frame.
func (m *BackendKeyData) Decode(frame []byte) error {
	c := open(frame, MsgBackendKeyData)
	pid := c.uint32()
	secret := c.rest()
	if !c.end() || len(secret) < 4 || len(secret) > 256 {
		return malformed("BackendKeyData", reasonShort)
	}
	m.PID, m.Secret = pid, secret
	return nil
}

// AppendBackendKeyData writes a BackendKeyData.
func AppendBackendKeyData(dst []byte, pid uint32, secret []byte) []byte {
	dst, mark := begin(dst, MsgBackendKeyData)
	dst = appendUint32(dst, pid)
	return finish(append(dst, secret...), mark)
}

// AppendNegotiateProtocolVersion writes a NegotiateProtocolVersion: the newest
// version the server speaks (major<<16 | minor), and the options of the
// client's startup packet it does not know.
func AppendNegotiateProtocolVersion(dst []byte, version uint32, unknown []string) []byte {
	dst, mark := begin(dst, MsgNegotiateProtocolVersion)
	dst = appendUint32(dst, version)
	dst = appendUint32(dst, uint32(len(unknown)))
	for _, name := range unknown {
		dst = appendString(dst, name)
	}
	return finish(dst, mark)
}
