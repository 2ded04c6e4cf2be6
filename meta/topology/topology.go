// Package topology holds the replicated value that every peer routes by: the
// databases, their nodes, the resolved placement of each table and the
// partition table, all at one epoch.
//
// A Command changes it: Apply makes of a value and an encoded command the value
// of the next epoch, or refuses it. DESIGN.md has the flow.
//
// Invariant: a *Topology and everything it points to is immutable once it has
// been published. A change makes a new value (Clone, then edit the parts that
// were cloned) with a higher Epoch.
package topology

import "shardproxy/ring"

// Epoch numbers the versions of the topology. It only grows.
type Epoch uint64

// NodeID is the name an operator gave to a node ("pg-1"). It is unique within a
// database and never used again for another server.
type NodeID string

// NodeIndex is a node's place in Database.Nodes. It is valid only for the
// topology it was read from: removing a node moves those after it.
type NodeIndex uint16

// Slot is a node's class of generated ids: the node draws ids that are
// congruent to Slot modulo the stride of the sequence.
type Slot uint16

// Engine is the wire protocol and SQL dialect of a database.
type Engine uint8

// The engines.
const (
	Postgres Engine = iota + 1
	MySQL
)

// Topology is the whole routing state at one epoch.
type Topology struct {
	Epoch Epoch `json:",omitzero"`
	// ClusterID is stored on every node too, so that no two clusters serve one.
	ClusterID string               `json:",omitzero"`
	Databases map[string]*Database `json:",omitzero"` // by the name clients use in their DSN
	Users     map[string]*User     `json:",omitzero"` // by login name
	Peers     map[PeerID]*Peer     `json:",omitzero"`
	// Flags are the settings that somebody set, see FlagTable; the others have
	// their defaults.
	Flags map[string]string `json:",omitzero"`
	// LastMove is the newest move of all databases; ids are never used again.
	LastMove MoveID `json:",omitzero"`
}

// User may log in to the proxy.
type User struct {
	Name string `json:",omitzero"`
	// Secret is a SCRAM-SHA-256 verifier in PostgreSQL's format
	// (SCRAM-SHA-256$iterations:salt$StoredKey:ServerKey) or a plain password.
	Secret    string   `json:",omitzero"`
	Databases []string `json:",omitzero"` // databases the user may name; empty means all
	// BackendUser and BackendPassword log in to the nodes; empty means what the
	// node's DSN says.
	BackendUser     string `json:",omitzero"`
	BackendPassword string `json:",omitzero"`
	// NodeHints allows the hint that names a node.
	NodeHints bool `json:",omitzero"`
	// SessionPooling keeps one backend for a client's whole session.
	SessionPooling bool `json:",omitzero"`
}

// Node is a database server that holds rows.
type Node struct {
	ID   NodeID `json:",omitzero"`
	Slot Slot   `json:",omitzero"`
	// Weight is the node's share relative to the others'; 0 is a node that
	// should own nothing.
	Weight int    `json:",omitzero"`
	DSN    string `json:",omitzero"` // the application's role; holds a password, never log it
	// AdminDSN is the role that reads catalogs and changes sequences. Empty
	// means DSN.
	AdminDSN string `json:",omitzero"`
	// UID is the identity that is stored on the server too: a DSN that leads to
	// another server shows by it. Empty where none was stored.
	UID   string    `json:",omitzero"`
	State NodeState `json:",omitzero"`
}

// Database is what a client names in its DSN.
type Database struct {
	Name   string `json:",omitzero"`
	Engine Engine `json:",omitzero"`
	Nodes  []Node `json:",omitzero"`
	// Owners maps each partition to the node that holds its rows. Its length
	// is the number of partitions + 1; the last entry is the home partition.
	// Only this table routes.
	Owners []NodeIndex `json:",omitzero"`
	// SchemaEpoch changes whenever Relations or Views may have changed. Plans
	// cached for another schema epoch are void.
	SchemaEpoch Epoch                   `json:",omitzero"`
	Rules       Rules                   `json:",omitzero"`
	Relations   map[TableName]*Relation `json:",omitzero"`
	// Sequences are the user's sequences and how their numbers stay unique
	// over the nodes.
	Sequences map[TableName]Sequence `json:",omitzero"`
	// Functions are the user-defined functions by lower-case name, all
	// overloads and schemas folded together: a name found here is never taken
	// for the built-in function of that name.
	Functions map[string]bool `json:",omitzero"`
	// Types maps type OIDs of user-defined types between the home node and
	// the others; nil where they are the same everywhere.
	Types *TypeMap `json:",omitzero"`
	Pool  Pool     `json:",omitzero"`
	// Paused: no transaction begins, so that a consistent copy can be made.
	Paused bool `json:",omitzero"`
	// Armed is the change that peers hold transactions for, nil without one.
	Armed *Armed `json:",omitzero"`
	// Held is the epoch of the latest change that was made behind a hold. What was
	// planned at an earlier one and has not been sent must be planned again.
	Held Epoch `json:",omitzero"`
	// Moves are the unfinished moves and the latest finished ones.
	Moves map[MoveID]*Move `json:",omitzero"`
}

// PartitionCount is P, without the home partition.
func (d *Database) PartitionCount() int { return len(d.Owners) - 1 }

// HomePartition is the partition that owns global tables and everything
// without a key.
func (d *Database) HomePartition() ring.Partition { return ring.Partition(len(d.Owners) - 1) }

// Owner returns the node that holds the rows of p.
func (d *Database) Owner(p ring.Partition) NodeIndex { return d.Owners[p] }

// Home returns the node that owns the home partition.
func (d *Database) Home() NodeIndex { return d.Owners[len(d.Owners)-1] }

// Settings of a database's pools live in Pool; durations are in milliseconds
// because the value is replicated and compared.
type Pool struct {
	Min            int   `json:",omitzero"`
	Max            int   `json:",omitzero"`
	QueueTimeoutMS int64 `json:",omitzero"`
	MaxQueue       int   `json:",omitzero"` // 0: no limit
	LifetimeMS     int64 `json:",omitzero"`
	IdleTimeoutMS  int64 `json:",omitzero"`
	// Session pools one backend per client session instead of per transaction.
	Session bool `json:",omitzero"`
}
