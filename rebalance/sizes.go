package rebalance

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"shardproxy/meta/topology"
	"shardproxy/rebalance/postgres"
	"shardproxy/ring"
)

// exactBelow is up to how many rows a table is counted instead of estimated.
const exactBelow = 10_000

// measure fills the tables of the plan's moves, asking each source, and where
// copies is set the reference tables that a new node gets.
func (f *fleet) measure(ctx context.Context, db *topology.Database, plan *Plan, copies bool) error {
	found := make([][]Table, len(plan.Moves)) // a source's moves are its alone
	var reference []Table
	err := f.each(ctx, "estimate rows", func(ctx context.Context, i topology.NodeIndex, conn *pgx.Conn) error {
		s := &sizer{db: db, snapshotTables: f.tablesOf(db, i), conn: conn, partitions: ownedBy(db, i)}
		for at, m := range plan.Moves {
			if m.Source == f.nodes[i].ID {
				s.moves = append(s.moves, movePart{Move: m, tables: &found[at]})
			}
		}
		if copies && i == db.Home() {
			s.copies = &reference
		}
		return s.measure(ctx)
	})
	for at := range plan.Moves {
		plan.Moves[at].Tables = found[at]
	}
	plan.Copies = reference
	plan.sum()
	return err
}

// ownedBy returns how many partitions a node owns, without home.
func ownedBy(db *topology.Database, node topology.NodeIndex) int {
	n := 0
	for _, owner := range db.Owners[:db.PartitionCount()] {
		if owner == node {
			n++
		}
	}
	return n
}

// tablesOf lists the relations that hold rows on a node, by name, each with its
// partitions and children as one.
func (f *fleet) tablesOf(db *topology.Database, i topology.NodeIndex) []*topology.Relation {
	var tables []*topology.Relation
	for _, name := range slices.SortedFunc(maps.Keys(db.Relations), byName) {
		t := f.snapshots[i].Table(name)
		if t != nil && holdsRows(t, db.Relations[name]) && !withParent(t, db) {
			tables = append(tables, db.Relations[name])
		}
	}
	return tables
}

func byName(a, b topology.TableName) int {
	return cmp.Or(cmp.Compare(a.Schema, b.Schema), cmp.Compare(a.Name, b.Name))
}

func holdsRows(t *topology.TableSchema, rel *topology.Relation) bool {
	switch rel.Placement {
	case topology.Sharded, topology.Reference, topology.Global:
	default:
		return false
	}
	switch t.Kind {
	case topology.OrdinaryTable, topology.PartitionedTable, topology.TablePartition, topology.InheritanceParent, topology.InheritanceChild:
		return t.Extension == "" || rel.Source == topology.FromConfig
	}
	return false
}

// withParent says whether the rows are those of a parent, too.
func withParent(t *topology.TableSchema, db *topology.Database) bool {
	return slices.ContainsFunc(t.Parents, func(parent topology.TableName) bool {
		p := db.Relations[parent]
		return p != nil && p.Placement != topology.Refused
	})
}

// sizer measures what leaves one node.
type sizer struct {
	db             *topology.Database
	snapshotTables []*topology.Relation
	conn           *pgx.Conn
	partitions     int // that the node owns
	moves          []movePart
	copies         *[]Table // nil: none
}

type movePart struct {
	Move
	tables *[]Table
}

func (s *sizer) measure(ctx context.Context) error {
	if len(s.moves) == 0 && s.copies == nil {
		return nil
	}
	for _, rel := range s.snapshotTables {
		size, err := postgres.ReadSize(ctx, s.conn, rel.Name, exactBelow)
		if err != nil {
			return err
		}
		if size.Rows == 0 && size.Exact {
			continue
		}
		switch rel.Placement {
		case topology.Reference:
			if s.copies != nil {
				*s.copies = append(*s.copies, part(rel, size, size.Rows))
			}
		case topology.Global:
			for _, m := range s.moves {
				if m.Home {
					*m.tables = append(*m.tables, part(rel, size, size.Rows))
				}
			}
		case topology.Sharded:
			if err := s.sharded(ctx, rel, size); err != nil {
				return err
			}
		}
	}
	return nil
}

// sharded divides a table among the moves: by its keys where it was counted,
// else by the number of partitions.
func (s *sizer) sharded(ctx context.Context, rel *topology.Relation, size postgres.Size) error {
	rows := make([]int64, len(s.moves))
	count := func(key []byte, n int64) {
		canonical, ok := ring.AppendText(nil, rel.Key.Type, key)
		if key == nil || !ok {
			return // it stays, or is nowhere at home
		}
		p := ring.PartitionOf(canonical, s.db.PartitionCount())
		for i, m := range s.moves {
			if m.set.Has(p) {
				rows[i] += n
			}
		}
	}
	switch {
	case rel.Key.Column == "":
		count([]byte(rel.Key.FromName), size.Rows)
	case size.Exact:
		if err := postgres.CountKeys(ctx, s.conn, rel.Name, rel.Key.Column, count); err != nil {
			return err
		}
	default:
		for i, m := range s.moves {
			rows[i] = size.Rows * int64(m.Partitions) / int64(max(s.partitions, 1))
		}
	}
	for i, m := range s.moves {
		if rows[i] > 0 {
			*m.tables = append(*m.tables, part(rel, size, rows[i]))
		}
	}
	return nil
}

// part is some of a table's rows, with their share of its bytes.
func part(rel *topology.Relation, size postgres.Size, rows int64) Table {
	t := Table{Name: rel.Name.String(), Rows: rows, Exact: size.Exact}
	if size.Rows > 0 {
		t.Bytes = int64(float64(size.Bytes) * float64(rows) / float64(size.Rows))
	}
	return t
}
