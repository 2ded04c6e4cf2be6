// Package plan decides where a statement's rows are: statement + topology ->
// Plan. It is pure: no clock, goroutine, log or network.
//
//	scan -> Cache.Template -> Template.Plan -> Plan
//	            | first sight of a shape
//	            v
//	        Parser -> query tree -> analysis -> groups -> Template
//
// A statement's shape (router/sqlscan) is parsed once and compiled into a
// Template; on every later sight the template's key sources are evaluated
// against the literals and parameters at hand, without parsing or allocating.
//
// The analysis looks at every table reference of the statement by itself, at
// every query level. For each place of the statement (env) it collects what is
// true of the rows that matter there: equalities of columns, and of columns and
// values. A reference to a sharded table is bound where these give its key a
// value. References bound by the same reasons are one group of the template.
// The statement runs on one node if all groups, evaluated, are on that node, and
// what lives at home is there too; on several nodes if what they answer can be
// put together exactly (scatter.go); otherwise it is refused.
//
// Whatever is not understood is refused: a table or function that is not known,
// an expression the parser could not express, a value that is no key in
// canonical spelling where a row is to be stored. A hint may place some of it.
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
	// Reject: Plan.Err is the reason, Plan.Would what the statement needs.
	Reject
	// Draw: the shard key of the new rows must be made first, as
	// Plan.Rewrite.Draw says; Template.PlanDrawn then places them.
	Draw
	// ByRows: COPY FROM into a sharded table. Plan.Copy says where each row's
	// key is.
	ByRows
	// Deferred: the node follows from parameters that are not there yet
	// (Template.NeedsParams).
	Deferred
)

// Would says what a refused statement would have needed, had it been allowed.
type Would uint8

// What refused statements would have needed.
const (
	// WouldScatter: a read whose rows are on several nodes, of a form that
	// cannot be put together from what each node answers.
	WouldScatter Would = iota + 1
	// WouldBroadcast: a write to rows of several nodes, each row on one.
	WouldBroadcast
	// WouldReplicate: a write to rows that every node has a copy of: reference
	// tables, rows with a NULL key.
	WouldReplicate
)

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
	// Would is set with some Rejects.
	Would Would
	// UnknownTable is set with a Reject for a table the topology does not
	// have: a session that made temporary tables may know better.
	UnknownTable bool
	// Flags are what the session must know beyond the place.
	Flags Flags
	// Copy is set for COPY of a table.
	Copy *CopyPlan

	eval evaluation
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
//
// The values of MergeCount and MergeSum are decimal numbers (int8 or numeric)
// that are added exactly; the sum keeps the type the nodes gave it and the
// largest scale of its parts. MergeMin and MergeMax compare numbers. NULL from a
// node (no rows there) is left out; all NULL gives NULL. A value that is no
// decimal number (NaN, Infinity) must fail the statement, and so must a sum of
// int8 values that overflows.
type Merge struct{ Columns []MergeColumn }

// Rewrite is a change to an INSERT or COPY before it is sent.
type Rewrite struct {
	// AddColumns is the column list to write where the statement has none.
	AddColumns []string
	// Draw is set where the key of the new rows must be drawn first: Column
	// is added to the list, with one value per row.
	Draw   *topology.Draw
	Column string
	// KeyIndex is the position of Column in the statement's column list (or
	// AddColumns) where every row says DEFAULT for it: the drawn values
	// replace these words. -1: the column is not in the list.
	KeyIndex int
	// DefaultValues: the statement says DEFAULT VALUES. AddColumns is then
	// nil; the new text names Column alone.
	DefaultValues bool
	// Relation is the table the rows go to.
	Relation *topology.Relation
}

// CopyPlan describes a COPY of a table.
type CopyPlan struct {
	From     bool // COPY FROM
	Relation *topology.Relation
	// Columns are the columns of the data, in order.
	Columns []string
	// KeyIndex is the position of the shard key among Columns; -1 where the
	// table's name carries the key, and for tables without one.
	KeyIndex int
	// Key is the shard key of a sharded table. A row whose key is NULL is
	// refused.
	Key topology.Key
}

// Flags are properties of a statement that matter to the session that runs it.
type Flags uint16

// The flags.
const (
	// FlagLastval: uses lastval() or currval(): answered by what this client
	// inserted, or on the backend it used.
	FlagLastval Flags = 1 << iota
	// FlagSequence: draws from or changes a sequence.
	FlagSequence
	// FlagSessionLock: takes or releases session-level advisory locks; the
	// session must keep its backend.
	FlagSessionLock
	// FlagTransactionLock: takes transaction-level advisory locks.
	FlagTransactionLock
	// FlagSetConfig: calls set_config(): changes a setting of the session.
	FlagSetConfig
	// FlagTemp: makes a temporary table; the session must keep its backend.
	FlagTemp
	// FlagReplicated: reads rows that every node has a copy of, and no others.
	FlagReplicated
	// FlagLocking: SELECT ... FOR UPDATE and its like.
	FlagLocking
	// FlagVolatile: calls volatile functions: run again, it answers
	// differently.
	FlagVolatile
	// FlagNotify: sends notifications.
	FlagNotify
	// FlagHinted: a hint decided where the statement runs.
	FlagHinted
	// FlagCatalog: reads the server's own catalogs, or draws from sequences, and
	// nothing else: it runs at home, but outside of any transaction it does as well.
	FlagCatalog
	// FlagHomeSizes: reads sizes on disk beside the catalogs. They are those of
	// the home node alone, which the client should be told.
	FlagHomeSizes
)

// Env is what a session contributes to a plan, besides the text. Each session has
// its own.
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
