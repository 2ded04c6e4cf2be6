package topology

import "shardproxy/ring"

// TableKind is the kind of a relation on the server.
type TableKind uint8

// The kinds.
const (
	OrdinaryTable TableKind = iota + 1
	PartitionedTable
	// TablePartition belongs to the partitioned table TableSchema.Parents[0].
	TablePartition
	// InheritanceParent is a table whose rows include those of its children.
	InheritanceParent
	// InheritanceChild adds its rows to those of TableSchema.Parents.
	InheritanceChild
	ForeignTable
	MaterializedView
	PlainView
	// SystemRelation is the server's own, or a sequence read as a table.
	SystemRelation
)

// TableSchema describes a table or view as its server's catalog has it, in
// terms that are the same for all engines. router/catalog makes it.
type TableSchema struct {
	Name TableName
	OID  uint32 // on the home node
	Kind TableKind
	// Parents are set for partitions and inheritance children.
	Parents []TableName
	// Extension names the extension that owns the table, or is empty.
	Extension string

	Columns     []ColumnSchema
	Uniques     []IndexSchema // the primary key first
	ForeignKeys []ForeignKey
	Triggers    []Trigger // enabled ones, the server's own excluded
	RowRules    []string  // enabled rewrite rules
	Policies    []Policy  // row-level security
	// CheckFunctions are user-defined functions that CHECK constraints and
	// generated columns call.
	CheckFunctions []string
	// ViewText is the definition of a view, one SELECT with qualified names.
	ViewText string
}

// ColumnSchema is a column.
type ColumnSchema struct {
	Column
	// Declared is the type with its modifiers: "numeric(10,2)".
	Declared string
	// KeyType is the key type the column may have, 0 where it cannot be a
	// shard key; then KeyProblem says why.
	KeyType    ring.KeyType
	KeyProblem string
	// MaxLength is the limit of a text column in characters, 0 without one.
	MaxLength int
	// IntBits is the width of an integer column, 0 for others.
	IntBits int
	// Default is the expression of the default, "" without one.
	Default string
	// DefaultFunctions are user-defined functions that the default calls.
	DefaultFunctions []string
	// DefaultsDiffer: the nodes have different defaults.
	DefaultsDiffer bool
	// Draw says how a missing value is made ahead of an INSERT. Where the
	// column has a default that cannot be, DrawProblem says why.
	Draw        Draw
	DrawProblem string
	// Sequence feeds the default or identity; zero where none does.
	Sequence TableName
	// SequenceProblem says why values of two nodes may collide in spite of
	// Sequence: it cannot be strided, or the default changes its numbers.
	SequenceProblem string
	// Random: the default makes values that no other node makes (uuids).
	Random bool
}

// IndexSchema is a unique index or a constraint that acts like one.
type IndexSchema struct {
	Name    string
	Primary bool
	Partial bool
	// Inherited: a partition's part of an index of the partitioned table.
	Inherited bool
	Columns   []IndexColumn
}

// IndexColumn is a key column of an index.
type IndexColumn struct {
	Name string // "" for an expression
	// Exact: the index takes two values for equal exactly where "=" does.
	Exact bool
}

// ForeignKey points from the table that declares it to Parent.
type ForeignKey struct {
	Name          string
	Columns       []string
	Parent        TableName
	ParentColumns []string
	OnDelete      Action
	OnUpdate      Action
}

// Action is what a foreign key does to its rows when the parent row goes or
// changes.
type Action uint8

// The actions.
const (
	NoAction Action = iota // RESTRICT as well
	Cascade
	SetNull
	SetDefault
)

// Trigger is a trigger with the function it calls.
type Trigger struct {
	Name string
	// Function is qualified: "public.audit". Empty for a function that comes
	// with the server and touches no row but the one it fires for.
	Function string
}

// Policy is a row-level security policy that reads more than its own row.
type Policy struct {
	Name      string
	Reads     []TableName
	Functions []string
}

func (t *TableSchema) column(name string) *ColumnSchema {
	for i := range t.Columns {
		if t.Columns[i].Name == name {
			return &t.Columns[i]
		}
	}
	return nil
}

// primaryKey returns the names of the primary key's columns, or nil.
func (t *TableSchema) primaryKey() []string {
	for _, u := range t.Uniques {
		if u.Primary {
			return u.names()
		}
	}
	return nil
}

func (u *IndexSchema) names() []string {
	names := make([]string, len(u.Columns))
	for i, c := range u.Columns {
		names[i] = c.Name
	}
	return names
}
