package ring

import (
	"fmt"
	"testing"
)

func BenchmarkPartitionOf(b *testing.B) {
	key := AppendInt(nil, 123456789)
	b.ReportAllocs()
	for b.Loop() {
		PartitionOf(key, 4096)
	}
}

func BenchmarkAppendText(b *testing.B) {
	for _, bm := range []struct {
		keyType  KeyType
		spelling string
	}{
		{KeyInt, "123456789"},
		{KeyUUID, "8f14e45f-ceea-467f-ab4d-111931b71618"},
		{KeyText, "a tenant's name"},
		{KeyBytes, `\x8f14e45fceea467fab4d111931b71618`},
	} {
		b.Run(bm.keyType.String(), func(b *testing.B) {
			spelling := []byte(bm.spelling)
			dst := make([]byte, 0, 64)
			b.ReportAllocs()
			for b.Loop() {
				if _, ok := AppendText(dst, bm.keyType, spelling); !ok {
					b.Fatal("refused")
				}
			}
		})
	}
}

func BenchmarkAppendIntBinary(b *testing.B) {
	wire := []byte{0, 0, 0, 42}
	dst := make([]byte, 0, 8)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := AppendIntBinary(dst, wire); !ok {
			b.Fatal("refused")
		}
	}
}

func BenchmarkAppendNumericBinary(b *testing.B) {
	wire := numericOf(123456789)
	dst := make([]byte, 0, 8)
	b.ReportAllocs()
	for b.Loop() {
		if _, ok := AppendNumericBinary(dst, wire); !ok {
			b.Fatal("refused")
		}
	}
}

func BenchmarkPlanMoves(b *testing.B) {
	for _, size := range []struct{ count, members int }{{4096, 4}, {4096, 32}, {65536, 128}} {
		b.Run(fmt.Sprintf("%d/%d", size.count, size.members), func(b *testing.B) {
			members := equalMembers(size.members)
			owners, err := Place(size.count, members[:size.members-1])
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := PlanMoves(owners, members); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// The hot path allocates nothing, for any key type.
func TestNoAllocations(t *testing.T) {
	dst := make([]byte, 0, 64)
	numeric := numericOf(-123456789)
	allocs := testing.AllocsPerRun(100, func() {
		for _, k := range []struct {
			keyType  KeyType
			spelling string
		}{{KeyInt, "-42"}, {KeyUUID, "8f14e45f-ceea-467f-ab4d-111931b71618"}, {KeyText, "abc"}, {KeyBytes, `\x00`}} {
			var buf [64]byte
			key, ok := AppendText(dst, k.keyType, append(buf[:0], k.spelling...))
			if !ok || PartitionOf(key, 4096) >= 4096 {
				t.Fatal("refused")
			}
		}
		if _, ok := AppendNumericBinary(dst, numeric); !ok {
			t.Fatal("refused")
		}
	})
	if allocs != 0 {
		t.Errorf("%v allocations per run, want 0", allocs)
	}
}
