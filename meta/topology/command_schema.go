package topology

// SchemaChange is the difference between two versions of what is known of a
// database's tables. A change that is not empty gives the database its next
// schema epoch.
type SchemaChange struct {
	// OnSchemaEpoch is the schema epoch that the difference was made from.
	// Another one is a *Conflict.
	OnSchemaEpoch Epoch
	// Changed are new and changed relations, Removed those that are gone.
	Changed []*Relation
	Removed []TableName
	// Sequences are new and changed ones.
	Sequences        []Sequence
	RemovedSequences []TableName
	// Functions are new ones.
	Functions        []string
	RemovedFunctions []string
	// Types is set where the type map changes.
	Types *TypesChange
}

// TypesChange replaces a database's type map; Map is nil where all types have
// the same OIDs everywhere.
type TypesChange struct{ Map *TypeMap }

// SetSchema changes what is known of a database's tables.
type SetSchema struct {
	Database string
	SchemaChange
}

// SetRules replaces a database's rules together with what they resolve to.
type SetRules struct {
	Database string
	Rules    Rules
	Schema   SchemaChange
}
