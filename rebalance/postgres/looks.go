package postgres

import "fmt"

// look is a query for the names and definitions of one kind of object.
type look struct {
	kind Kind
	// plain: the definition is the same text on every version.
	plain bool
	sql   string
}

// firstUserOID is the smallest OID of objects that do not come with the server
// (FirstNormalObjectId in its source).
const firstUserOID = 16384

// own is a condition: the object is a user's, not an extension's and not the
// proxy's. namespace is the column with the OID of its schema, or "0".
func own(class, oid, namespace string) string {
	return fmt.Sprintf(`%[2]s >= %[4]d
   AND NOT EXISTS (SELECT FROM pg_depend AS x WHERE x.classid = '%[1]s'::regclass AND x.objid = %[2]s AND x.deptype = 'e')
   AND NOT EXISTS (SELECT FROM pg_namespace AS x WHERE x.oid = %[3]s AND (x.nspname = 'shardproxy' OR x.nspname ~ '^pg_(toast|temp)'))`,
		class, oid, namespace, firstUserOID)
}

// inSchema qualifies a name.
func inSchema(namespace, name string) string {
	return fmt.Sprintf(`quote_ident((SELECT q.nspname FROM pg_namespace AS q WHERE q.oid = %s)) || '.' || quote_ident(%s)`, namespace, name)
}

// looks returns all queries, in the order in which differences are told.
func looks() []look {
	return append([]look{
		{kindExtension, true, `SELECT extname::text, extversion FROM pg_extension`},
		{kindSchema, true, `SELECT nspname::text, '' FROM pg_namespace AS n WHERE n.nspname <> 'public' AND ` + own("pg_namespace", "n.oid", "n.oid")},
		{"type", true, `
SELECT ` + inSchema("t.typnamespace", "t.typname") + `,
       concat_ws(' ', CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'd' THEN 'domain' WHEN 'r' THEN 'range' WHEN 'c' THEN 'composite' ELSE 'type' END,
         (SELECT string_agg(quote_literal(l.enumlabel), ',' ORDER BY l.enumsortorder) FROM pg_enum AS l WHERE l.enumtypid = t.oid),
         CASE t.typtype WHEN 'd' THEN format_type(t.typbasetype, t.typtypmod) || CASE WHEN t.typnotnull THEN ' not null' ELSE '' END
              || coalesce(' default ' || t.typdefault, '') END,
         (SELECT format_type(g.rngsubtype, NULL) FROM pg_range AS g WHERE g.rngtypid = t.oid))
  FROM pg_type AS t
 WHERE (t.typtype IN ('e', 'd', 'r') OR t.typtype = 'c' AND EXISTS (SELECT FROM pg_class AS c WHERE c.oid = t.typrelid AND c.relkind = 'c')
        OR t.typtype = 'b' AND NOT EXISTS (SELECT FROM pg_type AS e WHERE e.typarray = t.oid))
   AND ` + own("pg_type", "t.oid", "t.typnamespace")},
		{"sequence", true, `
SELECT ` + inSchema("c.relnamespace", "c.relname") + `,
       concat_ws(' ', format_type(s.seqtypid, NULL), 'min', s.seqmin, 'max', s.seqmax, 'cache', s.seqcache,
         CASE WHEN s.seqcycle THEN 'cycle' END, CASE WHEN s.seqincrement < 0 THEN 'descending' END,
         (SELECT 'owned by ' || d.refobjid::regclass || '.' || a.attname FROM pg_depend AS d
            JOIN pg_attribute AS a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
           WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype IN ('a', 'i') AND d.refclassid = 'pg_class'::regclass))
  FROM pg_sequence AS s JOIN pg_class AS c ON c.oid = s.seqrelid
 WHERE c.relpersistence <> 't' AND ` + own("pg_class", "c.oid", "c.relnamespace")},
		{kindRelation, false, `
SELECT ` + inSchema("c.relnamespace", "c.relname") + `,
       concat_ws(' ', CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' WHEN 'v' THEN 'view'
                        WHEN 'm' THEN 'materialized view' ELSE 'foreign table' END,
         CASE c.relpersistence WHEN 'u' THEN 'unlogged' END,
         CASE WHEN c.relrowsecurity THEN 'row security' END, CASE WHEN c.relforcerowsecurity THEN 'forced' END,
         'replica identity ' || c.relreplident::text, array_to_string(c.reloptions, ','),
         pg_get_partkeydef(c.oid), pg_get_expr(c.relpartbound, c.oid),
         (SELECT 'parents ' || string_agg(i.inhparent::regclass::text, ',' ORDER BY i.inhseqno) FROM pg_inherits AS i WHERE i.inhrelid = c.oid))
  FROM pg_class AS c
 WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't' AND ` + own("pg_class", "c.oid", "c.relnamespace")},
		{"column", false, `
SELECT ` + inSchema("c.relnamespace", "c.relname") + ` || '.' || quote_ident(a.attname),
       concat_ws(' ', format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN 'not null' END,
         CASE WHEN a.attidentity <> '' THEN 'identity ' || a.attidentity::text END, CASE WHEN a.attgenerated <> '' THEN 'generated' END,
         (SELECT 'default ' || pg_get_expr(d.adbin, d.adrelid) FROM pg_attrdef AS d WHERE d.adrelid = a.attrelid AND d.adnum = a.attnum),
         (SELECT 'collate ' || ` + inSchema("k.collnamespace", "k.collname") + ` FROM pg_collation AS k WHERE k.oid = a.attcollation))
  FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
 WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'c') AND c.relpersistence <> 't'
   AND ` + own("pg_class", "c.oid", "c.relnamespace")},
	}, looksAtCode()...)
}

