package topology

import (
	"fmt"
	"maps"
	"slices"

	"shardproxy/ring"
)

// PlannedMove is a move to be planned.
type PlannedMove struct {
	Source     NodeID       `json:",omitzero"`
	Target     NodeID       `json:",omitzero"`
	Partitions PartitionSet `json:",omitzero"`
}

// PlanMoves adds moves, all or none. They get consecutive ids in order, the
// first after Topology.LastMove. A partition may be in one unfinished move
// only: a move of a soaking partition waits for the soaking move's end.
type PlanMoves struct {
	Database string        `json:",omitzero"`
	Moves    []PlannedMove `json:",omitzero"`
}

func (c PlanMoves) String() string {
	return fmt.Sprintf("plan %d moves of database %q", len(c.Moves), c.Database)
}

func (PlanMoves) kind() string { return "plan_moves" }

func (c PlanMoves) apply(t *Topology) (*Topology, error) {
	last := t.LastMove
	next, err := t.editDatabase(c.Database, func(db *Database) (bool, error) {
		if db.Armed != nil {
			return false, t.free(db)
		}
		if db.Moves = maps.Clone(db.Moves); db.Moves == nil {
			db.Moves = make(map[MoveID]*Move, len(c.Moves))
		}
		movers := db.movers()
		for i := range c.Moves {
			planned := &c.Moves[i]
			if err := planned.check(t, db, movers); err != nil {
				return false, err
			}
			last++
			m := &Move{
				ID: last, Source: planned.Source, Target: planned.Target, Partitions: planned.Partitions,
				State: MovePlanned, Attempt: 1, Since: t.nextEpoch(),
			}
			db.Moves[last] = m
			for p := range m.Partitions.All() {
				movers[p] = m
			}
		}
		db.forget()
		return len(c.Moves) > 0, nil
	})
	if next != t {
		next.LastMove = last
	}
	return next, err
}

func (m *PlannedMove) check(t *Topology, db *Database, movers []*Move) error {
	source, known := db.NodeNamed(m.Source)
	target, knownToo := db.NodeNamed(m.Target)
	switch {
	case !known || !knownToo:
		return fmt.Errorf("move from node %q to %q: %w", m.Source, m.Target, ErrNotFound)
	case source == target:
		return fmt.Errorf("move from node %q to itself: %w", m.Source, ErrInvalid)
	case db.Nodes[target].State == NodeLeaving:
		return fmt.Errorf("node %q is leaving and gets no partitions: %w", m.Target, ErrInvalid)
	}
	if err := m.Partitions.validate(db.HomePartition()); err != nil {
		return err
	}
	for p := range m.Partitions.All() {
		if other := movers[p]; other != nil && other.ID > t.LastMove {
			return fmt.Errorf("partition %d is in two of the moves: %w", p, ErrInvalid)
		} else if other != nil {
			return t.inMove(p, other)
		}
		if db.Owners[p] != source {
			return &Conflict{Current: t.Epoch, What: fmt.Sprintf("partition %d is owned by node %q, not %q", p, db.Nodes[db.Owners[p]].ID, m.Source)}
		}
	}
	return nil
}

// inMove refuses a change of a partition that is being moved.
func (t *Topology) inMove(p ring.Partition, m *Move) error {
	return &Conflict{Current: t.Epoch, What: fmt.Sprintf("partition %d is in move %d, which is %s", p, m.ID, m.State)}
}

// AdvanceMove brings a move from one state to another, see MoveState. It is
// compared with the move as it is: another state, or a transition there is not,
// is refused with ErrTransition, another attempt or epoch with a *Conflict.
type AdvanceMove struct {
	Database string    `json:",omitzero"`
	Move     MoveID    `json:",omitzero"`
	Attempt  int       `json:",omitzero"`
	From     MoveState `json:",omitzero"`
	To       MoveState `json:",omitzero"`
	// Since is compared with Move.Since. It must be given to commit, and may be
	// 0 otherwise.
	Since Epoch `json:",omitzero"`
	// Reason says why a move is unfenced, reversed or aborted.
	Reason string `json:",omitzero"`
	// Schema is for commits of the home partition, see SetOwners.
	Schema SchemaChange `json:",omitzero"`
}

func (c AdvanceMove) String() string {
	return fmt.Sprintf("bring move %d of database %q from %s to %s", c.Move, c.Database, c.From, c.To)
}

