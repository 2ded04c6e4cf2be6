package topology

import (
	"fmt"
	"slices"
)

// AddNode adds a node, which owns nothing yet. Its name, slot and UID must be
// free.
type AddNode struct {
	Database string `json:",omitzero"`
	Node     Node   `json:",omitzero"`
	// Schema changes what differs with the node there: the type map. Without
	// one, all types have the home node's OIDs on the node.
	Schema SchemaChange `json:",omitzero"`
}

func (c AddNode) String() string {
	return fmt.Sprintf("add node %q to database %q", c.Node.ID, c.Database)
}

func (AddNode) kind() string { return "add_node" }

func (c AddNode) apply(t *Topology) (*Topology, error) {
	return t.editDatabase(c.Database, func(db *Database) (bool, error) {
		if err := t.free(db); err != nil {
			return false, err
		}
		if _, taken := db.NodeNamed(c.Node.ID); taken {
			return false, fmt.Errorf("node %q: %w", c.Node.ID, ErrExists)
		}
		if c.Node.Slot >= db.slotLimit() {
			return false, fmt.Errorf("node %q: slot %d is not below %d, the smallest stride of the database's sequences: %w", c.Node.ID, c.Node.Slot, db.slotLimit(), ErrInvalid)
		}
		db.Nodes = append(slices.Clip(db.Nodes), c.Node)
		if db.Types != nil {
			db.Types = &TypeMap{
				ToNode:     append(slices.Clip(db.Types.ToNode), nil),
				FromNode:   append(slices.Clip(db.Types.FromNode), nil),
				Containers: db.Types.Containers,
			}
		}
		_, err := c.Schema.applyTo(t, db)
		return true, err
	})
}

// slotLimit is above all slots that have a class in every strided sequence.
func (d *Database) slotLimit() Slot {
	limit := int64(Stride)
	for _, s := range d.Sequences {
		if s.Mode == SequenceStrided {
			limit = min(limit, s.Stride)
		}
	}
	return Slot(limit)
}

// FreeSlot returns the lowest slot that no node has and that has a class in all
// strided sequences, or false where there is none left.
func (d *Database) FreeSlot() (Slot, bool) {
	for slot := range d.slotLimit() {
		if !slices.ContainsFunc(d.Nodes, func(n Node) bool { return n.Slot == slot }) {
			return slot, true
		}
	}
	return 0, false
}

// SetNode changes a node. What is nil stays.
type SetNode struct {
	Database string     `json:",omitzero"`
	Node     NodeID     `json:",omitzero"`
	DSN      *string    `json:",omitzero"`
	AdminDSN *string    `json:",omitzero"`
	UID      *string    `json:",omitzero"`
	Weight   *int       `json:",omitzero"`
	State    *NodeState `json:",omitzero"`
}

func (c SetNode) String() string {
	return fmt.Sprintf("change node %q of database %q", c.Node, c.Database)
}

func (SetNode) kind() string { return "set_node" }

func (c SetNode) apply(t *Topology) (*Topology, error) {
	return t.editDatabase(c.Database, func(db *Database) (bool, error) {
		if c.leadsElsewhere() {
			if err := t.free(db); err != nil {
				return false, err
			}
		}
		i, ok := db.NodeNamed(c.Node)
		if !ok {
			return false, fmt.Errorf("node %q: %w", c.Node, ErrNotFound)
		}
		n := db.Nodes[i]
		replace(&n.DSN, c.DSN)
		replace(&n.AdminDSN, c.AdminDSN)
		replace(&n.UID, c.UID)
		replace(&n.Weight, c.Weight)
		replace(&n.State, c.State)
		if n == db.Nodes[i] {
			return false, nil
		}
		db.Nodes = slices.Clone(db.Nodes)
		db.Nodes[i] = n
		return true, nil
	})
}

// leadsElsewhere says whether statements could reach another server afterwards.
func (c *SetNode) leadsElsewhere() bool { return c.DSN != nil || c.UID != nil }

func replace[T any](field, by *T) {
	if by != nil {
		*field = *by
	}
}

// RemoveNode forgets a node that owns nothing. The places of the nodes after it
// in Database.Nodes change.
type RemoveNode struct {
	Database string `json:",omitzero"`
	Node     NodeID `json:",omitzero"`
}

func (c RemoveNode) String() string {
	return fmt.Sprintf("remove node %q from database %q", c.Node, c.Database)
}

func (RemoveNode) kind() string { return "remove_node" }

func (c RemoveNode) apply(t *Topology) (*Topology, error) {
	return t.editDatabase(c.Database, func(db *Database) (bool, error) {
		if err := t.free(db); err != nil {
			return false, err
		}
		i, ok := db.NodeNamed(c.Node)
		if !ok {
			return false, fmt.Errorf("node %q: %w", c.Node, ErrNotFound)
		}
		for _, m := range db.Unfinished() {
			if m.Source == c.Node || m.Target == c.Node {
				return false, fmt.Errorf("node %q: move %d is %s: %w", c.Node, m.ID, m.State, ErrInUse)
			}
		}
		return true, db.removeNode(i)
	})
}

func (d *Database) removeNode(gone NodeIndex) error {
	owners := slices.Clone(d.Owners)
	owned := 0
	for p, n := range owners {
		switch {
		case n == gone:
			owned++
		case n > gone:
			owners[p] = n - 1
		}
	}
	if owned > 0 {
		return fmt.Errorf("node %q owns %d partitions: %w", d.Nodes[gone].ID, owned, ErrInUse)
	}
	d.Nodes, d.Owners = slices.Delete(slices.Clone(d.Nodes), int(gone), int(gone)+1), owners
	if d.Types != nil {
		d.Types = &TypeMap{
			ToNode:     slices.Delete(slices.Clone(d.Types.ToNode), int(gone), int(gone)+1),
			FromNode:   slices.Delete(slices.Clone(d.Types.FromNode), int(gone), int(gone)+1),
			Containers: d.Types.Containers,
		}
	}
	return nil
}
