package postgres

import (
	"context"
	"strings"
)

// Facts are what a server says of itself and of the role that asks, as far as it
// matters to a node that joins.
type Facts struct {
	Role      string // that asks
	Superuser bool
	// Replication: the role may read the server's log.
	Replication bool
	// MayReplay: the role may switch triggers off (session_replication_role).
	MayReplay bool
	// Collation of the database in all its parts; CollationVersion is that of
	// the library which sorts, empty where the server does not know it.
	Collation, CType, CollationProvider string
	CollationVersion                    string

	WALLevel         string
	ReplicationSlots int // free ones
	WALSenders       int // in all
	MaxConnections   int
}

// ReadFacts asks the server behind q.
func ReadFacts(ctx context.Context, q Querier) (*Facts, error) {
	f := new(Facts)
	err := q.QueryRow(ctx, `
SELECT current_user::text, r.rolsuper, r.rolreplication OR r.rolsuper,
       r.rolsuper OR CASE WHEN current_setting('server_version_num')::int >= 150000
                     THEN has_parameter_privilege('session_replication_role', 'SET') ELSE false END,
       coalesce(j->>'datlocale', j->>'daticulocale', '') || d.datcollate, d.datctype, coalesce(j->>'datlocprovider', 'c'),
       coalesce(j->>'datcollversion', ''),
       current_setting('wal_level'),
       current_setting('max_replication_slots')::int - (SELECT count(*) FROM pg_replication_slots)::int,
       current_setting('max_wal_senders')::int, current_setting('max_connections')::int
  FROM pg_database AS d, to_jsonb(d) AS j, pg_roles AS r
 WHERE d.datname = current_database() AND r.rolname = current_user`).
		Scan(&f.Role, &f.Superuser, &f.Replication, &f.MayReplay,
			&f.Collation, &f.CType, &f.CollationProvider, &f.CollationVersion,
			&f.WALLevel, &f.ReplicationSlots, &f.WALSenders, &f.MaxConnections)
	return f, err
}

// Roles are the roles that a database's objects belong to or are granted to.
type Roles struct {
	Owners   []string
	Grantees []string
}

// ReadRoles reads them from the server's record of what depends on roles, and
// from the objects of its first superuser, which are not recorded.
func ReadRoles(ctx context.Context, q Querier) (*Roles, error) {
	r := new(Roles)
	err := q.QueryRow(ctx, `
WITH uses AS (
  SELECT d.refobjid AS role, d.deptype = 'o' AS owns, d.classid, d.objid
    FROM pg_shdepend AS d JOIN pg_database AS b ON b.oid = d.dbid AND b.datname = current_database()
   WHERE d.refclassid = 'pg_authid'::regclass AND d.deptype IN ('o', 'a', 'r')
  UNION SELECT c.relowner, true, 'pg_class'::regclass, c.oid FROM pg_class AS c WHERE c.oid >= 16384
  UNION SELECT n.nspowner, true, 'pg_namespace'::regclass, n.oid FROM pg_namespace AS n WHERE n.oid >= 16384
  UNION SELECT p.proowner, true, 'pg_proc'::regclass, p.oid FROM pg_proc AS p WHERE p.oid >= 16384
), named AS (
  SELECT DISTINCT pg_get_userbyid(u.role)::text AS name, u.owns
    FROM uses AS u, pg_identify_object(u.classid, u.objid, 0) AS i
   WHERE coalesce(i.schema, '') NOT IN ('shardproxy', 'pg_toast') AND NOT (i.type = 'schema' AND i.name = 'shardproxy')
     AND i.schema IS DISTINCT FROM 'pg_catalog' AND i.schema IS DISTINCT FROM 'information_schema'
     AND NOT EXISTS (SELECT FROM pg_depend AS x WHERE x.classid = u.classid AND x.objid = u.objid AND x.deptype = 'e')
     AND i.type NOT IN ('extension', 'publication', 'subscription')
)
SELECT ARRAY(SELECT name FROM named WHERE owns ORDER BY name COLLATE "C"), ARRAY(SELECT DISTINCT name COLLATE "C" FROM named WHERE NOT owns ORDER BY 1)`).
		Scan(&r.Owners, &r.Grantees)
	return r, err
}

// MissingRoles returns those of the named roles that the server does not have,
// and those of the owners that the role which asks may not give objects to.
func MissingRoles(ctx context.Context, q Querier, r *Roles) (missing, notMember []string, err error) {
	err = q.QueryRow(ctx, `
SELECT ARRAY(SELECT DISTINCT w.name FROM unnest($1::text[] || $2::text[]) AS w(name)
              WHERE NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = w.name) ORDER BY 1),
       ARRAY(SELECT r.rolname::text FROM pg_roles AS r
              WHERE r.rolname = ANY ($1::text[]) AND NOT pg_has_role(r.oid, 'MEMBER') ORDER BY 1)`, r.Owners, r.Grantees).
		Scan(&missing, &notMember)
	return missing, notMember, err
}

// ExtensionProblems says which of home's extensions, given with their versions,
// the server behind q lacks and cannot get from the role that asks.
func ExtensionProblems(ctx context.Context, q Querier, extensions map[string]string, f *Facts) (problems, notes []string, err error) {
	rows, err := q.Query(ctx, `
SELECT a.name::text, coalesce(a.default_version, ''), a.installed_version IS NOT NULL,
       coalesce((SELECT v.superuser AND NOT v.trusted FROM pg_available_extension_versions AS v
                  WHERE v.name = a.name AND v.version = a.default_version), false)
  FROM pg_available_extensions AS a`)
	if err != nil {
		return nil, nil, err
	}
	type available struct {
		version                   string
		installed, superusersOnly bool
	}
	has := make(map[string]available)
	var name string
	var a available
	if err := collect(rows, []any{&name, &a.version, &a.installed, &a.superusersOnly}, func() { has[name] = a }); err != nil {
		return nil, nil, err
	}
	for _, name := range sortedKeys(extensions) {
		a, ok := has[name]
		switch {
		case !ok:
			problems = append(problems, "extension "+name+" of the home node is not available there; install its package on the server")
		case a.installed:
		case a.superusersOnly && !f.Superuser:
			problems = append(problems, "extension "+name+" can be made by a superuser only: run CREATE EXTENSION "+name+" there as one")
		case a.version != extensions[name]:
			notes = append(notes, strings.Join([]string{"extension", name, "will have version", a.version + ", on the home node it has", extensions[name]}, " "))
		}
	}
	return problems, notes, nil
}
