package querytree

// DDLSpec says what a statement does to objects of the catalog. The relations it
// names are in Statement.Relations, expressions in Statement.Exprs, the query
// of a view in Statement.Query.
type DDLSpec struct {
	// Object is the kind of object in lower case, as in the command's name:
	// "table", "index", "view", "materialized view", "sequence", "schema",
	// "type", "domain", "function", "trigger", "database", "role",
	// "extension" ...
	Object string
	Action Action
	// Names are the objects themselves where they are no relations: the index
	// of CREATE INDEX, the trigger, the schema, the function. Each has the
	// schema it was written with.
	Names []RelationName

	IfExists     bool
	IfNotExists  bool
	OrReplace    bool
	Cascade      bool
	Concurrently bool

	// NewName is the name after RENAME TO; Column the column it renames.
	NewName string
	Column  string
	// NewSchema is the schema after SET SCHEMA.
	NewSchema string

	// Columns and Constraints are what CREATE TABLE defines. CREATE INDEX is
	// one Constraint of kind "index" or "unique".
	Columns     []ColumnDefinition
	Constraints []Constraint
	// Parents are the tables of INHERIT and INHERITS, or of PARTITION OF where
	// PartitionOf is set; Like are those of LIKE.
	Parents     []RelationName
	PartitionOf bool
	Like        []RelationName
	// PartitionBy are the columns of PARTITION BY ("" for an expression).
	PartitionBy []string

	// Changes are the parts of ALTER TABLE and its like, in order.
	Changes []Change

	// Options are options by name in lower case, such as those of a sequence
	// ("increment", "start", "cache", "owned_by") or of VACUUM.
	Options map[string]string
}

// Action is what a DDL statement does.
type Action uint8

// The actions.
const (
	ActionCreate Action = iota + 1
	ActionAlter
	ActionDrop
	ActionRename
	ActionSetSchema
	ActionSetOwner
	ActionComment // also SECURITY LABEL
	ActionGrant
	ActionRevoke
	ActionTruncate
	ActionMaintain // VACUUM, ANALYZE, REINDEX, CLUSTER
	ActionRefresh  // REFRESH MATERIALIZED VIEW
)

// ColumnDefinition is one column of CREATE TABLE or ADD COLUMN.
type ColumnDefinition struct {
	Name string
	// Type is spelled as in Cast: "int8", "bigserial", "myschema.mytype".
	Type     string
	Array    bool
	Modified bool
	NotNull  bool
	// Default is the default's expression, or nil.
	Default Expr
	// Identity is "always", "by default" or "".
	Identity string
	// Sequence are the options of an identity's sequence.
	Sequence map[string]string
	// Generated: GENERATED ALWAYS AS (...) STORED.
	Generated bool
}

// Constraint is a constraint of a table, an index, or a constraint written
// with its column.
type Constraint struct {
	// Kind is "primary key", "unique", "foreign key", "check", "exclude",
	// "not null" or "index".
	Kind string
	Name string
	// Columns are the key columns in order; "" for an expression.
	Columns []string
	// Predicate is set for a partial index or exclusion.
	Predicate bool
	// References and RefColumns are those of a foreign key; RefColumns is nil
	// for the primary key of the table.
	References *RelationName
	RefColumns []string
	// UsingIndex names the index that a constraint takes over.
	UsingIndex string
}

// Change is one part of an ALTER TABLE.
type Change struct {
	// Kind is what is done, in lower case: "add column", "drop column",
	// "alter type", "set not null", "drop not null", "set default", "drop
	// default", "add constraint", "drop constraint", "add identity", "drop
	// identity", "attach partition", "inherit", "disable trigger" ...
	Kind string
	// Name is the column, constraint, trigger or index that is changed.
	Name string
	// Definition is the new column of "add column", the new type of "alter
	// type", the new default of "set default"; Constraint the new one of "add
	// constraint". Using is the expression of "alter type".
	Definition *ColumnDefinition
	Using      Expr
	Constraint *Constraint
	Cascade    bool
	// IfExists is IF EXISTS, or IF NOT EXISTS of "add column".
	IfExists bool
	// Options are those of SET (...) and of an identity.
	Options map[string]string
}
