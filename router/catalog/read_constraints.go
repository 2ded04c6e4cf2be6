package catalog

import (
	"context"
	"fmt"

	"shardproxy/meta/topology"
)

// indexesQuery lists unique indexes and exclusion constraints, those that a
// concurrent build left invalid too: they may refuse rows already. A column is
// exact unless another collation, operator class or operator than that of "="
// decides what collides.
var indexesQuery = fmt.Sprintf(`
SELECT i.indrelid, ic.relname, i.indisprimary, i.indpred IS NOT NULL, ic.relispartition,
       ARRAY(SELECT coalesce(a.attname, '')
               FROM unnest(i.indkey::int2[]) WITH ORDINALITY AS k(attnum, ord)
               LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum AND k.attnum > 0
              WHERE k.ord <= i.indnkeyatts ORDER BY k.ord),
       ARRAY(SELECT coalesce(co.collisdeterministic, true) AND k.class < %d
                    AND (con.conexclop IS NULL
                         OR (SELECT o.oprname = '=' FROM pg_operator o WHERE o.oid = con.conexclop[k.ord]))
               FROM unnest(i.indcollation::oid[], i.indclass::oid[]) WITH ORDINALITY AS k(coll, class, ord)
               LEFT JOIN pg_collation co ON co.oid = k.coll
              WHERE k.ord <= i.indnkeyatts ORDER BY k.ord)
  FROM pg_index i
  JOIN pg_class ic ON ic.oid = i.indexrelid
  LEFT JOIN pg_constraint con ON con.conindid = i.indexrelid AND con.contype = 'x'
 WHERE (i.indisunique OR i.indisexclusion) AND i.indislive AND i.indrelid >= %[1]d
 ORDER BY i.indrelid, i.indisprimary DESC, ic.relname COLLATE "C"`, firstUserOID)

func (r *reader) readIndexes(ctx context.Context) error {
	var (
		table   uint32
		index   topology.IndexSchema
		columns []string
		exact   []bool
	)
	dest := []any{&table, &index.Name, &index.Primary, &index.Partial, &index.Inherited, &columns, &exact}
	return r.each(ctx, indexesQuery, dest, func() error {
		if rel := r.byOID[table]; rel != nil {
			i := index
			i.Columns = make([]topology.IndexColumn, len(columns))
			for at, name := range columns {
				i.Columns[at] = topology.IndexColumn{Name: name, Exact: at < len(exact) && exact[at]}
			}
			rel.schema.Uniques = append(rel.schema.Uniques, i)
		}
		columns, exact = nil, nil
		return nil
	})
}

// foreignKeysQuery leaves out the copies that the server keeps for partitions.
const foreignKeysQuery = `
SELECT f.conrelid, f.confrelid, f.conname, f.confdeltype::text, f.confupdtype::text,
       ARRAY(SELECT a.attname FROM unnest(f.conkey) WITH ORDINALITY AS k(attnum, ord)
               JOIN pg_attribute a ON a.attrelid = f.conrelid AND a.attnum = k.attnum ORDER BY k.ord),
       ARRAY(SELECT a.attname FROM unnest(f.confkey) WITH ORDINALITY AS k(attnum, ord)
               JOIN pg_attribute a ON a.attrelid = f.confrelid AND a.attnum = k.attnum ORDER BY k.ord)
  FROM pg_constraint f
 WHERE f.contype = 'f' AND f.conparentid = 0
 ORDER BY f.conrelid, f.conname COLLATE "C"`

func (r *reader) readForeignKeys(ctx context.Context) error {
	var (
		child, parent        uint32
		name                 string
		onDelete, onUpdate   string
		columns, parentNames []string
	)
	dest := []any{&child, &parent, &name, &onDelete, &onUpdate, &columns, &parentNames}
	return r.each(ctx, foreignKeysQuery, dest, func() error {
		c, p := r.byOID[child], r.byOID[parent]
		if c != nil && p != nil {
			c.schema.ForeignKeys = append(c.schema.ForeignKeys, topology.ForeignKey{
				Name: name, Columns: columns, Parent: p.schema.Name, ParentColumns: parentNames,
				OnDelete: action(onDelete), OnUpdate: action(onUpdate),
			})
		}
		columns, parentNames = nil, nil
		return nil
	})
}

// action reads pg_constraint.confdeltype and confupdtype.
func action(code string) topology.Action {
	switch code {
	case "c":
		return topology.Cascade
	case "n":
		return topology.SetNull
	case "d":
		return topology.SetDefault
	}
	return topology.NoAction
}

// readChecks adds the user-defined functions that CHECK constraints and
// generated columns call.
func (r *reader) readChecks(ctx context.Context) error {
	var (
		table     uint32
		functions []string
	)
	sql := fmt.Sprintf(`
SELECT k.conrelid, %s FROM pg_constraint k WHERE k.contype = 'c' AND k.conrelid >= %d
UNION ALL
SELECT d.adrelid, %s FROM pg_attrdef d
  JOIN pg_attribute a ON a.attrelid = d.adrelid AND a.attnum = d.adnum
 WHERE a.attgenerated <> '' AND d.adrelid >= %[2]d
 ORDER BY 1, 2`, userFunctionsOf("pg_constraint", "k.oid", false), firstUserOID, userFunctionsOf("pg_attrdef", "d.oid", false))
	return r.each(ctx, sql, []any{&table, &functions}, func() error {
		if rel := r.byOID[table]; rel != nil && len(functions) > 0 {
			rel.schema.CheckFunctions = append(rel.schema.CheckFunctions, functions...)
		}
		functions = nil
		return nil
	})
}
