package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"shardproxy/meta/topology"
)

func collect(rows pgx.Rows, dest []any, f func()) error {
	_, err := pgx.ForEachRow(rows, dest, func() error { f(); return nil })
	return err
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

// sqlName is a table's name as SQL.
func sqlName(n topology.TableName) string { return pgx.Identifier{n.Schema, n.Name}.Sanitize() }

// TableRows says that a table has rows.
type TableRows struct {
	Table topology.TableName
	Rows  int64
	// More: there are more rows than were counted.
	More bool
}

func (t TableRows) String() string {
	more := ""
	if t.More {
		more = "more than "
	}
	plural := "s"
	if t.Rows == 1 && !t.More {
		plural = ""
	}
	return fmt.Sprintf("%s (%s%d row%s)", t.Table, more, t.Rows, plural)
}

// existsChunk is how many tables one statement looks into: each must be locked.
const existsChunk = 200

// Occupied returns the tables that hold rows, by name, with up to limit rows
// counted. It looks at every table of the database but those of extensions and
// the proxy's own, whatever the topology says of them: partitions and
// inheritance children for themselves. Temporary tables are not looked at.
func Occupied(ctx context.Context, q Querier, limit int64) ([]TableRows, error) {
	rows, err := q.Query(ctx, `
SELECT n.nspname::text, c.relname::text FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
 WHERE c.relkind = 'r' AND c.relpersistence <> 't' AND `+own("pg_class", "c.oid", "c.relnamespace")+`
 ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`)
	if err != nil {
		return nil, err
	}
	tables, err := pgx.CollectRows(rows, pgx.RowToStructByPos[topology.TableName])
	if err != nil {
		return nil, err
	}
	var occupied []TableRows
	for chunk := range slices.Chunk(tables, existsChunk) {
		found, err := withRows(ctx, q, chunk)
		if err != nil {
			return nil, err
		}
		for _, t := range found {
			n, err := countUpTo(ctx, q, "ONLY "+sqlName(t), limit)
			if err != nil {
				return nil, err
			}
			occupied = append(occupied, TableRows{Table: t, Rows: min(n, limit), More: n > limit})
		}
	}
	return occupied, nil
}

// withRows returns those of the tables that have a row.
func withRows(ctx context.Context, q Querier, tables []topology.TableName) ([]topology.TableName, error) {
	parts := make([]string, len(tables))
	for i, t := range tables {
		parts[i] = "EXISTS (SELECT FROM ONLY " + sqlName(t) + ")"
	}
	var has []bool
	if err := q.QueryRow(ctx, "SELECT ARRAY["+strings.Join(parts, ", ")+"]").Scan(&has); err != nil {
		return nil, err
	}
	var found []topology.TableName
	for i, t := range tables {
		if has[i] {
			found = append(found, t)
		}
	}
	return found, nil
}

// countUpTo counts rows and stops at limit+1.
func countUpTo(ctx context.Context, q Querier, from string, limit int64) (n int64, err error) {
	err = q.QueryRow(ctx, fmt.Sprintf("SELECT count(*) FROM (SELECT FROM %s LIMIT %d) AS counted", from, limit+1)).Scan(&n)
	return n, err
}

// PreparedTransactions returns how many transactions of the database are
// prepared and not ended: what they wrote cannot be seen, and may appear.
func PreparedTransactions(ctx context.Context, q Querier) (n int, err error) {
	err = q.QueryRow(ctx, `SELECT count(*) FROM pg_prepared_xacts WHERE database = current_database()`).Scan(&n)
	return n, err
}