func (AdvanceMove) kind() string { return "advance_move" }

func (c AdvanceMove) apply(t *Topology) (*Topology, error) {
	return t.editMove(c.Database, c.Move, c.Attempt, func(db *Database, m *Move) (bool, error) {
		if err := c.check(t, db, m); err != nil {
			return false, err
		}
		switch {
		case m.State.unfences(c.To):
			m.Attempt++
		case m.State.reverses(c.To):
			m.Attempt++
			m.Source, m.Target, m.Reversed = m.Target, m.Source, !m.Reversed
		case c.To == MoveCommitted:
			if err := db.flip(m); err != nil {
				return false, err
			}
			if _, err := c.Schema.applyTo(t, db); err != nil {
				return false, err
			}
		}
		m.State, m.Since = c.To, t.nextEpoch()
		if c.Reason != "" {
			m.Reason = c.Reason
		}
		return true, nil
	})
}

func (c *AdvanceMove) check(t *Topology, db *Database, m *Move) error {
	switch {
	case c.From != m.State:
		return fmt.Errorf("it is %s, not %s: %w", m.State, c.From, ErrTransition)
	case !m.State.mayBecome(c.To):
		return fmt.Errorf("a move never goes from %s to %s: %w", m.State, c.To, ErrTransition)
	case m.State.reverses(c.To) && m.Irreversible:
		return fmt.Errorf("the move cannot be reversed from %s to %s, its source's copy was given up (%s): %w", m.State, c.To, m.Reason, ErrTransition)
	case c.Since != 0 && c.Since != m.Since:
		return &Conflict{Decided: c.Since, Current: t.Epoch, What: fmt.Sprintf("move %d is %s since epoch %d", m.ID, m.State, m.Since)}
	case c.To == MoveCommitted && c.Since == 0:
		return fmt.Errorf("the epoch since which the move is %s must be named to commit it: %w", m.State, ErrInvalid)
	case c.To != MoveCommitted && !c.Schema.empty():
		return fmt.Errorf("the schema can change with %s only: %w", MoveCommitted, ErrInvalid)
	case (c.To.fencing() || c.To == MoveCommitted) && db.Armed != nil:
		return t.free(db)
	}
	return nil
}

// flip gives the partitions of m to its target.
func (d *Database) flip(m *Move) error {
	target, ok := d.NodeNamed(m.Target)
	if !ok {
		return fmt.Errorf("node %q: %w", m.Target, ErrNotFound)
	}
	owners := slices.Clone(d.Owners)
	for p := range m.Partitions.All() {
		owners[p] = target
	}
	d.Owners = owners
	return nil
}

// GiveUpReverse marks a soaking move as irreversible: the source's copy is not
// kept current any more.
type GiveUpReverse struct {
	Database string `json:",omitzero"`
	Move     MoveID `json:",omitzero"`
	Attempt  int    `json:",omitzero"`
	Reason   string `json:",omitzero"`
}

func (c GiveUpReverse) String() string {
	return fmt.Sprintf("make move %d of database %q irreversible: %s", c.Move, c.Database, c.Reason)
}

func (GiveUpReverse) kind() string { return "give_up_reverse" }

func (c GiveUpReverse) apply(t *Topology) (*Topology, error) {
	return t.editMove(c.Database, c.Move, c.Attempt, func(_ *Database, m *Move) (bool, error) {
		if m.State != MoveSoaking {
			return false, fmt.Errorf("it is %s, not %s: %w", m.State, MoveSoaking, ErrTransition)
		}
		was := m.Irreversible
		m.Irreversible, m.Reason = true, c.Reason
		return !was, nil
	})
}

// editMove returns t with an edited copy of a move of that attempt.
func (t *Topology) editMove(database string, id MoveID, attempt int, edit func(*Database, *Move) (bool, error)) (*Topology, error) {
	return t.editDatabase(database, func(db *Database) (bool, error) {
		old := db.Moves[id]
		if old == nil {
			return false, fmt.Errorf("move %d: %w", id, ErrNotFound)
		}
		if old.Attempt != attempt {
			return false, &Conflict{Current: t.Epoch, What: fmt.Sprintf("move %d is at attempt %d (%s), not %d", id, old.Attempt, old.State, attempt)}
		}
		m := *old
		if changed, err := edit(db, &m); err != nil || !changed {
			return false, err
		}
		db.Moves = with(db.Moves, id, &m)
		return true, nil
	})
}
