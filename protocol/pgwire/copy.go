package pgwire

import "encoding/binary"

// CopyResponse is a CopyInResponse, CopyOutResponse or CopyBothResponse
// (manual, section "COPY Operations").
type CopyResponse struct {
	// Format of the whole copy: FormatText or FormatBinary.
	Format  byte
	formats []byte // 2 bytes per column, in the frame
}

// Decode reads a whole frame of one of the three types.
func (m *CopyResponse) Decode(frame []byte) error {
	c := cursor{bad: true}
	name := "CopyInResponse"
	if len(frame) > 0 {
		switch typ := frame[0]; typ {
		case MsgCopyInResponse, MsgCopyOutResponse, MsgCopyBothResponse:
			name = BackendName(typ)
			c = open(frame, typ)
		}
	}
	format := c.byte()
	formats := c.bytes(2 * int(c.uint16()))
	if !c.end() {
		return malformed(name, reasonShort)
	}
	if format > 1 {
		return malformed(name, "unknown format")
	}
	m.Format, m.formats = format, formats
	return nil
}

// Columns is the number of columns.
func (m *CopyResponse) Columns() int { return len(m.formats) / 2 }

// ColumnFormat is the format of column i (from 0, below Columns).
func (m *CopyResponse) ColumnFormat(i int) int16 {
	return int16(binary.BigEndian.Uint16(m.formats[2*i:]))
}

// AppendCopyInResponse writes a CopyInResponse for so many columns, all of one
// format.
func AppendCopyInResponse(dst []byte, format int16, columns int) []byte {
	return appendCopyResponse(dst, MsgCopyInResponse, format, columns)
}

// AppendCopyOutResponse writes a CopyOutResponse for so many columns, all of
// one format.
func AppendCopyOutResponse(dst []byte, format int16, columns int) []byte {
	return appendCopyResponse(dst, MsgCopyOutResponse, format, columns)
}

func appendCopyResponse(dst []byte, typ byte, format int16, columns int) []byte {
	dst, mark := begin(dst, typ)
	dst = append(dst, byte(format))
	dst = appendUint16(dst, uint16(columns))
	for range columns {
		dst = appendUint16(dst, uint16(format))
	}
	return finish(dst, mark)
}

// CopyData carries a piece of a copy, cut anywhere (manual, section "COPY
// Operations").
type CopyData struct {
	// Data points into the frame.
	Data []byte
}

// Decode reads a whole CopyData frame.
func (m *CopyData) Decode(frame []byte) error {
	c := open(frame, MsgCopyData)
	data := c.rest()
	if !c.end() {
		return malformed("CopyData", reasonShort)
	}
	m.Data = data
	return nil
}

// AppendCopyData writes a CopyData.
func AppendCopyData(dst, data []byte) []byte {
	dst, mark := begin(dst, MsgCopyData)
	return finish(append(dst, data...), mark)
}

// AppendCopyDone writes a CopyDone.
func AppendCopyDone(dst []byte) []byte { return appendEmpty(dst, MsgCopyDone) }

// CopyFail ends a COPY FROM STDIN with an error.
type CopyFail struct {
	// Message points into the frame.
	Message []byte
}

// Decode reads a whole CopyFail frame.
func (m *CopyFail) Decode(frame []byte) error {
	c := open(frame, MsgCopyFail)
	message := c.string()
	if !c.end() {
		return malformed("CopyFail", reasonShort)
	}
	m.Message = message
	return nil
}

// AppendCopyFail writes a CopyFail. message must hold no NUL.
func AppendCopyFail[S []byte | string](dst []byte, message S) []byte {
	dst, mark := begin(dst, MsgCopyFail)
	return finish(appendString(dst, message), mark)
}
