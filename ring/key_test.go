package ring

import "testing"

func TestValidPartitionCount(t *testing.T) {
	for _, count := range []int{1, 2, 4096, 65536} {
		if err := ValidPartitionCount(count); err != nil {
			t.Error(err)
		}
	}
	for _, count := range []int{-4096, -1, 0, 3, 4095, 65537, 131072, -1 << 63} {
		if ValidPartitionCount(count) == nil {
			t.Errorf("%d partitions are accepted", count)
		}
	}
}

// The partition of a key can never change: rows are stored by it.
func TestPartitionOfIsForEver(t *testing.T) {
	uuid, _ := AppendText(nil, KeyUUID, []byte("8f14e45f-ceea-467f-ab4d-111931b71618"))
	for _, tt := range []struct {
		key  []byte
		want Partition
	}{
		{AppendInt(nil, 0), 3003},
		{AppendInt(nil, 1), 2453},
		{AppendInt(nil, -1), 1737},
		{AppendInt(nil, 42), 851},
		{uuid, 42},
		{[]byte("Zoë"), 465},
		{nil, 0xef46db3751d8e999 & 4095}, // the published hash of nothing,
	} {
		if got := PartitionOf(tt.key, 4096); got != tt.want {
			t.Errorf("PartitionOf(%x, 4096) = %d, want %d", tt.key, got, tt.want)
		}
	}
	if got := PartitionOf([]byte("x"), 1); got != 0 {
		t.Errorf("of one partition, got %d", got)
	}
}

func TestKeyTypeString(t *testing.T) {
	got := ""
	for k := KeyType(0); k <= KeyBytes+1; k++ {
		got += k.String() + " "
	}
	if want := "KeyType(0) int uuid text bytes KeyType(5) "; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
