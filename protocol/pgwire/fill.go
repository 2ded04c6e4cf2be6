package pgwire

import (
	"errors"
	"io"
)

// keepSize is the largest buffer a reader keeps while it holds nothing.
const keepSize = size1

// movable is the number of unread bytes that are moved to the front of the
// buffer without asking whether it is needed.
const movable = 1 << 10

// Fill reads once from the source, making room first. Frames handed out stay
// where they are. The error is that of the source, with io.EOF turned into
// io.ErrUnexpectedEOF inside a frame.
func (r *Reader) Fill() error {
	if err := r.pendingErr; err != nil {
		r.pendingErr = nil
		return r.readError(err)
	}
	r.room()
	space := r.buf[r.end:]
	for range maxEmptyReads {
		n, err := r.src.Read(space)
		if n < 0 || n > len(space) {
			return errors.New("pgwire: the source returned an invalid count")
		}
		r.end += n
		if n > 0 {
			r.pendingErr = err
			r.grew(n, len(space))
			return nil
		}
		if err != nil {
			return r.readError(err)
		}
	}
	return io.ErrNoProgress
}

func (r *Reader) readError(err error) error {
	if errors.Is(err, io.EOF) && (r.remaining > 0 || r.pos != r.end) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// grew notes that a read filled all the space there was: the next buffer may
// be larger.
func (r *Reader) grew(n, space int) {
	if n == space && space >= classSize(r.class)/2 && r.class < r.maxClass {
		r.class++
		r.small = 0
	}
}

// adapt makes the next buffers smaller when the last rounds used little of
// theirs.
func (r *Reader) adapt(used int) {
	if r.class == r.minClass || used > classSize(r.class-1) {
		r.small = 0
		return
	}
	r.small++
	if r.small == 16 {
		r.class--
		r.small = 0
	}
}

// rewind empties the buffer. A large one, or one of the wrong size, is given
// back.
func (r *Reader) rewind() {
	r.held, r.run, r.last, r.pos, r.end = 0, 0, 0, 0, 0
	if len(r.buf) > keepSize || len(r.buf) != classSize(r.class) {
		r.bufs.put(r.buf)
		r.buf = nil
	}
}

// room makes room behind the unread bytes: for the rest of the frame they
// begin if a buffer of the present size is large enough for it. For a larger
// frame the buffer grows only when it is full.
func (r *Reader) room() {
	if r.buf == nil {
		r.buf = r.bufs.get(classSize(r.class))
		return
	}
	free := r.held == r.pos // nothing in this buffer has to stay
	if free && r.pos > 0 && r.end-r.pos <= movable {
		r.moveDown()
	}
	need := r.need()
	fits := r.pos+need <= len(r.buf)
	switch {
	case r.end < len(r.buf) && (fits || need > len(r.buf)):
	case free && r.pos > 0:
		r.moveDown()
	default:
		r.grow(need)
	}
}

// need is the size of the frame that the unread bytes begin, or what is needed
// to know it. The frame may be far larger than anything that has arrived.
func (r *Reader) need() int {
	if r.remaining > 0 {
		return 1
	}
	_, size, ok, err := r.limits.partHeader(r.buf[r.pos:r.end])
	if err != nil || !ok {
		return HeaderSize
	}
	return size
}

func (r *Reader) moveDown() {
	r.end = copy(r.buf, r.buf[r.pos:r.end])
	r.held, r.run, r.last, r.pos = 0, 0, 0, 0
}

// grow moves the run and the unread bytes to a larger buffer. The old one is
// kept as long as frames in it are valid.
func (r *Reader) grow(need int) {
	from := r.run
	buf := r.bufs.get(r.nextSize(need))
	n := copy(buf, r.buf[from:r.end])
	if r.held == r.pos {
		r.bufs.put(r.buf)
	} else {
		r.retired = append(r.retired, r.buf)
		r.retiredHeld += from - r.held
	}
	r.buf = buf
	r.held, r.run, r.last, r.pos, r.end = 0, 0, r.last-from, r.pos-from, n
}

// nextSize is the size above the present one: the next class, then double, so
// that what is copied and kept stays in proportion to what has arrived. A
// frame alone gets no more than it needs.
func (r *Reader) nextSize(need int) int {
	have := len(r.buf)
	for class := uint8(0); class <= maxSizeClass; class++ {
		if size := classSize(class); size > have {
			return size
		}
	}
	if r.run == r.pos && need > have {
		return min(2*have, need)
	}
	return 2 * have
}
