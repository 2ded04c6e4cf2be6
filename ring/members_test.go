package ring

import "fmt"

// equalMembers returns n members of weight 1, pg-1 to pg-n.
func equalMembers(n int) []Member {
	members := make([]Member, n)
	for i := range members {
		members[i] = Member{Name: fmt.Sprintf("pg-%d", i+1), Weight: 1}
	}
	return members
}

// loads counts the partitions of each of n owners.
func loads(owners []int, n int) []int {
	load := make([]int, n)
	for _, o := range owners {
		load[o]++
	}
	return load
}
