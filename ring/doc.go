// Package ring answers two questions about shard keys, and nothing else: which
// partition a key belongs to, and on which node a partition should live.
//
// # Keys
//
// Every way to write a key (a literal, a text parameter, a binary parameter, a
// COPY field) is turned into the same canonical bytes by one of the Append
// functions, and PartitionOf hashes those bytes. Two spellings of one value
// have one partition; a spelling that is not certain to be read by the server
// as that value has no canonical bytes at all (the functions return false),
// and the caller must not derive a key from it.
//
//	KeyInt    8 bytes, little-endian two's complement
//	KeyUUID   16 bytes
//	KeyText   the UTF-8 bytes
//	KeyBytes  the bytes
//
// # Placement
//
// Quotas says how many partitions each member should own, Place assigns them
// for a fresh database, and PlanMoves finds the smallest set of moves from the
// current owners to the quotas. The consistent-hash ring
// (github.com/buraksezer/consistent over xxhash) only orders preference: it
// says which member a partition likes best. The counts come from the quotas.
//
// The package is pure: no clock, no goroutine, no log, no network. The same
// input gives the same output on every machine, so its results may be computed
// inside a replicated state machine. Nothing here panics on input.
package ring
