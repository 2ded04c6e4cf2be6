package catalog

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"shardproxy/meta/topology"
	"shardproxy/ring"
)

// Basis says by what Seed decided who owns the partitions.
type Basis uint8

// The bases.
const (
	// SeedEmpty: no rows anywhere; the ring places the partitions.
	SeedEmpty Basis = iota + 1
	// SeedRing: there are rows, and each is where the ring places it.
	SeedRing
	// SeedAdopted: rows are on one node only, which owns everything.
	SeedAdopted
)

func (b Basis) String() string {
	switch b {
	case SeedEmpty:
		return "empty"
	case SeedRing:
		return "ring"
	case SeedAdopted:
		return "adopted"
	}
	return "unknown"
}

// Seeding is who owns the partitions of a database and why.
type Seeding struct {
	Basis  Basis
	Owners []topology.NodeIndex // the last entry is home
	// Refused are tables whose copies on the nodes differ, with the reason.
	Refused  map[topology.TableName]string
	Problems []Problem
}

// Home is the owner of the home partition.
func (s *Seeding) Home() topology.NodeIndex { return s.Owners[len(s.Owners)-1] }

// maxMisplaced is how many misplaced rows an error lists.
const maxMisplaced = 10

// Misplaced is a key whose rows are not where they should be.
type Misplaced struct {
	Table topology.TableName
	Key   string          // as people write it; NULL without one
	Node  topology.NodeID // where its rows are
	// Should is the node where they belong; empty for a key that belongs
	// nowhere.
	Should topology.NodeID
}

func (m Misplaced) String() string {
	should := fmt.Sprintf("should be on %q", m.Should)
	if m.Should == "" {
		should = "belongs nowhere"
	}
	if m.Key == "" {
		return fmt.Sprintf("%s on %q %s", m.Table, m.Node, should)
	}
	return fmt.Sprintf("%s key %s on %q %s", m.Table, m.Key, m.Node, should)
}

// MisplacedError says that rows are on several nodes, and not all where the
// ring places them. Nothing may be served from such a database.
type MisplacedError struct {
	Rows []Misplaced // some of them
}

func (e *MisplacedError) Error() string {
	lines := make([]string, len(e.Rows))
	for i, m := range e.Rows {
		lines[i] = "  " + m.String()
	}
	return "rows are on several nodes, and not where the rules and the ring place them; the first:\n" + strings.Join(lines, "\n") +
		"\nMove or delete them, correct the rules (key, reference, global), or give the proxy one node with rows and empty ones"
}

// ErrPartitions is returned for a number of partitions that is no power of two.
var ErrPartitions = errors.New("catalog: the number of partitions is not valid")

// Seed looks at the rows of all nodes and decides who owns the partitions:
//
//   - no rows in sharded and global tables: the ring; the first node is home;
//   - every row where the ring places it, those of global tables on one node,
//     which is home (the first node without any): the ring, as after a restart;
//   - rows on one node only: that node owns everything, home included. The
//     others need not even have the tables;
//   - else a *MisplacedError.
//
// Reference tables, and rows without a key where the rule replicates them, must
// be equal on all nodes that own partitions; a table that is not is refused.
func Seed(ctx context.Context, conns *Conns, snapshots []*Snapshot, rules topology.Rules, partitions int) (*Seeding, error) {
	if err := ring.ValidPartitionCount(partitions); err != nil {
		return nil, errors.Join(ErrPartitions, err)
	}
	s := &seeder{conns: conns, snapshots: snapshots, partitions: partitions, tables: seedTables(snapshots, rules)}
	occupied, err := s.occupied(ctx)
	if err != nil {
		return nil, err
	}
	home := occupied.home()
	owners, err := s.place(home)
	if err != nil {
		return nil, err
	}
	seeding := &Seeding{Basis: SeedRing, Owners: owners}
	switch nodes := occupied.nodes(); {
	case len(nodes) == 0:
		seeding.Basis = SeedEmpty
	case len(nodes) == 1:
		fits, err := s.fitsRing(ctx, owners, nodes[0])
		if err != nil {
			return nil, err
		}
		if !fits {
			return s.adopt(nodes[0]), nil
		}
	default:
		if err := s.checkPlaces(ctx, owners, nodes); err != nil {
			return nil, err
		}
	}
	seeding.Refused, err = s.compareCopies(ctx, owners)
	return seeding, err
}

