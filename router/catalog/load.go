package catalog

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/jackc/pgx/v5"

	"shardproxy/meta/topology"
)

// Report is what Load and Reload found besides the database.
type Report struct {
	// Seeding is set by Load.
	Seeding *Seeding
	Strides *StrideReport
	// Problems keep nothing from being served and should be logged.
	Problems []Problem
}

// Load makes a database of its configuration and of what its nodes hold: it
// checks the nodes, decides who owns the partitions, adopts the nodes, strides
// the sequences and resolves the rules. db has Name, Engine, Nodes, Rules and Pool set; the
// result is a copy with the rest. partitions is the number of partitions, a
// power of two.
//
// An error names all nodes that cannot be reached or used, or the rows that
// are not where they should be (*MisplacedError).
func Load(ctx context.Context, nodes *Nodes, db *topology.Database, partitions int) (*topology.Database, *Report, error) {
	if err := db.Rules.Validate(); err != nil {
		return nil, nil, fmt.Errorf("database %q: %w", db.Name, err)
	}
	if err := nodes.opts.Adoption.of(db.Name); err != nil {
		return nil, nil, err
	}
	conns, err := Preflight(ctx, nodes)
	if err != nil {
		return nil, nil, err
	}
	defer conns.Close()
	snapshots, err := readAll(ctx, conns)
	if err != nil {
		return nil, nil, err
	}
	seeding, err := Seed(ctx, conns, snapshots, db.Rules, partitions)
	if err != nil {
		return nil, nil, err
	}
	// Not before: what cannot be served must not be kept from others.
	if err := conns.adopt(ctx); err != nil {
		return nil, nil, err
	}
	loaded := db.Clone()
	loaded.Owners = seeding.Owners
	loaded.SchemaEpoch = 1
	in := Input{Rules: db.Rules, Nodes: db.Nodes, Snapshots: snapshots, Owners: seeding.Owners, CopiesDiffer: seeding.Refused}
	report, err := fill(ctx, conns, loaded, in)
	if err != nil {
		return nil, nil, err
	}
	report.Seeding = seeding
	report.Problems = slices.Concat(conns.belonging(snapshots), seeding.Problems, report.Problems)
	return loaded, report, nil
}

// Reload reads the nodes again, after DDL, and returns a copy of old with new
// relations, types, functions and sequences and the next schema epoch. New
// sequences are strided. Tables that have rows keep the rule by which they were
// placed; where it no longer fits they are refused.
//
// Reloads of one database must not overlap: the last to publish would win with
// what it read first.
func Reload(ctx context.Context, nodes *Nodes, old *topology.Database) (*topology.Database, *Report, error) {
	if err := nodes.opts.Adoption.of(old.Name); err != nil {
		return nil, nil, err
	}
	conns, err := nodes.Open(ctx)
	if err != nil {
		return nil, nil, err
	}
	defer conns.Close()
	if err := conns.verify(ctx); err != nil {
		return nil, nil, err
	}
	snapshots, err := readAll(ctx, conns)
	if err != nil {
		return nil, nil, err
	}
	in := Input{Rules: old.Rules, Nodes: old.Nodes, Snapshots: snapshots, Owners: old.Owners}
	if in.CopiesDiffer, err = stillDiffering(ctx, conns, snapshots, old); err != nil {
		return nil, nil, err
	}
	if in.Kept, err = withRows(ctx, conns, old, Build(in)); err != nil {
		return nil, nil, err
	}
	next := old.Clone()
	next.SchemaEpoch++
	report, err := fill(ctx, conns, next, in)
	if err != nil {
		return nil, nil, err
	}
	return next, report, nil
}

// readAll reads every node's catalog.
func readAll(ctx context.Context, conns *Conns) ([]*Snapshot, error) {
	snapshots := make([]*Snapshot, len(conns.conns))
	err := conns.each(ctx, conns.all(), "read the catalog", func(ctx context.Context, i topology.NodeIndex, conn *pgx.Conn) (err error) {
		snapshots[i], err = Read(ctx, conn)
		return err
	})
	if err != nil {
		return nil, err
	}
	return snapshots, nil
}

