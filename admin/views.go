package admin

import (
	"context"

	"shardproxy/internal/metrics"
	"shardproxy/meta/topology"
	"shardproxy/router/plan"
)

// Readiness says whether clients can be served.
type Readiness interface {
	// Ready returns nil, or the reason why not. It must return soon.
	Ready(ctx context.Context) error
}

// Topology gives the topology in use.
type Topology interface {
	// Current returns an immutable value; nil before there is one.
	Current() *topology.Topology
}

// Pools gives the state of the pools, for the counts of /v1/nodes.
type Pools interface {
	States() []metrics.PoolState
}

// Explainer plans statements.
type Explainer interface {
	// Explain plans each statement of a text, and executes nothing. Its error
	// is an *sqlerr.Error when the statement or its database is to blame.
	Explain(ctx context.Context, request ExplainRequest) ([]plan.Explanation, error)
}

// Status is the answer of /v1/status.
type Status struct {
	Version   string `json:"version"`
	ClusterID string `json:"cluster_id,omitempty"`
	Epoch     uint64 `json:"epoch"` // of the topology that the peer serves with
	Ready     bool   `json:"ready"`
	NotReady  string `json:"not_ready,omitempty"` // why
	// Peer is the one that answers, Leader the one that decides; empty where
	// none is known.
	Peer         string           `json:"peer,omitempty"`
	Leader       string           `json:"leader,omitempty"`
	RaftState    string           `json:"raft_state,omitempty"` // leader, follower, candidate, shutdown
	Term         uint64           `json:"term,omitempty"`
	AppliedEpoch uint64           `json:"applied_epoch,omitempty"`
	AppliedIndex uint64           `json:"applied_index,omitempty"` // of Raft's log
	LastIndex    uint64           `json:"last_index,omitempty"`
	Peers        int              `json:"peers,omitempty"`
	Databases    []DatabaseStatus `json:"databases"`
}

// DatabaseStatus is a database in one line.
type DatabaseStatus struct {
	Name       string `json:"name"`
	Engine     string `json:"engine"`
	Nodes      int    `json:"nodes"`
	Partitions int    `json:"partitions"`
	Tables     int    `json:"tables"`
	Paused     bool   `json:"paused,omitempty"` // no transaction begins
	// Armed is the change that transactions wait for.
	Armed *Armed `json:"armed,omitempty"`
}

// Armed is a change that has been announced to all peers and not been made yet.
type Armed struct {
	ID   uint64 `json:"id"`
	What string `json:"what"`
	// Tables are those whose transactions wait; empty: all of the database.
	Tables []string `json:"tables,omitempty"`
}

// Nodes is the answer of /v1/nodes.
type Nodes struct {
	Database string `json:"database"`
	Epoch    uint64 `json:"epoch"`
	Nodes    []Node `json:"nodes"`
}

// Node is a database server. Its DSNs are shown without password and
// parameters.
type Node struct {
	Name       string `json:"name"`
	DSN        string `json:"dsn"`
	AdminDSN   string `json:"admin_dsn,omitempty"`
	State      string `json:"state"` // active, joining or leaving
	Slot       int    `json:"slot"`
	Weight     int    `json:"weight"`
	Partitions int    `json:"partitions"` // of the ordinary ones
	Home       bool   `json:"home"`       // owns the home partition
	Up         bool   `json:"up"`
	// Connections of all pools to the node, and the clients that wait for one.
	Idle       int `json:"idle"`
	Active     int `json:"active"`
	Cancelling int `json:"cancelling"`
	Dialing    int `json:"dialing"`
	Waiting    int `json:"waiting"`
}

// Tables is the answer of /v1/tables.
type Tables struct {
	Database string  `json:"database"`
	Epoch    uint64  `json:"epoch"`
	Tables   []Table `json:"tables"`
}

// Table says where a table's rows are.
type Table struct {
	Name      string   `json:"name"`
	Placement string   `json:"placement"`
	Source    string   `json:"source"`
	Kind      string   `json:"kind,omitempty"`     // key kind of a sharded table
	Column    string   `json:"column,omitempty"`   // its key column
	KeyType   string   `json:"key_type,omitempty"` // int, uuid, text, bytes
	NameKey   string   `json:"name_key,omitempty"` // the key its name carries
	Reason    string   `json:"reason,omitempty"`
	Warnings  []string `json:"warnings,omitempty"`
}

// Ring is the answer of /v1/ring.
type Ring struct {
	Database   string  `json:"database"`
	Epoch      uint64  `json:"epoch"`
	Partitions int     `json:"partitions"`
	Home       string  `json:"home"` // the node of the home partition
	Nodes      []Share `json:"nodes"`
	Ranges     []Range `json:"ranges"`
}

// Share is how much of the ring a node owns.
type Share struct {
	Node       string `json:"node"`
	Partitions int    `json:"partitions"`
	// Share is the part of all partitions that it owns, Target the one that its
	// weight would give it; both 0 to 1.
	Share  float64 `json:"share"`
	Target float64 `json:"target"`
}

// Range is a run of partitions with one owner.
type Range struct {
	First uint32 `json:"first"`
	Last  uint32 `json:"last"`
	Node  string `json:"node"`
}

// ExplainRequest is the body of /v1/explain.
type ExplainRequest struct {
	// Database may be left out when there is one only.
	Database string `json:"database,omitempty"`
	SQL      string `json:"sql"`
	// Params are the values of $1, $2 ... in text form.
	Params []Param `json:"params,omitempty"`
	// SearchPath is the session's; empty: the default.
	SearchPath []string `json:"search_path,omitempty"`
}

// Explanations is the answer of /v1/explain, one per statement.
type Explanations struct {
	Database   string        `json:"database"`
	Statements []Explanation `json:"statements"`
}

// Explanation says where one statement would run, and why.
type Explanation struct {
	Class      string           `json:"class"`
	Nodes      []string         `json:"nodes"` // empty: any will do, or none
	Partitions []uint32         `json:"partitions,omitempty"`
	WholeNode  bool             `json:"whole_node,omitempty"` // counts as touching all of its nodes
	Key        string           `json:"key,omitempty"`        // project:42
	Tables     []TableReference `json:"tables,omitempty"`
	Why        []string         `json:"why,omitempty"`
	Error      string           `json:"error,omitempty"`
	Hint       string           `json:"hint,omitempty"`
}

// TableReference says how one table of a statement is bound.
type TableReference struct {
	Table string `json:"table"`
	Rule  string `json:"rule"`
	Bound string `json:"bound"`
}
