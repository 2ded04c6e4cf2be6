package main

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// newGatherer returns what a scrape asks. The template caches count by
// themselves, so that a statement costs no more; their counts are taken over
// before the metrics are read.
func newGatherer(o *observer, registry *prometheus.Registry, v *views) (prometheus.Gatherer, error) {
	first := prometheus.NewRegistry()
	err := first.Register(&templateCounter{observer: o, views: v, seen: make(map[string]templateCounts)})
	return prometheus.Gatherers{first, registry}, err
}

// templateCounter takes over counts when it is collected, and has no metrics of
// its own.
type templateCounter struct {
	observer *observer
	views    *views

	mu   sync.Mutex
	seen map[string]templateCounts // by database, as of the last scrape
}

type templateCounts struct{ hits, misses uint64 }

var _ prometheus.Collector = (*templateCounter)(nil)

// Describe implements prometheus.Collector.
func (t *templateCounter) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (t *templateCounter) Collect(chan<- prometheus.Metric) {
	e := t.views.engine.Load()
	if e == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for name, cache := range e.plans.all() {
		now, before := templateCounts{cache.Hits(), cache.Misses()}, t.seen[name]
		t.observer.metrics.Database(name).Templates(now.hits-before.hits, now.misses-before.misses)
		t.seen[name] = now
	}
}
