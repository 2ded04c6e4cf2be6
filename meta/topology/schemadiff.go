package topology

// SchemaDiff returns the command that makes the schema of next (relations,
// sequences, functions, types) that of old, and whether they differ at all.
func SchemaDiff(old, next *Database) (SetSchema, bool) {
	return SetSchema{Database: old.Name, SchemaChange: SchemaChange{OnSchemaEpoch: old.SchemaEpoch}}, false
}
