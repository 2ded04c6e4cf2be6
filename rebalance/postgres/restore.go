package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// RestoreError says what the server refused of a script. Nothing of it was
// kept.
type RestoreError struct{ err error }

func (e *RestoreError) Error() string {
	text := "the schema cannot be restored: " + e.err.Error()
	if pg, ok := errors.AsType[*pgconn.PgError](e.err); ok {
		if pg.Detail != "" {
			text += ": " + pg.Detail
		}
		if pg.Hint != "" {
			text += " (" + pg.Hint + ")"
		}
		if pg.Where != "" {
			text += ", in " + pg.Where
		}
	}
	return text
}

func (e *RestoreError) Unwrap() error { return e.err }

// Rehearse runs a script as Restore does, and undoes it.
func Rehearse(ctx context.Context, conn *pgx.Conn, script Script, check func(ctx context.Context, tx pgx.Tx) error) error {
	return restore(ctx, conn, script, check, false)
}

// Restore runs a script in one transaction, looks at the result with check and
// commits it if that returns nil. On an error nothing is left of it; its own
// errors are *RestoreError. The script changes settings of the session: the
// connection is to be closed afterwards.
func Restore(ctx context.Context, conn *pgx.Conn, script Script, check func(ctx context.Context, tx pgx.Tx) error) error {
	return restore(ctx, conn, script, check, true)
}

// rollbackTimeout bounds the rollback on a server that may not answer any more.
const rollbackTimeout = 5 * time.Second

func restore(ctx context.Context, conn *pgx.Conn, script Script, check func(ctx context.Context, tx pgx.Tx) error, keep bool) error {
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadWrite})
	if err != nil {
		return err
	}
	// After Commit this does nothing; a broken connection rolls back by itself.
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), rollbackTimeout)
		defer cancel()
		_ = tx.Rollback(ctx)
	}()
	if _, err := conn.PgConn().Exec(ctx, string(script)).ReadAll(); err != nil {
		return &RestoreError{err}
	}
	// The settings that the texts of the catalog depend on are ours again.
	if _, err := tx.Exec(ctx, `SELECT set_config('search_path', 'pg_catalog', true), set_config('row_security', 'off', true)`); err != nil {
		return err
	}
	if err := check(ctx, tx); err != nil || !keep {
		return err
	}
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("commit the schema: %w", err)
	}
	return nil
}
