package pgwire

import "io"

// DefaultWholeLimit is the largest length of a server's message that is read
// whole.
const DefaultWholeLimit = 16 << 20

// ServerReader cuts what a server sends into frames, for relaying. It is a
// Reader with larger buffers whose Next hands out the messages that carry rows
// and data (DataRow, CopyData, FunctionCallResponse) in parts as they arrive;
// their size is not limited. Every other message comes whole, and is an error
// above its limit.
//
//	for {
//		p, err := r.Next()
//		...                           // swallow p: write(r.Cut())
//		if !r.Ready() {
//			write(r.Run())
//			r.Release()
//		}
//	}
type ServerReader struct{ r Reader }

// NewServerReader makes a reader of what a server sends.
func NewServerReader(src io.Reader, o ReaderOptions) *ServerReader {
	if o.Limits == nil {
		o.Limits = BackendLimits(DefaultWholeLimit)
	}
	s := new(ServerReader)
	s.r.start(src, o, 1, 3)
	return s
}

// Next returns the next frame, or the part of it that has arrived. Errors are
// those of Reader.Next.
func (s *ServerReader) Next() (Part, error) {
	for {
		p, ok, err := s.TryNext()
		if ok || err != nil {
			return p, err
		}
		if err := s.r.Fill(); err != nil {
			return Part{}, err
		}
	}
}

// TryNext is Next without reading: ok is false where Fill has to come first.
func (s *ServerReader) TryNext() (p Part, ok bool, err error) {
	if s.r.remaining > 0 || s.r.pos < s.r.end && s.r.limits.endless[s.r.buf[s.r.pos]] {
		return s.r.TryPart()
	}
	typ, frame, ok, err := s.r.TryNext()
	return Part{Type: typ, First: ok, Bytes: frame}, ok, err
}

// NextWhole returns the next frame whole, whatever its type, within its limit.
// It is for results that are looked into, not relayed.
func (s *ServerReader) NextWhole() (typ byte, frame []byte, err error) { return s.r.Next() }

// Ready reports whether TryNext has something to return: a part or an error.
func (s *ServerReader) Ready() bool {
	unread := s.r.buf[s.r.pos:s.r.end]
	if len(unread) == 0 {
		return false
	}
	if s.r.remaining > 0 {
		return true
	}
	if s.r.limits.endless[unread[0]] {
		_, _, ok, err := s.r.limits.partHeader(unread)
		return ok || err != nil
	}
	_, whole := s.r.Peek()
	return whole
}

// Peek is the type of the next message (of the frame in progress, when its
// parts are being read), or 0 when nothing of it was read.
func (s *ServerReader) Peek() byte {
	typ, _ := s.r.Peek()
	return typ
}

// Fill reads once from the server. See Reader.Fill.
func (s *ServerReader) Fill() error { return s.r.Fill() }

// MidFrame reports whether a frame was returned in part and its rest is still
// to come.
func (s *ServerReader) MidFrame() bool { return s.r.remaining > 0 }

// Buffered is the number of bytes that were read but not yet returned.
func (s *ServerReader) Buffered() int { return s.r.Buffered() }

// Run returns the current run and begins a new one. See Reader.Run.
func (s *ServerReader) Run() []byte { return s.r.Run() }

// Cut returns the current run without the last part. See Reader.Cut.
func (s *ServerReader) Cut() []byte { return s.r.Cut() }

// Release ends the validity of everything returned so far.
func (s *ServerReader) Release() { s.r.Release() }

// Close gives the buffers back. The reader must not be used afterwards.
func (s *ServerReader) Close() { s.r.Close() }
