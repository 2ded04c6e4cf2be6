// Package rebalance adds nodes to a database and removes them, on the peer that
// leads the cluster. It owns the decision: whether a server may join, which
// partitions go where, in which order things happen. What is asked of the
// servers themselves is in rebalance/postgres.
//
// The main flow of AddNode; the others leave steps out:
//
//	preflight    all that is wrong, at once; nothing is changed
//	plan         which partitions go to the node, with how many rows
//	schema       home's tables on the new node, in one transaction
//	adopt        the node is told which it is (internal/noderegistry)
//	counters     its sequences get the class of its slot
//	change       node and owners in the topology, as one change that all peers
//	             hold transactions for; behind the hold it is proved that there
//	             are no rows
//
// It refuses databases that hold rows (CodeHasData): partitions with rows go to
// another node by a move only.
//
// Invariant: whatever fails before the topology changes, the database serves as
// before, and the same call may be made again.
package rebalance
