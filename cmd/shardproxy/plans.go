package main

import (
	"maps"
	"sync"

	"shardproxy/meta/topology"
	"shardproxy/router/pgparse"
	"shardproxy/router/plan"
)

// plans are the template caches of the databases, made when they are first asked
// for.
type plans struct {
	mu     sync.Mutex
	byName map[string]*plan.Cache
}

func newPlans() *plans { return &plans{byName: make(map[string]*plan.Cache)} }

// of returns the cache of a database.
func (p *plans) of(database string) *plan.Cache {
	p.mu.Lock()
	defer p.mu.Unlock()
	cache := p.byName[database]
	if cache == nil {
		cache = plan.NewCache(plan.Options{Parser: pgparse.Parser{}, Engine: topology.Postgres})
		p.byName[database] = cache
	}
	return cache
}

// all returns the caches there are.
func (p *plans) all() map[string]*plan.Cache {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.byName)
}
