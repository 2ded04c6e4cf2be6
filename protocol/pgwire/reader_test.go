package pgwire

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

func TestReaderBatch(t *testing.T) {
	stream := AppendParse(nil, "s", "select $1", []uint32{23})
	stream = AppendBind(stream, "", "s", []Param{{Value: []byte("42")}, {}}, nil)
	stream = AppendDescribe(stream, KindPortal, "")
	stream = AppendExecute(stream, "", 0)
	stream = AppendSync(stream)
	for name, src := range map[string]io.Reader{
		"at once":      bytes.NewReader(stream),
		"byte by byte": iotest.OneByteReader(bytes.NewReader(stream)),
		"data and err": iotest.DataErrReader(bytes.NewReader(stream)),
	} {
		t.Run(name, func(t *testing.T) {
			r := NewReader(src, ReaderOptions{Buffers: NewBuffers()})
			var types []byte
			for range 5 {
				typ, frame, err := r.Next()
				if err != nil {
					t.Fatal(err)
				}
				if frame[0] != typ {
					t.Fatalf("frame of type %q begins with %q", typ, frame[0])
				}
				types = append(types, typ)
			}
			if string(types) != "PBDES" {
				t.Fatalf("types %q", types)
			}
			if r.Held() != len(stream) {
				t.Fatalf("held %d of %d", r.Held(), len(stream))
			}
			if run := r.Run(); !bytes.Equal(run, stream) {
				t.Fatalf("run %q", run)
			}
			r.Release()
			if _, _, err := r.Next(); !errors.Is(err, io.EOF) {
				t.Fatalf("error %v at the end", err)
			}
		})
	}
}
