package meta

import (
	"context"
	"maps"
	"slices"
	"sync"

	"shardproxy/meta/topology"
)

// ownArms are the armed changes that this process looks after. Whoever armed a
// change may be gone; the leader disarms those that are nobody's.
type ownArms struct {
	mu sync.Mutex
	// databases count the changes that are being armed or stand armed.
	databases map[string]int
}

// take says that this process arms a change of a database, or is about to. The
// function that it returns ends that.
func (o *ownArms) take(database string) (release func()) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.databases == nil {
		o.databases = make(map[string]int)
	}
	o.databases[database]++
	return sync.OnceFunc(func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		if o.databases[database]--; o.databases[database] == 0 {
			delete(o.databases, database)
		}
	})
}

func (o *ownArms) taken(database string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.databases[database] > 0
}

// disarmOrphans gives up the changes whose leader was lost: transactions wait
// for their outcome everywhere.
func (s *Store) disarmOrphans(ctx context.Context, value *topology.Topology) {
	for _, name := range slices.Sorted(maps.Keys(value.Databases)) {
		armed := value.Databases[name].Armed
		if armed == nil || s.arms.taken(name) {
			continue
		}
		s.tendBy(ctx, topology.Disarm{
			Database: name, ID: armed.ID, Reason: "the leader that armed the change was lost",
		})
	}
}
