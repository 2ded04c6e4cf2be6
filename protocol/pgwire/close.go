package pgwire

// Close drops a statement or portal (manual, section "Extended Query").
type Close struct {
	Kind byte   // KindStatement or KindPortal
	Name []byte // points into the frame
}

// Decode reads a whole Close frame.
func (m *Close) Decode(frame []byte) error {
	c := open(frame, MsgClose)
	return decodeTarget(&c, "Close", &m.Kind, &m.Name)
}

// AppendClose writes a Close. name must hold no NUL.
func AppendClose[S []byte | string](dst []byte, kind byte, name S) []byte {
	return appendTarget(dst, MsgClose, kind, name)
}

// AppendCloseComplete writes a CloseComplete.
func AppendCloseComplete(dst []byte) []byte { return appendEmpty(dst, MsgCloseComplete) }
