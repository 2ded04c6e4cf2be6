package pgwire

// Describe asks for the description of a statement or portal (manual, section
// "Extended Query").
type Describe struct {
	Kind byte   // KindStatement or KindPortal
	Name []byte // points into the frame
}

// Decode reads a whole Describe frame.
func (m *Describe) Decode(frame []byte) error {
	c := open(frame, MsgDescribe)
	return decodeTarget(&c, "Describe", &m.Kind, &m.Name)
}

// AppendDescribe writes a Describe. name must hold no NUL.
func AppendDescribe[S []byte | string](dst []byte, kind byte, name S) []byte {
	return appendTarget(dst, MsgDescribe, kind, name)
}

// AppendNoData writes a NoData.
func AppendNoData(dst []byte) []byte { return appendEmpty(dst, MsgNoData) }

// decodeTarget reads what Describe and Close have in common.
func decodeTarget(c *cursor, message string, kind *byte, name *[]byte) error {
	k := c.byte()
	n := c.string()
	if !c.end() {
		return malformed(message, reasonShort)
	}
	if k != KindStatement && k != KindPortal {
		return malformed(message, reasonKind)
	}
	*kind, *name = k, n
	return nil
}

func appendTarget[S []byte | string](dst []byte, typ, kind byte, name S) []byte {
	dst, mark := begin(dst, typ)
	dst = append(dst, kind)
	return finish(appendString(dst, name), mark)
}
