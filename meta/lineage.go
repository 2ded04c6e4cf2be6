package meta

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
)

// lineage names one history of agreed entries. It is drawn at random for the
// first entry of a cluster, and again by Recover, which changes the state
// without an entry that says so.
//
// Every entry carries its own. A peer that meets one of another lineage has a
// state that the others do not have, though Raft takes their logs for the same:
// it comes from before a recovery, or from another cluster.
type lineage [8]byte

// errLineage stops a peer for good.
var errLineage = errors.New("this peer's directory is of another cluster, or of the time before a recovery: it has to join anew with an empty one")

func newLineage() (l lineage) {
	for l == (lineage{}) {
		_, _ = rand.Read(l[:]) // never fails
	}
	return l
}

// String is "" where nothing has been agreed on yet.
func (l lineage) String() string {
	if l == (lineage{}) {
		return ""
	}
	return hex.EncodeToString(l[:])
}
