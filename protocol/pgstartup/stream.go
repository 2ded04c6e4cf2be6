package pgstartup

import (
	"errors"
	"io"
	"net"
)

// stream reads packets from a connection. It reads ahead, so that bytes sent
// behind a packet are noticed.
type stream struct {
	conn     net.Conn
	buf      []byte
	from, to int // buf[from:to] is unread
}

// firstRead is the size of the buffer until more has arrived.
const firstRead = 1024

// peek returns the next n bytes without taking them. They are valid until the
// next peek. The buffer grows as bytes arrive. At the end of the stream the
// error is io.EOF if nothing is left, else io.ErrUnexpectedEOF.
func (s *stream) peek(n int) ([]byte, error) {
	for s.to-s.from < n {
		if err := s.fill(n); err != nil {
			return nil, err
		}
	}
	return s.buf[s.from : s.from+n], nil
}

// take returns the next n bytes. They are valid until the next peek or take.
func (s *stream) take(n int) ([]byte, error) {
	b, err := s.peek(n)
	if err != nil {
		return nil, err
	}
	s.from += n
	return b, nil
}

// unread is what was read but not taken.
func (s *stream) unread() []byte { return s.buf[s.from:s.to] }

func (s *stream) fill(n int) error {
	if s.from == s.to {
		s.from, s.to = 0, 0
	}
	if s.from > 0 && s.from+n > len(s.buf) {
		s.to = copy(s.buf, s.buf[s.from:s.to])
		s.from = 0
	}
	if s.to == len(s.buf) {
		grown := make([]byte, max(firstRead, 2*len(s.buf)))
		copy(grown, s.buf[:s.to])
		s.buf = grown
	}
	got, err := s.conn.Read(s.buf[s.to:])
	s.to += got
	if got > 0 {
		return nil
	}
	if errors.Is(err, io.EOF) && s.to > s.from {
		return io.ErrUnexpectedEOF
	}
	if err == nil {
		return io.ErrNoProgress
	}
	return err
}
