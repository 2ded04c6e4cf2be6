package topology

import (
	"fmt"
	"iter"
	"slices"
	"strings"

	"shardproxy/ring"
)

// PartitionRun is the partitions First to Last, both included.
type PartitionRun struct {
	First ring.Partition `json:",omitzero"`
	Last  ring.Partition `json:",omitzero"`
}

// PartitionSet is a set of partitions: runs in order that neither overlap nor
// touch, so equal sets are equal slices.
type PartitionSet []PartitionRun

// NewPartitionSet returns the set of the given partitions, in any order.
func NewPartitionSet(partitions ...ring.Partition) PartitionSet {
	var set PartitionSet
	for _, p := range slices.Sorted(slices.Values(partitions)) {
		last := len(set) - 1
		switch {
		case last >= 0 && set[last].Last == p:
		case last >= 0 && set[last].Last+1 == p:
			set[last].Last = p
		default:
			set = append(set, PartitionRun{p, p})
		}
	}
	return set
}

// All returns the partitions in order.
func (s PartitionSet) All() iter.Seq[ring.Partition] {
	return func(yield func(ring.Partition) bool) {
		for _, r := range s {
			for p := uint64(r.First); p <= uint64(r.Last); p++ {
				if !yield(ring.Partition(p)) {
					return
				}
			}
		}
	}
}

// Len returns the number of partitions.
func (s PartitionSet) Len() int {
	n := 0
	for _, r := range s {
		n += int(r.Last) - int(r.First) + 1
	}
	return n
}

// Has says whether p is in the set.
func (s PartitionSet) Has(p ring.Partition) bool {
	return slices.ContainsFunc(s, func(r PartitionRun) bool { return r.First <= p && p <= r.Last })
}

// Overlaps says whether a partition is in both sets.
func (s PartitionSet) Overlaps(other PartitionSet) bool {
	for i, j := 0, 0; i < len(s) && j < len(other); {
		switch {
		case s[i].Last < other[j].First:
			i++
		case other[j].Last < s[i].First:
			j++
		default:
			return true
		}
	}
	return false
}

// String lists the runs: "0-99,120".
func (s PartitionSet) String() string {
	var b strings.Builder
	for i, r := range s {
		if i > 0 {
			b.WriteByte(',')
		}
		if r.First == r.Last {
			fmt.Fprintf(&b, "%d", r.First)
		} else {
			fmt.Fprintf(&b, "%d-%d", r.First, r.Last)
		}
	}
	return b.String()
}

// validate checks that the set is not empty, in order and within a database
// with the given home partition, which may be in it.
func (s PartitionSet) validate(home ring.Partition) error {
	if len(s) == 0 {
		return fmt.Errorf("it has no partitions: %w", ErrInvalid)
	}
	for i, r := range s {
		if r.Last < r.First || r.Last > home || i > 0 && uint64(r.First) <= uint64(s[i-1].Last)+1 {
			return fmt.Errorf("partitions %d to %d are out of order or beyond %d: %w", r.First, r.Last, home, ErrInvalid)
		}
	}
	return nil
}
