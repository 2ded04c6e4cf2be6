package catalog

import (
	"fmt"
	"math"

	"shardproxy/meta/topology"
)

// Snapshot is what one node's catalog said at one moment. Read-only once made.
type Snapshot struct {
	Server Server
	// Tables are the user's tables and views, the server's own relations, and
	// the user's sequences as relations that can be read; by name.
	Tables []topology.TableSchema
	// Types are the user's types.
	Types []Type
	// Sequences are the user's sequences, by name.
	Sequences map[topology.TableName]*Sequence
	// Functions are the lower-case names of the user's functions, those of
	// extensions included.
	Functions []string

	tables map[topology.TableName]*topology.TableSchema
}

// Table returns a relation of the snapshot, or nil.
func (s *Snapshot) Table(name topology.TableName) *topology.TableSchema { return s.tables[name] }

// Server is what a node says of itself.
type Server struct {
	Version    int // as server_version_num: 150004
	Encoding   string
	InRecovery bool
	Identity   Identity
	// Pooled: a connection pooler seems to stand between us and the server.
	Pooled bool
	// Collation is the database's default collation.
	Collation string
	// Settings are the defaults of parameters that change what clients see.
	Settings map[string]string
}

// Identity names a database of a running server.
type Identity struct {
	// System is the cluster's identifier, or 0 without the right to read it. A
	// copy of a server has it too; Started tells them apart.
	System   uint64
	Started  string // when the server started
	Database uint32
}

// same says whether two connections reached one database of one server.
func (a Identity) same(b Identity) bool {
	return a.Started == b.Started && a.Database == b.Database && (a.System == b.System || a.System == 0 || b.System == 0)
}

// major is the major version, 15.
func (s *Server) major() int { return s.Version / 10000 }

// Type is a user-defined type.
type Type struct {
	// Name is qualified; an array is named after its element, "public.mood[]".
	Name   string
	OID    uint32
	Labels []string // of an enum, in order
	// Parts are the types that its values are made of: the element of an array,
	// the columns of a composite, the bounds of a range, the base of a domain.
	Parts []uint32
	// Tagged: the binary form of a value names the types of its parts, as that
	// of arrays and composites does.
	Tagged bool
}

// Sequence is a sequence as a node has it.
type Sequence struct {
	Name      topology.TableName
	Type      string // int2, int4, int8
	Start     int64
	Increment int64
	Min, Max  int64
	Cycle     bool
	// Readable: our role may read the counter. Last and Called are 0 otherwise.
	Readable bool
	// Last is the last number given out, or the next one while Called is false.
	Last   int64
	Called bool
	// Extension owns it, or is empty.
	Extension string
}

// used returns the largest number that an ascending sequence has given out, one
// less than its next where it has not begun.
func (s *Sequence) used() int64 {
	if s.Called || s.Last == math.MinInt64 {
		return s.Last
	}
	return s.Last - 1
}

// Problem is something an operator should know that does not keep the database
// from being served.
type Problem struct {
	Node  topology.NodeID    // may be empty
	Table topology.TableName // may be zero
	What  string
}

func (p Problem) String() string {
	text := p.What
	if p.Table != (topology.TableName{}) {
		text = fmt.Sprintf("%s: %s", p.Table, text)
	}
	if p.Node != "" {
		text = fmt.Sprintf("node %q: %s", p.Node, text)
	}
	return text
}
