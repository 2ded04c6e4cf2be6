package metrics

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// ClusterState is how this peer stands among its peers now.
type ClusterState struct {
	// State is Raft's: leader, follower, candidate or shutdown.
	State       string
	Term        uint64
	LeaderKnown bool
	// Applied and Last are indices of Raft's log.
	Applied, Last uint64
	// LastContact is how long ago the leader was heard of; negative: never.
	LastContact time.Duration
	// Voters and Nonvoters are the members as Raft has them.
	Voters, Nonvoters int
	// Reports are what the leader has heard of the members; empty elsewhere.
	Reports []PeerReport
	// Held are the databases, and for how long each holds new transactions for
	// an armed change; 0 where none is armed.
	Held map[string]time.Duration
}

// PeerReport is how long ago the leader has heard of a peer.
type PeerReport struct {
	Peer string
	Age  time.Duration
}

// raftStates are the values of the label state.
func raftStates() []string { return []string{"leader", "follower", "candidate", "shutdown"} }

// CollectCluster registers a source of the cluster's state, asked at every
// scrape; it returns false while there is none. It must be safe for concurrent
// use and return soon.
func (m *Metrics) CollectCluster(source func() (ClusterState, bool)) error {
	describe := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(namespace+"_"+name, help, labels, nil)
	}
	return m.registerer.Register(&clusterCollector{
		source:      source,
		state:       describe("raft_state", "1 for the state of this peer in Raft, 0 for the others.", "state"),
		term:        describe("raft_term", "Raft's term; it grows with each election."),
		leader:      describe("raft_leader_known", "1 while this peer knows a leader."),
		applied:     describe("raft_applied_index", "Newest entry of Raft's log that this peer has applied."),
		last:        describe("raft_last_index", "Newest entry of Raft's log that this peer has."),
		lastContact: describe("raft_last_contact_seconds", "Time since this peer has heard of the leader; 0 on the leader, absent where it never has."),
		members:     describe("raft_peers", "Members of the cluster, as Raft has them.", "kind"),
		reportAge:   describe("peer_report_age_seconds", "Time since the leader has heard of a peer; on the leader only.", "peer"),
		held:        describe("change_held_seconds", "For how long new transactions have been waiting for an armed change; 0 where none is armed.", "database"),
	})
}

type clusterCollector struct {
	source func() (ClusterState, bool)

	state, term, leader, applied, last, lastContact, members, reportAge, held *prometheus.Desc
}

var _ prometheus.Collector = (*clusterCollector)(nil)

// Describe implements prometheus.Collector.
func (c *clusterCollector) Describe(descs chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{
		c.state, c.term, c.leader, c.applied, c.last, c.lastContact, c.members, c.reportAge, c.held,
	} {
		descs <- desc
	}
}

// Collect implements prometheus.Collector.
func (c *clusterCollector) Collect(metrics chan<- prometheus.Metric) {
	state, known := c.source()
	if !known {
		return
	}
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		metrics <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	for _, name := range raftStates() {
		gauge(c.state, oneIf(strings.EqualFold(name, state.State)), name)
	}
	gauge(c.term, float64(state.Term))
	gauge(c.leader, oneIf(state.LeaderKnown))
	gauge(c.applied, float64(state.Applied))
	gauge(c.last, float64(state.Last))
	if state.LastContact >= 0 {
		gauge(c.lastContact, state.LastContact.Seconds())
	}
	gauge(c.members, float64(state.Voters), "voter")
	gauge(c.members, float64(state.Nonvoters), "nonvoter")
	for _, r := range state.Reports {
		gauge(c.reportAge, r.Age.Seconds(), r.Peer)
	}
	for database, held := range state.Held {
		gauge(c.held, held.Seconds(), database)
	}
}

func oneIf(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}
