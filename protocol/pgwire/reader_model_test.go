package pgwire

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"pgregory.net/rapid"
)

// errLater is a temporary error of a source, like a deadline.
var errLater = errors.New("later")

// scriptedSource hands out a stream in pieces whose sizes follow a script; a
// zero is a temporary error.
type scriptedSource struct {
	stream []byte
	sizes  []byte
	at     int
}

func (s *scriptedSource) Read(p []byte) (int, error) {
	if len(s.stream) == 0 {
		return 0, io.EOF
	}
	n := len(p)
	if len(s.sizes) > 0 {
		size := s.sizes[s.at%len(s.sizes)]
		s.at++
		if size == 0 && s.at <= 4*len(s.sizes) {
			return 0, errLater
		}
		n = min(n, 1+int(size)*int(size)+len(s.stream)/2000) // long streams in larger pieces
	}
	n = copy(p[:n], s.stream)
	s.stream = s.stream[n:]
	return n, nil
}

// fataler is what the model needs of a testing.T or rapid.T.
type fataler interface {
	Fatalf(format string, args ...any)
}

// readerModel drives a Reader and checks everything it promises against the
// stream it reads.
type readerModel struct {
	t      fataler
	r      *Reader
	stream []byte

	pos    int      // bytes of the stream returned so far
	run    int      // where the run began
	last   int      // where the last frame or part began
	rest   int      // bytes of a partly read frame to come
	held   [][2]int // frames since the last Release
	frames [][]byte // the same, as the reader returned them
	runs   [][2]int
	rbytes [][]byte
}

func (m *readerModel) returned(b []byte) {
	if !bytes.Equal(b, m.stream[m.pos:m.pos+len(b)]) {
		m.t.Fatalf("at %d: the bytes are not those of the stream", m.pos)
	}
	if cap(b) != len(b) {
		m.t.Fatalf("at %d: an append would overwrite what follows", m.pos)
	}
	m.last = m.pos
	m.pos += len(b)
	m.held = append(m.held, [2]int{m.last, m.pos})
	m.frames = append(m.frames, b)
}

// check compares everything that must still be valid.
func (m *readerModel) check() {
	for i, f := range m.held {
		if !bytes.Equal(m.frames[i], m.stream[f[0]:f[1]]) {
			m.t.Fatalf("frame %d of %v changed before Release", i, m.held)
		}
	}
	for i, f := range m.runs {
		if !bytes.Equal(m.rbytes[i], m.stream[f[0]:f[1]]) {
			m.t.Fatalf("run %d of %v is wrong", i, m.runs)
		}
	}
	held := 0
	for _, f := range m.held {
		held += f[1] - f[0]
	}
	if m.r.Held() != held {
		m.t.Fatalf("Held is %d, want %d", m.r.Held(), held)
	}
}

func (m *readerModel) takeRun(to int, b []byte) {
	m.runs = append(m.runs, [2]int{m.run, to})
	m.rbytes = append(m.rbytes, b)
	m.run, m.last = m.pos, m.pos
}

func (m *readerModel) release() {
	m.check()
	m.r.Release()
	m.held, m.frames, m.runs, m.rbytes = nil, nil, nil, nil
	m.run, m.last = m.pos, m.pos
}

// next reads a frame or a part; false: the stream is at its end.
func (m *readerModel) next(part bool) bool {
	before := m.pos
	if part || m.rest > 0 {
		p, err := m.r.NextPart()
		if m.failed(err) {
			return err == errLater
		}
		if p.First != (m.rest == 0) {
			m.t.Fatalf("at %d: First is %t", before, p.First)
		}
		size := m.rest
		if p.First {
			size = m.size(before)
		}
		if len(p.Bytes)+p.Remaining != size || len(p.Bytes) == 0 {
			m.t.Fatalf("at %d: a part of %d, %d remaining, of %d", before, len(p.Bytes), p.Remaining, size)
		}
		m.rest = p.Remaining
		m.returned(p.Bytes)
		return true
	}
	peeked, whole := m.r.Peek()
	typ, frame, ok, err := m.r.TryNext()
	if err != nil || ok != whole || peeked != 0 && peeked != m.stream[before] {
		m.t.Fatalf("at %d: Peek gives %q and %t, TryNext %t and %v", before, peeked, whole, ok, err)
	}
	if !ok {
		typ, frame, err = m.r.Next()
	}
	if m.failed(err) {
		return err == errLater
	}
	if typ != m.stream[before] || len(frame) != m.size(before) {
		m.t.Fatalf("at %d: type %q, %d bytes", before, typ, len(frame))
	}
	m.returned(frame)
	return true
}

