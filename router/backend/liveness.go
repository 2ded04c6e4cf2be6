package backend

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// peeker looks at a socket without reading from it and without blocking. All it
// needs is prepared once, so that a look allocates nothing.
type peeker struct {
	raw       syscall.RawConn // nil: there is no socket
	encrypted bool
	look      func(fd uintptr) bool
	n         int
	err       error
	first     [1]byte
}

// peeked is what a peeker saw.
type peeked uint8

// What can be seen.
const (
	peekedQuiet   peeked = iota + 1 // open, nothing to read
	peekedPending                   // open, bytes to read
	peekedGone                      // closed by the server, or an error
)

func (k *peeker) init(raw syscall.RawConn, encrypted bool) {
	k.raw, k.encrypted = raw, encrypted
	k.look = func(fd uintptr) bool {
		for {
			k.n, _, k.err = unix.Recvfrom(int(fd), k.first[:], unix.MSG_PEEK|unix.MSG_DONTWAIT)
			if k.err != unix.EINTR {
				return true
			}
		}
	}
}

func (k *peeker) peek() peeked {
	if k.raw == nil {
		return peekedQuiet
	}
	if err := k.raw.Read(k.look); err != nil {
		return peekedGone
	}
	switch {
	case k.err == nil && k.n > 0:
		return peekedPending
	case k.err == unix.EAGAIN:
		return peekedQuiet
	default: // end of file, or reset
		return peekedGone
	}
}

// hungUp reports whether the server has certainly ended the connection. It
// reads nothing, so it may be asked about an idle connection.
func (c *Conn) hungUp() bool {
	switch c.peeker.peek() {
	case peekedGone:
		return true
	case peekedPending:
		return !c.peeker.encrypted && c.peeker.first[0] == 'E'
	default:
		return false
	}
}

// alive reports whether the server still waits for a command on c, as far as
// this side knows without a round trip. Messages that the server sent on its
// own are left for the holder to read.
func (c *Conn) alive() bool {
	switch c.peeker.peek() {
	case peekedQuiet:
		return len(c.unread) == 0 || onlyAsync(c.unread)
	case peekedPending:
		return c.readPending() && onlyAsync(c.unread)
	default:
		return false
	}
}

// Limits on what a server may have sent to an idle connection.
const (
	maxPending = 64 << 10
	// pendingTimeout is for the rest of a TLS record of which a part is here.
	pendingTimeout = 5 * time.Millisecond
)

// readPending moves what the socket holds to c.unread, so that all of it can be
// looked at, and reports whether the connection is still open behind it.
func (c *Conn) readPending() bool {
	buf := make([]byte, 4096)
	for len(c.unread) <= maxPending {
		_ = c.nc.SetReadDeadline(time.Now().Add(pendingTimeout)) // a closed socket fails in Read
		n, err := c.nc.Read(buf)
		c.unread = append(c.unread, buf[:n]...)
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return c.nc.SetReadDeadline(time.Time{}) == nil
		}
		if err != nil {
			return false
		}
		switch c.peeker.peek() {
		case peekedGone:
			return false
		case peekedQuiet:
			return c.nc.SetReadDeadline(time.Time{}) == nil
		}
	}
	return false
}

// onlyAsync reports whether b holds nothing but messages that a server may send
// to an idle connection (manual, section 55.2.7 Asynchronous Operations): of
// these NoticeResponse, ParameterStatus and NotificationResponse leave it
// usable. The last message may be incomplete.
func onlyAsync(b []byte) bool {
	for len(b) > 0 {
		switch b[0] {
		case 'N', 'S', 'A':
		default: // 'E' is a FATAL error; anything else is out of place
			return false
		}
		if len(b) < 5 {
			return true
		}
		length := binary.BigEndian.Uint32(b[1:5])
		if length < 4 || length > maxPending {
			return false
		}
		body := b[5:min(len(b), int(length)+1)]
		if b[0] == 'N' && saysShutdown(body) {
			return false
		}
		b = b[min(len(b), int(length)+1):]
	}
	return true
}

// saysShutdown reports whether the fields of a NoticeResponse carry a SQLSTATE
// by which the server ends the session (57P01 admin_shutdown, 57P02
// crash_shutdown, 57P03 cannot_connect_now, 57P05 idle_session_timeout):
// after a crash of another process it says so in a WARNING.
func saysShutdown(fields []byte) bool {
	for len(fields) > 0 && fields[0] != 0 {
		end := bytes.IndexByte(fields[1:], 0)
		if end < 0 {
			return false
		}
		if fields[0] == 'C' && bytes.HasPrefix(fields[1:1+end], []byte("57P0")) {
			return true
		}
		fields = fields[2+end:]
	}
	return false
}
