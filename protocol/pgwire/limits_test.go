package pgwire

import (
	"bytes"
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"shardproxy/protocol/sqlerr"
)

func TestHeader(t *testing.T) {
	front := FrontendLimits(1 << 20)
	for _, c := range []struct {
		name string
		b    string
		typ  byte
		size int
		ok   bool
		err  error
	}{
		{"nothing", "", 0, 0, false, nil},
		{"a type", "Q", 'Q', 0, false, nil},
		{"half a length", "Q\x00\x00\x00", 'Q', 0, false, nil},
		{"an empty body", "S\x00\x00\x00\x04", 'S', 5, true, nil},
		{"a body", "Q\x00\x00\x01\x00x", 'Q', 257, true, nil},
		{"length 0", "Q\x00\x00\x00\x00", 'Q', 0, false, ErrShortLength},
		{"length 3", "Q\x00\x00\x00\x03", 'Q', 0, false, ErrShortLength},
		{"length -1", "Q\xff\xff\xff\xff", 'Q', 0, false, ErrShortLength},
		{"length -2^31", "Q\x80\x00\x00\x00", 'Q', 0, false, ErrShortLength},
		{"length 2^31-1", "Q\x7f\xff\xff\xff", 'Q', 0, false, ErrTooLong},
		{"at the limit", "Q\x00\x10\x00\x00", 'Q', 1<<20 + 1, true, nil},
		{"above the limit", "Q\x00\x10\x00\x01", 'Q', 0, false, ErrTooLong},
		{"a small message at its limit", "D\x00\x00\x27\x10", 'D', 10001, true, nil},
		{"a small message above its limit", "D\x00\x00\x27\x11", 'D', 0, false, ErrTooLong},
		{"unknown type", "?", '?', 0, false, ErrUnknownType},
		{"zero type", "\x00\x00\x00\x00\x04", 0, 0, false, ErrUnknownType},
		{"password behind the startup", "p\x00\x00\x00\x04", 'p', 0, false, ErrUnknownType},
		{"a server's message", "Z\x00\x00\x00\x05I", 'Z', 0, false, ErrUnknownType},
	} {
		t.Run(c.name, func(t *testing.T) {
			typ, size, ok, err := front.Header([]byte(c.b))
			if typ != c.typ || size != c.size || ok != c.ok || !errors.Is(err, c.err) {
				t.Fatalf("%q, %d, %t, %v; want %q, %d, %t, %v", typ, size, ok, err, c.typ, c.size, c.ok, c.err)
			}
			if err == nil {
				return
			}
			if e := sqlerr.From(err); e.SQLState != "08P01" || e.Severity != "FATAL" || e.Fault != sqlerr.FaultClient {
				t.Errorf("the client sees %v", e)
			}
			for name, r := range map[string]func() error{
				"Next": func() error {
					_, _, err := NewReader(strings.NewReader(c.b), ReaderOptions{Limits: front}).Next()
					return err
				},
				"TryNext": func() error {
					_, _, _, err := NewReader(nil, ReaderOptions{Limits: front, Unread: []byte(c.b)}).TryNext()
					return err
				},
			} {
				if err := r(); !errors.Is(err, c.err) {
					t.Errorf("%s gives %v", name, err)
				}
			}
		})
	}
}

func TestFrameErrorText(t *testing.T) {
	for want, e := range map[string]*FrameError{
		`message of type 'Q' is too long: 99 bytes, the limit is 9`: {Type: 'Q', Length: 99, Limit: 9, Err: ErrTooLong},
		`message of type 'Q' has the invalid length -1`:             {Type: 'Q', Length: -1, Limit: 9, Err: ErrShortLength},
		`unknown message type 0x00`:                                 {Type: 0, Err: ErrUnknownType},
		`unknown message type '?'`:                                  {Type: '?', Err: ErrUnknownType},
	} {
		if e.Error() != want {
			t.Errorf("%q, want %q", e.Error(), want)
		}
	}
}

