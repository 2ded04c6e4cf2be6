// Package meta owns the topology in use: the one immutable value by which every
// statement of this process is routed, and how a new one takes its place.
//
// The main flow:
//
//	Update --> change(current) --> Validate, epoch --> preparers --> Current
//	                                                                   |
//	                                                 readers <---------+--> Watch
//
// What a Store promises:
//
//   - Current never blocks and never fails: one atomic load. What it returns is
//     immutable and stays valid for as long as somebody uses it, also after a
//     newer value has been published.
//   - Epochs grow: of two values that Current returned, one after the other, the
//     later one has the same epoch (and is the same value) or a higher one.
//   - Changes are serialised: Update gives its function the value that its
//     result will replace. Nothing is lost between two changes.
//   - All or nothing: a change that fails, that is not valid or whose epoch does
//     not grow leaves everything as it was.
//   - Preparers have seen a value before any reader can: pools know a new user
//     before the first session plans with it.
//
// It refuses to hold an invalid topology, from the first one on.
//
// The value lives in this process only and comes from the configuration when it
// starts; nothing is kept on disk and no other peer is asked. Consensus over
// several peers will replace the inside of Update. The promises stay, and two
// are added then: an update has been agreed on by a majority before it is
// published, and it may fail for want of one.
package meta
