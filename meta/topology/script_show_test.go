package topology_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"shardproxy/meta/topology"
)

// show answers:
//
//	show cluster | peers | users | flags
//	show database NAME | nodes NAME | moves NAME
func (s *script) show(words []string) string {
	var out strings.Builder
	if len(words) > 1 {
		db := s.top.Databases[words[1]]
		if db == nil {
			return "no database"
		}
		s.showDatabase(&out, words[0], db)
		return out.String()
	}
	switch words[0] {
	case "cluster":
		fmt.Fprintf(&out, "%q at epoch %d, databases %q, last move %d\n", s.top.ClusterID, s.top.Epoch, slices.Sorted(maps.Keys(s.top.Databases)), s.top.LastMove)
	case "peers":
		for _, id := range slices.Sorted(maps.Keys(s.top.Peers)) {
			fmt.Fprintf(&out, "%+v\n", *s.top.Peers[id])
		}
	case "users":
		for _, name := range slices.Sorted(maps.Keys(s.top.Users)) {
			fmt.Fprintf(&out, "%v\n", s.top.Users[name])
		}
	case "flags":
		for _, f := range topology.FlagTable() {
			fmt.Fprintf(&out, "%s %s\n", f.Name, s.top.FlagValue(f.Name))
		}
	default:
		s.t.Fatalf("show %s?", words)
	}
	return out.String()
}

func (s *script) showDatabase(out *strings.Builder, what string, db *topology.Database) {
	switch what {
	case "database":
		fmt.Fprintf(out, "owners %d, schema epoch %d, paused %v, pool %d to %d\n", db.Owners, db.SchemaEpoch, db.Paused, db.Pool.Min, db.Pool.Max)
		fmt.Fprintf(out, "reference %q, functions %q\n", db.Rules.Reference, slices.Sorted(maps.Keys(db.Functions)))
		if db.Types != nil {
			fmt.Fprintf(out, "types %v\n", db.Types.ToNode)
		}
		if db.Armed != nil {
			fmt.Fprintf(out, "armed %d: %s, holds %s\n", db.Armed.ID, db.Armed.What, db.Armed.Hold.Tables)
		}
		out.WriteString(db.Describe())
	case "nodes":
		for i := range db.Nodes {
			fmt.Fprintf(out, "%d: %v uid %q\n", i, db.Nodes[i], db.Nodes[i].UID)
		}
	case "moves":
		for _, id := range slices.Sorted(maps.Keys(db.Moves)) {
			m := db.Moves[id]
			fmt.Fprintf(out, "%d: %s>%s %s %s, attempt %d, since %d, reversed %v, irreversible %v, %q\n",
				m.ID, m.Source, m.Target, m.Partitions, m.State, m.Attempt, m.Since, m.Reversed, m.Irreversible, m.Reason)
		}
	default:
		s.t.Fatalf("show %s?", what)
	}
}
