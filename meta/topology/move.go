package topology

import (
	"errors"
	"fmt"
	"slices"
)

// MoveID numbers the moves of a cluster, from 1.
type MoveID uint64

// Move is the transfer of partitions from one node to another.
type Move struct {
	ID         MoveID       `json:",omitzero"`
	Source     NodeID       `json:",omitzero"`
	Target     NodeID       `json:",omitzero"`
	Partitions PartitionSet `json:",omitzero"`
	State      MoveState    `json:",omitzero"`
	// Attempt counts from 1; unfencing and reversing begin a new one.
	Attempt int `json:",omitzero"`
	// Since is the epoch at which the move came into its state. Peers
	// acknowledge (move, attempt, since).
	Since Epoch `json:",omitzero"`
	// Reversed: the move was turned round while it soaked; Source and Target
	// have changed places.
	Reversed bool `json:",omitzero"`
	// Irreversible: the source's copy was given up while the move soaked.
	Irreversible bool `json:",omitzero"`
	// Reason says why the latest attempt was given up, the move was aborted or
	// cannot be reversed.
	Reason string `json:",omitzero"`
}

// Unfinished returns the moves that are not at an end, by their ids.
func (d *Database) Unfinished() []*Move {
	var moves []*Move
	for _, id := range sorted(d.Moves) {
		if m := d.Moves[id]; m != nil && !m.State.Finished() {
			moves = append(moves, m)
		}
	}
	return moves
}

// movers returns the unfinished move of each partition, nil for most.
func (d *Database) movers() []*Move {
	movers := make([]*Move, len(d.Owners))
	for _, m := range d.Unfinished() {
		for p := range m.Partitions.All() {
			movers[p] = m
		}
	}
	return movers
}

// validateMoves checks the moves one by one and against each other and the
// partition table.
func (d *Database) validateMoves() error {
	var errs []error
	for _, id := range sorted(d.Moves) {
		m := d.Moves[id]
		if m == nil || m.ID != id {
			errs = append(errs, fmt.Errorf("move %d is nil or stored under another id", id))
		} else if err := d.validateMove(m); err != nil {
			errs = append(errs, fmt.Errorf("move %d: %w", id, err))
		}
	}
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	movers := make([]*Move, len(d.Owners))
	for _, m := range d.Unfinished() {
		for p := range m.Partitions.All() {
			if other := movers[p]; other != nil {
				return fmt.Errorf("moves %d and %d have partition %d in common", other.ID, m.ID, p)
			}
			movers[p] = m
		}
	}
	return nil
}

func (d *Database) validateMove(m *Move) error {
	switch {
	case m.State.String() == unknown:
		return fmt.Errorf("state %d is unknown", m.State)
	case m.Attempt < 1:
		return fmt.Errorf("attempt %d is not above 0", m.Attempt)
	case m.Source == m.Target:
		return fmt.Errorf("it is from node %q to itself", m.Source)
	}
	if err := m.Partitions.validate(d.HomePartition()); err != nil {
		return err
	}
	if m.State.Finished() {
		return nil // its nodes may be gone and its partitions elsewhere
	}
	source, known := d.NodeNamed(m.Source)
	target, knownToo := d.NodeNamed(m.Target)
	if !known || !knownToo {
		return fmt.Errorf("node %q or %q is unknown", m.Source, m.Target)
	}
	owner := source
	if m.State.Committed() {
		owner = target
	}
	for p := range m.Partitions.All() {
		if d.Owners[p] != owner {
			return fmt.Errorf("it is %s and partition %d is not owned by node %q", m.State, p, d.Nodes[owner].ID)
		}
	}
	return nil
}

// keptMoves is how many finished moves a database remembers.
const keptMoves = 256

// forget drops the oldest finished moves from d.Moves, which is a copy of its
// own.
func (d *Database) forget() {
	ids := slices.DeleteFunc(sorted(d.Moves), func(id MoveID) bool { return !d.Moves[id].State.Finished() })
	for len(ids) > keptMoves {
		delete(d.Moves, ids[0])
		ids = ids[1:]
	}
}
