package pgwire

import "io"

// maxEmptyReads is how many times a source may return nothing and no error.
const maxEmptyReads = 100

// ReaderOptions configure a Reader. The zero value is usable.
type ReaderOptions struct {
	// Limits per message type. Default: FrontendLimits(DefaultMessageLimit)
	// for a Reader, BackendLimits(DefaultWholeLimit) for a ServerReader.
	Limits *Limits
	// Buffers is where buffers come from and go to. Default: none are pooled.
	Buffers *Buffers
	// Unread are bytes that were read from the source already. They are copied.
	Unread []byte
	// Poison overwrites frames when they are released, so that a test notices
	// code that uses them afterwards.
	Poison bool
}

// DefaultMessageLimit is the largest length of a client's message: what
// PostgreSQL itself accepts.
const DefaultMessageLimit = 0x3fffffff - 1

// Reader cuts what a client sends into frames.
//
// A frame is a whole message, header included. Frames stay valid, and where
// they are, until Release; between two Releases the reader keeps them all, so
// that a batch can be looked at as a whole before any of it is sent. Callers
// may change bytes of a frame in place.
//
// A run is the longest stretch of consecutive frames since the last Run, Cut
// or Release, as one slice: what is forwarded unchanged needs no copying
// together.
//
//	for {
//		typ, frame, err := r.Next()
//		switch {
//		case forwarded as it is: // nothing to do
//		default:
//			out = append(out, r.Cut()...) // what came before it
//			out = appendWhatReplaces(out, frame)
//		}
//		if typ == MsgSync {
//			out = append(out, r.Run()...)
//			write(out)
//			r.Release()
//		}
//	}
//
// Memory: the buffer grows as bytes arrive, never by an announced length, and
// at most by a factor of four at a time. After a Release that leaves nothing
// unread, a buffer above 8 KiB is given back. Held tells what a batch has
// accumulated; limiting it is the caller's task.
//
// A Reader is not safe for concurrent use. An error of the source loses
// nothing: after a deadline has passed, reading can go on.
type Reader struct {
	src    io.Reader
	limits *Limits
	bufs   *Buffers
	poison bool

	// buf[held:pos] are frames handed out since the last Release (those in
	// retired besides), buf[run:pos] is the run, buf[last:pos] the last frame,
	// buf[pos:end] is unread.
	buf                       []byte
	held, run, last, pos, end int
	retired                   [][]byte
	retiredHeld               int

	// A frame being read in parts.
	partType  byte
	remaining int

	// class is the size class of the next buffer, between minClass and
	// maxClass; small counts rounds that needed much less.
	class, minClass, maxClass, small uint8

	pendingErr error
}

// NewReader makes a reader of what a client sends.
func NewReader(src io.Reader, o ReaderOptions) *Reader {
	if o.Limits == nil {
		o.Limits = FrontendLimits(DefaultMessageLimit)
	}
	r := new(Reader)
	r.start(src, o, 0, 1)
	return r
}

func (r *Reader) start(src io.Reader, o ReaderOptions, minClass, maxClass uint8) {
	*r = Reader{
		src: src, limits: o.Limits, bufs: o.Buffers, poison: o.Poison,
		class: minClass, minClass: minClass, maxClass: maxClass,
	}
	if len(o.Unread) > 0 {
		r.buf = make([]byte, max(classSize(minClass), len(o.Unread)))
		r.end = copy(r.buf, o.Unread)
	}
}

// Next returns the next frame, reading as often as it takes. At the end of the
// stream the error is io.EOF between frames and io.ErrUnexpectedEOF inside
// one; a refused header gives a *FrameError.
func (r *Reader) Next() (typ byte, frame []byte, err error) {
	for {
		typ, frame, ok, err := r.TryNext()
		if ok || err != nil {
			return typ, frame, err
		}
		if err := r.Fill(); err != nil {
			return 0, nil, err
		}
	}
}

// TryNext returns the next frame if all of it has been read already. It never
// reads: ok is false where Fill has to come first.
func (r *Reader) TryNext() (typ byte, frame []byte, ok bool, err error) {
	if r.remaining > 0 {
		return 0, nil, false, ErrMidFrame
	}
	unread := r.buf[r.pos:r.end]
	typ, size, ok, err := r.limits.Header(unread)
	if err != nil || !ok || size > len(unread) {
		return typ, nil, false, err
	}
	r.advance(size)
	return typ, unread[:size:size], true, nil
}

// Peek returns the type of the next message, 0 when not even that was read,
// and whether Next would return it without reading.
func (r *Reader) Peek() (typ byte, whole bool) {
	if r.remaining > 0 {
		return r.partType, false
	}
	unread := r.buf[r.pos:r.end]
	typ, size, ok, err := r.limits.Header(unread)
	return typ, err != nil || ok && size <= len(unread)
}

// Buffered is the number of bytes that were read but not yet returned.
func (r *Reader) Buffered() int { return r.end - r.pos }

// Held is the number of bytes of the frames returned since the last Release.
func (r *Reader) Held() int { return r.retiredHeld + r.pos - r.held }

// Run returns the current run and begins a new one. It is valid until Release.
func (r *Reader) Run() []byte {
	b := r.buf[r.run:r.pos:r.pos]
	r.run, r.last = r.pos, r.pos
	return b
}

// Cut returns the current run without the last frame (or part) and begins a
// new one behind that frame. It is valid until Release.
func (r *Reader) Cut() []byte {
	b := r.buf[r.run:r.last:r.last]
	r.run, r.last = r.pos, r.pos
	return b
}

// Release ends the validity of every frame and run returned so far.
func (r *Reader) Release() {
	if r.poison {
		r.poisonHeld()
	}
	for i, b := range r.retired {
		r.bufs.put(b)
		r.retired[i] = nil
	}
	r.retired = r.retired[:0]
	used := r.retiredHeld + r.end - r.held
	r.retiredHeld = 0
	r.held, r.run, r.last = r.pos, r.pos, r.pos
	if r.pos != r.end {
		return
	}
	r.adapt(used)
	r.rewind()
}

// Close gives the buffers back. The reader must not be used afterwards.
func (r *Reader) Close() {
	r.pos = r.end
	r.Release()
	r.bufs.put(r.buf)
	*r = Reader{limits: r.limits, src: closed{}}
}

// closed is the source of a reader that was closed.
type closed struct{}

// Read fails.
func (closed) Read([]byte) (int, error) { return 0, io.ErrClosedPipe }

func (r *Reader) advance(size int) {
	r.last = r.pos
	r.pos += size
}

func (r *Reader) poisonHeld() {
	for _, b := range r.retired {
		fill(b)
	}
	fill(r.buf[r.held:r.pos])
}

func fill(b []byte) {
	for i := range b {
		b[i] = 0xdd
	}
}
