package topology

import (
	"fmt"
	"slices"
)

// CreateDatabase adds a database as it was seeded.
type CreateDatabase struct {
	Database *Database `json:",omitzero"`
}

func (c CreateDatabase) String() string {
	if c.Database == nil {
		return "create no database"
	}
	return fmt.Sprintf("create database %q", c.Database.Name)
}

func (CreateDatabase) kind() string { return "create_database" }

func (c CreateDatabase) apply(t *Topology) (*Topology, error) {
	db, err := t.newDatabase(c.Database)
	if err != nil {
		return t, err
	}
	return t.put(db), nil
}

// newDatabase returns what a seeded database is stored as.
func (t *Topology) newDatabase(seeded *Database) (*Database, error) {
	switch {
	case seeded == nil:
		return nil, fmt.Errorf("there is no database: %w", ErrInvalid)
	case t.Databases[seeded.Name] != nil:
		return nil, fmt.Errorf("database %q: %w", seeded.Name, ErrExists)
	case seeded.SchemaEpoch > maxEpoch:
		return nil, fmt.Errorf("schema epoch %d of database %q is too large: %w", seeded.SchemaEpoch, seeded.Name, ErrInvalid)
	case seeded.Armed != nil || len(seeded.Moves) > 0:
		return nil, fmt.Errorf("database %q is new and has moves or an armed change: %w", seeded.Name, ErrInvalid)
	}
	db := seeded.Clone()
	db.SchemaEpoch = t.nextSchemaEpoch(seeded.SchemaEpoch)
	return db, nil
}

// DropDatabase forgets a database; its nodes keep what they have. It is refused
// while users are limited to it or a move is not finished.
type DropDatabase struct {
	Database string `json:",omitzero"`
}

func (c DropDatabase) String() string { return fmt.Sprintf("drop database %q", c.Database) }

func (DropDatabase) kind() string { return "drop_database" }

func (c DropDatabase) apply(t *Topology) (*Topology, error) {
	db, err := t.database(c.Database)
	if err != nil {
		return t, err
	}
	if err := t.free(db); err != nil {
		return t, err
	}
	if moves := db.Unfinished(); len(moves) > 0 {
		return t, fmt.Errorf("move %d is %s: %w", moves[0].ID, moves[0].State, ErrInUse)
	}
	for _, name := range sorted(t.Users) {
		if slices.Contains(t.Users[name].Databases, c.Database) {
			return t, fmt.Errorf("user %q is limited to it, change or remove the user first: %w", name, ErrInUse)
		}
	}
	next := *t
	next.Databases = without(t.Databases, c.Database)
	return &next, nil
}

// SetPool sets the limits of a database's pools.
type SetPool struct {
	Database string `json:",omitzero"`
	Pool     Pool   `json:",omitzero"`
}

func (c SetPool) String() string { return fmt.Sprintf("set the pools of database %q", c.Database) }

func (SetPool) kind() string { return "set_pool" }

func (c SetPool) apply(t *Topology) (*Topology, error) {
	return t.editDatabase(c.Database, func(db *Database) (bool, error) {
		old := db.Pool
		db.Pool = c.Pool
		return c.Pool != old, nil
	})
}

// Pause makes all new transactions of a database wait. Those under way end before
// it when it is armed first.
type Pause struct {
	Database string `json:",omitzero"`
}

func (c Pause) String() string { return fmt.Sprintf("pause database %q", c.Database) }

func (Pause) kind() string { return "pause" }

func (c Pause) apply(t *Topology) (*Topology, error) { return t.pause(c.Database, true) }

// Unpause lets them go on.
type Unpause struct {
	Database string `json:",omitzero"`
}

func (c Unpause) String() string { return fmt.Sprintf("unpause database %q", c.Database) }

func (Unpause) kind() string { return "unpause" }

func (c Unpause) apply(t *Topology) (*Topology, error) { return t.pause(c.Database, false) }

func (t *Topology) pause(database string, paused bool) (*Topology, error) {
	return t.editDatabase(database, func(db *Database) (bool, error) {
		was := db.Paused
		db.Paused = paused
		return was != paused, nil
	})
}
