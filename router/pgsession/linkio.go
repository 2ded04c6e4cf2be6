package pgsession

import (
	"errors"
	"os"
	"time"
)

const (
	// smallWrite fits into the socket buffer of a node that waits for us.
	smallWrite = 16 << 10
	// stuck is how long a large write may stand still before the node's own
	// output is looked after.
	stuck = 50 * time.Millisecond
)

// readReplies takes what the backend has sent. Output is written when nothing
// more is at hand.
func (s *Session) readReplies() error {
	if err := s.flushLink(); err != nil {
		return err
	}
	if s.m.link == nil {
		return nil // lost while writing
	}
	l := s.m.link
	part, ok, err := l.reader.TryNext()
	if !ok && err == nil {
		l.reader.Release()
		if err := s.flush(); err != nil {
			return err
		}
		s.waiting.begin()
		err = l.reader.Fill()
		s.waiting.end()
		if err == nil {
			part, ok, err = l.reader.TryNext()
		}
	}
	switch {
	case err != nil:
		s.lost(err)
	case ok:
		s.m.fromBackend(part)
	}
	if len(s.m.out) >= flushAt {
		return s.flush()
	}
	return nil
}

// lost takes notice that the connection to the node broke. A client that waits
// for nothing is told when it asks for something.
func (s *Session) lost(err error) {
	if s.m.answered() {
		s.m.abandon()
		return
	}
	s.m.lost(err)
}

// flushLink writes what was gathered for the node. A small write to a node that
// waits for us cannot stand still; while another does, the node's output is read,
// since the node may be waiting for us to do so.
func (s *Session) flushLink() error {
	l := s.m.link
	if l == nil || len(l.out) == 0 {
		return nil
	}
	if len(l.out) > smallWrite || s.m.state == stateCopyIn {
		return s.flushLarge(l)
	}
	_, err := l.conn.Write(l.out)
	l.out = l.out[:0]
	if err != nil {
		s.lost(err)
	}
	return nil
}

// flushLarge writes beside reading. When the link is given up meanwhile, what is
// left of the write makes it useless: it is closed.
func (s *Session) flushLarge(l *link) error {
	out := l.out
	l.out = nil // what is answered meanwhile is gathered anew
	written := make(chan error, 1)
	go func() {
		_, err := l.conn.Write(out)
		written <- err
	}()
	s.waiting.begin()
	defer s.waiting.end()
	timer := time.NewTimer(stuck)
	defer timer.Stop()
	for {
		select {
		case err := <-written:
			if err != nil {
				s.lost(err)
				return nil
			}
			if len(l.out) > 0 {
				return s.flushLink()
			}
			l.out = shrink(out)
			return nil
		case <-timer.C:
		}
		if err := s.readWhileWriting(l); err != nil || s.m.link != l {
			l.broken = true
			_ = l.conn.Close() // ends the write
			<-written          //nolint:errcheck // the link is closed in any case
			return err
		}
		timer.Reset(stuck)
	}
}

// readWhileWriting passes on what the node has sent already.
func (s *Session) readWhileWriting(l *link) error {
	_ = l.conn.SetReadDeadline(time.Now().Add(time.Millisecond)) // a closed connection fails in Fill
	err := l.reader.Fill()
	_ = l.conn.SetReadDeadline(time.Time{})
	if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
		s.lost(err)
		return nil
	}
	for s.m.link == l {
		part, ok, err := l.reader.TryNext()
		if err != nil {
			s.lost(err)
			return nil
		}
		if !ok {
			break
		}
		s.m.fromBackend(part)
	}
	l.reader.Release()
	return s.flush()
}
