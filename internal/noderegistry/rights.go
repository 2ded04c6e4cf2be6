package noderegistry

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// rightsSQL asks about one role: is there such a role, is it a superuser that we
// are not, may we see its sessions, may we end them.
const rightsSQL = `
SELECT current_user::text, r.rolname IS NOT NULL,
       coalesce(r.rolsuper, false) AND NOT me.rolsuper,
       coalesce(pg_catalog.pg_has_role(r.oid, 'USAGE'), false) OR pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE'),
       coalesce(pg_catalog.pg_has_role(r.oid, 'USAGE'), false) OR pg_catalog.pg_has_role('pg_signal_backend', 'USAGE')
  FROM pg_catalog.pg_roles AS me LEFT JOIN pg_catalog.pg_roles AS r ON r.rolname = $1
 WHERE me.rolname = current_user`

// checkRoles joins what keeps the current role from seeing and ending sessions.
func checkRoles(ctx context.Context, conn *pgx.Conn, roles []string) error {
	var errs []error
	for _, role := range roles {
		errs = append(errs, checkRole(ctx, conn, role))
	}
	return errors.Join(errs...)
}

func checkRole(ctx context.Context, conn *pgx.Conn, role string) error {
	var (
		me                        string
		exists, beyond, see, kill bool
	)
	err := conn.QueryRow(ctx, rightsSQL, role).Scan(&me, &exists, &beyond, &see, &kill)
	if err != nil {
		return classify("ask for rights over role "+role, err)
	}
	missing := ""
	switch {
	case !exists, me == role:
		return nil // it cannot log in, or needs nobody's leave
	case beyond:
		missing = fmt.Sprintf("role %q may not end the sessions of role %q, a superuser", me, role)
	case !see:
		missing = fmt.Sprintf("role %q may not see the sessions of role %q", me, role)
	case !kill:
		missing = fmt.Sprintf("role %q may not end the sessions of role %q", me, role)
	default:
		return nil
	}
	return &Refusal{
		Reason: NoRight, Message: missing,
		Hint: fmt.Sprintf("Let no superuser be in the dsn, and GRANT %s TO %s; %s",
			pgx.Identifier{role}.Sanitize(), pgx.Identifier{me}.Sanitize(), hintRights),
	}
}
