package ring

import (
	"fmt"
	"slices"
)

// Move says that a partition changes its owner. From and To are indexes into
// the members that the plan was made with.
type Move struct {
	Partition Partition
	From, To  int
}

// PlanMoves returns the smallest set of moves that gives the members their
// quotas, ordered by partition. owners holds the owner of each partition (not
// of home, which has no quota), an index into members; a member of weight 0 is
// leaving and gives all it has.
//
//   - A member that owns nothing yet is new: it receives exactly its quota,
//     from the members that are furthest above their share.
//   - A leaving member's partitions go to new members, then to the members
//     that are furthest below their share.
//   - Nothing else moves, in particular nothing between members that stay, as
//     long as each of these ends up within 5 % of its share (rounded away from
//     it). Where one does not, because weights changed or partitions were moved
//     by hand, all members get their quotas, still with the fewest moves.
//
// Of the partitions a member gives, the plan takes first those that the ring
// prefers on a receiver. Planning again after the moves were made returns
// nothing.
func PlanMoves(owners []int, members []Member) ([]Move, error) {
	byName, err := validate(len(owners), members)
	if err != nil {
		return nil, err
	}
	load := make([]int, len(members))
	for p, owner := range owners {
		if owner < 0 || owner >= len(members) {
			return nil, fmt.Errorf("ring: partition %d: owner %d is not one of %d members", p, owner, len(members))
		}
		load[owner]++
	}
	target := newShares(len(owners), members).targets(load, byName)
	surplus := make([]int, len(members))
	room := make([]int, len(members))
	for m := range members {
		surplus[m] = max(load[m]-target[m], 0)
		room[m] = max(target[m]-load[m], 0)
	}
	if slices.Equal(load, target) {
		return nil, nil
	}
	return choose(owners, surplus, room, newPreference(len(owners), members, byName))
}

// targets returns how many partitions each member should own after the moves
// from the loads of now.
func (s *shares) targets(now, byName []int) []int {
	quota := s.quotas(byName)
	target := slices.Clone(now)
	var stay []int // by name: members that own something and keep a share
	need := int(s.count)
	for _, m := range byName {
		switch {
		case s.weight[m] == 0:
			target[m] = 0
		case now[m] == 0:
			target[m] = quota[m]
			need -= quota[m]
		default:
			stay = append(stay, m)
		}
	}
	s.level(target, stay, quota, need)
	if s.balanced(target, stay) {
		return target
	}
	for _, m := range stay {
		target[m] = s.floor[m]
	}
	s.roundUp(target, stay, now, need)
	return target
}

// level changes the loads of the staying members until their sum is want: all
// give or all receive, one partition at a time, the one that is furthest off
// its share first.
func (s *shares) level(load, stay, quota []int, want int) {
	sum := 0
	for _, m := range stay {
		sum += load[m]
	}
	step := 1
	if sum > want {
		step = -1
	}
	for ; sum != want; sum += step {
		best := -1
		for _, m := range stay {
			if step < 0 && load[m] == 0 {
				continue
			}
			if best < 0 || s.further(m, best, load, quota, step) {
				best = m
			}
		}
		load[best] += step
	}
}

// further reports whether a is more in need of the step than b: further above
// its share for a step down, further below for a step up. Between equals it is
// the distance from the quota that decides.
func (s *shares) further(a, b int, load, quota []int, step int) bool {
	ea, eb := s.excess(a, load[a]), s.excess(b, load[b])
	if ea == eb {
		ea, eb = int64(load[a]-quota[a]), int64(load[b]-quota[b])
	}
	if step < 0 {
		return ea > eb
	}
	return ea < eb
}

// balanced reports whether every one of the staying members is within 5 % of
// its share, rounded to whole partitions away from it.
func (s *shares) balanced(load, stay []int) bool {
	for _, m := range stay {
		share := s.count * s.weight[m] // x 1/total
		least := share * 95 / (s.total * 100)
		most := (share*105 + s.total*100 - 1) / (s.total * 100)
		if l := int64(load[m]); l < least || l > most {
			return false
		}
	}
	return true
}
