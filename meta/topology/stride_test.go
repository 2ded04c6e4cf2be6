package topology_test

import (
	"testing"

	"shardproxy/meta/topology"
)

func TestStrides(t *testing.T) {
	for stride, want := range map[int64][2]int64{0: {1024, 64}, 1024: {1024, 64}, 2: {2, 2}, 64: {64, 64}, 128: {128, 64}, 65536: {65536, 64}} {
		r := topology.Rules{Stride: stride}
		if err := r.Validate(); err != nil {
			t.Errorf("stride %d: %v", stride, err)
		}
		if wide, narrow := r.Strides(); wide != want[0] || narrow != want[1] {
			t.Errorf("stride %d: %d and %d, want %d", stride, wide, narrow, want)
		}
		for step, known := range map[int64]bool{
			want[0]: true, want[1]: true, 1024: true, 64: true, 2048: true, 65536: true, 131072: false, 1000: false, 1: false, 0: false, -64: false,
			16: stride == 16, 32: false,
		} {
			if got := r.IsStride(step); got != known {
				t.Errorf("stride %d: IsStride(%d) is %v", stride, step, got)
			}
		}
	}
	for _, stride := range []int64{1, 3, 1000, -2, 131072} {
		if err := (topology.Rules{Stride: stride}).Validate(); err == nil {
			t.Errorf("stride %d is valid", stride)
		}
	}
}
