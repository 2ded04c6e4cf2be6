package noderegistry

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// Version is the version of the schema that this program makes.
const Version = 1

// upgrade returns the statements that lead to a version from the one before.
func upgrade(to int) string {
	switch to {
	case 1:
		return version1
	default:
		return ""
	}
}

// lockKey is the advisory lock of those who make or change the schema.
const lockKey = 0x7368617264700001 // "shardp", 1

// readCommitted makes each statement see what the lock waited for, whatever the
// role's defaults are.
func readCommitted() pgx.TxOptions {
	return pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadWrite}
}

// state is what there is of the schema.
type state struct {
	exists     bool
	ours       bool // it has our table of versions
	version    int
	compatible int
	owner      string
	user       string // who asks
	mayOwn     bool   // user has the owner's rights
	mayCreate  bool   // user may create a schema
}

const stateSQL = `
SELECT n.oid IS NOT NULL, v.oid IS NOT NULL, coalesce(pg_catalog.pg_get_userbyid(n.nspowner)::text, ''), current_user::text,
       coalesce(pg_catalog.pg_has_role(n.nspowner, 'USAGE'), false),
       pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE')
  FROM (VALUES (1)) AS one
  LEFT JOIN pg_catalog.pg_namespace AS n ON n.nspname = 'shardproxy'
  LEFT JOIN pg_catalog.pg_class AS v ON v.relnamespace = n.oid AND v.relname = 'version' AND v.relkind = 'r'`

// readState looks at the schema, and is refused where it cannot be used.
func readState(ctx context.Context, q querier) (*state, error) {
	s := new(state)
	err := q.QueryRow(ctx, stateSQL).Scan(&s.exists, &s.ours, &s.owner, &s.user, &s.mayOwn, &s.mayCreate)
	if err != nil {
		return nil, classify("look for schema shardproxy", err)
	}
	if r := s.refusal(); r != nil {
		return nil, r
	}
	if !s.exists {
		return s, nil
	}
	err = q.QueryRow(ctx, `SELECT version, compatible FROM shardproxy.version`).Scan(&s.version, &s.compatible)
	if err != nil {
		return nil, classify("read the version of schema shardproxy", err)
	}
	if s.compatible > Version {
		return nil, &Refusal{
			Reason:  NewerVersion,
			Message: fmt.Sprintf("a newer program made the schema shardproxy: it asks for version %d, this program knows %d", s.compatible, Version),
			Hint:    "Upgrade this peer.",
		}
	}
	return s, nil
}

// refusal says why the schema cannot be used or made.
func (s *state) refusal() *Refusal {
	switch {
	case s.exists && !s.ours:
		return &Refusal{
			Reason: NotOurs, Message: "there is a schema shardproxy that the proxy has not made",
			Hint: "Rename it: the proxy keeps its own under that name.",
		}
	case s.exists && !s.mayOwn:
		return &Refusal{
			Reason: NoRight, Message: fmt.Sprintf("the schema shardproxy belongs to role %q, not to %q", s.owner, s.user),
			Hint: "Name its owner in the admin_dsn of the node, or a role that has the owner's rights.",
		}
	case (!s.exists || s.owner != s.user) && !s.mayCreate:
		return &Refusal{
			Reason: NoRight, Message: fmt.Sprintf("role %q may not create the schema shardproxy", s.user),
			Hint: "GRANT CREATE ON DATABASE to it, or name another role in the admin_dsn of the node; " + hintRights,
		}
	}
	return nil
}

// install makes the schema or brings it up to date, in the caller's transaction
// of readCommitted. Only one at a time does, however many try.
func install(ctx context.Context, tx pgx.Tx) error {
	if _, err := tx.Exec(ctx, `SELECT pg_catalog.pg_advisory_xact_lock($1)`, int64(lockKey)); err != nil {
		return classify("wait for others that change schema shardproxy", err)
	}
	s, err := readState(ctx, tx)
	if err != nil {
		return err
	}
	if s.exists && s.owner != s.user {
		if err := run(ctx, tx, takeOver); err != nil {
			return classify("take schema shardproxy over", err)
		}
	}
	for v := s.version + 1; v <= Version; v++ {
		if err := run(ctx, tx, upgrade(v)); err != nil {
			return classify(fmt.Sprintf("make version %d of schema shardproxy", v), err)
		}
	}
	return classify("grant rights on schema shardproxy", run(ctx, tx, grants))
}

// run executes several statements.
func run(ctx context.Context, tx pgx.Tx, sql string) error {
	_, err := tx.Conn().PgConn().Exec(ctx, sql).ReadAll()
	return err
}

// takeOver makes the current role the owner of everything, as after admin_dsn
// was set to another role. register runs with its owner's rights, so the tables
// must be the same role's.
const takeOver = `
DO $take_over$
DECLARE
  object text;
BEGIN
  ALTER SCHEMA shardproxy OWNER TO CURRENT_USER;
  FOR object IN SELECT format('TABLE shardproxy.%I', c.relname) FROM pg_catalog.pg_class AS c
                 WHERE c.relnamespace = 'shardproxy'::regnamespace AND c.relkind = 'r'
                UNION ALL
                SELECT format('FUNCTION %s', p.oid::regprocedure) FROM pg_catalog.pg_proc AS p
                 WHERE p.pronamespace = 'shardproxy'::regnamespace
  LOOP
    EXECUTE 'ALTER ' || object || ' OWNER TO CURRENT_USER';
  END LOOP;
END
$take_over$`

// grants lets everybody register and nobody but the owner do anything else,
// whatever the role's default privileges are. Every role that can log in to the
// database may be one that the proxy logs in as; all it can do is register
// itself. What is in order is not touched.
const grants = `
DO $grants$
DECLARE
  object text;
  holder text;
BEGIN
  FOR object, holder IN
    SELECT 'SCHEMA shardproxy', coalesce(quote_ident(pg_catalog.pg_get_userbyid(nullif(a.grantee, 0))), 'PUBLIC')
      FROM pg_catalog.pg_namespace AS n, pg_catalog.aclexplode(n.nspacl) AS a
     WHERE n.nspname = 'shardproxy' AND a.grantee <> n.nspowner AND (a.grantee <> 0 OR a.privilege_type <> 'USAGE')
    UNION
    SELECT format('TABLE shardproxy.%I', c.relname), coalesce(quote_ident(pg_catalog.pg_get_userbyid(nullif(a.grantee, 0))), 'PUBLIC')
      FROM pg_catalog.pg_class AS c, pg_catalog.aclexplode(c.relacl) AS a
     WHERE c.relnamespace = 'shardproxy'::regnamespace AND c.relkind = 'r' AND a.grantee <> c.relowner
  LOOP
    EXECUTE format('REVOKE ALL ON %s FROM %s CASCADE', object, holder);
  END LOOP;
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_namespace AS n, pg_catalog.aclexplode(n.nspacl) AS a
                  WHERE n.nspname = 'shardproxy' AND a.grantee = 0 AND a.privilege_type = 'USAGE') THEN
    GRANT USAGE ON SCHEMA shardproxy TO PUBLIC;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_catalog.pg_proc AS p,
                        pg_catalog.aclexplode(coalesce(p.proacl, pg_catalog.acldefault('f', p.proowner))) AS a
                  WHERE p.oid = 'shardproxy.register'::regproc AND a.grantee = 0) THEN
    GRANT EXECUTE ON FUNCTION shardproxy.register TO PUBLIC;
  END IF;
END
$grants$`
