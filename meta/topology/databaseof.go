package topology

// DatabaseOf returns the database that a routing command changes, "" for other
// commands, for those that change none or many, and for a SetAll whose commands
// change several.
func DatabaseOf(c Command) string {
	all, ok := c.(SetAll)
	if !ok {
		return routedDatabase(c)
	}
	one := ""
	for _, e := range all.Commands {
		inner, err := e.inner()
		if err != nil {
			return ""
		}
		switch database := routedDatabase(inner); {
		case one == "":
			one = database
		case database != "" && database != one:
			return ""
		}
	}
	return one
}

func routedDatabase(c Command) string {
	if database, ok := armedDatabase(c); ok {
		return database
	}
	switch c := c.(type) {
	case CreateDatabase:
		if c.Database != nil {
			return c.Database.Name
		}
	case Unpause:
		return c.Database
	case Arm:
		return c.Database
	case CommitArmed:
		return c.Database
	case Disarm:
		return c.Database
	case AdvanceMove:
		return c.Database
	}
	return ""
}
