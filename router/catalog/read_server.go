package catalog

import "context"

// settings are parameters whose difference between nodes a client would see.
const settings = `'TimeZone','DateStyle','IntervalStyle','bytea_output','extra_float_digits',
'standard_conforming_strings','default_transaction_isolation','default_transaction_read_only',
'lc_monetary','lc_numeric','lc_time','xmlbinary','array_nulls','transform_null_equals'`

func (r *reader) readServer(ctx context.Context) error {
	s := &r.snapshot.Server
	var pid uint32
	err := r.conn.QueryRow(ctx, `
SELECT current_setting('server_version_num')::int, pg_encoding_to_char(d.encoding), pg_is_in_recovery(),
       d.oid, d.datcollate, pg_postmaster_start_time()::text, pg_backend_pid()
  FROM pg_database d WHERE d.datname = current_database()`).
		Scan(&s.Version, &s.Encoding, &s.InRecovery, &s.Identity.Database, &s.Collation, &s.Identity.Started, &pid)
	if err != nil {
		return err
	}
	// A pooler hands out cancel keys of its own.
	s.Pooled = pid != r.conn.PgConn().PID()
	var allowed bool
	if err := r.conn.QueryRow(ctx, `SELECT has_function_privilege('pg_control_system()', 'execute')`).Scan(&allowed); err != nil {
		return err
	}
	if allowed {
		var system int64
		if err := r.conn.QueryRow(ctx, `SELECT system_identifier FROM pg_control_system()`).Scan(&system); err != nil {
			return err
		}
		s.Identity.System = uint64(system)
	}
	s.Settings = make(map[string]string)
	var name, value string
	return r.each(ctx, `SELECT name, reset_val FROM pg_settings WHERE name IN (`+settings+`)`, []any{&name, &value}, func() error {
		s.Settings[name] = value
		return nil
	})
}
