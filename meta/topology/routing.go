package topology

// IsRouting says whether every peer must have published what c makes, or be cut
// off from the nodes, before c is answered. The others are cosmetic.
func IsRouting(c Command) bool {
	switch c := c.(type) {
	case SetNode:
		return c.leadsElsewhere()
	case CreateDatabase, DropDatabase, Pause, SetSchema, SetRules, AddNode, RemoveNode, SetOwners,
		Arm, CommitArmed, AdvanceMove, Restore:
		return true
	case SetAll:
		return anyInner(c, IsRouting)
	}
	return false
}

// NeedsHold says whether what was planned before c could be wrong after it, so
// that c has to be armed and committed while no transaction is under way. Pause
// promises just that: no transaction is open after it. Moves have a protocol of
// their own and need none.
func NeedsHold(t *Topology, c Command) bool {
	if all, ok := c.(SetAll); ok {
		return anyInner(all, func(c Command) bool { return NeedsHold(t, c) })
	}
	name, ok := armedDatabase(c)
	db := t.Databases[name]
	if !ok || db == nil {
		return false // nothing was planned
	}
	switch c := c.(type) {
	case SetNode:
		return false // the node is the same, by its UID
	case SetSchema:
		return c.movesRows(db)
	}
	return true
}

func anyInner(all SetAll, is func(Command) bool) bool {
	for _, e := range all.Commands {
		if c, err := e.inner(); err == nil && is(c) {
			return true
		}
	}
	return false
}
