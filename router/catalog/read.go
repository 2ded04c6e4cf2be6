package catalog

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"shardproxy/meta/topology"
)

// readAttempts is how often Read starts again when objects are dropped while it
// looks at them.
const readAttempts = 5

// Read reads the catalog of the node behind conn in one read-only transaction.
// conn must come from Nodes: the texts of expressions and views depend on its
// settings. It works on PostgreSQL 13 and later.
func Read(ctx context.Context, conn *pgx.Conn) (*Snapshot, error) {
	for attempt := 1; ; attempt++ {
		s, err := readOnce(ctx, conn)
		if err == nil || attempt == readAttempts || !vanished(err) {
			return s, err
		}
	}
}

// vanished says whether err may come from an object that was dropped while the
// catalog was read: functions like pg_get_viewdef see newer state than our
// snapshot.
func vanished(err error) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if !ok {
		return false
	}
	switch pg.Code {
	case "XX000", "42P01", "42704", "42883", "3F000", "40001":
		return true
	}
	return false
}

func readOnce(ctx context.Context, conn *pgx.Conn) (*Snapshot, error) {
	r := &reader{
		conn:     conn,
		snapshot: &Snapshot{Sequences: make(map[topology.TableName]*Sequence)},
		byOID:    make(map[uint32]*relation),
	}
	err := pgx.BeginTxFunc(ctx, conn, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly},
		func(pgx.Tx) error { return r.read(ctx) })
	if err != nil {
		return nil, err
	}
	// Outside the transaction, which would keep a lock on each sequence.
	if err := r.readStates(ctx); err != nil {
		return nil, fmt.Errorf("counters of sequences: %w", err)
	}
	return r.finish(), nil
}

// reader collects one snapshot. The queries run in order: later ones add to
// the relations that the first found.
type reader struct {
	conn     *pgx.Conn
	snapshot *Snapshot
	byOID    map[uint32]*relation
	order    []uint32
	// sequences by OID, to find the ones that feed columns.
	sequences map[uint32]*Sequence
}

// relation is a table being put together.
type relation struct {
	schema topology.TableSchema
	oid    uint32
	// parents are OIDs until all relations are known.
	parents []uint32
}

func (r *reader) read(ctx context.Context) error {
	steps := []struct {
		what string
		run  func(context.Context) error
	}{
		{"server", r.readServer},
		{"sequences", r.readSequences},
		{"relations", r.readRelations},
		{"columns", r.readColumns},
		{"unique indexes", r.readIndexes},
		{"foreign keys", r.readForeignKeys},
		{"triggers", r.readTriggers},
		{"rules", r.readRules},
		{"checks", r.readChecks},
		{"policies", r.readPolicies},
		{"system relations", r.readSystem},
		{"types", r.readTypes},
		{"functions", r.readFunctions},
	}
	for _, step := range steps {
		if err := step.run(ctx); err != nil {
			return fmt.Errorf("%s: %w", step.what, err)
		}
	}
	return nil
}

func (r *reader) finish() *Snapshot {
	s := r.snapshot
	s.tables = make(map[topology.TableName]*topology.TableSchema, len(s.Tables)+len(r.order))
	for _, oid := range r.order {
		rel := r.byOID[oid]
		for _, parent := range rel.parents {
			if p := r.byOID[parent]; p != nil {
				rel.schema.Parents = append(rel.schema.Parents, p.schema.Name)
			}
		}
		s.Tables = append(s.Tables, rel.schema)
	}
	for i := range s.Tables {
		s.tables[s.Tables[i].Name] = &s.Tables[i]
	}
	return s
}

// each runs a query and calls f for each row, after the columns were scanned
// into dest.
func (r *reader) each(ctx context.Context, sql string, dest []any, f func() error) error {
	rows, err := r.conn.Query(ctx, sql)
	if err != nil {
		return err
	}
	_, err = pgx.ForEachRow(rows, dest, f)
	return err
}

// firstUserOID is the smallest OID of objects that do not come with the server
// (FirstNormalObjectId in its source).
const firstUserOID = 16384
