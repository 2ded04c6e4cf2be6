package topology

import "fmt"

// Arm announces a change: transactions in the scope of Hold wait until it is
// committed or disarmed. The change is tried at once: what could not be applied
// now cannot be armed, and what would change nothing is not. NewArm makes it.
//
// It is refused with a *Conflict while another change of the database is armed,
// or a move of it armed or fenced.
type Arm struct {
	Database string `json:",omitzero"`
	// Change is a routing command for the same database, or a SetAll with such
	// commands.
	Change Entry `json:",omitzero"`
	Hold   Hold  `json:",omitzero"`
}

// NewArm makes an Arm of a command.
func NewArm(database string, change Command, hold Hold) (Arm, error) {
	e, err := EncodeCommand(change, 0)
	return Arm{Database: database, Change: e, Hold: hold}, err
}

func (c Arm) String() string { return "arm: " + c.Change.what() }

func (Arm) kind() string { return "arm" }

func (c Arm) apply(t *Topology) (*Topology, error) {
	db, err := t.database(c.Database)
	if err != nil {
		return t, err
	}
	if err := t.free(db); err != nil {
		return t, err
	}
	change, err := c.Change.inner()
	if err != nil {
		return t, err
	}
	if err := armable(change, c.Database); err != nil {
		return t, err
	}
	made, err := change.apply(t)
	if err != nil || made == t {
		return t, err
	}
	if err := made.validateAfter(t); err != nil {
		return t, fmt.Errorf("%w: %w", ErrInvalid, err)
	}
	armed := db.Clone()
	armed.Armed = &Armed{ID: ArmID(t.nextEpoch()), Change: c.Change, What: change.String(), Hold: c.Hold}
	return t.put(armed), nil
}

// armable refuses what is not a routing change of the one database.
func armable(c Command, database string) error {
	all, ok := c.(SetAll)
	if !ok {
		if name, ok := armedDatabase(c); !ok || name != database {
			return fmt.Errorf("only a routing change of database %q can be armed for it: %w", database, ErrInvalid)
		}
		return nil
	}
	found := false
	for _, e := range all.Commands {
		inner, err := e.inner()
		if err != nil {
			return err
		}
		if name, ok := armedDatabase(inner); ok && name == database {
			found = true
		} else if IsRouting(inner) {
			return fmt.Errorf("%s: it cannot be armed for database %q: %w", inner, database, ErrInvalid)
		}
	}
	if !found {
		return fmt.Errorf("there is no routing change of database %q to be armed: %w", database, ErrInvalid)
	}
	return nil
}

// armedDatabase returns the database that a command routes anew, if it is one
// that may be armed.
func armedDatabase(c Command) (string, bool) {
	switch c := c.(type) {
	case Pause:
		return c.Database, true
	case DropDatabase:
		return c.Database, true
	case SetSchema:
		return c.Database, true
	case SetRules:
		return c.Database, true
	case AddNode:
		return c.Database, true
	case SetNode:
		return c.Database, true
	case RemoveNode:
		return c.Database, true
	case SetOwners:
		return c.Database, true
	}
	return "", false
}

// CommitArmed applies the armed change. Another one in its place, or none, is a
// *Conflict. Where the change cannot be applied any more it is refused as the
// change would be, and still armed.
type CommitArmed struct {
	Database string `json:",omitzero"`
	ID       ArmID  `json:",omitzero"`
}

func (c CommitArmed) String() string {
	return fmt.Sprintf("commit change %d of database %q", c.ID, c.Database)
}

func (CommitArmed) kind() string { return "commit_armed" }

func (c CommitArmed) apply(t *Topology) (*Topology, error) {
	armed, free, err := t.disarmed(c.Database, c.ID)
	if err != nil {
		return t, err
	}
	change, err := armed.Change.inner()
	if err != nil {
		return t, err
	}
	next, err := change.apply(free)
	if err != nil {
		return t, fmt.Errorf("%s: %w", change, err)
	}
	if made := next.Databases[c.Database]; made != nil {
		db := made.Clone()
		db.Held = t.Epoch + 1
		next = next.put(db)
	}
	return next, nil
}

// Disarm gives the armed change up; nothing has happened then.
type Disarm struct {
	Database string `json:",omitzero"`
	ID       ArmID  `json:",omitzero"`
	Reason   string `json:",omitzero"`
}

func (c Disarm) String() string {
	return fmt.Sprintf("disarm change %d of database %q: %s", c.ID, c.Database, c.Reason)
}

func (Disarm) kind() string { return "disarm" }

func (c Disarm) apply(t *Topology) (*Topology, error) {
	_, free, err := t.disarmed(c.Database, c.ID)
	return free, err
}

// disarmed returns the armed change and a copy of t without it, or t itself and
// an error.
func (t *Topology) disarmed(database string, id ArmID) (*Armed, *Topology, error) {
	db, err := t.database(database)
	if err != nil {
		return nil, t, err
	}
	if db.Armed == nil || db.Armed.ID != id {
		what := fmt.Sprintf("no change of database %q is armed, %d neither", database, id)
		if db.Armed != nil {
			what = fmt.Sprintf("change %d of database %q is armed, not %d", db.Armed.ID, database, id)
		}
		return nil, t, &Conflict{Current: t.Epoch, What: what}
	}
	free := db.Clone()
	free.Armed = nil
	return db.Armed, t.put(free), nil
}
