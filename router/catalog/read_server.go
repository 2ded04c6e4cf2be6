package catalog

import (
	"context"

	"github.com/jackc/pgx/v5"
)

// settings are parameters whose difference between nodes a client would see.
const settings = `'TimeZone','DateStyle','IntervalStyle','bytea_output','extra_float_digits',
'standard_conforming_strings','default_transaction_isolation','default_transaction_read_only',
'lc_monetary','lc_numeric','lc_time','xmlbinary','array_nulls','transform_null_equals'`

func (r *reader) readServer(ctx context.Context) error {
	server, err := readServer(ctx, r.conn)
	if err != nil {
		return err
	}
	r.snapshot.Server = *server
	return nil
}

// readServer asks a server what it is. It works on older versions than Read.
func readServer(ctx context.Context, conn *pgx.Conn) (*Server, error) {
	s := &Server{Settings: make(map[string]string)}
	var pid uint32
	err := conn.QueryRow(ctx, `
SELECT current_setting('server_version_num')::int, pg_encoding_to_char(d.encoding), pg_is_in_recovery(),
       d.oid, d.datcollate, pg_postmaster_start_time()::text, pg_backend_pid()
  FROM pg_database d WHERE d.datname = current_database()`).
		Scan(&s.Version, &s.Encoding, &s.InRecovery, &s.Identity.Database, &s.Collation, &s.Identity.Started, &pid)
	if err != nil {
		return nil, err
	}
	// A pooler hands out cancel keys of its own.
	s.Pooled = pid != conn.PgConn().PID()
	if s.Identity.System, err = readSystemIdentifier(ctx, conn); err != nil {
		return nil, err
	}
	rows, err := conn.Query(ctx, `SELECT name, reset_val FROM pg_settings WHERE name IN (`+settings+`)`)
	if err != nil {
		return nil, err
	}
	var name, value string
	_, err = pgx.ForEachRow(rows, []any{&name, &value}, func() error {
		s.Settings[name] = value
		return nil
	})
	return s, err
}

// readSystemIdentifier returns 0 without the right to read it.
func readSystemIdentifier(ctx context.Context, conn *pgx.Conn) (uint64, error) {
	var allowed bool
	err := conn.QueryRow(ctx, `SELECT has_function_privilege('pg_control_system()', 'execute')`).Scan(&allowed)
	if err != nil || !allowed {
		return 0, err
	}
	var system int64
	err = conn.QueryRow(ctx, `SELECT system_identifier FROM pg_control_system()`).Scan(&system)
	return uint64(system), err
}
