package topology

import "fmt"

// SamePlacement says whether two relations are placed alike, whatever the key's
// kind, the source of the rule and the reason.
func SamePlacement(a, b *Relation) bool {
	return a.Placement == b.Placement && a.Placed().Same(b.Placed())
}

// keep puts rel, resolved by today's rules, back to where its rows are.
func (r *resolver) keep(t *TableSchema, rel *Relation, was Placed) {
	now := rel.Placed()
	if was.Placement == 0 || rel.Placement != Refused && now.Same(was) {
		return
	}
	key := was.Key
	if key.Column != "" {
		c := t.column(key.Column)
		if c == nil || c.KeyType != key.Type || c.Generated {
			rel.refuse(rel.Source, fmt.Sprintf("its rows are placed by column %q, which was dropped, renamed or given another type; undo that, or empty the table", key.Column))
			rel.Was = was
			return
		}
		key.MaxLength = c.MaxLength
		key.Draw, _ = r.drawOf(c)
	}
	says := now.String()
	if rel.Placement == Refused {
		says = "that it is refused: " + rel.Reason
	}
	rel.Placement, rel.Source, rel.Key, rel.Was = was.Placement, was.Source, key, Placed{}
	rel.Reason = "kept while the table has rows: " + was.String()
	rel.Warnings = nil
	rel.warn(fmt.Sprintf("the table has rows that were placed as %s, so it stays so, though the rules now say %s; write the old rule into the configuration, or the rows will not be found after a restart", was, says))
}
