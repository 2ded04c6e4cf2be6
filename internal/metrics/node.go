package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Node counts for one node of a database. Its methods may be called by many
// goroutines at once.
type Node struct {
	name     string
	database *Database

	statements [classes]prometheus.Counter
	queueWait  prometheus.Observer
	dials      prometheus.Observer
	dialErrors prometheus.Counter
}

func newNode(d *Database, name string) *Node {
	v := d.vectors
	n := &Node{
		name:       name,
		database:   d,
		queueWait:  v.queueWait.WithLabelValues(d.name, name),
		dials:      v.dials.WithLabelValues(d.name, name),
		dialErrors: v.dialErrors.WithLabelValues(d.name, name),
	}
	// Only these run on one node.
	for _, class := range []Class{Single, Any, Nothing} {
		n.statements[class] = v.statements.WithLabelValues(d.name, class.String(), name)
	}
	return n
}

// Statement counts a statement that ran on this node only, and the time from
// its complete request to its last reply. Classes that cannot are counted
// without the node.
func (n *Node) Statement(class Class, took time.Duration) {
	counter := n.statements[class]
	if counter == nil {
		n.database.Statement(class, took)
		return
	}
	counter.Inc()
	n.database.latency[class].Observe(took.Seconds())
}

// QueueWaited records how long a client waited for a connection when none was
// idle.
func (n *Node) QueueWaited(d time.Duration) { n.queueWait.Observe(d.Seconds()) }

// Dialed records an attempt to connect; err is its outcome.
func (n *Node) Dialed(d time.Duration, err error) {
	n.dials.Observe(d.Seconds())
	if err != nil {
		n.dialErrors.Inc()
	}
}

// Closed counts a connection to the node that was closed. The reason comes
// from a small fixed set (backend.CloseReason).
func (n *Node) Closed(reason string) {
	n.database.vectors.backendClosed.WithLabelValues(n.database.name, n.name, reason).Inc()
}
