package pgwire

// Part is a frame, or the piece of it that has arrived.
type Part struct {
	Type byte
	// First: Bytes begins with the header.
	First bool
	// Remaining is how many bytes of the frame are still to come.
	Remaining int
	// Bytes is valid until Release.
	Bytes []byte
}

// Whole reports whether the part is a whole frame.
func (p Part) Whole() bool { return p.First && p.Remaining == 0 }

// Body is Bytes without the header.
func (p Part) Body() []byte {
	if p.First {
		return p.Bytes[HeaderSize:]
	}
	return p.Bytes
}

// NextPart returns what has arrived of the next frame, at least its header,
// or of the frame whose parts are being read. The size of a CopyData is then
// not limited. Errors are those of Next.
func (r *Reader) NextPart() (Part, error) {
	for {
		p, ok, err := r.TryPart()
		if ok || err != nil {
			return p, err
		}
		if err := r.Fill(); err != nil {
			return Part{}, err
		}
	}
}

// TryPart is NextPart without reading: ok is false where Fill has to come
// first.
func (r *Reader) TryPart() (p Part, ok bool, err error) {
	unread := r.buf[r.pos:r.end]
	if r.remaining > 0 {
		n := min(len(unread), r.remaining)
		if n == 0 {
			return Part{}, false, nil
		}
		r.remaining -= n
		r.advance(n)
		return Part{Type: r.partType, Remaining: r.remaining, Bytes: unread[:n:n]}, true, nil
	}
	typ, size, ok, err := r.limits.partHeader(unread)
	if err != nil || !ok {
		return Part{}, false, err
	}
	n := min(len(unread), size)
	r.partType, r.remaining = typ, size-n
	r.advance(n)
	return Part{Type: typ, First: true, Remaining: r.remaining, Bytes: unread[:n:n]}, true, nil
}
