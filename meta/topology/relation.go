package topology

import (
	"fmt"

	"shardproxy/ring"
)

// TableName is the schema-qualified name of a table or view, as the server
// stores it (case folded, without quotes). For MySQL, Schema is the database.
type TableName struct{ Schema, Name string }

func (n TableName) String() string {
	if n.Schema == "" {
		return n.Name
	}
	return n.Schema + "." + n.Name
}

// Placement says which nodes hold the rows of a relation.
type Placement uint8

// The placements.
const (
	// Sharded rows live on the node that owns the partition of their key.
	Sharded Placement = iota + 1
	// Reference tables have a full copy on every node.
	Reference
	// Global tables belong to the home partition.
	Global
	// System relations are the server's own catalogs: read at home.
	System
	// View relations are planned through their definition.
	View
	// Refused relations cannot be planned; Relation.Reason says why.
	Refused
)

// RuleSource says where the placement of a relation came from.
type RuleSource uint8

// The sources, in the order they are tried.
const (
	FromConfig RuleSource = iota + 1
	FromPattern
	FromConvention
	FromPrimaryKey
	FromDefault // nothing else applied: the table belongs to home
)

// Relation is the resolved placement of one table or view, and what the planner
// must know of it.
type Relation struct {
	Name TableName `json:",omitzero"`
	// OID is the relation's on the home node; it tells a renamed table from a
	// new one. 0 where it is not known.
	OID       uint32     `json:",omitzero"`
	Placement Placement  `json:",omitzero"`
	Source    RuleSource `json:",omitzero"`
	// Reason explains Refused, and the choice of the rule for the others.
	Reason string `json:",omitzero"`
	// CopiesDiffer: Refused because rows that every node should have a copy of
	// differ between nodes. They are compared again when the schema is read.
	CopiesDiffer bool `json:",omitzero"`
	// Warnings are what an operator should know of the choice.
	Warnings []string `json:",omitzero"`

	// Key is set for Sharded relations.
	Key Key `json:",omitzero"`
	// Was is set for Refused relations that had a place before: their rows are
	// still there.
	Was Placed `json:",omitzero"`

	Columns []Column `json:",omitzero"`
	// Uniques are the table's unique indexes, the primary key first.
	Uniques []UniqueIndex `json:",omitzero"`
	// HasTriggers is set where triggers or rules could touch other rows and
	// the rule does not declare them local: writes are refused.
	HasTriggers bool `json:",omitzero"`
	// Refusals are the writes that the nodes could not keep whole; see Refuses.
	Refusals []Refusal `json:",omitzero"`
	// ViewText is the definition of a View, one SELECT.
	ViewText string `json:",omitzero"`
}

// Placed is where the rows of a table are.
type Placed struct {
	Placement Placement  `json:",omitzero"` // Sharded, Reference or Global; 0 for nowhere
	Source    RuleSource `json:",omitzero"`
	Key       Key        `json:",omitzero"` // of Sharded tables
}

// Placed returns where the relation's rows are; of a Refused one, where they
// were when it was refused.
func (r *Relation) Placed() Placed {
	switch r.Placement {
	case Sharded, Reference, Global:
		return Placed{r.Placement, r.Source, r.Key}
	case Refused:
		return r.Was
	}
	return Placed{}
}

// Same says whether rows placed as p are where q expects them.
func (p Placed) Same(q Placed) bool {
	return p.Placement == q.Placement &&
		p.Key.Column == q.Key.Column && p.Key.FromName == q.Key.FromName &&
		p.Key.Type == q.Key.Type && p.Key.NullReplicated == q.Key.NullReplicated
}

// String names the place in a few words: "sharded by user_id (user)".
func (p Placed) String() string {
	switch {
	case p.Placement != Sharded:
		return p.Placement.String()
	case p.Key.Column == "":
		return fmt.Sprintf("sharded by its name (%s:%s)", p.Key.Kind, p.Key.FromName)
	default:
		return fmt.Sprintf("sharded by %s (%s)", p.Key.Column, p.Key.Kind)
	}
}

// Key is the shard key of a sharded relation.
type Key struct {
	Kind ring.KeyKind `json:",omitzero"`
	Type ring.KeyType `json:",omitzero"`
	// Column is the key's column; empty where the table's name carries the key.
	Column string `json:",omitzero"`
	// FromName is the key that the table's name carries, canonical spelling;
	// used only where Column is empty.
	FromName string `json:",omitzero"`
	// MaxLength is the number of characters the column holds, 0 without a
	// limit. A longer text is refused in an INSERT: the server would cut
	// trailing spaces off and store another key than the one that was hashed.
	MaxLength int `json:",omitzero"`
	// NullReplicated: rows whose key is NULL are kept on every node.
	NullReplicated bool `json:",omitzero"`
	// Draw says how the database makes the key when an INSERT leaves it out.
	Draw Draw `json:",omitzero"`
}

// DrawKind says how a missing key is made.
type DrawKind uint8

// The ways to make a key.
const (
	// DrawNothing: an INSERT without the key is refused.
	DrawNothing DrawKind = iota
	// DrawSequence: nextval of Draw.Sequence at home, in blocks.
	DrawSequence
	// DrawUUID: a random (version 4) uuid made by the proxy.
	DrawUUID
	// DrawExpression: SELECT Draw.Expression on any node.
	DrawExpression
)

// Draw is how the database makes the shard key of a new row.
type Draw struct {
	Kind       DrawKind `json:",omitzero"`
	Sequence   string   `json:",omitzero"` // qualified and quoted, as regclass text
	Expression string   `json:",omitzero"`
	// Identity is set for GENERATED ALWAYS AS IDENTITY: the INSERT needs
	// OVERRIDING SYSTEM VALUE.
	Identity bool `json:",omitzero"`
}

// Column of a relation, in order of its position.
type Column struct {
	Name    string `json:",omitzero"`
	Type    string `json:",omitzero"` // the server's name of the type, without modifier: "int4"
	TypeOID uint32 `json:",omitzero"` // PostgreSQL: on the home node
	NotNull bool   `json:",omitzero"`
	// HasDefault is set where the server fills in a missing value.
	HasDefault bool `json:",omitzero"`
	// Generated columns cannot be written.
	Generated bool `json:",omitzero"`
}

// UniqueIndex is an arbiter of an upsert.
type UniqueIndex struct {
	Name string `json:",omitzero"`
	// Columns are the key columns in order. An expression is "", and so is the
	// shard key where the index compares it by other rules than "=".
	Columns []string `json:",omitzero"`
	Partial bool     `json:",omitzero"`
	Primary bool     `json:",omitzero"`
	// Scope says over which rows the index holds.
	Scope UniqueScope `json:",omitzero"`
}

// UniqueScope says over which rows a unique index holds.
type UniqueScope uint8

// The scopes.
const (
	// UniqueEverywhere: rows that could collide are on one node.
	UniqueEverywhere UniqueScope = iota + 1
	// UniqueByGeneration: a column takes its values from strided ids or from
	// random uuids, so values of two nodes differ as long as clients do not
	// choose them.
	UniqueByGeneration
	// UniquePerNode: it holds within each node only, and the rule accepts that.
	UniquePerNode
	// UniqueRefused: it would hold within each node only. Relation.Refusals
	// has the writes that are refused for it.
	UniqueRefused
)

// Column returns the relation's column of that name, or nil.
func (r *Relation) Column(name string) *Column {
	for i := range r.Columns {
		if r.Columns[i].Name == name {
			return &r.Columns[i]
		}
	}
	return nil
}
