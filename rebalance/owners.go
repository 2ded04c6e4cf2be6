package rebalance

import (
	"cmp"
	"slices"

	"shardproxy/meta/topology"
	"shardproxy/ring"
)

// ownersAfter returns who should own the partitions of a database with the given
// nodes, which begin with the database's own: the fewest partitions change their
// owner. A node that leaves, or has no weight, gets none and gives all it has.
// The home partition goes only where its owner leaves for good. Errors:
// ring.ErrNoMember where nobody is left.
func ownersAfter(db *topology.Database, nodes []topology.Node, leaves topology.NodeID) ([]topology.NodeIndex, error) {
	members := make([]ring.Member, len(nodes))
	for i, n := range nodes {
		members[i] = ring.Member{Name: string(n.ID), Weight: n.Weight}
		if n.ID == leaves || n.State == topology.NodeLeaving {
			members[i].Weight = 0
		}
	}
	now := make([]int, db.PartitionCount())
	for p := range now {
		now[p] = int(db.Owners[p])
	}
	moves, err := ring.PlanMoves(now, members)
	if err != nil {
		return nil, err
	}
	owners := slices.Clone(db.Owners)
	for _, m := range moves {
		owners[m.Partition] = topology.NodeIndex(m.To)
	}
	if nodes[db.Home()].ID == leaves {
		owners[db.HomePartition()] = newHome(members)
	}
	return owners, nil
}

// newHome is the first of the members with the most weight.
func newHome(members []ring.Member) topology.NodeIndex {
	best := 0
	for i, m := range members {
		if m.Weight > members[best].Weight {
			best = i
		}
	}
	return topology.NodeIndex(best)
}

// movesBetween lists what changes its owner, by source and target in the order
// of the nodes.
func movesBetween(db *topology.Database, nodes []topology.Node, owners []topology.NodeIndex) []Move {
	type pair struct{ from, to topology.NodeIndex }
	partitions := make(map[pair][]ring.Partition)
	for p, to := range owners {
		if from := db.Owners[p]; from != to {
			partitions[pair{from, to}] = append(partitions[pair{from, to}], ring.Partition(p))
		}
	}
	pairs := make([]pair, 0, len(partitions))
	for p := range partitions {
		pairs = append(pairs, p)
	}
	slices.SortFunc(pairs, func(a, b pair) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	moves := make([]Move, 0, len(pairs))
	for _, p := range pairs {
		moves = append(moves, newMove(db, nodes[p.from].ID, nodes[p.to].ID, partitions[p]))
	}
	return moves
}

func newMove(db *topology.Database, source, target topology.NodeID, partitions []ring.Partition) Move {
	m := Move{Source: source, Target: target, Ranges: []Range{}}
	if last := len(partitions) - 1; partitions[last] == db.HomePartition() {
		m.Home = true
		partitions = partitions[:last]
	}
	m.Partitions = len(partitions)
	m.set = topology.NewPartitionSet(partitions...)
	for _, r := range m.set {
		m.Ranges = append(m.Ranges, Range(r))
	}
	return m
}
