package catalog

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"shardproxy/meta/topology"
)

// Input of Build.
type Input struct {
	Rules topology.Rules
	Nodes []topology.Node
	// Snapshots are one per node.
	Snapshots []*Snapshot
	// Owners maps partitions to nodes; the last entry is home. Nodes that own
	// nothing need not have the tables yet.
	Owners []topology.NodeIndex
	// Kept says where the rows are of tables that have any; see
	// topology.ResolveAll.
	Kept map[topology.TableName]topology.Placed
	// CopiesDiffer are tables whose replicated rows differ between nodes, with
	// the reason to refuse them.
	CopiesDiffer map[topology.TableName]string
	// NotStrided are sequences whose ids may collide, with the reason.
	NotStrided map[topology.TableName]string
}

// Built is what the catalogs and the rules make of a database.
type Built struct {
	Relations map[topology.TableName]*topology.Relation
	Sequences map[topology.TableName]topology.Sequence
	Functions map[string]bool
	Types     *topology.TypeMap
	Problems  []Problem

	tables []topology.TableSchema // merged over the nodes
	home   topology.NodeIndex
}

// Build compares the nodes' snapshots and resolves the rules. It is pure.
func Build(in Input) *Built {
	b := &builder{
		in: in, home: in.Owners[len(in.Owners)-1],
		serving: make([]bool, len(in.Nodes)),
		refused: maps.Clone(in.CopiesDiffer), warnings: make(map[topology.TableName][]string),
		built: &Built{Functions: make(map[string]bool)},
	}
	if b.refused == nil {
		b.refused = make(map[topology.TableName]string)
	}
	for _, n := range in.Owners {
		b.serving[n] = true
	}
	b.compareServers()
	tables := b.mergeTables()
	b.markSequences(tables)
	b.built.tables, b.built.home = tables, b.home
	b.built.Relations = topology.ResolveAll(in.Rules, tables, in.Kept)
	b.applyRefusals()
	b.built.Sequences = planSequences(in, tables, b.built.Relations)
	var typeProblems []Problem
	b.built.Types, typeProblems = mapTypes(in.Nodes, in.Snapshots, b.home)
	b.problem(typeProblems...)
	b.collectFunctions()
	return b.built
}

type builder struct {
	in       Input
	home     topology.NodeIndex
	serving  []bool
	refused  map[topology.TableName]string
	warnings map[topology.TableName][]string
	built    *Built
}

func (b *builder) problem(p ...Problem) { b.built.Problems = append(b.built.Problems, p...) }

// mergeTables returns home's tables with the constraints of all serving nodes,
// and tables that only other nodes have, which are refused.
func (b *builder) mergeTables() []topology.TableSchema {
	home := b.in.Snapshots[b.home]
	tables := make([]topology.TableSchema, 0, len(home.Tables))
	for i := range home.Tables {
		t := cloneTable(&home.Tables[i])
		for n := range b.in.Nodes {
			if n != int(b.home) && t.Kind != topology.SystemRelation {
				b.compareTable(&t, topology.NodeIndex(n))
			}
		}
		tables = append(tables, t)
	}
	for n, s := range b.in.Snapshots {
		for i := range s.Tables {
			t := &s.Tables[i]
			if home.Table(t.Name) == nil && t.Kind != topology.SystemRelation {
				b.onlyElsewhere(t, topology.NodeIndex(n), &tables)
			}
		}
	}
	return tables
}

// cloneTable copies what merge changes.
func cloneTable(t *topology.TableSchema) topology.TableSchema {
	c := *t
	c.Columns = slices.Clone(t.Columns)
	return c
}

// compareTable holds a node's relation against home's and merges what a
// serving node adds.
func (b *builder) compareTable(t *topology.TableSchema, n topology.NodeIndex) {
	node := b.in.Nodes[n].ID
	other := b.in.Snapshots[n].Table(t.Name)
	sameVersion := b.in.Snapshots[n].Server.major() == b.in.Snapshots[b.home].Server.major()
	var what string
	if other == nil {
		what = "it is missing"
	} else if d := difference(t, other, sameVersion); d != "" {
		what = d
	}
	switch {
	case what != "" && !b.serving[n]:
		b.problem(Problem{Node: node, Table: t.Name, What: what + "; the node cannot receive partitions until that is cured"})
	case what != "":
		b.refuse(t.Name, fmt.Sprintf("on node %q %s (compared with the home node %q); make the nodes alike, then run any DDL through the proxy", node, what, b.in.Nodes[b.home].ID))
	case b.serving[n]:
		for _, note := range merge(t, other, sameVersion) {
			b.warnings[t.Name] = append(b.warnings[t.Name], fmt.Sprintf("node %q %s", node, note))
		}
	}
}

