package pgwire

import (
	"errors"
	"fmt"

	"shardproxy/protocol/sqlerr"
)

// What can be wrong with a frame or a message. Test with errors.Is; the values
// returned are a *FrameError or a *MessageError.
var (
	// ErrShortLength: a length field below 4, which counts itself.
	ErrShortLength = errors.New("message length is too short")
	// ErrTooLong: a length field above the limit of its type.
	ErrTooLong = errors.New("message is too long")
	// ErrUnknownType: a type byte this side of the protocol does not have.
	ErrUnknownType = errors.New("unknown message type")
	// ErrMalformed: a message whose body is not what the manual describes.
	ErrMalformed = errors.New("malformed message")
	// ErrMidFrame: Next was called while a frame is being read in parts.
	ErrMidFrame = errors.New("a frame is being read in parts")
)

// FrameError is a frame that was refused by its header. The stream cannot be
// read any further.
type FrameError struct {
	Type   byte
	Length int // the length field
	Limit  int // the limit of the type, for ErrTooLong
	Err    error
}

// Error says what is wrong with which message.
func (e *FrameError) Error() string {
	switch {
	case errors.Is(e.Err, ErrTooLong):
		return fmt.Sprintf("message of type %s is too long: %d bytes, the limit is %d", typeName(e.Type), e.Length, e.Limit)
	case errors.Is(e.Err, ErrShortLength):
		return fmt.Sprintf("message of type %s has the invalid length %d", typeName(e.Type), e.Length)
	default:
		return fmt.Sprintf("%s %s", e.Err.Error(), typeName(e.Type))
	}
}

// Unwrap is one of the sentinels of this package.
func (e *FrameError) Unwrap() error { return e.Err }

// ClientError is what a client that sent the frame sees before it is
// disconnected.
func (e *FrameError) ClientError() *sqlerr.Error {
	return sqlerr.ProtocolViolation(e.Error()).Fatal()
}

// MessageError is a message whose body is malformed. The stream is still in
// step: the frame was whole.
type MessageError struct {
	Message string // the manual's name of the message
	Reason  string
}

// Error names the message and says what is wrong with it.
func (e *MessageError) Error() string {
	return "malformed " + e.Message + " message: " + e.Reason
}

// Is reports whether target is ErrMalformed.
func (e *MessageError) Is(target error) bool { return target == ErrMalformed }

// ClientError is what a client that sent the message sees.
func (e *MessageError) ClientError() *sqlerr.Error {
	return sqlerr.ProtocolViolation(e.Error())
}

func malformed(message, reason string) error {
	return &MessageError{Message: message, Reason: reason}
}

func typeName(typ byte) string {
	if typ >= '!' && typ <= '~' {
		return fmt.Sprintf("%q", rune(typ))
	}
	return fmt.Sprintf("0x%02x", typ)
}
