package noderegistry

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// registrationTime is how long a registration may hold the raise up: it is one
// message of the client and a millisecond of the server.
const registrationTime = 500 * time.Millisecond

// raise raises min_epoch.
func (c *cutOff) raise(ctx context.Context) error {
	var holders []string
	for {
		err := within(ctx, c.conn, func(tx pgx.Tx) error { return c.raiseIn(ctx, tx) })
		if pg, ok := errors.AsType[*pgconn.PgError](err); ok && pg.Code == "55P03" { // lock_not_available
			holders, err = c.endRegistrations(ctx)
			if err == nil {
				continue
			}
		}
		if err != nil && ctx.Err() != nil && len(holders) > 0 {
			return fmt.Errorf("raise min_epoch: %s: %w", strings.Join(holders, ", "), context.Cause(ctx))
		}
		return err
	}
}

// raiseIn takes the lock on the table that waits for those who hold the row, in
// turn: those who come later wait behind it.
func (c *cutOff) raiseIn(ctx context.Context, tx pgx.Tx) error {
	err := run(ctx, tx, fmt.Sprintf("SET LOCAL lock_timeout = %d; LOCK TABLE shardproxy.node IN EXCLUSIVE MODE", registrationTime.Milliseconds()))
	if err != nil {
		return classify("wait for registrations", err)
	}
	r, err := readRow(ctx, tx)
	if err != nil {
		return err
	}
	if r == nil {
		return notANode()
	}
	if err := r.conflict(c.node); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE shardproxy.node SET min_epoch = $1 WHERE min_epoch < $1`, c.minEpoch)
	return classify("raise min_epoch", err)
}

// holdersSQL ends the sessions that a registration is under way in, and names
// the others that the raise has to wait for.
const holdersSQL = `
SELECT l.pid, now(), CASE WHEN l.mode = 'RowShareLock' THEN pg_catalog.pg_terminate_backend(l.pid) ELSE false END,
       format('process %s has %s', l.pid, l.mode)
  FROM pg_catalog.pg_locks AS l
 WHERE l.locktype = 'relation' AND l.relation = 'shardproxy.node'::regclass AND l.granted AND l.mode <> 'AccessShareLock'
   AND l.database = (SELECT d.oid FROM pg_catalog.pg_database AS d WHERE d.datname = pg_catalog.current_database())
   AND l.pid <> pg_catalog.pg_backend_pid()`

// endRegistrations ends the sessions in whose transactions a registration hangs,
// and says who holds a lock on the table.
func (c *cutOff) endRegistrations(ctx context.Context) (holders []string, err error) {
	rows, err := c.conn.Query(ctx, holdersSQL)
	if err != nil {
		return nil, classify("end hanging registrations", err)
	}
	var (
		pid    int32
		at     time.Time
		ended  bool
		holder string
	)
	_, err = pgx.ForEachRow(rows, []any{&pid, &at, &ended, &holder}, func() error {
		if ended {
			c.ended[pid] = at
		}
		holders = append(holders, holder)
		return nil
	})
	return holders, classify("end hanging registrations", err)
}
