package topology

// CreateDatabase adds a database as it was seeded.
type CreateDatabase struct{ Database *Database }

// DropDatabase forgets a database; its nodes keep what they have. It is refused
// while users are limited to it or a move is not finished.
type DropDatabase struct{ Database string }

// SetPool sets the limits of a database's pools.
type SetPool struct {
	Database string
	Pool     Pool
}

// Pause makes all new transactions of a database wait.
type Pause struct{ Database string }

// Unpause lets them go on.
type Unpause struct{ Database string }
