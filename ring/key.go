package ring

import (
	"fmt"
	"math/bits"

	"github.com/cespare/xxhash/v2"
)

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

// String returns the type's name as it is shown to people: "int", "uuid",
// "text" or "bytes".
func (t KeyType) String() string {
	switch t {
	case KeyInt:
		return "int"
	case KeyUUID:
		return "uuid"
	case KeyText:
		return "text"
	case KeyBytes:
		return "bytes"
	}
	return fmt.Sprintf("KeyType(%d)", uint8(t))
}

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

// KindOf returns the kind of a table that is placed by its own primary key.
// table is its schema-qualified name; the dot in it keeps such kinds apart from
// those of the conventions.
func KindOf(table string) KeyKind { return KeyKind(table) }

// Partition is one of the P fixed slices of the hash space, 0..P-1. The home
// partition, which owns everything without a key, has the number P.
type Partition uint32

// MaxPartitions is the largest number of partitions of a database.
const MaxPartitions = 1 << 16

// ValidPartitionCount returns an error unless count is a power of two between 1
// and MaxPartitions. The number is fixed for a database's life: changing it
// would give every key another partition.
func ValidPartitionCount(count int) error {
	if count < 1 || count > MaxPartitions || bits.OnesCount(uint(count)) != 1 {
		return fmt.Errorf("ring: %d partitions: must be a power of two between 1 and %d", count, MaxPartitions)
	}
	return nil
}

// PartitionOf maps canonical key bytes to one of count partitions. count is a
// power of two (see ValidPartitionCount).
func PartitionOf(canonical []byte, count int) Partition {
	return Partition(xxhash.Sum64(canonical) & uint64(count-1))
}
