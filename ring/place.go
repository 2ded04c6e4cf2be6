package ring

// Place returns the owner of each of count partitions for a fresh database, as
// an index into members. Every member owns exactly its quota (see Quotas),
// of the partitions that the ring prefers on it as far as there are enough.
func Place(count int, members []Member) ([]int, error) {
	byName, err := validate(count, members)
	if err != nil {
		return nil, err
	}
	nobody := len(members)
	owners := make([]int, count)
	for p := range owners {
		owners[p] = nobody
	}
	surplus := make([]int, len(members)+1)
	surplus[nobody] = count
	moves, err := choose(owners, surplus, newShares(count, members).quotas(byName),
		newPreference(count, members, byName))
	if err != nil {
		return nil, err
	}
	for _, m := range moves {
		owners[m.Partition] = m.To
	}
	return owners, nil
}

// choose picks the partitions that change hands: surplus[m] of those that m
// owns, so that m receives room[m]. It first takes what the ring prefers on a
// receiver, then fills up. Both slices are used up; their sums are equal.
func choose(owners, surplus, room []int, pref *preference) ([]Move, error) {
	to := make([]int, len(owners))
	count := 0
	take := func(p, receiver int) bool {
		if room[receiver] == 0 {
			return false
		}
		room[receiver]--
		surplus[owners[p]]--
		to[p] = receiver
		count++
		return true
	}
	for p, owner := range owners {
		to[p] = owner
		if surplus[owner] > 0 {
			take(p, pref.first(p))
		}
	}
	for p, owner := range owners {
		if to[p] != owner || surplus[owner] == 0 {
			continue
		}
		order, err := pref.all(p)
		if err != nil {
			return nil, err
		}
		for _, receiver := range order {
			if take(p, receiver) {
				break
			}
		}
	}
	moves := make([]Move, 0, count)
	for p, owner := range owners {
		if to[p] != owner {
			moves = append(moves, Move{Partition: Partition(p), From: owner, To: to[p]})
		}
	}
	return moves, nil
}
