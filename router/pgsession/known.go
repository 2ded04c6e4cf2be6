package pgsession

import "sync"

// knownTypes remembers the parameter types of statements as a server described
// them, by the statement's text. It is shared by all sessions of one database
// and safe for concurrent use.
type knownTypes struct {
	mu    sync.Mutex
	types map[statementKey][]uint32
}

const maxKnownTypes = 16384

func newKnownTypes() *knownTypes { return &knownTypes{types: make(map[statementKey][]uint32)} }

// find returns the types of a statement's parameters, nil where not known. The
// slice must not be changed.
func (k *knownTypes) find(key statementKey) []uint32 {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.types[key]
}

// add remembers the types of a statement's parameters and keeps the slice.
func (k *knownTypes) add(key statementKey, oids []uint32) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(k.types) >= maxKnownTypes {
		clear(k.types)
	}
	k.types[key] = oids
}
