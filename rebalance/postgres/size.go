package postgres

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"shardproxy/meta/topology"
)

// Size is how much a table holds, with its partitions and children.
type Size struct {
	// Rows are counted where Exact is set, and else the planner's estimate: the
	// density at the last ANALYZE times the pages of now.
	Rows  int64
	Exact bool
	// Bytes on disk, with indexes and values stored apart.
	Bytes int64
}

// ReadSize measures a table. Up to exactBelow rows are counted.
func ReadSize(ctx context.Context, q Querier, table topology.TableName, exactBelow int64) (Size, error) {
	var s Size
	name := sqlName(table)
	err := q.QueryRow(ctx, `
WITH RECURSIVE tree(oid) AS (
  SELECT $1::text::regclass::oid UNION SELECT i.inhrelid FROM tree AS t JOIN pg_inherits AS i ON i.inhparent = t.oid)
SELECT coalesce(sum(pg_total_relation_size(oid)), 0)::bigint FROM tree`, name).Scan(&s.Bytes)
	if err != nil {
		return s, err
	}
	if s.Rows, err = estimate(ctx, q, name); err != nil {
		return s, err
	}
	// An estimate may be wrong by an order of magnitude where nobody analysed.
	const doubt = 10
	if s.Rows > doubt*exactBelow {
		return s, nil
	}
	n, err := countUpTo(ctx, q, name, exactBelow)
	if err == nil && n <= exactBelow {
		s.Rows, s.Exact = n, true
	}
	return s, err
}

// estimate asks the planner how many rows a table has.
func estimate(ctx context.Context, q Querier, name string) (int64, error) {
	var text []byte
	if err := q.QueryRow(ctx, "EXPLAIN (FORMAT JSON) SELECT FROM "+name).Scan(&text); err != nil {
		return 0, err
	}
	var plans []struct {
		Plan struct {
			Rows float64 `json:"Plan Rows"`
		}
	}
	if err := json.Unmarshal(text, &plans); err != nil || len(plans) != 1 {
		return 0, fmt.Errorf("the answer of EXPLAIN cannot be read: %w", err)
	}
	return int64(plans[0].Plan.Rows), nil
}

// CountKeys counts the rows of each key of a table and calls f with the key as
// the server writes it, nil for NULL. The slice is valid until f returns.
func CountKeys(ctx context.Context, q Querier, table topology.TableName, column string, f func(key []byte, rows int64)) error {
	k := pgx.Identifier{column}.Sanitize()
	rows, err := q.Query(ctx, fmt.Sprintf("SELECT k::text, n FROM (SELECT %s AS k, count(*) AS n FROM %s GROUP BY 1) AS keys", k, sqlName(table)))
	if err != nil {
		return err
	}
	var n int64
	var key []byte
	return collect(rows, []any{&key, &n}, func() { f(key, n) })
}