func (m *readerModel) failed(err error) bool {
	switch {
	case err == nil:
		return false
	case err == errLater:
	case err == io.EOF && m.pos == len(m.stream):
	default:
		m.t.Fatalf("at %d of %d: %v", m.pos, len(m.stream), err)
	}
	return true
}

func (m *readerModel) size(at int) int {
	_, size, ok, err := m.r.limits.Header(m.stream[at:])
	if err != nil || !ok {
		m.t.Fatalf("the test's stream is broken at %d: %v", at, err)
	}
	return size
}

func (m *readerModel) step(op byte) bool {
	switch op % 8 {
	case 0:
		m.release()
	case 1:
		m.takeRun(m.pos, m.r.Run())
	case 2:
		m.takeRun(m.last, m.r.Cut())
	case 3:
		return m.next(true)
	default:
		return m.next(false)
	}
	return true
}

// modelStream builds frames whose sizes follow a script.
func modelStream(sizes []byte) []byte {
	var stream []byte
	for i, s := range sizes {
		size := int(s)
		if s > 200 {
			size = (int(s) - 200) * 1999 // up to 110 kB
		}
		data := bytes.Repeat([]byte{byte('a' + i%26)}, size)
		stream = AppendCopyData(stream, data)
	}
	return stream
}

// runReaderModel reads a stream with a script of operations.
func runReaderModel(t fataler, frames, reads, ops []byte, buffers *Buffers) {
	stream := modelStream(frames)
	src := &scriptedSource{stream: stream, sizes: reads}
	m := &readerModel{t: t, stream: stream}
	m.r = NewReader(src, ReaderOptions{Buffers: buffers, Poison: true})
	defer m.r.Close()
	for i := 0; ; i++ {
		op := byte(5)
		if len(ops) > 0 {
			op = ops[i%len(ops)]
		}
		if op%8 < 3 && i > 4*len(ops)+len(frames) {
			op = 5
		}
		if !m.step(op) {
			break
		}
		if i%16 == 0 {
			m.check()
		}
	}
	m.check()
	if m.pos != len(stream) {
		t.Fatalf("read %d of %d bytes", m.pos, len(stream))
	}
}

func TestReaderModel(t *testing.T) {
	buffers := NewBuffers() // shared, so that what one reader leaves behind another one meets
	rapid.Check(t, func(t *rapid.T) {
		frames := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "frames")
		reads := rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "reads")
		ops := rapid.SliceOfN(rapid.Byte(), 0, 30).Draw(t, "ops")
		runReaderModel(t, frames, reads, ops, buffers)
	})
}

func FuzzReaderModel(f *testing.F) {
	f.Add([]byte{1, 2, 3}, []byte{1}, []byte{5})
	f.Add([]byte{255, 0, 255, 7}, []byte{0, 255, 3}, []byte{5, 5, 1, 5, 2, 0})
	f.Add([]byte{250, 9, 251}, []byte{90}, []byte{3, 3, 5, 2, 3, 1})
	f.Fuzz(func(t *testing.T, frames, reads, ops []byte) {
		if len(frames) > 60 || len(ops) > 100 {
			return
		}
		if len(modelStream(frames)) > 300_000 {
			return
		}
		runReaderModel(t, frames, reads, ops, NewBuffers())
	})
}
