package topology

import (
	"fmt"
	"reflect"
)

// SetSchema changes what is known of a database's tables. SchemaDiff makes it.
type SetSchema struct {
	Database string `json:",omitzero"`
	SchemaChange
}

func (c SetSchema) String() string {
	return fmt.Sprintf("set the schema of database %q (%d relations changed, %d removed)", c.Database, len(c.Changed), len(c.Removed))
}

func (SetSchema) kind() string { return "set_schema" }

func (c SetSchema) apply(t *Topology) (*Topology, error) {
	return t.editDatabase(c.Database, func(db *Database) (bool, error) {
		if c.movesRows(db) {
			if err := t.free(db); err != nil {
				return false, err
			}
		}
		return c.applyTo(t, db)
	})
}

// SetRules replaces a database's rules together with what they resolve to.
type SetRules struct {
	Database string       `json:",omitzero"`
	Rules    Rules        `json:",omitzero"`
	Schema   SchemaChange `json:",omitzero"`
}

func (c SetRules) String() string {
	return fmt.Sprintf("set the rules of database %q (%d relations changed)", c.Database, len(c.Schema.Changed))
}

func (SetRules) kind() string { return "set_rules" }

func (c SetRules) apply(t *Topology) (*Topology, error) {
	return t.editDatabase(c.Database, func(db *Database) (bool, error) {
		if err := t.free(db); err != nil {
			return false, err
		}
		changed, err := c.Schema.applyTo(t, db)
		if err != nil || reflect.DeepEqual(c.Rules, db.Rules) {
			return changed, err
		}
		db.Rules = c.Rules
		if !changed {
			db.SchemaEpoch = t.nextSchemaEpoch(db.SchemaEpoch)
		}
		return true, nil
	})
}
