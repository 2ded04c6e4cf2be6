package metrics

import "github.com/prometheus/client_golang/prometheus"

// PoolState is what a pool of connections to one node looks like now. Pools of
// one database and node (one per user) are added up.
type PoolState struct {
	Database, Node string
	// Connections by state.
	Idle, Active, Cancelling, Dialing int
	// Waiting clients.
	Waiting int
	// Failing: the node does not accept connections.
	Failing bool
}

// Add adds another pool of the same database and node.
func (s *PoolState) Add(other PoolState) {
	s.Idle += other.Idle
	s.Active += other.Active
	s.Cancelling += other.Cancelling
	s.Dialing += other.Dialing
	s.Waiting += other.Waiting
	s.Failing = s.Failing || other.Failing
}

// CollectPools registers a source of pool states, asked at every scrape. It
// must be safe for concurrent use and return soon.
func (m *Metrics) CollectPools(source func() []PoolState) error {
	labels := []string{"database", "node"}
	return m.registerer.Register(&poolCollector{
		source: source,
		connections: prometheus.NewDesc(namespace+"_backend_connections",
			"Connections to nodes by state.", append(labels, "state"), nil),
		waiting: prometheus.NewDesc(namespace+"_pool_waiting_clients",
			"Clients that wait for a connection to a node.", labels, nil),
		up: prometheus.NewDesc(namespace+"_node_up",
			"1 unless the node does not accept connections.", labels, nil),
	})
}

type poolCollector struct {
	source                   func() []PoolState
	connections, waiting, up *prometheus.Desc
}

var _ prometheus.Collector = (*poolCollector)(nil)

// Describe implements prometheus.Collector.
func (c *poolCollector) Describe(descs chan<- *prometheus.Desc) {
	descs <- c.connections
	descs <- c.waiting
	descs <- c.up
}

// Collect implements prometheus.Collector.
func (c *poolCollector) Collect(metrics chan<- prometheus.Metric) {
	type key struct{ database, node string }
	sums := map[key]PoolState{}
	for _, state := range c.source() {
		k := key{state.Database, state.Node}
		sum := sums[k]
		sum.Add(state)
		sums[k] = sum
	}
	for k, sum := range sums {
		gauge := func(desc *prometheus.Desc, value int, labels ...string) {
			labels = append([]string{k.database, k.node}, labels...)
			metrics <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, float64(value), labels...)
		}
		gauge(c.connections, sum.Idle, "idle")
		gauge(c.connections, sum.Active, "active")
		gauge(c.connections, sum.Cancelling, "cancelling")
		gauge(c.connections, sum.Dialing, "dialing")
		gauge(c.waiting, sum.Waiting)
		up := 1
		if sum.Failing {
			up = 0
		}
		gauge(c.up, up)
	}
}
