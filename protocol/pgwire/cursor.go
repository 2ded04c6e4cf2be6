package pgwire

import (
	"bytes"
	"encoding/binary"
)

// cursor reads the body of a message. What runs past the end yields zero and
// sets bad, once and for all.
type cursor struct {
	b   []byte
	bad bool
}

// open starts at the body of frame, which must be one whole frame of type typ.
func open(frame []byte, typ byte) cursor {
	if len(frame) < HeaderSize || frame[0] != typ ||
		int64(binary.BigEndian.Uint32(frame[1:5])) != int64(len(frame)-1) {
		return cursor{bad: true}
	}
	return cursor{b: frame[HeaderSize:]}
}

func (c *cursor) fail() { c.b, c.bad = nil, true }

func (c *cursor) byte() byte {
	if len(c.b) < 1 {
		c.fail()
		return 0
	}
	v := c.b[0]
	c.b = c.b[1:]
	return v
}

func (c *cursor) uint16() uint16 {
	if len(c.b) < 2 {
		c.fail()
		return 0
	}
	v := binary.BigEndian.Uint16(c.b)
	c.b = c.b[2:]
	return v
}

func (c *cursor) uint32() uint32 {
	if len(c.b) < 4 {
		c.fail()
		return 0
	}
	v := binary.BigEndian.Uint32(c.b)
	c.b = c.b[4:]
	return v
}

// bytes reads n bytes; a negative n is too many.
func (c *cursor) bytes(n int) []byte {
	if n < 0 || n > len(c.b) {
		c.fail()
		return nil
	}
	v := c.b[:n:n]
	c.b = c.b[n:]
	return v
}

// string reads up to the terminating NUL, which is not part of the result.
func (c *cursor) string() []byte {
	i := bytes.IndexByte(c.b, 0)
	if i < 0 {
		c.fail()
		return nil
	}
	v := c.b[:i:i]
	c.b = c.b[i+1:]
	return v
}

// rest takes all that is left.
func (c *cursor) rest() []byte { return c.bytes(len(c.b)) }

// end reports whether everything was read and nothing is left.
func (c *cursor) end() bool { return !c.bad && len(c.b) == 0 }

const (
	reasonShort = "too few or too many bytes"
	reasonKind  = "the kind is neither statement nor portal"
)
