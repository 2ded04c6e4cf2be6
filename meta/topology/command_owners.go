package topology

import (
	"fmt"
	"slices"

	"shardproxy/ring"
)

// OwnerRun gives the partitions First to Last, both included, to a node.
type OwnerRun struct {
	First ring.Partition `json:",omitzero"`
	Last  ring.Partition `json:",omitzero"`
	Node  NodeID         `json:",omitzero"`
}

// OwnerRuns returns the partitions, the home partition among them, that have
// another owner in owners than in d, as SetOwners wants them. owners has the
// length of d.Owners and indexes d.Nodes.
func (d *Database) OwnerRuns(owners []NodeIndex) []OwnerRun {
	var runs []OwnerRun
	for i, n := range owners {
		if n == d.Owners[i] {
			continue
		}
		p, id := ring.Partition(i), d.Nodes[n].ID
		if last := len(runs) - 1; last >= 0 && runs[last].Node == id && runs[last].Last+1 == p {
			runs[last].Last = p
		} else {
			runs = append(runs, OwnerRun{p, p, id})
		}
	}
	return runs
}

// SetOwners gives partitions to other nodes at once, without moving a row; what
// is not named keeps its owner. It is refused for partitions of an unfinished
// move.
type SetOwners struct {
	Database string `json:",omitzero"`
	// Owners are in order and do not overlap.
	Owners []OwnerRun `json:",omitzero"`
	// Schema changes what is known in the home node's terms (OIDs), where the
	// home partition gets another owner.
	Schema SchemaChange `json:",omitzero"`
}

func (c SetOwners) String() string {
	n := 0
	for _, r := range c.Owners {
		n += int(r.Last) - int(r.First) + 1
	}
	return fmt.Sprintf("set the owners of %d partitions of database %q", n, c.Database)
}

func (SetOwners) kind() string { return "set_owners" }

func (c SetOwners) apply(t *Topology) (*Topology, error) {
	return t.editDatabase(c.Database, func(db *Database) (bool, error) {
		if err := t.free(db); err != nil {
			return false, err
		}
		owners, err := c.owners(t, db)
		if err != nil {
			return false, err
		}
		changed := !slices.Equal(owners, db.Owners)
		if changed {
			db.Owners = owners
		}
		other, err := c.Schema.applyTo(t, db)
		return changed || other, err
	})
}

func (c SetOwners) owners(t *Topology, db *Database) ([]NodeIndex, error) {
	owners, movers := slices.Clone(db.Owners), db.movers()
	for i, r := range c.Owners {
		if r.Last < r.First || int(r.Last) >= len(owners) || i > 0 && r.First <= c.Owners[i-1].Last {
			return nil, fmt.Errorf("partitions %d to %d are out of order or beyond %d: %w", r.First, r.Last, db.HomePartition(), ErrInvalid)
		}
		node, ok := db.NodeNamed(r.Node)
		if !ok {
			return nil, fmt.Errorf("node %q: %w", r.Node, ErrNotFound)
		}
		for p := r.First; p <= r.Last; p++ {
			if m := movers[p]; m != nil {
				return nil, t.inMove(p, m)
			}
			owners[p] = node
		}
	}
	return owners, nil
}
