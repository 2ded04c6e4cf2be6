package pgwire

import (
	"encoding/binary"
	"math"
)

// HeaderSize is the number of bytes of a frame before its body: the type and
// the length.
const HeaderSize = 5

// SmallMessageLimit is the largest length field of messages that have no
// reason to be long, as in PostgreSQL itself.
const SmallMessageLimit = 10000

// Limits holds what a side of the protocol may send: which message types there
// are, and the largest length field of each. It is read-only and safe for
// concurrent use: build it once and share it.
type Limits struct {
	max [256]int32 // 0: there is no such type
	// endless are the types whose length is not limited when they are read in
	// parts.
	endless [256]bool
}

// FrontendLimits are the limits for what a client may send after the startup:
// large for the messages that carry statements and data, SmallMessageLimit for
// the others. large is clamped to the protocol's range.
func FrontendLimits(large int) *Limits {
	l := new(Limits)
	big := clampLimit(large)
	for _, typ := range []byte{MsgQuery, MsgParse, MsgBind, MsgFunctionCall, MsgCopyData} {
		l.max[typ] = big
	}
	for _, typ := range []byte{
		MsgClose, MsgCopyDone, MsgCopyFail, MsgDescribe, MsgExecute, MsgFlush, MsgSync, MsgTerminate,
	} {
		l.max[typ] = min(SmallMessageLimit, big)
	}
	l.endless[MsgCopyData] = true
	return l
}

// PasswordLimits are the limits while a client authenticates itself.
func PasswordLimits(size int) *Limits {
	l := new(Limits)
	l.max[MsgPassword] = clampLimit(size)
	return l
}

// BackendLimits are the limits for what a server may send: whole is the limit
// of every message that is read whole.
func BackendLimits(whole int) *Limits {
	l := new(Limits)
	big := clampLimit(whole)
	for typ := range l.max {
		if BackendName(byte(typ)) != "" {
			l.max[typ] = big
		}
	}
	for _, typ := range []byte{MsgDataRow, MsgCopyData, MsgFunctionCallResponse} {
		l.endless[typ] = true
	}
	return l
}

func clampLimit(n int) int32 {
	return int32(min(max(n, 4), math.MaxInt32-1))
}

// Header reads type and total size (1 + length field) of the frame that begins
// b. ok is false while b holds fewer than HeaderSize bytes. The error is a
// *FrameError (ErrUnknownType, ErrShortLength, ErrTooLong); an unknown type is
// noticed from the first byte on.
func (l *Limits) Header(b []byte) (typ byte, size int, ok bool, err error) {
	if len(b) == 0 {
		return 0, 0, false, nil
	}
	typ = b[0]
	limit := l.max[typ]
	if limit == 0 {
		return typ, 0, false, &FrameError{Type: typ, Err: ErrUnknownType}
	}
	if len(b) < HeaderSize {
		return typ, 0, false, nil
	}
	length := int32(binary.BigEndian.Uint32(b[1:5]))
	if length < 4 || length > limit {
		return typ, 0, false, lengthError(typ, length, limit)
	}
	return typ, 1 + int(length), true, nil
}

// partHeader is Header for a frame that is read in parts.
func (l *Limits) partHeader(b []byte) (typ byte, size int, ok bool, err error) {
	if len(b) < HeaderSize || !l.endless[b[0]] {
		return l.Header(b)
	}
	length := int32(binary.BigEndian.Uint32(b[1:5]))
	if length < 4 {
		return b[0], 0, false, lengthError(b[0], length, math.MaxInt32)
	}
	return b[0], 1 + int(length), true, nil
}

func lengthError(typ byte, length, limit int32) error {
	e := &FrameError{Type: typ, Length: int(length), Limit: int(limit), Err: ErrTooLong}
	if length < 4 {
		e.Err = ErrShortLength
	}
	return e
}
