package pgsession

import (
	"container/list"
	"encoding/binary"
	"encoding/hex"
	"unique"

	"github.com/cespare/xxhash/v2"

	"shardproxy/meta/topology"
	"shardproxy/router/plan"
	"shardproxy/router/querytree"
	"shardproxy/router/sqlscan"
)

// statementText identifies a prepared statement on a server: its complete text
// and the parameter types the client declared. Two texts that differ in a
// literal are two statements.
type statementText struct {
	sql  string
	oids string       // big-endian, as in Parse
	mode sqlscan.Mode // how servers read its strings
}

// statementKey is a statementText, compared by identity.
type statementKey = unique.Handle[statementText]

// serverName is the name a statement has on the servers: it follows from the
// text, so that all clients share it. A collision is noticed by comparing keys.
func serverName(key statementKey) string {
	text := key.Value()
	h := xxhash.New()
	_, _ = h.WriteString(text.sql) // never fails
	_, _ = h.WriteString("\x00")
	_, _ = h.WriteString(text.oids)
	_, _ = h.Write([]byte{byte(text.mode)})
	var sum [8]byte
	binary.BigEndian.PutUint64(sum[:], h.Sum64())
	return "sp_" + hex.EncodeToString(sum[:])
}

// prepared is a prepared statement of the client, named or not.
type prepared struct {
	name string
	sql  []byte // as the client sent it; the scan points into it
	scan sqlscan.Scan
	mode sqlscan.Mode // of the scan
	oids []uint32     // as declared in Parse

	// key is the statement as it is sent to servers: the client's text, or
	// what the planner made of it.
	key  statementKey
	sent string // server name, "" for the unnamed statement

	template *plan.Template
	epoch    topology.Epoch // schema epoch of template
	path     string         // search path of template
	hint     string         // key hint of template
	// static is the plan without parameters: of class Deferred where they decide.
	static plan.Plan

	// signature is what a server said of it; nil while unknown.
	signature *signature
	// told is what the client knows of the result.
	told told
	// rewritten: key is not the client's text. hidden is how many parameters it
	// has behind the client's, for drawn keys.
	rewritten bool
	hidden    int
}

// signatureKey is what the statement's types depend on.
func (p *prepared) signatureKey() signatureKey {
	return signatureKey{statement: p.key, searchPath: p.path, schema: p.epoch}
}

// statement is the parsed statement.
func (p *prepared) statement() *querytree.Statement { return p.template.Statement() }

// preparedSet are the named statements of one backend connection, the least
// recently used first out.
type preparedSet struct {
	limit  int
	byKey  map[statementKey]*list.Element
	byName map[string]statementKey
	used   *list.List // of statementKey, most recent first
}

func newPreparedSet(limit int) *preparedSet {
	return &preparedSet{
		limit:  limit,
		byKey:  make(map[statementKey]*list.Element),
		byName: make(map[string]statementKey),
		used:   list.New(),
	}
}

// touch reports whether the statement is prepared, and marks it as used.
func (s *preparedSet) touch(key statementKey) bool {
	e, ok := s.byKey[key]
	if ok {
		s.used.MoveToFront(e)
	}
	return ok
}

// add notes a statement and returns the names to close first: one that must
// make room, one whose name is the same by accident.
func (s *preparedSet) add(key statementKey, name string) (evict []string) {
	if other, ok := s.byName[name]; ok && other != key {
		s.remove(other)
		evict = append(evict, name)
	}
	if s.used.Len() >= s.limit {
		oldest := s.used.Back().Value.(statementKey)
		evict = append(evict, s.remove(oldest))
	}
	s.byKey[key] = s.used.PushFront(key)
	s.byName[name] = key
	return evict
}

// remove forgets a statement and returns its name.
func (s *preparedSet) remove(key statementKey) string {
	e, ok := s.byKey[key]
	if !ok {
		return ""
	}
	s.used.Remove(e)
	delete(s.byKey, key)
	name := serverName(key)
	delete(s.byName, name)
	return name
}

// clear forgets all statements.
func (s *preparedSet) clear() {
	clear(s.byKey)
	clear(s.byName)
	s.used.Init()
}