// looksAtCode returns those for what belongs to tables, for functions, and for
// who may do what.
func looksAtCode() []look {
	ofTable := inSchema("c.relnamespace", "c.relname") + ` || ': ' || `
	return append([]look{
		{"constraint", false, `
SELECT coalesce(` + ofTable + `quote_ident(k.conname), k.contypid::regtype || ': ' || quote_ident(k.conname)),
       pg_get_constraintdef(k.oid) || CASE WHEN k.convalidated THEN '' ELSE ' not validated' END
  FROM pg_constraint AS k LEFT JOIN pg_class AS c ON c.oid = k.conrelid
 WHERE k.contype <> 'n' AND ` + own("pg_constraint", "k.oid", "k.connamespace")},
		{"index", false, `
SELECT ` + inSchema("c.relnamespace", "c.relname") + `, pg_get_indexdef(i.indexrelid) || CASE WHEN i.indisvalid THEN '' ELSE ' (invalid)' END
  FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid JOIN pg_class AS t ON t.oid = i.indrelid
 WHERE t.relpersistence <> 't' AND ` + own("pg_class", "t.oid", "t.relnamespace")},
		{"trigger", false, `
SELECT ` + ofTable + `quote_ident(t.tgname), pg_get_triggerdef(t.oid) || ' enabled ' || t.tgenabled::text
  FROM pg_trigger AS t JOIN pg_class AS c ON c.oid = t.tgrelid
 WHERE NOT t.tgisinternal AND ` + own("pg_class", "c.oid", "c.relnamespace")},
		{"rule", false, `
SELECT ` + ofTable + `quote_ident(r.rulename), pg_get_ruledef(r.oid) || ' enabled ' || r.ev_enabled::text
  FROM pg_rewrite AS r JOIN pg_class AS c ON c.oid = r.ev_class
 WHERE ` + own("pg_class", "c.oid", "c.relnamespace")},
		{"policy", false, `
SELECT ` + ofTable + `quote_ident(p.polname),
       concat_ws(' ', CASE WHEN p.polpermissive THEN 'permissive' ELSE 'restrictive' END, 'for ' || p.polcmd::text,
         'using ' || pg_get_expr(p.polqual, p.polrelid), 'check ' || pg_get_expr(p.polwithcheck, p.polrelid))
  FROM pg_policy AS p JOIN pg_class AS c ON c.oid = p.polrelid
 WHERE ` + own("pg_class", "c.oid", "c.relnamespace")},
		{"function", false, `
SELECT p.oid::regprocedure::text, CASE WHEN p.prokind = 'a' THEN 'aggregate' ELSE pg_get_functiondef(p.oid) END
  FROM pg_proc AS p
 WHERE NOT EXISTS (SELECT FROM pg_depend AS d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'i')
   AND ` + own("pg_proc", "p.oid", "p.pronamespace")},
		{"object", true, `
SELECT i.type || ' ' || i.identity, ''
  FROM (` + otherObjects() + `) AS o, pg_identify_object(o.class, o.oid, 0) AS i`},
	}, looksAtRights()...)
}