func (b *builder) onlyElsewhere(t *topology.TableSchema, n topology.NodeIndex, tables *[]topology.TableSchema) {
	node, home := b.in.Nodes[n].ID, b.in.Nodes[b.home].ID
	if !b.serving[n] {
		b.problem(Problem{Node: node, Table: t.Name, What: fmt.Sprintf("it exists here but not on the home node %q", home)})
		return
	}
	b.refuse(t.Name, fmt.Sprintf("it exists on node %q but not on the home node %q", node, home))
	if !slices.ContainsFunc(*tables, func(x topology.TableSchema) bool { return x.Name == t.Name }) {
		*tables = append(*tables, cloneTable(t))
	}
}

// refuse keeps the first reason.
func (b *builder) refuse(t topology.TableName, reason string) {
	if _, ok := b.refused[t]; !ok {
		b.refused[t] = reason
	}
}

// applyRefusals puts refusals and warnings on the resolved relations.
func (b *builder) applyRefusals() {
	for name, rel := range b.built.Relations {
		if reason, ok := b.refused[name]; ok {
			_, copies := b.in.CopiesDiffer[name]
			*rel = topology.Relation{
				Name: name, OID: rel.OID, Placement: topology.Refused, Source: topology.FromDefault, Reason: reason,
				CopiesDiffer: copies, Was: rel.Placed(),
				Columns: rel.Columns, Uniques: rel.Uniques, HasTriggers: rel.HasTriggers, Warnings: rel.Warnings,
			}
		}
		rel.Warnings = append(rel.Warnings, b.warnings[name]...)
	}
	for name, rel := range b.built.Relations {
		if rel.Placement == topology.Refused {
			b.problem(Problem{Table: name, What: "statements on it are refused: " + rel.Reason})
		}
		for _, w := range rel.Warnings {
			b.problem(Problem{Table: name, What: w})
		}
	}
	slices.SortStableFunc(b.built.Problems, func(x, y Problem) int {
		return cmp.Or(cmp.Compare(x.Table.String(), y.Table.String()), cmp.Compare(x.Node, y.Node))
	})
}

// markSequences notes on each column why its sequence cannot keep ids apart.
// What is wrong for one of a sequence's columns is wrong for all.
func (b *builder) markSequences(tables []topology.TableSchema) {
	slots := topology.Slot(0)
	for _, n := range b.in.Nodes {
		slots = max(slots, n.Slot+1)
	}
	strides := stridesOf(b.in, tables)
	for sequence, uses := range usedBy(tables) {
		problem := b.in.NotStrided[sequence]
		if stride, ok := strides[sequence]; ok && problem == "" && stride < int64(slots) {
			problem = fmt.Sprintf("its stride of %d is too small for %d nodes", stride, slots)
		}
		for _, use := range uses {
			problem = cmp.Or(problem, use.column.SequenceProblem)
		}
		for _, use := range uses {
			use.column.SequenceProblem = cmp.Or(use.column.SequenceProblem, problem)
		}
	}
}

// collectFunctions unites the nodes' functions: a name that is the user's on
// one node is not the server's anywhere.
func (b *builder) collectFunctions() {
	for n, s := range b.in.Snapshots {
		missing := ""
		for _, f := range b.in.Snapshots[b.home].Functions {
			if missing == "" && b.serving[n] && !slices.Contains(s.Functions, f) {
				missing = f
			}
		}
		if missing != "" {
			b.problem(Problem{Node: b.in.Nodes[n].ID, What: fmt.Sprintf("function %s of the home node is missing", missing)})
		}
		for _, f := range s.Functions {
			b.built.Functions[f] = true
		}
	}
}

// compareServers reports settings that would make the nodes answer alike
// statements differently.
func (b *builder) compareServers() {
	home := &b.in.Snapshots[b.home].Server
	for n, s := range b.in.Snapshots {
		node := b.in.Nodes[n].ID
		if s.Server.major() != home.major() {
			b.problem(Problem{Node: node, What: fmt.Sprintf("it runs PostgreSQL %d, the home node %d", s.Server.major(), home.major())})
		}
		if s.Server.Collation != home.Collation {
			b.problem(Problem{Node: node, What: fmt.Sprintf("its default collation is %q, the home node's %q: texts sort and compare differently", s.Server.Collation, home.Collation)})
		}
		for _, name := range slices.Sorted(maps.Keys(home.Settings)) {
			if s.Server.Settings[name] != home.Settings[name] {
				b.problem(Problem{Node: node, What: fmt.Sprintf("its %s is %q, the home node's %q", name, s.Server.Settings[name], home.Settings[name])})
			}
		}
	}
}
