package topology

import "shardproxy/ring"

// Rules are what an operator declared about a database's shard keys, before
// they are resolved against its tables.
type Rules struct {
	// KeyOrder is the order in which key kinds are tried by convention.
	KeyOrder []ring.KeyKind `json:",omitzero"`
	// Tables are rules by table name; a name without schema matches any schema.
	Tables map[string]TableRule `json:",omitzero"`
	// TablePattern is a regular expression with one capture: the key a table's
	// name carries. PatternKind is its key kind (default project).
	TablePattern string       `json:",omitzero"`
	PatternKind  ring.KeyKind `json:",omitzero"`
	// KeyColumns adds column names to those the conventions know, by kind:
	// project: [_tenant, tenant_id].
	KeyColumns map[ring.KeyKind][]string `json:",omitzero"`
	// NullKey is the default of TableRule.NullKey for tables placed by
	// convention.
	NullKey string `json:",omitzero"`
	// Reference and Global are table names or glob patterns ("_console_*").
	Reference []string `json:",omitzero"`
	Global    []string `json:",omitzero"`
	// Functions declares user-defined functions that touch no rows but those
	// of their arguments ("pure").
	Functions map[string]string `json:",omitzero"`
	// Stride is that of sequences that have none yet, a power of two; 0: the
	// constant Stride. See Strides.
	Stride int64 `json:",omitzero"`
}

// TableRule is the declared rule of one table.
type TableRule struct {
	Key    ring.KeyKind `json:",omitzero"`
	Column string       `json:",omitzero"`
	// NullKey is "" (a NULL key is refused) or "replicated".
	NullKey string `json:",omitzero"`
	// Triggers is "" (writes refused where triggers exist) or "local".
	Triggers string `json:",omitzero"`
	// Unique lists unique indexes without the shard key that the operator
	// accepts as unique per node only.
	Unique []string `json:",omitzero"`
	// ForeignKeys lists foreign keys that do not join equal shard keys and that
	// the operator accepts: they are checked against the rows of one node.
	ForeignKeys []string `json:",omitzero"`
}

// TypeMap translates OIDs of user-defined types between the home node's, which
// clients see, and those of the other nodes.
type TypeMap struct {
	// ToNode and FromNode are indexed by NodeIndex; a nil map or a missing
	// entry means the OID is the same.
	ToNode   []map[uint32]uint32 `json:",omitzero"`
	FromNode []map[uint32]uint32 `json:",omitzero"`
	// Containers are the types, by the home node's OIDs, whose values in binary
	// form hold OIDs of such types inside: arrays and composites of them, and
	// what is made of those.
	Containers map[uint32]bool `json:",omitzero"`
}

// Alike reports whether all types have the same OIDs on a node as on the home
// node. It may be called on nil, and for a node that is no longer there.
func (m *TypeMap) Alike(node NodeIndex) bool {
	return m == nil || int(node) >= len(m.ToNode) || m.ToNode[node] == nil && m.FromNode[node] == nil
}
