package pgwire

import (
	"strconv"
	"strings"

	"shardproxy/protocol/sqlerr"
)

// Fields of ErrorResponse and NoticeResponse (manual, section "Error and
// Notice Message Fields").
const (
	FieldSeverity         byte = 'S' // may be translated
	FieldSeverityPlain    byte = 'V' // never translated
	FieldCode             byte = 'C' // SQLSTATE
	FieldMessage          byte = 'M'
	FieldDetail           byte = 'D'
	FieldHint             byte = 'H'
	FieldPosition         byte = 'P'
	FieldInternalPosition byte = 'p'
	FieldInternalQuery    byte = 'q'
	FieldWhere            byte = 'W'
	FieldSchema           byte = 's'
	FieldTable            byte = 't'
	FieldColumn           byte = 'c'
	FieldDataType         byte = 'd'
	FieldConstraint       byte = 'n'
	FieldFile             byte = 'F'
	FieldLine             byte = 'L'
	FieldRoutine          byte = 'R'
)

// Report is an ErrorResponse or NoticeResponse.
type Report struct {
	fields []byte // code and string each, without the terminator, in the frame
}

// Decode reads a whole ErrorResponse or NoticeResponse frame.
func (m *Report) Decode(frame []byte) error {
	typ := MsgErrorResponse
	if len(frame) > 0 && frame[0] == MsgNoticeResponse {
		typ = MsgNoticeResponse
	}
	c := open(frame, typ)
	fields := c.b
	for {
		code := c.byte()
		if code == 0 {
			break
		}
		c.string()
	}
	if !c.end() {
		return malformed(BackendName(typ), "the list of fields is not terminated")
	}
	m.fields = fields[:len(fields)-1]
	return nil
}

// Field is the first field with that code, or nil.
func (m *Report) Field(code byte) []byte {
	c := cursor{b: m.fields}
	for len(c.b) > 0 {
		found := c.byte()
		value := c.string()
		if found == code {
			return value
		}
	}
	return nil
}

// SQLState is the five-character code, or empty.
func (m *Report) SQLState() []byte { return m.Field(FieldCode) }

// Message is the primary message.
func (m *Report) Message() []byte { return m.Field(FieldMessage) }

// Severity is the untranslated severity ("ERROR", "FATAL", "WARNING" ...), or
// the translated one of servers before 9.6.
func (m *Report) Severity() []byte {
	if v := m.Field(FieldSeverityPlain); v != nil {
		return v
	}
	return m.Field(FieldSeverity)
}

// AppendErrorResponse writes an ErrorResponse.
func AppendErrorResponse(dst []byte, e *sqlerr.Error) []byte {
	dst, mark := begin(dst, MsgErrorResponse)
	dst = appendFields(dst, e.Severity, e.SQLState, e.Message, e.Detail, e.Hint)
	if e.Position > 0 {
		dst = append(dst, FieldPosition)
		dst = strconv.AppendInt(dst, int64(e.Position), 10)
		dst = append(dst, 0)
	}
	return finish(append(dst, 0), mark)
}

// AppendNotice writes a NoticeResponse. severity is WARNING, NOTICE, DEBUG,
// INFO or LOG; detail and hint may be empty.
func AppendNotice(dst []byte, severity, sqlstate, message, detail, hint string) []byte {
	dst, mark := begin(dst, MsgNoticeResponse)
	dst = appendFields(dst, severity, sqlstate, message, detail, hint)
	return finish(append(dst, 0), mark)
}

func appendFields(dst []byte, severity, sqlstate, message, detail, hint string) []byte {
	dst = appendField(dst, FieldSeverity, severity)
	dst = appendField(dst, FieldSeverityPlain, severity)
	dst = appendField(dst, FieldCode, sqlstate)
	dst = appendField(dst, FieldMessage, message)
	if detail != "" {
		dst = appendField(dst, FieldDetail, detail)
	}
	if hint != "" {
		dst = appendField(dst, FieldHint, hint)
	}
	return dst
}

// appendField leaves NULs out: messages quote what clients sent.
func appendField(dst []byte, code byte, value string) []byte {
	if strings.IndexByte(value, 0) >= 0 {
		value = strings.ReplaceAll(value, "\x00", "")
	}
	return appendString(append(dst, code), value)
}
