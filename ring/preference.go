package ring

import (
	"fmt"

	"github.com/buraksezer/consistent"
	"github.com/cespare/xxhash/v2"
)

// pointsPerMember is how often a member stands on the ring. Changing it changes
// what the ring prefers, never what is owned now.
const pointsPerMember = 20

// preference says which members a partition likes best: the ring's own choice
// first, then the members that follow it by the hash of their names.
type preference struct {
	ring   *consistent.Consistent
	number map[string]int // ring name -> index of the member
	// following holds the order that begins with a member, once it was asked for.
	following map[string][]int
}

// newPreference builds the ring of the members that may own partitions, those
// of positive weight. byName is the order in which they enter the ring.
func newPreference(count int, members []Member, byName []int) *preference {
	p := &preference{number: map[string]int{}, following: map[string][]int{}}
	var entries []consistent.Member
	for _, m := range byName {
		if members[m].Weight > 0 {
			e := ringEntry(members[m].Name)
			entries = append(entries, e)
			p.number[e.String()] = m
		}
	}
	// The library panics where loads cannot be met. They can: with at least one
	// partition per member the limit floor(partitions/members) x Load is no less
	// than all partitions, so the first member asked always has room. The limit
	// is not needed, our quotas are the bound. What the ring says of a partition
	// does not depend on how many there are.
	p.ring = consistent.New(entries, consistent.Config{
		Hasher:            xxhasher{},
		PartitionCount:    max(count, len(entries)),
		ReplicationFactor: pointsPerMember,
		Load:              float64(2 * len(entries)),
	})
	return p
}

// first returns the member that the ring prefers for a partition.
func (p *preference) first(partition int) int {
	return p.number[p.ring.GetPartitionOwner(partition).String()]
}

// all returns all members, the preferred ones first. The caller must not
// change the slice.
func (p *preference) all(partition int) ([]int, error) {
	name := p.ring.GetPartitionOwner(partition).String()
	if order, ok := p.following[name]; ok {
		return order, nil
	}
	closest, err := p.ring.GetClosestNForPartition(partition, len(p.number))
	if err != nil {
		return nil, fmt.Errorf("ring: order of members after %q: %w", name, err)
	}
	order := make([]int, 0, len(closest))
	seen := make(map[int]bool, len(closest))
	for _, entry := range closest {
		m := p.number[entry.String()]
		if seen[m] {
			return nil, fmt.Errorf("ring: the name %q has the hash of another member's name: choose another name", name)
		}
		seen[m] = true
		order = append(order, m)
	}
	p.following[name] = order
	return order, nil
}

// ringEntry is a member's name as the library sees it. The library makes a
// member's points by appending numbers to its name, so the names pg-1 and pg-11
// would share points (pg-1 10 is pg-11 0) if nothing ended them.
type ringEntry string

// String implements consistent.Member.
func (e ringEntry) String() string { return string(e) + "#" }

// xxhasher implements consistent.Hasher.
type xxhasher struct{}

// Sum64 implements consistent.Hasher.
func (xxhasher) Sum64(b []byte) uint64 { return xxhash.Sum64(b) }
