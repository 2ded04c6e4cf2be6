// Package gate counts the work that is under way by the topology it was planned
// with, and keeps new work waiting while a change is made that must not meet any.
//
// Each session has a Slot. It enters before it plans and leaves when nothing of
// what it planned is left on a node:
//
//	         Enter (fresh)                    Enter: the same work goes on
//	idle ---------------------> at epoch E ----------------------+
//	 ^  |                        |    ^                          |
//	 |  | a hold is in force     |    +--------------------------+
//	 |  v                        |
//	waiting                      |  Leave
//	 +---------------------------+
//
// Enter publishes the epoch before it looks at the topology a second time, and
// Drain looks at the slots after the topology with the hold was published. So
// either the session sees the hold or Drain sees the session; there is no lock
// that sessions share and no moment in between. (This is how epoch-based
// reclamation counts its readers: Fraser, "Practical lock-freedom", 2004, 5.2.3.)
//
// A slot that has entered keeps the epoch of its oldest plan until it leaves: a
// transaction that was open when a hold was armed goes on to its end, and Drain
// waits for it.
package gate
