package sqlscan

import (
	"strings"
	"testing"

	"shardproxy/ring"
)

const (
	pointSelect = `SELECT "main"."name", "main"."email", "main"."status" FROM "app"."documents" AS "main" WHERE "main"."user_id" = 1234567 AND "main"."uid" = 'abc123' LIMIT 1`
	upperSelect = `SELECT id, name, email, created_at FROM users u JOIN orders o ON o.user_id = u.id WHERE u.id = 42 AND o.state IN ('new', 'paid') ORDER BY o.id DESC LIMIT 25`
	insert      = `INSERT INTO events (user_id, kind, payload, created_at) VALUES (42, 'click', '{"page": "/home", "ms": 12}'::jsonb, now()) RETURNING id`
	update      = `UPDATE accounts SET balance = balance + -250, updated_at = now() WHERE user_id = '5b9d7a3e-3c11-4d4e-9a51-0c8f5a3b6a01' AND version = 7`
)

func benchmarkScan(b *testing.B, text string) {
	var s Scan
	statement := []byte(text)
	s.Statement(statement, 0, 0)
	if !s.Strippable {
		b.Fatal("not stripped")
	}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		s.Statement(statement, 0, 0)
	}
}

func BenchmarkScanPointSelect(b *testing.B) { benchmarkScan(b, pointSelect) }
func BenchmarkScanSelect(b *testing.B)      { benchmarkScan(b, upperSelect) }
func BenchmarkScanInsert(b *testing.B)      { benchmarkScan(b, insert) }
func BenchmarkScanUpdate(b *testing.B)      { benchmarkScan(b, update) }

func BenchmarkScanBulkInsert(b *testing.B) {
	row := `(42, 'click', '{"page": "/home", "ms": 12}', now())`
	benchmarkScan(b, "INSERT INTO events VALUES "+strings.Repeat(row+", ", 999)+row)
}

func BenchmarkScanVector(b *testing.B) {
	vector := "[" + strings.Repeat("0.123456,", 1535) + "0.5]"
	benchmarkScan(b, "SELECT id FROM items WHERE user_id = 42 ORDER BY embedding <-> '"+vector+"' LIMIT 5")
}

func BenchmarkScanBegin(b *testing.B) {
	var s Scan
	b.ReportAllocs()
	for b.Loop() {
		s.Statement([]byte("BEGIN"), 0, 0)
	}
}

func BenchmarkKeyOfLiteral(b *testing.B) {
	for _, v := range []struct {
		name, literal string
		t             ring.KeyType
	}{
		{"integer", "1234567", ring.KeyInt},
		{"string", "'1234567'", ring.KeyInt},
		{"uuid", "'5b9d7a3e-3c11-4d4e-9a51-0c8f5a3b6a01'", ring.KeyUUID},
		{"escape", `E'a\'b'`, ring.KeyText},
	} {
		b.Run(v.name, func(b *testing.B) {
			var s Scan
			s.Statement([]byte("SELECT 1 FROM t WHERE id = "+v.literal), 0, 0)
			key := make([]byte, 0, 64)
			b.ReportAllocs()
			for b.Loop() {
				var state KeyState
				if key, state = s.AppendKey(key[:0], 1, v.t); state != KeyOK {
					b.Fatal(state)
				}
			}
		})
	}
}

func BenchmarkEachKeyOfArray(b *testing.B) {
	var s Scan
	s.Statement([]byte("SELECT 1 FROM t WHERE id = ANY('{1,2,3,4,5,6,7,8}')"), 0, 0)
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		s.EachKey(1, ring.KeyInt, func([]byte, KeyState) bool { n++; return true })
		if n != 8 {
			b.Fatal(n)
		}
	}
}

// Scanning and reading keys allocates nothing once the buffers have grown.
func TestNoAllocations(t *testing.T) {
	var s Scan
	key := make([]byte, 0, 64)
	for _, text := range []string{
		pointSelect, upperSelect, insert, update, "BEGIN", "SELECT E'a\\'b', 'c''d', - 5, '{1,\"2\",3}'",
		"INSERT INTO t VALUES (1), (2), (3)", "/* shardproxy: key=user:1 */ SELECT 't'::regclass",
	} {
		statement := []byte(text)
		allocs := testing.AllocsPerRun(100, func() {
			s.Statement(statement, 0, 0)
			for n := range s.Slots {
				key, _ = s.AppendKey(key[:0], n, ring.KeyText)
				s.EachKey(n, ring.KeyInt, func([]byte, KeyState) bool { return true })
			}
		})
		if allocs != 0 {
			t.Errorf("%v allocations: %s", allocs, text)
		}
	}
}
