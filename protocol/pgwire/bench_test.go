package pgwire

import (
	"bytes"
	"testing"
)

// endless repeats a stream, one whole copy a read.
type endless struct{ stream []byte }

func (e *endless) Read(p []byte) (int, error) { return copy(p, e.stream), nil }

// BenchmarkReader reads batches as drivers send them.
func BenchmarkReader(b *testing.B) {
	batch := AppendParse(nil, "", "select * from t where id = $1", nil)
	batch = AppendBind(batch, "", "", []Param{{Value: []byte("12345")}}, nil)
	batch = AppendDescribe(batch, KindPortal, "")
	batch = AppendExecute(batch, "", 0)
	batch = AppendSync(batch)
	for name, stream := range map[string][]byte{
		"query":    AppendQuery(nil, bytes.Repeat([]byte("x"), 150)),
		"extended": batch,
	} {
		b.Run(name, func(b *testing.B) {
			r := NewReader(&endless{stream}, ReaderOptions{Buffers: NewBuffers()})
			last := stream[len(stream)-5] == MsgSync
			b.ReportAllocs()
			for b.Loop() {
				for {
					typ, _, err := r.Next()
					if err != nil {
						b.Fatal(err)
					}
					if !last || typ == MsgSync {
						break
					}
				}
				_ = r.Run()
				r.Release()
			}
		})
	}
}

// BenchmarkServerReader relays the reply to a point select, and large rows.
func BenchmarkServerReader(b *testing.B) {
	reply := AppendRowDescription(nil, []Column{{Name: []byte("id"), Type: 23, Size: 4}})
	reply = AppendDataRow(reply, [][]byte{[]byte("12345")})
	reply = AppendCommandComplete(reply, "SELECT 1")
	reply = AppendReadyForQuery(reply, TxIdle)
	many := bytes.Repeat(AppendDataRow(nil, [][]byte{make([]byte, 50)}), 100)
	many = AppendReadyForQuery(many, TxIdle)
	for name, stream := range map[string][]byte{"point": reply, "100 rows": many} {
		b.Run(name, func(b *testing.B) {
			r := NewServerReader(&endless{stream}, ReaderOptions{Buffers: NewBuffers()})
			b.ReportAllocs()
			b.SetBytes(int64(len(stream)))
			for b.Loop() {
				for typ := byte(0); typ != MsgReadyForQuery; {
					p, err := r.Next()
					if err != nil {
						b.Fatal(err)
					}
					typ = p.Type
				}
				_ = r.Run()
				r.Release()
			}
		})
	}
}

func BenchmarkBindDecode(b *testing.B) {
	frame := AppendBind(nil, "", "stmt_1", []Param{{Value: []byte("12345")}, {Value: make([]byte, 100), Format: 1}, {}}, []int16{1})
	var m Bind
	b.ReportAllocs()
	for b.Loop() {
		if err := m.Decode(frame); err != nil {
			b.Fatal(err)
		}
		if v, _, _ := m.Param(0); len(v) != 5 {
			b.Fatal("wrong parameter")
		}
	}
}

func BenchmarkBindAppend(b *testing.B) {
	frame := AppendBind(nil, "", "stmt_1", []Param{{Value: []byte("12345")}, {Value: make([]byte, 100), Format: 1}}, []int16{1})
	var m Bind
	if err := m.Decode(frame); err != nil {
		b.Fatal(err)
	}
	name := []byte("s0123456789abcdef")
	dst := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		out, err := m.Append(dst, m.Portal, name)
		if err != nil || len(out) < len(frame) {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	parse := AppendParse(nil, "s", "select * from t where id = $1", []uint32{23})
	row := AppendRowDescription(nil, []Column{{Name: []byte("id")}, {Name: []byte("name")}, {Name: []byte("at")}})
	report := AppendNotice(nil, "NOTICE", "00000", "message", "detail", "hint")
	b.Run("Parse", func(b *testing.B) {
		var m Parse
		benchmarkDecode(b, func() error { return m.Decode(parse) })
	})
	b.Run("RowDescription", func(b *testing.B) {
		var m RowDescription
		benchmarkDecode(b, func() error { return m.Decode(row) })
	})
	b.Run("Report", func(b *testing.B) {
		var m Report
		benchmarkDecode(b, func() error {
			err := m.Decode(report)
			_ = m.SQLState()
			return err
		})
	})
}

func benchmarkDecode(b *testing.B, decode func() error) {
	b.ReportAllocs()
	for b.Loop() {
		if err := decode(); err != nil {
			b.Fatal(err)
		}
	}
}

// TestHotPathDoesNotAllocate holds what the benchmarks show.
func TestHotPathDoesNotAllocate(t *testing.T) {
	stream := AppendBind(nil, "", "s", []Param{{Value: []byte("12345")}}, nil)
	stream = AppendSync(AppendExecute(stream, "", 0))
	r := NewReader(&endless{stream}, ReaderOptions{Buffers: NewBuffers()})
	s := NewServerReader(&endless{AppendReadyForQuery(AppendCommandComplete(nil, "SELECT 1"), TxIdle)}, ReaderOptions{Buffers: NewBuffers()})
	var bind Bind
	out := make([]byte, 0, 1024)
	name := []byte("s0123456789abcdef")
	allocs := testing.AllocsPerRun(100, func() {
		_, frame, err := r.Next()
		if err == nil {
			err = bind.Decode(frame)
		}
		if err == nil {
			out, err = bind.Append(out[:0], bind.Portal, name)
		}
		for typ := byte(0); err == nil && typ != MsgSync; {
			typ, _, err = r.Next()
		}
		_ = r.Cut()
		r.Release()
		for typ := byte(0); err == nil && typ != MsgReadyForQuery; {
			var p Part
			p, err = s.Next()
			typ = p.Type
		}
		_ = s.Run()
		s.Release()
		if err != nil {
			t.Fatal(err)
		}
	})
	if allocs != 0 {
		t.Fatalf("%v allocations", allocs)
	}
}
