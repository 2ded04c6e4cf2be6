package metrics

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// maxSQLStates bounds the SQLSTATEs counted by themselves, per database: a
// server can be made to raise any of 36^5.
const maxSQLStates = 200

// Database counts for one database. Its methods may be called by many
// goroutines at once.
type Database struct {
	name    string
	vectors *vectors

	clients        prometheus.Gauge
	received, sent prometheus.Counter
	hits, misses   prometheus.Counter
	statements     [classes]prometheus.Counter // without a node
	latency        [classes]prometheus.Observer

	mu struct {
		sync.Mutex
		nodes  map[string]*Node
		errors map[string]*[sides]prometheus.Counter // by SQLSTATE
	}
}

func newDatabase(v *vectors, name string) *Database {
	d := &Database{
		name:     name,
		vectors:  v,
		clients:  v.clients.WithLabelValues(name),
		received: v.received.WithLabelValues(name),
		sent:     v.sent.WithLabelValues(name),
		hits:     v.templateHits.WithLabelValues(name),
		misses:   v.templateMiss.WithLabelValues(name),
	}
	for i := range d.statements {
		class := Class(i).String()
		d.statements[i] = v.statements.WithLabelValues(name, class, "")
		d.latency[i] = v.latency.WithLabelValues(name, class)
	}
	d.mu.nodes = map[string]*Node{}
	d.mu.errors = map[string]*[sides]prometheus.Counter{}
	return d
}

// ClientJoined counts a client that is logged in; ClientLeft ends it.
func (d *Database) ClientJoined() { d.clients.Inc() }

// ClientLeft counts a client's end.
func (d *Database) ClientLeft() { d.clients.Dec() }

// Received counts bytes read from a client.
func (d *Database) Received(bytes int) { d.received.Add(float64(bytes)) }

// Sent counts bytes written to a client.
func (d *Database) Sent(bytes int) { d.sent.Add(float64(bytes)) }

// Templates counts statements whose shape was known, and those whose shape had
// to be parsed.
func (d *Database) Templates(hits, misses uint64) {
	d.hits.Add(float64(hits))
	d.misses.Add(float64(misses))
}

// Statement counts a statement that ran on no node or on several, and the time
// from its complete request to its last reply.
func (d *Database) Statement(class Class, took time.Duration) {
	d.statements[class].Inc()
	d.latency[class].Observe(took.Seconds())
}

// Error counts an error sent to a client.
func (d *Database) Error(side Side, sqlstate string) { d.errorCounters(sqlstate)[side].Inc() }

func (d *Database) errorCounters(sqlstate string) *[sides]prometheus.Counter {
	d.mu.Lock()
	defer d.mu.Unlock()
	if counters, found := d.mu.errors[sqlstate]; found {
		return counters
	}
	if len(d.mu.errors) >= maxSQLStates || !isSQLState(sqlstate) {
		sqlstate = "other"
		if counters, found := d.mu.errors[sqlstate]; found {
			return counters
		}
	}
	counters := new([sides]prometheus.Counter)
	for i := range counters {
		counters[i] = d.vectors.errors.WithLabelValues(d.name, sqlstate, Side(i).String())
	}
	d.mu.errors[sqlstate] = counters
	return counters
}

// isSQLState: five digits or capital letters.
func isSQLState(text string) bool {
	if len(text) != 5 {
		return false
	}
	for _, c := range []byte(text) {
		if (c < '0' || c > '9') && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}

// Node returns the handle of a node of the database. Sessions and pools ask
// once and keep it.
func (d *Database) Node(name string) *Node {
	d.mu.Lock()
	defer d.mu.Unlock()
	if n, found := d.mu.nodes[name]; found {
		return n
	}
	n := newNode(d, name)
	d.mu.nodes[name] = n
	return n
}
