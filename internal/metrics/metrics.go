// Package metrics counts what the proxy does, for Prometheus.
//
// Names and labels live here and nowhere else; testdata/exposition.txt shows
// all of them. Metrics are resolved once, per database and node, into handles
// (Database, Node) that sessions and pools keep: counting on the way of a
// statement neither looks up a label nor allocates nor locks.
//
// Label values that a client or a server chooses are bounded: databases and
// nodes come from the topology, SQLSTATEs are counted as "other" beyond
// maxSQLStates.
package metrics

import (
	"errors"
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

const namespace = "shardproxy"

// Metrics is the root of all metrics of a process.
type Metrics struct {
	registerer prometheus.Registerer
	vectors    vectors

	accepted prometheus.Counter
	refused  [refusals]prometheus.Counter
	cancels  [cancelResults]prometheus.Counter
	epoch    prometheus.Gauge
	changes  *Changes

	mu struct {
		sync.Mutex
		databases map[string]*Database
	}
}

// vectors are the metrics that have labels.
type vectors struct {
	clients       *prometheus.GaugeVec
	received      *prometheus.CounterVec
	sent          *prometheus.CounterVec
	refused       *prometheus.CounterVec
	cancels       *prometheus.CounterVec
	statements    *prometheus.CounterVec
	latency       *prometheus.HistogramVec
	templateHits  *prometheus.CounterVec
	templateMiss  *prometheus.CounterVec
	errors        *prometheus.CounterVec
	queueWait     *prometheus.HistogramVec
	dials         *prometheus.HistogramVec
	dialErrors    *prometheus.CounterVec
	backendClosed *prometheus.CounterVec
}

// latencyBuckets reach from a local point select to a statement that somebody
// will ask about; in seconds.
func latencyBuckets() []float64 {
	return []float64{.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 10, 60}
}

// waitBuckets are for what should be short and may end in a timeout.
func waitBuckets() []float64 {
	return []float64{.0001, .001, .005, .01, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
}

func newVectors() vectors {
	counter := func(subsystem, name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: subsystem, Name: name, Help: help,
		}, labels)
	}
	histogram := func(subsystem, name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Subsystem: subsystem, Name: name, Help: help, Buckets: buckets,
		}, labels)
	}
	return vectors{
		clients: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: namespace, Subsystem: "client", Name: "connections",
			Help: "Clients that are logged in.",
		}, []string{"database"}),
		received:      counter("client", "received_bytes_total", "Bytes read from clients after their login.", "database"),
		sent:          counter("client", "sent_bytes_total", "Bytes written to clients after their login.", "database"),
		refused:       counter("client", "connections_refused_total", "Connections that ended before the client was logged in.", "reason"),
		cancels:       counter("", "cancel_requests_total", "Cancel requests by what became of them.", "result"),
		statements:    counter("", "statements_total", "Statements by how they ran; node is empty where it was none or more than one.", "database", "class", "node"),
		latency:       histogram("", "statement_duration_seconds", "Time from the complete request of a statement to its last reply.", latencyBuckets(), "database", "class"),
		templateHits:  counter("template_cache", "hits_total", "Statements whose shape was known.", "database"),
		templateMiss:  counter("template_cache", "misses_total", "Statements whose shape had to be parsed.", "database"),
		errors:        counter("", "errors_total", "Errors sent to clients, by SQLSTATE and by whose fault they were.", "database", "sqlstate", "side"),
		queueWait:     histogram("pool", "queue_wait_seconds", "Time clients waited for a connection to a node when none was idle.", waitBuckets(), "database", "node"),
		dials:         histogram("backend", "dial_duration_seconds", "Time to connect and log in to a node.", waitBuckets(), "database", "node"),
		dialErrors:    counter("backend", "dial_errors_total", "Attempts to connect to a node that failed.", "database", "node"),
		backendClosed: counter("backend", "closed_total", "Connections to a node that were closed.", "database", "node", "reason"),
	}
}

// New makes the metrics and registers them. It fails when the registerer has
// metrics of these names already.
func New(registerer prometheus.Registerer) (*Metrics, error) {
	m := &Metrics{
		registerer: registerer,
		vectors:    newVectors(),
		accepted: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Subsystem: "client", Name: "connections_accepted_total",
			Help: "Connections accepted, whatever became of them.",
		}),
		epoch: prometheus.NewGauge(prometheus.GaugeOpts{
			Namespace: namespace, Subsystem: "topology", Name: "epoch",
			Help: "Epoch of the topology in use.",
		}),
	}
	m.mu.databases = map[string]*Database{}
	for i := range m.refused {
		m.refused[i] = m.vectors.refused.WithLabelValues(Refusal(i).String())
	}
	for i := range m.cancels {
		m.cancels[i] = m.vectors.cancels.WithLabelValues(CancelResult(i).String())
	}
	v := &m.vectors
	changes, collectors := newChanges()
	m.changes = changes
	var errs []error
	for _, collector := range append(collectors,
		m.accepted, m.epoch, v.clients, v.received, v.sent, v.refused, v.cancels,
		v.statements, v.latency, v.templateHits, v.templateMiss, v.errors,
		v.queueWait, v.dials, v.dialErrors, v.backendClosed,
	) {
		errs = append(errs, registerer.Register(collector))
	}
	return m, errors.Join(errs...)
}

// Accepted counts a connection from a client, before anything is read from it.
func (m *Metrics) Accepted() { m.accepted.Inc() }

// Refused counts a connection that ended before its client was logged in.
func (m *Metrics) Refused(why Refusal) { m.refused[why].Inc() }

// Cancel counts a cancel request.
func (m *Metrics) Cancel(result CancelResult) { m.cancels[result].Inc() }

// Epoch says which topology is in use.
func (m *Metrics) Epoch(epoch uint64) { m.epoch.Set(float64(epoch)) }

// Changes returns the counters of changes.
func (m *Metrics) Changes() *Changes { return m.changes }

// Database returns the handle of a database of the topology. Sessions ask once
// and keep it.
func (m *Metrics) Database(name string) *Database {
	m.mu.Lock()
	defer m.mu.Unlock()
	if d, found := m.mu.databases[name]; found {
		return d
	}
	d := newDatabase(&m.vectors, name)
	m.mu.databases[name] = d
	return d
}
