package pgsession

import (
	"sync"

	"shardproxy/meta/topology"
)

// signature is the types of a statement's parameters and result columns as a
// server described them, by the home node's OIDs. Read-only once made.
type signature struct {
	params []uint32
	// columns are known only where type OIDs differ between nodes.
	columns []uint32
	// form is that of the columns (see appendForm).
	form string
	// holdsOIDs: values of some of the types hold OIDs in binary form.
	holdsOIDs bool
}

// signatureKey is what the types of a statement depend on: its text, the
// schemas that its names are looked up in, and what is in these.
type signatureKey struct {
	statement  statementKey
	searchPath string
	schema     topology.Epoch
}

// knownTypes remembers the signatures of statements. It is shared by all
// sessions of one user and database and safe for concurrent use.
type knownTypes struct {
	mu    sync.Mutex
	types map[signatureKey]*signature
}

const (
	maxKnownTypes = 16384
	maxKnownText  = 16 << 10 // bytes
)

func newKnownTypes() *knownTypes { return &knownTypes{types: make(map[signatureKey]*signature)} }

// find returns the signature of a statement, nil where it is not known.
func (k *knownTypes) find(key signatureKey) *signature {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.types[key]
}

// add remembers the signature of a statement that is not too long.
func (k *knownTypes) add(key signatureKey, s *signature) {
	if len(key.statement.Value().sql) > maxKnownText {
		return
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.types) >= maxKnownTypes {
		clear(k.types)
	}
	k.types[key] = s
}
