package backend

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os"
	"time"

	"shardproxy/protocol/pgwire"
)

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
		case pgwire.MsgNoticeResponse, pgwire.MsgParameterStatus, pgwire.MsgNotificationResponse:
		default: // an ErrorResponse is a FATAL one; anything else is out of place
			return false
		}
		if len(b) < pgwire.HeaderSize {
			return true
		}
		length := binary.BigEndian.Uint32(b[1:])
		if length < 4 || length > maxPending {
			return false
		}
		size := int(length) + 1
		if len(b) < size {
			return true
		}
		if b[0] == pgwire.MsgNoticeResponse && saysShutdown(b[:size]) {
			return false
		}
		b = b[size:]
	}
	return true
}

// saysShutdown reports whether a NoticeResponse carries a SQLSTATE by which the
// server ends the session (57P01 admin_shutdown, 57P02 crash_shutdown): after
// a crash of another process it says so in a WARNING. A malformed one is not
// trusted either.
func saysShutdown(notice []byte) bool {
	var m pgwire.Report
	return m.Decode(notice) != nil || bytes.HasPrefix(m.SQLState(), []byte("57P"))
}