// otherObjects selects the kinds that nobody has to see the definition of.
func otherObjects() string {
	sql := ""
	for i, c := range []struct{ class, namespace string }{
		{"pg_operator", "o.oprnamespace"},
		{"pg_opclass", "o.opcnamespace"},
		{"pg_opfamily", "o.opfnamespace"},
		{"pg_cast", "0"},
		{"pg_collation", "o.collnamespace"},
		{"pg_conversion", "o.connamespace"},
		{"pg_ts_config", "o.cfgnamespace"},
		{"pg_ts_dict", "o.dictnamespace"},
		{"pg_statistic_ext", "o.stxnamespace"},
		{"pg_foreign_data_wrapper", "0"},
		{"pg_foreign_server", "0"},
		{"pg_event_trigger", "0"},
		{"pg_language", "0"},
		{"pg_am", "0"},
	} {
		if i > 0 {
			sql += " UNION ALL "
		}
		sql += fmt.Sprintf(`SELECT '%[1]s'::regclass AS class, o.oid FROM %[1]s AS o WHERE %[2]s`, c.class, own(c.class, "o.oid", c.namespace))
	}
	return sql
}

// looksAtRights returns those for owners, grants and the application's role.
func looksAtRights() []look {
	const explode = `coalesce((SELECT string_agg(coalesce(pg_get_userbyid(nullif(a.grantee, 0)), 'PUBLIC') || ' ' || a.privilege_type
              || CASE WHEN a.is_grantable THEN ' with grant option' ELSE '' END, ', '
              ORDER BY a.grantee = 0, pg_get_userbyid(a.grantee), a.privilege_type) FROM aclexplode(%s) AS a), '')`
	relations := `FROM pg_class AS c WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S') AND c.relpersistence <> 't' AND ` + own("pg_class", "c.oid", "c.relnamespace")
	functions := `FROM pg_proc AS p WHERE ` + own("pg_proc", "p.oid", "p.pronamespace")
	name := inSchema("c.relnamespace", "c.relname")
	return []look{
		{kindOwner, true, `SELECT ` + name + `, pg_get_userbyid(c.relowner)::text ` + relations + `
UNION ALL SELECT p.oid::regprocedure::text, pg_get_userbyid(p.proowner) ` + functions},
		{kindGrants, true, `SELECT ` + name + `, ` +
			fmt.Sprintf(explode, `coalesce(c.relacl, acldefault((CASE c.relkind WHEN 'S' THEN 's' ELSE 'r' END)::"char", c.relowner))`) + ` ` + relations + `
UNION ALL SELECT p.oid::regprocedure::text, ` + fmt.Sprintf(explode, `coalesce(p.proacl, acldefault('f', p.proowner))`) + ` ` + functions},
		// What router/catalog compares by its value is left out.
		{kindSetting, true, `
SELECT coalesce(r.rolname::text, 'all roles') || ': ' || lower(split_part(c, '=', 1)), substr(c, strpos(c, '=') + 1)
  FROM pg_db_role_setting AS s JOIN pg_database AS d ON d.oid = s.setdatabase AND d.datname = current_database()
  LEFT JOIN pg_roles AS r ON r.oid = s.setrole, unnest(s.setconfig) AS c
 WHERE s.setrole <> 0 OR lower(split_part(c, '=', 1)) NOT IN ('timezone', 'datestyle', 'intervalstyle', 'bytea_output', 'extra_float_digits',
         'standard_conforming_strings', 'default_transaction_isolation', 'default_transaction_read_only', 'lc_monetary', 'lc_numeric',
         'lc_time', 'xmlbinary', 'array_nulls', 'transform_null_equals')`},
		{kindRights, true, `
SELECT ` + name + `, concat_ws(',',
  CASE WHEN NOT has_schema_privilege($1::name, c.relnamespace, 'USAGE') THEN 'no schema' END,
  CASE WHEN c.relkind = 'S' THEN CASE WHEN has_sequence_privilege($1::name, c.oid, 'USAGE') THEN 'usage' END
  ELSE concat_ws(',',
    CASE WHEN has_table_privilege($1::name, c.oid, 'SELECT') THEN 'select' END, CASE WHEN has_table_privilege($1::name, c.oid, 'INSERT') THEN 'insert' END,
    CASE WHEN has_table_privilege($1::name, c.oid, 'UPDATE') THEN 'update' END, CASE WHEN has_table_privilege($1::name, c.oid, 'DELETE') THEN 'delete' END)
  END) ` + relations},
	}
}
