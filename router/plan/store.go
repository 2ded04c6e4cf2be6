package plan

import (
	"bytes"
	"slices"
	"sync"
	"sync/atomic"

	"shardproxy/meta/topology"
	"shardproxy/router/sqlscan"
)

// store is a hash table of templates of bounded size. Readers take no lock: a
// bucket is an immutable slice behind an atomic pointer, which writers replace.
// When it is full, the template goes that was not used since the clock's hand
// last came by.
type store struct {
	buckets []atomic.Pointer[[]*entry]
	mask    uint64

	mu    sync.Mutex
	clock []*entry // guarded by mu
	hand  int      // guarded by mu
	bytes int      // of the shapes in clock, guarded by mu

	size, maxBytes int
}

// entry is one template and what it was made from. All but used is immutable.
type entry struct {
	hash     uint64
	shape    []byte
	path     string
	mode     bool
	epoch    topology.Epoch
	template *Template
	used     atomic.Bool
}

func newStore(size, maxBytes int) *store {
	n := 1
	for n < size {
		n <<= 1
	}
	return &store{buckets: make([]atomic.Pointer[[]*entry], n), mask: uint64(n - 1), size: size, maxBytes: maxBytes}
}

// find returns the template of a statement, or nil.
func (s *store) find(sc *sqlscan.Scan, env *Env, epoch topology.Epoch) *Template {
	list := s.buckets[sc.Hash&s.mask].Load()
	if list == nil {
		return nil
	}
	for _, e := range *list {
		if e.hash == sc.Hash && e.epoch == epoch && e.mode == env.Backslash && e.path == env.SearchPathKey && bytes.Equal(e.shape, sc.Shape) {
			if !e.used.Load() { // the line stays shared between the readers
				e.used.Store(true)
			}
			return e.template
		}
	}
	return nil
}

// add puts a template into the table.
func (s *store) add(sc *sqlscan.Scan, env *Env, epoch topology.Epoch, t *Template) {
	e := &entry{
		hash: sc.Hash, shape: bytes.Clone(sc.Shape), path: env.SearchPathKey, mode: env.Backslash,
		epoch: epoch, template: t,
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.find(sc, env, epoch) != nil {
		return // another session was faster
	}
	for len(s.clock) > 0 && (len(s.clock) >= s.size || s.bytes+len(e.shape) > s.maxBytes) {
		s.evict()
	}
	s.clock = append(s.clock, e)
	s.bytes += len(e.shape)
	s.replace(e.hash, func(list []*entry) []*entry { return append(list, e) })
}

// evict drops an entry that was not used lately. The last one takes its place
// on the clock.
func (s *store) evict() {
	s.hand %= len(s.clock)
	for s.clock[s.hand].used.Swap(false) {
		s.hand = (s.hand + 1) % len(s.clock)
	}
	old, last := s.clock[s.hand], len(s.clock)-1
	s.clock[s.hand], s.clock[last] = s.clock[last], nil
	s.clock = s.clock[:last]
	s.bytes -= len(old.shape)
	s.hand++
	s.replace(old.hash, func(list []*entry) []*entry {
		return slices.DeleteFunc(list, func(e *entry) bool { return e == old })
	})
}

// replace gives a bucket a changed copy of its list.
func (s *store) replace(hash uint64, change func([]*entry) []*entry) {
	bucket := &s.buckets[hash&s.mask]
	var list []*entry
	if old := bucket.Load(); old != nil {
		list = append(list, *old...)
	}
	list = change(list)
	bucket.Store(&list)
}

// len returns the number of templates in the table.
func (s *store) len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.clock)
}
