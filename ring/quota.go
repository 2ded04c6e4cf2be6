package ring

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
)

// Limits that keep all arithmetic exact in 64 bits and planning quick.
const (
	// MaxMembers is the largest number of members of a ring.
	MaxMembers = 1024
	// MaxWeight is the largest weight of a member.
	MaxWeight = 1_000_000
)

// Member is one node of a database, as a place for partitions.
type Member struct {
	// Name is the node's name, unique in its database. It decides what the ring
	// prefers; a member that changes its name is another member.
	Name string
	// Weight is the member's share relative to the others'. A member of weight
	// 0 is leaving: it should own nothing.
	Weight int
}

// ErrNoMember is returned where no member has a positive weight: there is no
// place for the partitions.
var ErrNoMember = errors.New("ring: no member with a positive weight")

// Quotas returns how many of count partitions each member should own:
// count x weight / sum of weights, rounded so that the sum is count (largest
// remainder; among equal remainders the smaller name gets the extra one).
func Quotas(count int, members []Member) ([]int, error) {
	order, err := validate(count, members)
	if err != nil {
		return nil, err
	}
	return newShares(count, members).quotas(order), nil
}

// validate checks the input of a plan. It returns the members' indexes ordered
// by name, so that no result depends on the order of the members.
func validate(count int, members []Member) ([]int, error) {
	if err := ValidPartitionCount(count); err != nil {
		return nil, err
	}
	if len(members) > MaxMembers {
		return nil, fmt.Errorf("ring: %d members: more than %d", len(members), MaxMembers)
	}
	order := make([]int, len(members))
	total := 0
	for i, m := range members {
		if m.Name == "" {
			return nil, fmt.Errorf("ring: member %d has no name", i)
		}
		if m.Weight < 0 || m.Weight > MaxWeight {
			return nil, fmt.Errorf("ring: member %q: weight %d: must be between 0 and %d", m.Name, m.Weight, MaxWeight)
		}
		total += m.Weight
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Compare(members[a].Name, members[b].Name) })
	for i := 1; i < len(order); i++ {
		if name := members[order[i]].Name; name == members[order[i-1]].Name {
			return nil, fmt.Errorf("ring: two members are named %q", name)
		}
	}
	if total == 0 {
		return nil, ErrNoMember
	}
	return order, nil
}

// shares holds each member's exact share of the partitions: floor whole ones
// and rest/total of another.
type shares struct {
	count  int64
	total  int64 // sum of weights
	weight []int64
	floor  []int
	rest   []int64
}

func newShares(count int, members []Member) *shares {
	s := &shares{
		count:  int64(count),
		weight: make([]int64, len(members)),
		floor:  make([]int, len(members)),
		rest:   make([]int64, len(members)),
	}
	for i, m := range members {
		s.weight[i] = int64(m.Weight)
		s.total += int64(m.Weight)
	}
	for i, w := range s.weight {
		s.floor[i] = int(s.count * w / s.total)
		s.rest[i] = s.count * w % s.total
	}
	return s
}

// quotas returns what Quotas promises.
func (s *shares) quotas(byName []int) []int {
	loads := slices.Clone(s.floor)
	s.roundUp(loads, byName, nil, int(s.count))
	return loads
}

// roundUp raises loads, which are the floors of the given members, until their
// sum is want. One more goes first to members that own more than their floor
// now, for that saves a move; then by the size of the rest; then by name, the
// order in which the members are given. now may be nil.
//
// Invariant: want is the sum of their quotas, so no member gets more than one.
func (s *shares) roundUp(loads, byName, now []int, want int) {
	missing := want
	for _, m := range byName {
		missing -= loads[m]
	}
	keeps := func(m int) bool { return now != nil && now[m] > s.floor[m] }
	candidates := slices.DeleteFunc(slices.Clone(byName), func(m int) bool { return s.rest[m] == 0 })
	slices.SortStableFunc(candidates, func(a, b int) int {
		if keeps(a) != keeps(b) {
			if keeps(a) {
				return -1
			}
			return 1
		}
		return cmp.Compare(s.rest[b], s.rest[a])
	})
	for _, m := range candidates[:min(missing, len(candidates))] {
		loads[m]++
	}
}

// excess says how far a load is above the member's exact share, in units of
// 1/total of a partition.
func (s *shares) excess(member, load int) int64 {
	return int64(load)*s.total - s.count*s.weight[member]
}
