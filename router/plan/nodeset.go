package plan

import (
	"math/bits"

	"shardproxy/meta/topology"
)

// MaxNodes is the number of nodes a NodeSet can tell apart.
const MaxNodes = 256

// NodeSet is a set of node indexes below MaxNodes.
type NodeSet [MaxNodes / 64]uint64

// Add puts n into the set.
func (s *NodeSet) Add(n topology.NodeIndex) { s[n>>6&3] |= 1 << (n & 63) }

// Has reports whether n is in the set.
func (s *NodeSet) Has(n topology.NodeIndex) bool { return s[n>>6&3]>>(n&63)&1 == 1 }

// Len returns the number of nodes in the set.
func (s *NodeSet) Len() int {
	n := 0
	for _, word := range s {
		n += bits.OnesCount64(word)
	}
	return n
}

// All yields the nodes in ascending order.
func (s *NodeSet) All() func(yield func(topology.NodeIndex) bool) {
	return func(yield func(topology.NodeIndex) bool) {
		for i, word := range s {
			for ; word != 0; word &= word - 1 {
				if !yield(topology.NodeIndex(i<<6 + bits.TrailingZeros64(word))) {
					return
				}
			}
		}
	}
}
