package topology

// IsRouting says whether every peer must have published what c makes, or be cut
// off from the nodes, before c is answered. The others are cosmetic.
func IsRouting(c Command) bool {
	switch c := c.(type) {
	case SetNode:
		return c.DSN != nil || c.UID != nil
	case CreateDatabase, DropDatabase, Pause, SetSchema, SetRules, AddNode, RemoveNode, SetOwners,
		Arm, CommitArmed, AdvanceMove, Restore:
		return true
	case SetAll:
		return anyInner(c, IsRouting)
	}
	return false
}

// NeedsHold says whether what was planned before c could be wrong after it, so
// that c has to be armed and committed while no transaction is under way.
func NeedsHold(t *Topology, c Command) bool {
	switch c := c.(type) {
	case DropDatabase, SetRules, AddNode, RemoveNode, SetOwners:
		return true
	case SetSchema:
		db := t.Databases[c.Database]
		return db != nil && c.movesRows(db)
	case SetAll:
		return anyInner(c, func(c Command) bool { return NeedsHold(t, c) })
	}
	return false
}

func anyInner(all SetAll, is func(Command) bool) bool {
	for _, e := range all.Commands {
		if c, err := e.inner(); err == nil && is(c) {
			return true
		}
	}
	return false
}

// movesRows says whether a relation that was there is placed by another rule
// afterwards. Statements on a refused relation were never planned.
func (s *SchemaChange) movesRows(db *Database) bool {
	for _, now := range s.Changed {
		if now == nil {
			continue
		}
		old := db.Relations[now.Name]
		if old != nil && old.Placement != Refused && (!SamePlacement(old, now) || old.Key.Kind != now.Key.Kind) {
			return true
		}
	}
	return false
}
