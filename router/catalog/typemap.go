package catalog

import (
	"fmt"
	"slices"

	"shardproxy/meta/topology"
)

// mapTypes maps the OIDs of user-defined types between the home node and the
// others, nil where they are the same everywhere. An OID that the other side
// does not know maps to 0, "unspecified", which no side takes for another type.
func mapTypes(nodes []topology.Node, snapshots []*Snapshot, home topology.NodeIndex) (*topology.TypeMap, []Problem) {
	m := &topology.TypeMap{
		ToNode:   make([]map[uint32]uint32, len(nodes)),
		FromNode: make([]map[uint32]uint32, len(nodes)),
	}
	var problems []Problem
	differ := false
	for i := range nodes {
		if topology.NodeIndex(i) == home {
			continue
		}
		m.ToNode[i] = pairTypes(snapshots[home].Types, snapshots[i].Types)
		m.FromNode[i] = pairTypes(snapshots[i].Types, snapshots[home].Types)
		differ = differ || m.ToNode[i] != nil || m.FromNode[i] != nil
		problems = append(problems, compareTypes(nodes[i].ID, snapshots[home].Types, snapshots[i].Types)...)
	}
	if !differ {
		return nil, problems
	}
	m.Containers = containers(snapshots[home].Types, m.ToNode)
	return m, problems
}

// The server's own types whose values may hold the OID of any type inside
// (PostgreSQL's pg_type.dat; they never change).
const (
	oidRegtype      = 2206 // the OID is the value
	oidRegtypeArray = 2211
	oidRecord       = 2249
	oidAnyArray     = 2277 // columns of pg_stats
	oidRecordArray  = 2287
)

// containers returns the types whose binary values hold OIDs that toNode maps.
// A range or domain has the bytes of its parts, and no OID of its own.
func containers(home []Type, toNode []map[uint32]uint32) map[uint32]bool {
	found := map[uint32]bool{oidRegtype: true, oidRegtypeArray: true, oidRecord: true, oidAnyArray: true, oidRecordArray: true}
	holds := func(t *Type) bool {
		return slices.ContainsFunc(t.Parts, func(part uint32) bool { return found[part] || t.Tagged && mapped(part, toNode) })
	}
	for before := 0; before < len(found); {
		before = len(found)
		for i := range home {
			if holds(&home[i]) {
				found[home[i].OID] = true
			}
		}
	}
	return found
}

// mapped reports whether any node has another OID for a type.
func mapped(oid uint32, toNode []map[uint32]uint32) bool {
	return slices.ContainsFunc(toNode, func(m map[uint32]uint32) bool {
		_, ok := m[oid]
		return ok
	})
}

// pairTypes maps the OIDs of from to those of the types of the same name in to.
func pairTypes(from, to []Type) map[uint32]uint32 {
	byName := make(map[string]uint32, len(to))
	for _, t := range to {
		byName[t.Name] = t.OID
	}
	var pairs map[uint32]uint32
	for _, t := range from {
		if other := byName[t.Name]; other != t.OID {
			if pairs == nil {
				pairs = make(map[uint32]uint32)
			}
			pairs[t.OID] = other
		}
	}
	return pairs
}

// compareTypes reports enums whose labels differ. Types that are missing show
// in the tables that use them.
func compareTypes(node topology.NodeID, home, other []Type) []Problem {
	labels := make(map[string][]string)
	for _, t := range other {
		if len(t.Labels) > 0 {
			labels[t.Name] = t.Labels
		}
	}
	var problems []Problem
	for _, t := range home {
		if l, ok := labels[t.Name]; ok && len(t.Labels) > 0 && !slices.Equal(l, t.Labels) {
			problems = append(problems, Problem{Node: node, What: fmt.Sprintf("enum %s has the labels %q, on the home node %q", t.Name, l, t.Labels)})
		}
	}
	return problems
}
