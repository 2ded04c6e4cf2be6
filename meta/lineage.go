package meta

import (
	"crypto/rand"
	"encoding/hex"
	"errors"

	"github.com/hashicorp/raft"
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

// accepts says whether Raft may listen to a peer of another lineage: one of the
// same, or of any while there is none here.
func (l lineage) accepts(other lineage) bool { return l == other || l == (lineage{}) }

// loggedLineage is that of the newest entry of a log; the zero one where there is
// none. Entries are not applied before a leader says that they are committed, and
// until then the state does not tell.
func loggedLineage(log raft.LogStore) (l lineage, err error) {
	first, err := log.FirstIndex()
	if err != nil {
		return l, err
	}
	last, err := log.LastIndex()
	if err != nil {
		return l, err
	}
	for index := last; index >= first && index > 0; index-- {
		var entry raft.Log
		if err := log.GetLog(index, &entry); err != nil {
			return l, err
		}
		if entry.Type != raft.LogCommand {
			continue
		}
		if p, err := decodeProposal(entry.Data); err == nil {
			return p.lineage, nil
		}
	}
	return l, nil
}

// lineage is that of the history that this peer has a part of.
func (s *Store) lineage() lineage {
	if l := s.fsm.lineage(); l != (lineage{}) {
		return l
	}
	return s.logged
}

// String is "" where nothing has been agreed on yet.
func (l lineage) String() string {
	if l == (lineage{}) {
		return ""
	}
	return hex.EncodeToString(l[:])
}
