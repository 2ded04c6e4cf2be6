package pgwire

// CheckEmpty reports a malformed message if frame, a whole frame of type typ,
// has a body. Sync, Flush, Terminate, CopyDone, ParseComplete and their like
// have none.
func CheckEmpty(frame []byte, typ byte) error {
	c := open(frame, typ)
	if c.end() {
		return nil
	}
	name := FrontendName(typ)
	if name == "" {
		name = BackendName(typ)
	}
	return malformed(name, reasonShort)
}

// AppendSync writes a Sync.
func AppendSync(dst []byte) []byte { return appendEmpty(dst, MsgSync) }

// AppendFlush writes a Flush.
func AppendFlush(dst []byte) []byte { return appendEmpty(dst, MsgFlush) }

// AppendTerminate writes a Terminate.
func AppendTerminate(dst []byte) []byte { return appendEmpty(dst, MsgTerminate) }
