package plan

import (
	"strings"

	"shardproxy/meta/topology"
	"shardproxy/ring"
)

// family groups the types whose values are equal exactly when their canonical
// key bytes are.
type family uint8

const (
	familyUnknown family = iota // a type whose equality says nothing about keys
	familyAny                   // a literal or parameter: takes the type of what it is compared with
	familyInt
	familyUUID
	familyText
	familyBytes
)

// keyFamily returns the family of a shard key's type.
func keyFamily(t ring.KeyType) family {
	switch t {
	case ring.KeyInt:
		return familyInt
	case ring.KeyUUID:
		return familyUUID
	case ring.KeyText:
		return familyText
	case ring.KeyBytes:
		return familyBytes
	}
	return familyUnknown
}

// dialect is what the planner knows of one engine beyond its query trees.
type dialect struct {
	// families are the type names, without modifier, that pass a key's value on
	// unchanged.
	families map[string]family
	// scalars are the types whose values are one column each.
	scalars map[string]bool
	// summable are the types whose sums the proxy can add exactly, ordered the
	// ones whose values it can compare as numbers.
	summable, ordered map[string]bool
	// nameTypes are types whose input looks a name up in the catalog.
	nameTypes map[string]bool
	// catalogs are the schemas of the server's own relations; builtin is the
	// one that is searched without being named.
	catalogs map[string]bool
	builtin  string
	// relationPrefix begins the names of all relations of builtin.
	relationPrefix string
	// temporary begins the names of schemas of temporary tables.
	temporary string
	// countGenerated: an INSERT without a column list counts generated columns.
	countGenerated bool
	// systemColumns exist in every table without being listed.
	systemColumns map[string]bool
	// serverObjects are kinds of objects that belong to a server or cluster, not
	// to the database.
	serverObjects map[string]bool
	functions     *functionTable
	// clockFunctions tell the time of the transaction, which differs from node
	// to node; countingTypes are types whose columns number the rows.
	clockFunctions map[string]bool
	countingTypes  map[string]bool
	// operators are the known operators; nil: all are.
	operators map[string]bool
}

func newDialect(engine topology.Engine) *dialect {
	if engine == topology.MySQL {
		return mysqlDialect()
	}
	return postgresDialect()
}

func postgresDialect() *dialect {
	return &dialect{
		families: map[string]family{
			"int2": familyInt, "int4": familyInt, "int8": familyInt,
			"smallint": familyInt, "integer": familyInt, "int": familyInt, "bigint": familyInt,
			"uuid": familyUUID,
			"text": familyText, "varchar": familyText,
			"bytea": familyBytes,
		},
		scalars: set("int2", "int4", "int8", "numeric", "float4", "float8", "bool", "uuid", "text", "varchar", "bpchar",
			"bytea", "json", "jsonb", "date", "time", "timetz", "timestamp", "timestamptz", "interval", "inet", "cidr"),
		summable: set("int2", "int4", "int8", "numeric"),
		ordered:  set("int2", "int4", "int8", "numeric"),
		nameTypes: set("regclass", "regcollation", "regconfig", "regdictionary", "regnamespace", "regoper",
			"regoperator", "regproc", "regprocedure", "regrole", "regtype"),
		catalogs:       set("pg_catalog", "information_schema", "pg_toast"),
		builtin:        "pg_catalog",
		relationPrefix: "pg_",
		temporary:      "pg_temp",
		countGenerated: true,
		systemColumns:  set("ctid", "tableoid", "xmin", "xmax", "cmin", "cmax", "oid"),
		serverObjects:  set("database", "tablespace", "subscription", "publication", "system"),
		functions:      readFunctions(postgresFunctions),
		operators:      readOperators(postgresOperators),
		clockFunctions: set("now", "transaction_timestamp", "statement_timestamp", "age"),
		countingTypes:  set("serial", "bigserial", "smallserial", "serial2", "serial4", "serial8"),
	}
}

// mysqlDialect knows no functions and passes no casts through: every function
// needs a rule until its list is there.
func mysqlDialect() *dialect {
	return &dialect{
		families: map[string]family{
			"tinyint": familyInt, "smallint": familyInt, "mediumint": familyInt, "int": familyInt, "bigint": familyInt,
			"binary": familyBytes, "varbinary": familyBytes,
		},
		catalogs:       set("information_schema", "mysql", "performance_schema", "sys"),
		countGenerated: true,
		serverObjects:  set("database", "schema", "tablespace", "server", "system"),
		functions:      readFunctions(""),
	}
}

func set(names ...string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, name := range names {
		m[name] = true
	}
	return m
}

// isTemporary reports whether schema holds temporary tables.
func (d *dialect) isTemporary(schema string) bool {
	return d.temporary != "" && strings.HasPrefix(schema, d.temporary)
}
