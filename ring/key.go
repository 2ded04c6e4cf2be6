package ring

import "github.com/cespare/xxhash/v2"

// KeyType is the type of a shard key's column. It decides the key's canonical
// bytes (see AppendText and AppendInt), and with them its partition.
type KeyType uint8

const (
	// KeyInt is any integer column: 8-byte little-endian int64; unsigned values
	// beyond int64 keep their bits.
	KeyInt KeyType = iota + 1
	// KeyUUID is a uuid column: its 16 bytes.
	KeyUUID
	// KeyText is a text column with a deterministic collation: UTF-8 bytes.
	KeyText
	// KeyBytes is a binary column: the bytes themselves.
	KeyBytes
)

// KeyKind says what a shard key identifies. Tables whose keys are of one kind
// are co-located: equal keys are on the same node.
type KeyKind string

// The key kinds that conventions know. A table placed by its own primary key
// has a kind of its own, KindOf(table).
const (
	KindUser       KeyKind = "user"
	KindProject    KeyKind = "project"
	KindCollection KeyKind = "collection"
)

// Partition is one of the P fixed slices of the hash space, 0..P-1. The home
// partition, which owns everything without a key, has the number P.
type Partition uint32

// PartitionOf maps canonical key bytes to one of count partitions. count is a
// power of two (see ValidPartitionCount).
func PartitionOf(canonical []byte, count int) Partition {
	return Partition(xxhash.Sum64(canonical) & uint64(count-1))
}
