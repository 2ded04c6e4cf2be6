package topology

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
)

// Describe writes the placement of the database's tables and sequences as text
// for operators: one line each, in the order of their names, with reasons,
// refusals and warnings below. System relations are left out. The text is the
// same for equal databases.
func (d *Database) Describe() string {
	var table, notes strings.Builder
	w := tabwriter.NewWriter(&table, 0, 0, 2, ' ', 0)
	writeRow(w, "TABLE", "PLACEMENT", "KEY", "NEW KEYS", "REASON")
	for _, name := range slices.SortedFunc(maps.Keys(d.Relations), compareNames) {
		rel := d.Relations[name]
		if rel.Placement == System {
			continue
		}
		writeRow(w, name.String(), rel.Placement.String(), rel.Key.describe(), rel.describeDraw(), rel.Reason)
		for _, warning := range rel.Warnings {
			fmt.Fprintf(&notes, "%s: %s\n", name, warning)
		}
	}
	if len(d.Sequences) > 0 {
		writeRow(w)
		writeRow(w, "SEQUENCE", "IDS", "STRIDE", "", "REASON")
	}
	for _, name := range slices.SortedFunc(maps.Keys(d.Sequences), compareNames) {
		s := d.Sequences[name]
		stride := "-"
		if s.Stride > 0 {
			stride = fmt.Sprint(s.Stride)
		}
		writeRow(w, name.String(), s.Mode.String(), stride, "", s.Reason)
	}
	// A strings.Builder takes every write.
	_ = w.Flush()
	if notes.Len() > 0 {
		table.WriteString("\nWARNINGS\n" + notes.String())
	}
	return table.String()
}

func writeRow(w *tabwriter.Writer, cells ...string) {
	_, _ = fmt.Fprintln(w, strings.Join(cells, "\t"))
}

func (k *Key) describe() string {
	if k.Kind == "" {
		return "-"
	}
	text := fmt.Sprintf("%s:%s %s", k.Kind, k.Column, k.Type)
	if k.Column == "" {
		text = fmt.Sprintf("%s=%s %s (in the name)", k.Kind, k.FromName, k.Type)
	}
	if k.NullReplicated {
		text += ", NULL on every node"
	}
	return text
}

func (r *Relation) describeDraw() string {
	switch {
	case r.Placement != Sharded || r.Key.Column == "":
		return "-"
	case r.Key.Draw.Kind == DrawSequence:
		return "sequence " + r.Key.Draw.Sequence
	case r.Key.Draw.Kind == DrawExpression:
		return r.Key.Draw.Expression
	case r.Key.Draw.Kind == DrawUUID:
		return "random uuid"
	}
	return "given by the client"
}
