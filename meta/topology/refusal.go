package topology

import "slices"

// Writes is a set of ways to write to a table.
type Writes uint8

// The ways to write.
const (
	// WriteInsert: INSERT, COPY FROM, a MERGE that inserts.
	WriteInsert Writes = 1 << iota
	// WriteUpdate: UPDATE, the tail of an upsert, a MERGE that updates.
	WriteUpdate
	// WriteDelete: DELETE, TRUNCATE, a MERGE that deletes.
	WriteDelete
)

// Refusal is a kind of write to a relation that must not be planned, because a
// constraint of the table would be checked against the rows of one node only.
type Refusal struct {
	Writes Writes `json:",omitzero"`
	// Columns limits the refusal of updates to those that assign one of them.
	// Empty: every update.
	Columns []string `json:",omitzero"`
	// Reason says what is wrong and Hint how to cure it, for an error.
	Reason string `json:",omitzero"`
	Hint   string `json:",omitzero"`
}

// Refuses returns why a write must not be planned, or nil where it may. The
// assigned columns matter for WriteUpdate only; nil stands for any column.
func (r *Relation) Refuses(w Writes, assigned []string) *Refusal {
	for i := range r.Refusals {
		f := &r.Refusals[i]
		if f.Writes&w&^WriteUpdate != 0 || f.Writes&w&WriteUpdate != 0 && f.assigns(assigned) {
			return f
		}
	}
	return nil
}

func (f *Refusal) assigns(assigned []string) bool {
	if assigned == nil || len(f.Columns) == 0 {
		return true
	}
	return slices.ContainsFunc(assigned, func(c string) bool { return slices.Contains(f.Columns, c) })
}
