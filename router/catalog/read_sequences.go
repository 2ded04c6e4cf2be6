package catalog

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"shardproxy/meta/topology"
)

// stateChunk is how many sequences' states are read by one query: each is a
// table to lock.
const stateChunk = 200

func (r *reader) readSequences(ctx context.Context) error {
	r.sequences = make(map[uint32]*Sequence)
	var (
		oid uint32
		s   Sequence
	)
	sql := fmt.Sprintf(`
SELECT c.oid, n.nspname, c.relname, t.typname, s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcycle, %s,
       has_schema_privilege(n.oid, 'USAGE') AND has_sequence_privilege(c.oid, 'SELECT')
  FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
  JOIN pg_type t ON t.oid = s.seqtypid
 WHERE c.oid >= %d AND c.relpersistence <> 't' AND n.nspname <> '%s'
 ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`, extensionOf("pg_class", "c.oid"), firstUserOID, ownSchema)
	dest := []any{
		&oid, &s.Name.Schema, &s.Name.Name, &s.Type, &s.Start, &s.Increment, &s.Min, &s.Max, &s.Cycle, &s.Extension, &s.Readable,
	}
	return r.each(ctx, sql, dest, func() error {
		sequence := s
		r.sequences[oid] = &sequence
		r.snapshot.Sequences[s.Name] = &sequence
		return nil
	})
}

// readStates reads the counters from the sequences themselves: the catalog's
// views hide the next number of a sequence that has not begun.
func (r *reader) readStates(ctx context.Context) error {
	var readable []uint32
	for oid, s := range r.sequences {
		if s.Readable {
			readable = append(readable, oid)
		}
	}
	for oids := range slices.Chunk(readable, stateChunk) {
		if err := r.readStatesOf(ctx, oids); err != nil {
			return err
		}
	}
	return nil
}

func (r *reader) readStatesOf(ctx context.Context, oids []uint32) error {
	selects := make([]string, len(oids))
	for i, oid := range oids {
		selects[i] = fmt.Sprintf("SELECT %d::oid, last_value, is_called FROM %s", oid, sqlName(r.sequences[oid].Name))
	}
	var (
		oid    uint32
		last   int64
		called bool
	)
	return r.each(ctx, strings.Join(selects, " UNION ALL "), []any{&oid, &last, &called}, func() error {
		r.sequences[oid].Last, r.sequences[oid].Called = last, called
		return nil
	})
}

// usedBy says which tables' columns take their values from a sequence.
func usedBy(tables []topology.TableSchema) map[topology.TableName][]columnRef {
	uses := make(map[topology.TableName][]columnRef)
	for i := range tables {
		for j := range tables[i].Columns {
			if s := tables[i].Columns[j].Sequence; s != (topology.TableName{}) {
				uses[s] = append(uses[s], columnRef{&tables[i], &tables[i].Columns[j]})
			}
		}
	}
	return uses
}

// columnRef is a column with its table.
type columnRef struct {
	table  *topology.TableSchema
	column *topology.ColumnSchema
}
