package rebalance

import (
	"shardproxy/meta/topology"
	"shardproxy/ring"
)

// Plan is what adding or removing a node means.
type Plan struct {
	Database string          `json:"database"`
	Node     topology.NodeID `json:"node"`
	// Slot is the class of generated ids that a new node gets; nil for one that
	// leaves.
	Slot  *topology.Slot `json:"slot,omitempty"`
	Moves []Move         `json:"moves"`
	// Copies are reference tables, which a new node gets whole.
	Copies []Table `json:"copies,omitempty"`
	// TotalRows and TotalBytes are those of all moves and copies.
	TotalRows  int64 `json:"total_rows"`
	TotalBytes int64 `json:"total_bytes"`
	// Estimated: at least one number of rows is not counted. Bytes always are
	// estimated.
	Estimated bool `json:"estimated"`
	// Notes are worth knowing, Problems have to be cured first.
	Notes    []string `json:"notes,omitempty"`
	Problems []string `json:"problems,omitempty"`
}

// Move is the partitions that go from one node to another.
type Move struct {
	Source     topology.NodeID `json:"source"`
	Target     topology.NodeID `json:"target"`
	Partitions int             `json:"partitions"` // the home partition not among them
	Ranges     []Range         `json:"ranges"`
	// Home: the home partition goes too, with everything that has no key.
	Home   bool    `json:"home,omitempty"`
	Tables []Table `json:"tables,omitempty"` // those with rows to move

	set topology.PartitionSet
}

// Range is the partitions First to Last, both included.
type Range struct {
	First ring.Partition `json:"first"`
	Last  ring.Partition `json:"last"`
}

// Table is how much of a table goes.
type Table struct {
	Name string `json:"name"` // qualified
	Rows int64  `json:"rows"`
	// Bytes on disk at the source, indexes included.
	Bytes int64 `json:"bytes"`
	// Exact: the rows were counted.
	Exact bool `json:"exact"`
}

func (p *Plan) problem(texts ...string) { p.Problems = append(p.Problems, texts...) }

func (p *Plan) note(texts ...string) { p.Notes = append(p.Notes, texts...) }

// sum fills the totals.
func (p *Plan) sum() {
	p.TotalRows, p.TotalBytes, p.Estimated = 0, 0, false
	add := func(tables []Table) {
		for _, t := range tables {
			p.TotalRows += t.Rows
			p.TotalBytes += t.Bytes
			p.Estimated = p.Estimated || !t.Exact
		}
	}
	add(p.Copies)
	for _, m := range p.Moves {
		add(m.Tables)
	}
}
