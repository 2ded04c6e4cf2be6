package topology

import "maps"

// Clone returns a copy that shares what it points to. To change a part,
// replace it whole in the copy; the original's maps and slices are immutable.
func (d *Database) Clone() *Database {
	c := *d
	return &c
}

// WithDatabase returns a topology of the next epoch that has db in place of the
// database of that name, or in addition.
func (t *Topology) WithDatabase(db *Database) *Topology {
	next := *t
	next.Epoch++
	next.Databases = maps.Clone(t.Databases)
	if next.Databases == nil {
		next.Databases = make(map[string]*Database, 1)
	}
	next.Databases[db.Name] = db
	return &next
}

// WithUsers returns a topology of the next epoch with other users.
func (t *Topology) WithUsers(users map[string]*User) *Topology {
	next := *t
	next.Epoch++
	next.Users = users
	return &next
}

// OwnerNodes returns the nodes that own partitions, in order. They are the
// broadcast set: only they hold rows, and only they have complete copies of
// reference tables.
func (d *Database) OwnerNodes() []NodeIndex {
	owns := make([]bool, len(d.Nodes))
	for _, n := range d.Owners {
		owns[n] = true
	}
	var nodes []NodeIndex
	for i, ok := range owns {
		if ok {
			nodes = append(nodes, NodeIndex(i))
		}
	}
	return nodes
}

// NodeNamed returns the index of a node.
func (d *Database) NodeNamed(id NodeID) (NodeIndex, bool) {
	for i := range d.Nodes {
		if d.Nodes[i].ID == id {
			return NodeIndex(i), true
		}
	}
	return 0, false
}
