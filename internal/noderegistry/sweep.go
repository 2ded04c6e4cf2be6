package noderegistry

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// sweepGoneSQL works as the sweep in register does.
const sweepGoneSQL = `
DELETE FROM shardproxy.session AS s USING (
  SELECT r.pid, r.backend_start FROM shardproxy.session AS r WHERE NOT EXISTS (
    SELECT FROM pg_catalog.pg_stat_get_activity(NULL) AS a
    WHERE a.pid = r.pid AND (a.backend_start IS NULL OR a.backend_start = r.backend_start))
  FOR UPDATE SKIP LOCKED) AS gone
WHERE s.pid = gone.pid AND s.backend_start = gone.backend_start`

// Sweep deletes the rows of sessions that are gone and returns their number.
// Nothing depends on it: the rows only take room, and registrations sweep now
// and then. conn is the administrative role's, outside a transaction.
func Sweep(ctx context.Context, conn *pgx.Conn) (removed int64, err error) {
	err = pgx.BeginTxFunc(ctx, conn, readCommitted(), func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT pg_catalog.pg_stat_clear_snapshot()`); err != nil {
			return err
		}
		tag, err := tx.Exec(ctx, sweepGoneSQL)
		removed = tag.RowsAffected()
		return err
	})
	return removed, classify("sweep schema shardproxy", err)
}
