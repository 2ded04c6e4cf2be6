// Package plan decides where a statement's rows are: statement + topology ->
// Plan. It is pure: no clock, goroutine, log or network.
//
// A statement's shape (router/sqlscan) is parsed once and compiled into a
// Template; on every later sight the template's key sources are evaluated
// against the literals and parameters at hand, without parsing or allocating.
package plan

import (
	"shardproxy/meta/topology"
	"shardproxy/protocol/sqlerr"
	"shardproxy/ring"
	"shardproxy/router/querytree"
)

// Class says how a statement runs.
type Class uint8

// The classes.
const (
	// Single: on one node, Plan.Node, because its keys (or the home partition)
	// are there.
	Single Class = iota + 1
	// Subset: on the nodes of Plan.Nodes, each row on exactly one of them.
	Subset
	// Scatter: on all nodes that own partitions.
	Scatter
	// Any: no rows are involved; any node answers alike.
	Any
	// All: on every node in order, home first (DDL).
	All
	// Local: the proxy answers by itself; Plan.Statement says what.
	Local
	// Nothing: provably no row matches (key = NULL). Runs on one node as Any.
	Nothing
	// Reject: Plan.Err is the reason.
	Reject
)

// NodeSet is a set of node indexes below 256.
type NodeSet [4]uint64

// Plan says where one execution of a statement runs. It is filled by
// Template.Plan and valid for the topology it was made from.
type Plan struct {
	Class Class
	Epoch topology.Epoch
	// Node is set for Single; Nodes for Subset, Scatter and All.
	Node  topology.NodeIndex
	Nodes NodeSet
	// Partition is what a Single plan touches. Several says that it touches
	// more than one partition of the node: then Partitions holds them, or is
	// nil when the statement counts as touching all of the node.
	Partition  ring.Partition
	Several    bool
	Partitions []ring.Partition
	// Write: may change rows (or do anything but read).
	Write bool
	// Keyed: the plan came from a shard key; Kind and Key (canonical bytes)
	// are those of the first one. Valid until the next Plan call on this Plan.
	Keyed   bool
	Kind    ring.KeyKind
	KeyType ring.KeyType
	Key     []byte
	// Merge says how the results of several nodes become one.
	Merge *Merge
	// Rewrite is what must change in the text before it is sent; nil: nothing.
	Rewrite *Rewrite
	// Statement is the parsed statement. Local statements are answered from
	// it. Read-only, shared with the template.
	Statement *querytree.Statement
	Err       *sqlerr.Error
}

// MergeColumn says how one output column of several nodes becomes one value.
type MergeColumn uint8

// The ways to merge a column of an ungrouped aggregate.
const (
	MergeCount MergeColumn = iota + 1 // sum of int8 counts
	MergeSum
	MergeMin
	MergeMax
)

// Merge says how results of several nodes become one: rows concatenated
// (Columns nil), or one row whose columns are merged.
type Merge struct{ Columns []MergeColumn }

// Rewrite is a change to an INSERT or COPY before it is sent.
type Rewrite struct {
	// AddColumns is the column list to write where the statement has none.
	AddColumns []string
	// Draw is set where the key of the new rows must be drawn first: Column
	// is added to the list, with one value per row.
	Draw   *topology.Draw
	Column string
	// Relation is the table the rows go to.
	Relation *topology.Relation
}

// Env is what a session contributes to a plan, besides the text.
type Env struct {
	// SearchPath is the effective list of schemas, in order, with "$user"
	// resolved and pg_catalog where the server would look for it.
	SearchPath []string
	// SearchPathKey is SearchPath in one string, part of the cache key.
	SearchPathKey string
	// Backslash: standard_conforming_strings is off.
	Backslash bool
	// KeyHint is the value of SET shardproxy.key ("project:42"), or "".
	KeyHint string
	// NodeHints: the user may use the hint that names a node.
	NodeHints bool
}

// Parser turns the text of statements into query trees. Implementations:
// router/pgparse, and its MySQL counterpart. It must be safe for concurrent
// use. The error of a text that does not parse is an *sqlerr.Error.
type Parser interface {
	Parse(text string) ([]*querytree.Statement, error)
}
