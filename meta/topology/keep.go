package topology

import "fmt"

// SamePlacement says whether the rows of two relations are where the other's
// rule expects them.
func SamePlacement(a, b *Relation) bool {
	return a.Placement == b.Placement &&
		a.Key.Column == b.Key.Column && a.Key.FromName == b.Key.FromName &&
		a.Key.Type == b.Key.Type && a.Key.NullReplicated == b.Key.NullReplicated
}

// keep puts rel, resolved by today's rules, back to the rule by which its rows
// were placed.
func (r *resolver) keep(t *TableSchema, rel, old *Relation) {
	switch {
	case old.Placement == Refused || SamePlacement(rel, old):
		return
	case old.Placement == Global || old.Placement == Reference:
		now := placementText(rel)
		rel.Placement, rel.Source, rel.Key = old.Placement, old.Source, Key{}
		rel.keptBecause(old, now)
		return
	case old.Placement != Sharded:
		return
	}
	now := placementText(rel)
	key := old.Key
	if key.Column != "" {
		c := t.column(key.Column)
		if c == nil || c.KeyType != key.Type || c.Generated {
			rel.refuse(old.Source, fmt.Sprintf("its rows are placed by column %q, which was dropped, renamed or given another type; undo that, or empty the table", key.Column))
			return
		}
		key.MaxLength = c.MaxLength
		key.Draw, _ = r.drawOf(c)
	}
	rel.Placement, rel.Source, rel.Key = Sharded, old.Source, key
	rel.keptBecause(old, now)
}

func (rel *Relation) keptBecause(old *Relation, now string) {
	rel.Reason = "kept while the table has rows: " + placementText(old)
	rel.Warnings = nil
	rel.warn(fmt.Sprintf("the table has rows that were placed as %s, so it stays so, though the rules now say %s; write the old rule into the configuration, or the rows will not be found after a restart", placementText(old), now))
}

// placementText names a placement in a few words: "sharded by user_id (user)".
func placementText(rel *Relation) string {
	switch {
	case rel.Placement != Sharded:
		return rel.Placement.String()
	case rel.Key.Column == "":
		return fmt.Sprintf("sharded by its name (%s:%s)", rel.Key.Kind, rel.Key.FromName)
	default:
		return fmt.Sprintf("sharded by %s (%s)", rel.Key.Column, rel.Key.Kind)
	}
}
