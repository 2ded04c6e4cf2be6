package catalog

import (
	"context"
	"fmt"

	"shardproxy/meta/topology"
)

// readTriggers reads the enabled triggers that users made. Functions of the
// server and of extensions that only set columns of the row get no name.
func (r *reader) readTriggers(ctx context.Context) error {
	var (
		table          uint32
		name, function string
	)
	sql := fmt.Sprintf(`
SELECT t.tgrelid, t.tgname,
       CASE WHEN f.oid < %d OR %s IN ('moddatetime', 'insert_username') THEN '' ELSE n.nspname || '.' || f.proname END
  FROM pg_trigger t JOIN pg_proc f ON f.oid = t.tgfoid JOIN pg_namespace n ON n.oid = f.pronamespace
 WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND t.tgenabled IN ('O', 'A')
 ORDER BY t.tgrelid, t.tgname COLLATE "C"`, firstUserOID, extensionOf("pg_proc", "f.oid"))
	return r.each(ctx, sql, []any{&table, &name, &function}, func() error {
		if rel := r.byOID[table]; rel != nil {
			rel.schema.Triggers = append(rel.schema.Triggers, topology.Trigger{Name: name, Function: function})
		}
		return nil
	})
}

// readRules reads the enabled rewrite rules, without those that make a view.
func (r *reader) readRules(ctx context.Context) error {
	var (
		table uint32
		name  string
	)
	const sql = `SELECT ev_class, rulename FROM pg_rewrite
 WHERE rulename <> '_RETURN' AND ev_enabled IN ('O', 'A') ORDER BY ev_class, rulename COLLATE "C"`
	return r.each(ctx, sql, []any{&table, &name}, func() error {
		if rel := r.byOID[table]; rel != nil {
			rel.schema.RowRules = append(rel.schema.RowRules, name)
		}
		return nil
	})
}

// readPolicies reads the policies of tables with row-level security that look
// at more than their row.
func (r *reader) readPolicies(ctx context.Context) error {
	var (
		table     uint32
		name      string
		reads     []uint32
		functions []string
	)
	sql := fmt.Sprintf(`
SELECT p.polrelid, p.polname,
       ARRAY(SELECT DISTINCT x.refobjid FROM pg_depend x
              WHERE x.classid = 'pg_policy'::regclass AND x.objid = p.oid
                AND x.refclassid = 'pg_class'::regclass AND x.refobjid <> p.polrelid),
       %s
  FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid AND c.relrowsecurity
 ORDER BY p.polrelid, p.polname COLLATE "C"`, userFunctionsOf("pg_policy", "p.oid", false))
	return r.each(ctx, sql, []any{&table, &name, &reads, &functions}, func() error {
		if rel := r.byOID[table]; rel != nil && len(reads)+len(functions) > 0 {
			policy := topology.Policy{Name: name, Functions: append([]string(nil), functions...)}
			for _, oid := range reads {
				policy.Reads = append(policy.Reads, r.nameOf(oid))
			}
			rel.schema.Policies = append(rel.schema.Policies, policy)
		}
		reads, functions = nil, nil
		return nil
	})
}

// nameOf names a relation; one that was not read has a name no table can have,
// so that whoever looks it up finds nothing.
func (r *reader) nameOf(oid uint32) topology.TableName {
	if rel := r.byOID[oid]; rel != nil {
		return rel.schema.Name
	}
	return topology.TableName{Name: fmt.Sprintf("oid %d", oid)}
}

// readFunctions reads the names of all functions that did not come with the
// server, in whatever schema but ours.
func (r *reader) readFunctions(ctx context.Context) error {
	var name string
	sql := fmt.Sprintf(`SELECT DISTINCT lower(proname) FROM pg_proc
 WHERE oid >= %d AND pronamespace IS DISTINCT FROM to_regnamespace('%s') ORDER BY 1`, firstUserOID, ownSchema)
	return r.each(ctx, sql, []any{&name}, func() error {
		r.snapshot.Functions = append(r.snapshot.Functions, name)
		return nil
	})
}

// readTypes reads the user's types, row types of tables included. An array is
// named after its element, because the server may have had to choose another
// name on each node. PostgreSQL 13 has no multiranges, nor their column.
func (r *reader) readTypes(ctx context.Context) error {
	var t Type
	sql := fmt.Sprintf(`
SELECT t.oid, CASE WHEN e.oid IS NULL THEN n.nspname || '.' || t.typname ELSE en.nspname || '.' || e.typname || '[]' END,
       ARRAY(SELECT l.enumlabel FROM pg_enum l WHERE l.enumtypid = t.oid ORDER BY l.enumsortorder),
       CASE t.typtype
         WHEN 'c' THEN ARRAY(SELECT a.atttypid FROM pg_attribute a
                              WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum)
         WHEN 'd' THEN ARRAY[t.typbasetype]
         WHEN 'r' THEN ARRAY(SELECT g.rngsubtype FROM pg_range g WHERE g.rngtypid = t.oid)
         WHEN 'm' THEN ARRAY(SELECT g.rngsubtype FROM pg_range g WHERE to_jsonb(g)->>'rngmultitypid' = t.oid::text)
         ELSE array_remove(ARRAY[e.oid], NULL) END,
       t.typtype = 'c' OR e.oid IS NOT NULL
  FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
  LEFT JOIN (pg_type e JOIN pg_namespace en ON en.oid = e.typnamespace) ON e.typarray = t.oid
 WHERE t.oid >= %d AND n.nspname !~ '^pg_(toast|temp)' AND n.nspname <> '%s'
 ORDER BY 2`, firstUserOID, ownSchema)
	return r.each(ctx, sql, []any{&t.OID, &t.Name, &t.Labels, &t.Parts, &t.Tagged}, func() error {
		r.snapshot.Types = append(r.snapshot.Types, t)
		t.Labels, t.Parts = nil, nil
		return nil
	})
}