// fill resolves the rules, strides the sequences and puts the result into db. A
// sequence that cannot be strided makes a second pass: the tables that rely on
// it are then refused what would need it.
func fill(ctx context.Context, conns *Conns, db *topology.Database, in Input) (*Report, error) {
	built := Build(in)
	strides, err := Stride(ctx, conns, in.Snapshots, built)
	if err != nil {
		return nil, err
	}
	report := &Report{Strides: strides}
	if len(strides.Failed) > 0 {
		in.NotStrided = strides.Failed
		built = Build(in)
	}
	report.Problems = append(built.Problems, strides.Problems...)
	db.Relations, db.Sequences = built.Relations, built.Sequences
	db.Functions, db.Types = built.Functions, built.Types
	if err := db.Validate(); err != nil {
		return nil, errors.Join(errors.New("catalog: the nodes make an inconsistent database"), err)
	}
	return report, nil
}

// stillDiffering looks again at the tables whose copies differed.
func stillDiffering(ctx context.Context, conns *Conns, snapshots []*Snapshot, old *topology.Database) (map[topology.TableName]string, error) {
	s := &seeder{conns: conns, snapshots: snapshots, tables: seedTables(snapshots, old.Rules)}
	differed := false
	for n := range s.tables {
		maps.DeleteFunc(s.tables[n], func(name topology.TableName, _ *topology.Relation) bool {
			rel := old.Relations[name]
			return rel == nil || !rel.CopiesDiffer
		})
		differed = differed || len(s.tables[n]) > 0
	}
	if !differed {
		return nil, nil
	}
	return s.compareCopies(ctx, old.Owners)
}

// withRows returns where the rows are of tables that have any and that built
// would place elsewhere.
func withRows(ctx context.Context, conns *Conns, old *topology.Database, built *Built) (map[topology.TableName]topology.Placed, error) {
	moved := movedTables(old, built)
	if len(moved) == 0 {
		return nil, nil
	}
	found := make([]map[topology.TableName]topology.Placed, len(conns.conns))
	err := conns.each(ctx, old.OwnerNodes(), "look for rows", func(ctx context.Context, i topology.NodeIndex, conn *pgx.Conn) error {
		found[i] = make(map[topology.TableName]topology.Placed)
		for name, was := range moved {
			rows, err := rowsIfExists(ctx, conn, name)
			if err != nil {
				return fmt.Errorf("table %s: %w", name, err)
			}
			if rows {
				found[i][name] = was
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	kept := make(map[topology.TableName]topology.Placed)
	for _, f := range found {
		maps.Copy(kept, f)
	}
	return kept, nil
}

// movedTables returns the former place of each table that has another now. A
// table is known by its name or, when it was renamed, by its OID.
func movedTables(old *topology.Database, built *Built) map[topology.TableName]topology.Placed {
	gone := make(map[uint32]*topology.Relation)
	for name, rel := range old.Relations {
		if built.Relations[name] == nil && rel.OID != 0 {
			gone[rel.OID] = rel
		}
	}
	moved := make(map[topology.TableName]topology.Placed)
	for name, now := range built.Relations {
		before := old.Relations[name]
		if before == nil {
			before = gone[now.OID]
		}
		if before == nil {
			continue
		}
		if was := before.Placed(); was.Placement != 0 && (now.Placement == topology.Refused || !was.Same(now.Placed())) {
			moved[name] = was
		}
	}
	return moved
}

// rowsIfExists says whether a table has rows on the node; it may be missing
// there.
func rowsIfExists(ctx context.Context, conn *pgx.Conn, name topology.TableName) (bool, error) {
	var oid *uint32
	if err := conn.QueryRow(ctx, `SELECT to_regclass($1::text)::oid`, sqlName(name)).Scan(&oid); err != nil || oid == nil {
		return false, err
	}
	return anyRows(ctx, conn, []topology.TableName{name})
}
