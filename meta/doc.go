// Package meta owns the topology in use: the one immutable value by which every
// statement is routed, how the peers agree on the next one, and how that takes
// its place. DESIGN.md has the protocols.
//
// The main flow:
//
//	Propose, Change --> leader --> Raft --> committed entry --> topology.Apply
//	                                                                 |
//	     readers, Watch <-- Current <-- preparers <-- disk <---------+
//
// What a Store promises:
//
//   - Current never blocks and never fails: one atomic load. What it returns is
//     immutable and stays valid for as long as somebody uses it, also after a
//     newer value has been published. It is nil until the first value is known.
//   - Epochs grow, also over restarts: a value that was published is on disk
//     before, and a peer that starts again begins with it.
//   - All peers publish the same values, if not each of them: one that is
//     behind goes straight to a later one.
//   - Preparers have seen a value before any reader can: pools know a new user
//     before the first session plans with it.
//   - A change is made once or not at all, and the error says which; where that
//     cannot be known it is ErrUnknownOutcome.
//   - Without a majority Current stays as it is, and changes fail.
//   - A peer that meets an entry it cannot read publishes nothing any more, and
//     says so by Err.
//
// It refuses to send anything beyond loopback without mutual TLS, to share a
// data directory, and to begin with files that are damaged. The replicated state
// holds passwords: the files are 0600, and logs and reports have none.
package meta
