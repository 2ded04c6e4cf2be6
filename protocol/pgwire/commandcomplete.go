package pgwire

import "bytes"

// CommandComplete ends a statement (manual, section "Message Flow").
type CommandComplete struct {
	// Tag is without its terminator, and points into the frame.
	Tag []byte
}

// Decode reads a whole CommandComplete frame.
func (m *CommandComplete) Decode(frame []byte) error {
	c := open(frame, MsgCommandComplete)
	tag := c.string()
	if !c.end() {
		return malformed("CommandComplete", reasonShort)
	}
	m.Tag = tag
	return nil
}

// Rows is the number of rows the tag ends with ("INSERT 0 5": 5). ok is false
// for tags without one, or with one that does not fit.
func (m *CommandComplete) Rows() (rows int64, ok bool) {
	digits := m.Tag[bytes.LastIndexByte(m.Tag, ' ')+1:]
	if len(digits) == 0 || len(digits) == len(m.Tag) || len(digits) > 18 {
		return 0, false
	}
	for _, d := range digits {
		if d < '0' || d > '9' {
			return 0, false
		}
		rows = rows*10 + int64(d-'0')
	}
	return rows, true
}

// AppendCommandComplete writes a CommandComplete. tag must hold no NUL.
func AppendCommandComplete[S []byte | string](dst []byte, tag S) []byte {
	dst, mark := begin(dst, MsgCommandComplete)
	return finish(appendString(dst, tag), mark)
}