type seeder struct {
	conns      *Conns
	snapshots  []*Snapshot
	partitions int
	// tables by node: those whose rows tell something.
	tables []map[topology.TableName]*topology.Relation
}

// seedTables resolves each node's own tables and keeps those whose rows tell
// something. Partitions are looked at through their table; tables of extensions
// are filled on every node alike.
func seedTables(snapshots []*Snapshot, rules topology.Rules) []map[topology.TableName]*topology.Relation {
	tables := make([]map[topology.TableName]*topology.Relation, len(snapshots))
	for n, s := range snapshots {
		tables[n] = make(map[topology.TableName]*topology.Relation)
		relations := topology.ResolveAll(rules, s.Tables, nil)
		for name, rel := range relations {
			if t := s.Table(name); tellsOwner(t, rel) && !seenThroughParent(t, relations) {
				tables[n][name] = rel
			}
		}
	}
	return tables
}

func tellsOwner(t *topology.TableSchema, rel *topology.Relation) bool {
	switch rel.Placement {
	case topology.Sharded, topology.Reference, topology.Global:
	default:
		return false
	}
	if t.Kind == topology.ForeignTable || t.Kind == topology.MaterializedView {
		return false
	}
	return t.Extension == "" || rel.Source == topology.FromConfig
}

func seenThroughParent(t *topology.TableSchema, relations map[topology.TableName]*topology.Relation) bool {
	for _, parent := range t.Parents {
		if p := relations[parent]; p != nil && p.Placement != topology.Refused {
			return true
		}
	}
	return false
}

// place returns the owners by the ring.
func (s *seeder) place(home topology.NodeIndex) ([]topology.NodeIndex, error) {
	members := make([]ring.Member, len(s.conns.nodes))
	for i, n := range s.conns.nodes {
		members[i] = ring.Member{Name: string(n.ID), Weight: n.Weight}
	}
	placed, err := ring.Place(s.partitions, members)
	if err != nil {
		return nil, err
	}
	owners := make([]topology.NodeIndex, s.partitions+1)
	for p, n := range placed {
		owners[p] = topology.NodeIndex(n)
	}
	owners[s.partitions] = home
	return owners, nil
}

func (s *seeder) adopt(node topology.NodeIndex) *Seeding {
	owners := make([]topology.NodeIndex, s.partitions+1)
	for p := range owners {
		owners[p] = node
	}
	id := s.conns.ID(node)
	return &Seeding{Basis: SeedAdopted, Owners: owners, Problems: []Problem{{
		Node: id, What: "it is the only node with rows, so it owns everything; the others receive rows by moves",
	}}}
}

// fitsRing says whether the only node with rows may be taken for one of a ring:
// all its rows belong to it, the other nodes have its tables, and the copies
// are equal.
func (s *seeder) fitsRing(ctx context.Context, owners []topology.NodeIndex, node topology.NodeIndex) (bool, error) {
	for name := range s.tables[node] {
		for _, other := range s.snapshots {
			if other.Table(name) == nil {
				return false, nil
			}
		}
	}
	misplaced, err := s.misplaced(ctx, owners, []topology.NodeIndex{node}, 1)
	if err != nil || len(misplaced) > 0 {
		return false, err
	}
	refused, err := s.compareCopies(ctx, owners)
	return len(refused) == 0, err
}

// checkPlaces returns a *MisplacedError unless every row is on its owner.
func (s *seeder) checkPlaces(ctx context.Context, owners, nodes []topology.NodeIndex) error {
	misplaced, err := s.misplaced(ctx, owners, nodes, maxMisplaced)
	if err != nil {
		return err
	}
	if len(misplaced) > 0 {
		return &MisplacedError{Rows: misplaced}
	}
	return nil
}
