package pgwire

import (
	"encoding/binary"
	"errors"
)

// MaxParams is the largest number of parameters a Bind can carry.
const MaxParams = 65535

// ErrTooManyParams: a rewritten Bind would need more than MaxParams.
var ErrTooManyParams = errors.New("a Bind message cannot carry more than 65535 parameters")

// Bind readies a statement for execution (manual, section "Extended Query").
// Its slices point into the frame. A Bind is meant to be used again: decoding
// then allocates nothing.
type Bind struct {
	// Portal to create; empty is the unnamed one.
	Portal []byte
	// Statement to bind; empty is the unnamed one.
	Statement []byte

	paramFormats  []byte // 2 bytes each
	values        []byte // the parameter section: length and value each
	spans         []span // of the values in values
	resultFormats []byte // 2 bytes each, without their count
}

// span is a value in Bind.values; length -1: NULL.
type span struct{ start, length int32 }

// Param is a parameter value for a Bind.
type Param struct {
	Value  []byte // nil: NULL
	Format int16
}

// Decode reads a whole Bind frame.
func (m *Bind) Decode(frame []byte) error {
	c := open(frame, MsgBind)
	portal := c.string()
	statement := c.string()
	formats := c.bytes(2 * int(c.uint16()))
	count := int(c.uint16())
	section := c.b
	spans := m.spans[:0]
	for range count {
		length := int32(c.uint32())
		start := len(section) - len(c.b)
		if length != -1 {
			c.bytes(int(length))
		}
		if c.bad {
			m.spans = spans
			return malformed("Bind", "a parameter's length runs past the message")
		}
		spans = append(spans, span{start: int32(start), length: length})
	}
	m.spans = spans
	values := section[:len(section)-len(c.b)]
	results := c.bytes(2 * int(c.uint16()))
	if !c.end() {
		return malformed("Bind", reasonShort)
	}
	if n := len(formats) / 2; n > 1 && n != count {
		return malformed("Bind", "the number of parameter formats is not the number of parameters")
	}
	m.Portal, m.Statement = portal, statement
	m.paramFormats, m.values, m.resultFormats = formats, values, results
	return nil
}

// Params is the number of parameters.
func (m *Bind) Params() int { return len(m.spans) }

// Param returns parameter i (from 0, below Params): its bytes, whether it is
// NULL, and its format.
func (m *Bind) Param(i int) (value []byte, null bool, format int16) {
	s := m.spans[i]
	format = m.ParamFormat(i)
	if s.length < 0 {
		return nil, true, format
	}
	return m.values[s.start : s.start+s.length : s.start+s.length], false, format
}

// ParamFormat is the format of parameter i.
func (m *Bind) ParamFormat(i int) int16 {
	switch n := len(m.paramFormats) / 2; {
	case n == 0:
		return FormatText
	case n == 1:
		i = 0
	case i >= n:
		return FormatText
	}
	return int16(binary.BigEndian.Uint16(m.paramFormats[2*i:]))
}

// ResultFormats is the number of result formats given: 0 (all text), 1 (for
// all columns) or one per column.
func (m *Bind) ResultFormats() int { return len(m.resultFormats) / 2 }

// ResultFormat is the format of result column i.
func (m *Bind) ResultFormat(i int) int16 {
	switch n := m.ResultFormats(); {
	case n == 0:
		return FormatText
	case n == 1:
		i = 0
	case i >= n:
		return FormatText
	}
	return int16(binary.BigEndian.Uint16(m.resultFormats[2*i:]))
}

// Append writes the message for another portal and statement, with extra
// parameters behind its own. The error is ErrTooManyParams; dst is then
// returned as it was.
func (m *Bind) Append(dst, portal, statement []byte, extra ...Param) ([]byte, error) {
	count := len(m.spans) + len(extra)
	if count > MaxParams {
		return dst, ErrTooManyParams
	}
	dst, mark := begin(dst, MsgBind)
	dst = appendString(dst, portal)
	dst = appendString(dst, statement)
	dst = m.appendParamFormats(dst, extra)
	dst = appendUint16(dst, uint16(count))
	dst = append(dst, m.values...)
	for _, p := range extra {
		dst = appendValue(dst, p.Value)
	}
	dst = appendUint16(dst, uint16(len(m.resultFormats)/2))
	return finish(append(dst, m.resultFormats...), mark), nil
}

// appendParamFormats keeps the short forms where they still say the truth.
func (m *Bind) appendParamFormats(dst []byte, extra []Param) []byte {
	given := len(m.paramFormats) / 2
	short := given <= 1
	for _, p := range extra {
		short = short && p.Format == m.ParamFormat(0)
	}
	if short || len(extra) == 0 {
		dst = appendUint16(dst, uint16(given))
		return append(dst, m.paramFormats...)
	}
	dst = appendUint16(dst, uint16(len(m.spans)+len(extra)))
	for i := range m.spans {
		dst = appendUint16(dst, uint16(m.ParamFormat(i)))
	}
	for _, p := range extra {
		dst = appendUint16(dst, uint16(p.Format))
	}
	return dst
}

// AppendBind writes a Bind. resultFormats follows the rule of ResultFormats.
// At most MaxParams parameters fit.
func AppendBind[S, T []byte | string](dst []byte, portal S, statement T, params []Param, resultFormats []int16) []byte {
	dst, mark := begin(dst, MsgBind)
	dst = appendString(dst, portal)
	dst = appendString(dst, statement)
	dst = appendUint16(dst, uint16(len(params)))
	for _, p := range params {
		dst = appendUint16(dst, uint16(p.Format))
	}
	dst = appendUint16(dst, uint16(len(params)))
	for _, p := range params {
		dst = appendValue(dst, p.Value)
	}
	dst = appendUint16(dst, uint16(len(resultFormats)))
	for _, f := range resultFormats {
		dst = appendUint16(dst, uint16(f))
	}
	return finish(dst, mark)
}

// appendValue writes a value with its length; nil is NULL.
func appendValue(dst, value []byte) []byte {
	if value == nil {
		return append(dst, 0xff, 0xff, 0xff, 0xff)
	}
	return append(appendUint32(dst, uint32(len(value))), value...)
}

// AppendBindComplete writes a BindComplete.
func AppendBindComplete(dst []byte) []byte { return appendEmpty(dst, MsgBindComplete) }
