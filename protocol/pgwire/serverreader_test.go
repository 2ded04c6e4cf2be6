package pgwire

import (
	"bytes"
	"errors"
	"io"
	"testing"

	"pgregory.net/rapid"
)

// relay forwards everything but the types in swallow, as a session does, and
// returns what came through.
func relay(t fataler, r *ServerReader, swallow string) []byte {
	var out []byte
	for {
		p, err := r.Next()
		if err == errLater {
			continue
		}
		if err == io.EOF {
			return append(out, r.Run()...)
		}
		if err != nil {
			t.Fatalf("relay: %v", err)
		}
		if !p.Whole() && bytes.IndexByte([]byte("DdV"), p.Type) < 0 {
			t.Fatalf("a message of type %q came in parts", p.Type)
		}
		if r.MidFrame() != (p.Remaining > 0) {
			t.Fatalf("MidFrame is %t with %d remaining", r.MidFrame(), p.Remaining)
		}
		if bytes.IndexByte([]byte(swallow), p.Type) >= 0 {
			out = append(out, r.Cut()...)
		}
		if !r.Ready() {
			out = append(out, r.Run()...)
			r.Release()
		}
	}
}

// replies builds a server's stream from a script, and the same without the
// messages of one type.
func replies(script []byte, without byte) (all, kept []byte) {
	for _, s := range script {
		var m []byte
		switch s % 8 {
		case 0:
			m = AppendReadyForQuery(nil, TxIdle)
		case 1:
			m = AppendParseComplete(nil)
		case 2:
			m = AppendCommandComplete(nil, "SELECT 1")
		case 3:
			m = AppendNotice(nil, "NOTICE", "00000", "hello", "", "")
		case 4:
			m = AppendDataRow(nil, [][]byte{bytes.Repeat([]byte{s}, int(s)*1000), nil})
		case 5:
			m = AppendParameterStatus(nil, "TimeZone", bytes.Repeat([]byte{'z'}, int(s)*100))
		default:
			m = AppendDataRow(nil, [][]byte{{s}, {}, nil})
		}
		all = append(all, m...)
		if m[0] != without {
			kept = append(kept, m...)
		}
	}
	return all, kept
}

func TestServerReaderRelay(t *testing.T) {
	buffers := NewBuffers()
	rapid.Check(t, func(t *rapid.T) {
		script := rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "script")
		reads := rapid.SliceOfN(rapid.Byte(), 0, 20).Draw(t, "reads")
		swallow := rapid.SampledFrom([]byte("1CNSDZ")).Draw(t, "swallow")
		all, kept := replies(script, swallow)
		r := NewServerReader(&scriptedSource{stream: all, sizes: reads}, ReaderOptions{Buffers: buffers, Poison: true})
		defer r.Close()
		if got := relay(t, r, string(swallow)); !bytes.Equal(got, kept) {
			t.Fatalf("the relay gave %d bytes, want %d", len(got), len(kept))
		}
	})
}

func TestServerReaderStreamsLargeRows(t *testing.T) {
	// A row of 1 GiB announced, of which 4 MiB come: nothing is buffered whole.
	head := []byte{MsgDataRow, 0x40, 0, 0, 4}
	src := io.MultiReader(bytes.NewReader(head), io.LimitReader(zeros{}, 4<<20))
	r := NewServerReader(src, ReaderOptions{})
	got := 0
	for {
		p, err := r.Next()
		if err != nil {
			if !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatalf("the stream ends inside the row: %v", err)
			}
			break
		}
		got += len(p.Bytes)
		if p.Remaining != 1<<30+5-got {
			t.Fatalf("%d remaining after %d", p.Remaining, got)
		}
		if size := len(r.r.buf); size > size3 {
			t.Fatalf("the buffer grew to %d bytes", size)
		}
		r.Release()
	}
	if got != len(head)+4<<20 {
		t.Fatalf("got %d bytes", got)
	}
}

// zeros is an endless source.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestServerReaderLimitsWholeMessages(t *testing.T) {
	head := []byte{MsgErrorResponse, 0x40, 0, 0, 4}
	r := NewServerReader(bytes.NewReader(head), ReaderOptions{})
	if _, err := r.Next(); !errors.Is(err, ErrTooLong) {
		t.Fatalf("an ErrorResponse of 1 GiB: %v", err)
	}
	r = NewServerReader(bytes.NewReader([]byte{MsgDataRow, 0x40, 0, 0, 4, 0}), ReaderOptions{})
	if _, _, err := r.NextWhole(); !errors.Is(err, ErrTooLong) {
		t.Fatalf("a DataRow of 1 GiB, read whole: %v", err)
	}
	r = NewServerReader(bytes.NewReader(AppendQuery(nil, "select 1")), ReaderOptions{})
	if _, err := r.Next(); !errors.Is(err, ErrUnknownType) {
		t.Fatalf("a Query from a server: %v", err)
	}
}

func TestServerReaderPeek(t *testing.T) {
	stream := AppendReadyForQuery(AppendDataRow(nil, [][]byte{make([]byte, 100)}), TxIdle)
	src := &scriptedSource{stream: stream, sizes: []byte{6}} // 37 bytes a read
	r := NewServerReader(src, ReaderOptions{})
	if r.Ready() || r.Peek() != 0 {
		t.Fatal("something is there before anything was read")
	}
	if err := r.Fill(); err != nil {
		t.Fatal(err)
	}
	if !r.Ready() || r.Peek() != MsgDataRow {
		t.Fatalf("ready %t, peek %q", r.Ready(), r.Peek())
	}
	if _, err := r.Next(); err != nil {
		t.Fatal(err)
	}
	if r.Ready() || r.Peek() != MsgDataRow || !r.MidFrame() || r.Buffered() != 0 {
		t.Fatalf("inside the row: ready %t, peek %q, buffered %d", r.Ready(), r.Peek(), r.Buffered())
	}
}
