package catalog

import (
	"context"
	"fmt"
	"strings"

	"shardproxy/internal/noderegistry"
	"shardproxy/meta/topology"
)

// ownSchema holds what the proxy keeps on each node. It is nothing of the user's:
// its relations are like the server's own, its functions and types are left out.
const ownSchema = noderegistry.Schema

// extensionOf is a subquery: the extension that owns the object, or ”.
func extensionOf(class, oid string) string {
	return fmt.Sprintf(`coalesce((SELECT e.extname FROM pg_depend x JOIN pg_extension e ON e.oid = x.refobjid
 WHERE x.classid = '%s'::regclass AND x.objid = %s AND x.objsubid = 0
   AND x.refclassid = 'pg_extension'::regclass AND x.deptype = 'e' LIMIT 1), '')`, class, oid)
}

// userFunctionsOf is a subquery: the qualified names of the user-defined
// functions, those of extensions left out or alone, that an object depends on.
func userFunctionsOf(class, oid string, ofExtensions bool) string {
	not := "NOT"
	if ofExtensions {
		not = ""
	}
	return fmt.Sprintf(`ARRAY(SELECT DISTINCT fn.nspname || '.' || f.proname
  FROM pg_depend x JOIN pg_proc f ON f.oid = x.refobjid JOIN pg_namespace fn ON fn.oid = f.pronamespace
 WHERE x.classid = '%s'::regclass AND x.objid = %s AND x.refclassid = 'pg_proc'::regclass AND f.oid >= %d
   AND %s EXISTS (SELECT FROM pg_depend e WHERE e.classid = 'pg_proc'::regclass AND e.objid = f.oid
                   AND e.refclassid = 'pg_extension'::regclass AND e.deptype = 'e')
 ORDER BY 1)`, class, oid, firstUserOID, not)
}

func (r *reader) readRelations(ctx context.Context) error {
	var (
		oid                    uint32
		schema, name, kind     string
		extension, view        string
		isPartition, inherited bool
		parents                []uint32
	)
	sql := fmt.Sprintf(`
SELECT c.oid, n.nspname, c.relname, c.relkind::text, c.relispartition,
       EXISTS (SELECT FROM pg_inherits i JOIN pg_class k ON k.oid = i.inhrelid
                WHERE i.inhparent = c.oid AND NOT k.relispartition),
       ARRAY(SELECT i.inhparent FROM pg_inherits i WHERE i.inhrelid = c.oid ORDER BY i.inhseqno),
       %s, CASE WHEN c.relkind = 'v' THEN coalesce(pg_get_viewdef(c.oid), '') ELSE '' END
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE c.oid >= %d AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't'
 ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`, extensionOf("pg_class", "c.oid"), firstUserOID)
	return r.each(ctx, sql, []any{&oid, &schema, &name, &kind, &isPartition, &inherited, &parents, &extension, &view}, func() error {
		rel := &relation{oid: oid, parents: parents}
		rel.schema = topology.TableSchema{
			Name:      topology.TableName{Schema: schema, Name: name},
			OID:       oid,
			Kind:      tableKind(kind, isPartition, inherited, len(parents) > 0),
			Extension: extension,
			ViewText:  strings.TrimSuffix(strings.TrimSpace(view), ";"),
		}
		if schema == ownSchema {
			rel.schema.Kind = topology.SystemRelation
		}
		parents = nil
		r.byOID[oid] = rel
		r.order = append(r.order, oid)
		return nil
	})
}

func tableKind(relkind string, isPartition, inherited, child bool) topology.TableKind {
	switch {
	case relkind == "v":
		return topology.PlainView
	case relkind == "m":
		return topology.MaterializedView
	case relkind == "f":
		return topology.ForeignTable
	case relkind == "p":
		return topology.PartitionedTable
	case isPartition:
		return topology.TablePartition
	case child:
		return topology.InheritanceChild
	case inherited:
		return topology.InheritanceParent
	}
	return topology.OrdinaryTable
}

// readSystem lists the server's own relations with their columns' names, and
// the sequences, which can be read like tables.
func (r *reader) readSystem(ctx context.Context) error {
	var (
		schema, name string
		columns      []string
	)
	sql := fmt.Sprintf(`
SELECT n.nspname, c.relname, ARRAY(SELECT a.attname FROM pg_attribute a
         WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum)
  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
 WHERE (c.oid < %d AND c.relkind IN ('r', 'p', 'v') AND n.nspname <> 'pg_toast')
    OR (c.oid >= %[1]d AND c.relkind = 'S' AND c.relpersistence <> 't')
 ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"`, firstUserOID)
	return r.each(ctx, sql, []any{&schema, &name, &columns}, func() error {
		t := topology.TableSchema{Name: topology.TableName{Schema: schema, Name: name}, Kind: topology.SystemRelation}
		for _, column := range columns {
			t.Columns = append(t.Columns, topology.ColumnSchema{Column: topology.Column{Name: column}})
		}
		columns = nil
		r.snapshot.Tables = append(r.snapshot.Tables, t)
		return nil
	})
}