func TestLimitsAreClamped(t *testing.T) {
	for in, want := range map[int]int32{-1: 4, 0: 4, 100: 100, math.MaxInt64: math.MaxInt32 - 1} {
		if got := FrontendLimits(in).max[MsgQuery]; got != want {
			t.Errorf("FrontendLimits(%d) is %d, want %d", in, got, want)
		}
		if got := FrontendLimits(in).max[MsgSync]; got != min(want, SmallMessageLimit) {
			t.Errorf("FrontendLimits(%d) is %d for small messages", in, got)
		}
	}
}

// TestMemoryFollowsBytes: a client that announces much and sends little costs
// little.
func TestMemoryFollowsBytes(t *testing.T) {
	for _, sent := range []int{0, 1, 5000, 100_000, 3 << 20} {
		head := []byte{MsgQuery, 0x3f, 0xff, 0xff, 0xfe}
		r := NewReader(io.MultiReader(bytes.NewReader(head), io.LimitReader(zeros{}, int64(sent))), ReaderOptions{})
		if _, _, err := r.Next(); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("%d bytes: %v", sent, err)
		}
		if have, limit := len(r.buf), max(size0, 4*(sent+5)); have > limit {
			t.Errorf("%d bytes sent, a buffer of %d", sent, have)
		}
	}
}

// TestMemoryOfBatches: what a batch of small frames costs stays in proportion
// to its size.
func TestMemoryOfBatches(t *testing.T) {
	frame := AppendQuery(nil, make([]byte, 300))
	const frames = 20_000
	r := NewReader(bytes.NewReader(bytes.Repeat(frame, frames)), ReaderOptions{})
	for range frames {
		if _, _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
	}
	have := len(r.buf)
	for _, b := range r.retired {
		have += len(b)
	}
	if r.Held() != frames*len(frame) || have > 4*r.Held() {
		t.Fatalf("%d bytes are held in buffers of %d", r.Held(), have)
	}
}

// TestIdleReadersHoldLittle: after a large message the buffer is given back.
func TestIdleReadersHoldLittle(t *testing.T) {
	var stream []byte
	for range 3 {
		stream = AppendQuery(stream, make([]byte, 1<<20))
	}
	stream = AppendSync(stream)
	r := NewReader(bytes.NewReader(stream), ReaderOptions{Buffers: NewBuffers()})
	for {
		typ, _, err := r.Next()
		if err != nil {
			t.Fatal(err)
		}
		r.Release()
		if typ == MsgSync {
			break
		}
	}
	if len(r.buf) > keepSize || cap(r.retired) > 0 && r.retired[:1][0] != nil {
		t.Fatalf("an idle reader holds %d bytes", len(r.buf))
	}
}

func TestMidFrame(t *testing.T) {
	stream := AppendCopyData(nil, make([]byte, 100))
	r := NewReader(bytes.NewReader(stream[:50]), ReaderOptions{})
	p, err := r.NextPart()
	if err != nil || p.Whole() || p.Remaining != 55 || len(p.Body()) != 45 {
		t.Fatalf("part %+v, %v", p, err)
	}
	if _, _, err := r.Next(); !errors.Is(err, ErrMidFrame) {
		t.Fatalf("Next inside a frame: %v", err)
	}
	if _, err := r.NextPart(); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatalf("the stream ends inside a frame: %v", err)
	}
}

func TestPartsOfSmallMessagesKeepTheirLimit(t *testing.T) {
	r := NewReader(bytes.NewReader([]byte{MsgSync, 0x7f, 0, 0, 0}), ReaderOptions{})
	if p, err := r.NextPart(); !errors.Is(err, ErrTooLong) {
		t.Fatalf("a Sync of 2 GB, read in parts: %+v, %v", p, err)
	}
}

func TestClosedReader(t *testing.T) {
	r := NewReader(bytes.NewReader(AppendSync(nil)), ReaderOptions{Buffers: NewBuffers()})
	r.Close()
	for range 2 {
		if _, _, err := r.Next(); !errors.Is(err, io.ErrClosedPipe) {
			t.Fatalf("a closed reader gives %v", err)
		}
	}
}

func TestSourceWithoutProgress(t *testing.T) {
	r := NewReader(stuck{}, ReaderOptions{})
	if _, _, err := r.Next(); !errors.Is(err, io.ErrNoProgress) {
		t.Fatal(err)
	}
}

// stuck is a source that gives neither bytes nor an error.
type stuck struct{}

func (stuck) Read([]byte) (int, error) { return 0, nil }
