package catalog

import (
	"context"
	"fmt"

	"shardproxy/meta/topology"
)

// columnFacts is one row of the columns' query.
type columnFacts struct {
	relation    uint32
	name        string
	typeSchema  string
	typeName    string
	typeOID     uint32
	declared    string // with modifiers
	baseType    uint32 // of a domain; else the type itself
	baseName    string
	baseMod     int32
	notNull     bool
	identity    string // "", "a", "d"
	generated   string // "", "s", "v"
	hasDefault  bool
	expression  string
	determinist bool // collation
	functions   []string
	extFuncs    []string
	sequences   []uint32
}

var columnsQuery = fmt.Sprintf(`
WITH RECURSIVE domains AS (
  SELECT oid, typbasetype AS base, typtypmod AS modifier FROM pg_type WHERE typtype = 'd'
  UNION ALL
  SELECT d.oid, t.typbasetype, CASE WHEN d.modifier <> -1 THEN d.modifier ELSE t.typtypmod END
    FROM domains d JOIN pg_type t ON t.oid = d.base WHERE t.typtype = 'd'),
base AS (
  SELECT d.oid, d.base, d.modifier FROM domains d JOIN pg_type t ON t.oid = d.base WHERE t.typtype <> 'd')
SELECT a.attrelid, a.attname, tn.nspname, t.typname, t.oid, format_type(t.oid, a.atttypmod),
       bt.oid, bt.typname, coalesce(base.modifier, a.atttypmod),
       a.attnotnull, a.attidentity::text, a.attgenerated::text, d.oid IS NOT NULL,
       coalesce(pg_get_expr(d.adbin, d.adrelid), ''), coalesce(co.collisdeterministic, true),
       CASE WHEN d.oid IS NULL THEN '{}' ELSE %s END, CASE WHEN d.oid IS NULL THEN '{}' ELSE %s END,
       CASE WHEN a.attidentity <> '' THEN
              ARRAY(SELECT s.oid FROM pg_depend x JOIN pg_class s ON s.oid = x.objid AND s.relkind = 'S'
                     WHERE x.classid = 'pg_class'::regclass AND x.refclassid = 'pg_class'::regclass
                       AND x.refobjid = a.attrelid AND x.refobjsubid = a.attnum AND x.deptype = 'i')
            WHEN d.oid IS NULL THEN '{}'
            ELSE ARRAY(SELECT s.oid FROM pg_depend x JOIN pg_class s ON s.oid = x.refobjid AND s.relkind = 'S'
                        WHERE x.classid = 'pg_attrdef'::regclass AND x.objid = d.oid AND x.refclassid = 'pg_class'::regclass
                        ORDER BY s.oid) END
  FROM pg_attribute a
  JOIN pg_class c ON c.oid = a.attrelid
  JOIN pg_type t ON t.oid = a.atttypid
  JOIN pg_namespace tn ON tn.oid = t.typnamespace
  LEFT JOIN base ON base.oid = t.oid
  JOIN pg_type bt ON bt.oid = coalesce(base.base, t.oid)
  LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  LEFT JOIN pg_collation co ON co.oid = a.attcollation
 WHERE c.oid >= %d AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND c.relpersistence <> 't'
   AND a.attnum > 0 AND NOT a.attisdropped
 ORDER BY a.attrelid, a.attnum`,
	userFunctionsOf("pg_attrdef", "d.oid", false), userFunctionsOf("pg_attrdef", "d.oid", true), firstUserOID)

func (r *reader) readColumns(ctx context.Context) error {
	var f columnFacts
	dest := []any{
		&f.relation, &f.name, &f.typeSchema, &f.typeName, &f.typeOID, &f.declared,
		&f.baseType, &f.baseName, &f.baseMod, &f.notNull, &f.identity, &f.generated, &f.hasDefault,
		&f.expression, &f.determinist, &f.functions, &f.extFuncs, &f.sequences,
	}
	return r.each(ctx, columnsQuery, dest, func() error {
		if rel := r.byOID[f.relation]; rel != nil {
			rel.schema.Columns = append(rel.schema.Columns, r.column(&f))
		}
		f.functions, f.extFuncs, f.sequences = nil, nil, nil
		return nil
	})
}

// column describes a column in the topology's terms.
func (r *reader) column(f *columnFacts) topology.ColumnSchema {
	c := topology.ColumnSchema{
		Column: topology.Column{
			Name: f.name, Type: f.typeName, TypeOID: f.typeOID, NotNull: f.notNull,
			Generated: f.generated != "",
		},
		Declared: f.declared,
	}
	if f.typeSchema != "pg_catalog" {
		c.Type = f.typeSchema + "." + f.typeName
	}
	c.KeyType, c.MaxLength, c.KeyProblem = keyType(f)
	c.IntBits = intBits(f.baseType)
	if f.identity == "" && !f.hasDefault {
		return c
	}
	c.HasDefault = !c.Generated && !isNullDefault(f.expression)
	c.Default = f.expression
	if c.Generated {
		return c
	}
	c.DefaultFunctions = f.functions
	sequences := r.sequencesOf(f)
	d := makeDraw(f, sequences)
	c.Draw, c.DrawProblem, c.Random = d.draw, d.problem, d.random
	if len(sequences) > 0 {
		c.Sequence = sequences[0].Name
		c.SequenceProblem = sequenceProblem(sequences, f, d)
	}
	return c
}

// sequencesOf returns the sequences that feed a column. Temporary ones, which
// only one session sees, are not among them.
func (r *reader) sequencesOf(f *columnFacts) []*Sequence {
	var found []*Sequence
	for _, oid := range f.sequences {
		if s := r.sequences[oid]; s != nil {
			found = append(found, s)
		}
	}
	return found
}

// sequenceProblem says why a column's values may collide over the nodes though
// a sequence feeds it.
func sequenceProblem(sequences []*Sequence, f *columnFacts, d drawn) string {
	s := sequences[0]
	switch {
	case len(sequences) > 1 || d.draw.Kind != topology.DrawSequence:
		return "the default is an expression around a sequence"
	case !s.Readable:
		return "the role of admin_dsn may not read its sequence"
	case f.baseType == oidInt2 || s.Type == "int2":
		return "16 bits are too few to give each node numbers of its own"
	case f.baseType != oidInt4 && f.baseType != oidInt8:
		return "the column is not an integer"
	case s.Increment < 0:
		return "its sequence counts downwards"
	case s.Cycle:
		return "its sequence starts again when it ends (CYCLE)"
	}
	return ""
}
