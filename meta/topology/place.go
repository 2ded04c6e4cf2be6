package topology

import (
	"fmt"
	"strings"

	"shardproxy/ring"
)

// KindOf is the key kind of a table that is placed by its own primary key.
func KindOf(t TableName) ring.KeyKind { return ring.KindOf(t.String()) }

const keyTypes = "integers, uuid, text, varchar and bytea can"

// shard places rel by a column, or refuses it where the column cannot be a
// shard key. reason tells where the choice came from.
func (r *resolver) shard(t *TableSchema, rel *Relation, source RuleSource, kind ring.KeyKind, column, reason string) {
	c := t.column(column)
	switch {
	case c == nil:
		rel.refuse(source, fmt.Sprintf("%s: the table has no column %q", reason, column))
		return
	case c.KeyType == 0:
		rel.refuse(source, fmt.Sprintf("%s: column %q cannot be a shard key: %s (%s); name another column in the table's rule, or list the table under reference or global",
			reason, column, c.KeyProblem, keyTypes))
		return
	case c.Generated:
		rel.refuse(source, fmt.Sprintf("%s: column %q is generated from other columns, so no INSERT can name the key; name another column in the table's rule", reason, column))
		return
	}
	rel.Placement, rel.Source, rel.Reason = Sharded, source, reason
	rel.Key = Key{
		Kind: kind, Type: c.KeyType, Column: column, MaxLength: c.MaxLength,
		NullReplicated: r.nullKey(t, source) == nullReplicated,
	}
	draw, problem := r.drawOf(c)
	rel.Key.Draw = draw
	if problem != "" {
		rel.warn(fmt.Sprintf("the default of the shard key column %q cannot be evaluated ahead of an INSERT (%s): each INSERT must name the key", column, problem))
	}
}

// drawOf returns how a missing key is made. A default that calls a function of
// the user's is not evaluated ahead unless the function is declared pure.
func (r *resolver) drawOf(c *ColumnSchema) (draw Draw, problem string) {
	for _, f := range c.DefaultFunctions {
		if !r.pure(f) {
			return Draw{}, "it calls function " + f
		}
	}
	return c.Draw, c.DrawProblem
}

const nullReplicated = "replicated"

// nullKey is what the rule says of rows without a key. The rules' default is
// for tables placed by convention, where the table's own rule says nothing.
func (r *resolver) nullKey(t *TableSchema, source RuleSource) string {
	if rule, ok := r.rules.table(t.Name); ok && rule.NullKey != "" {
		return rule.NullKey
	}
	if source == FromConvention {
		return r.rules.NullKey
	}
	return ""
}

// byRule: the table's own rule names a kind, a column, or both.
func (r *resolver) byRule(t *TableSchema, rel *Relation) bool {
	rule, ok := r.rules.table(t.Name)
	if !ok || rule.Key == "" && rule.Column == "" {
		return false
	}
	kind, column := rule.Key, rule.Column
	if column == "" {
		found := r.candidatesOf(t, kind)
		if len(found) == 0 {
			rel.refuse(FromConfig, fmt.Sprintf("its rule says key: %s, but no column is known for that kind; name it: tables: {%s: {key: %s, column: ...}}", kind, t.Name, kind))
			return true
		}
		column = found[0].column
	}
	if kind == "" {
		kind = r.kindOfColumn(t, column)
	}
	r.shard(t, rel, FromConfig, kind, column, "its rule in tables")
	return true
}

// byPattern: the table's name carries the key.
func (r *resolver) byPattern(t *TableSchema, rel *Relation) bool {
	if r.pattern == nil {
		return false
	}
	key, ok := r.pattern.key(t.Name)
	if !ok {
		return false
	}
	rel.Placement, rel.Source = Sharded, FromPattern
	rel.Reason = "its name matches table_pattern"
	rel.Key = Key{Kind: r.pattern.kind, Type: keyTypeOfName(key), FromName: key}
	return true
}

// byList: the table is listed as a reference or global table. A full name wins
// over a pattern; reference wins over global.
func (r *resolver) byList(t *TableSchema, rel *Relation) bool {
	reference := matchList(r.rules.Reference, t.Name)
	global := matchList(r.rules.Global, t.Name)
	if reference == noMatch && global == noMatch {
		return false
	}
	rel.Source = FromConfig
	if reference >= global {
		rel.Placement, rel.Reason = Reference, "listed under reference"
	} else {
		rel.Placement, rel.Reason = Global, "listed under global"
	}
	if reference == global {
		rel.warn("the table matches both lists, reference and global: it is a reference table")
	}
	return true
}

// refuseUndeclared refuses relations whose rows the proxy cannot account for
// unless the operator has placed them.
func refuseUndeclared(t *TableSchema, rel *Relation) bool {
	var what string
	switch t.Kind {
	case ForeignTable:
		what = "a foreign table, whose rows are on another server"
	case MaterializedView:
		what = "a materialized view, which each node fills from its own rows"
	case InheritanceParent:
		what = "an inheritance parent, whose rows include those of its children"
	default:
		return false
	}
	rel.refuse(FromDefault, "it is "+what+"; place it with a rule in tables, reference or global")
	return true
}

// byExtension: the tables of an extension are made and filled by CREATE
// EXTENSION on each node alike.
func byExtension(t *TableSchema, rel *Relation) bool {
	if t.Extension == "" {
		return false
	}
	rel.Placement, rel.Source = Global, FromDefault
	rel.Reason = fmt.Sprintf("it belongs to the extension %q", t.Extension)
	return true
}

// byPrimaryKey places a table by its primary key. Of a composite one it takes
// the first column that can be a shard key: every row has one place, the
// primary key stays unique, and only reads by the other columns go to all
// nodes.
func (r *resolver) byPrimaryKey(t *TableSchema, rel *Relation) bool {
	pk := t.primaryKey()
	if pk == nil {
		return false
	}
	column := firstKeyColumn(t, pk)
	r.shard(t, rel, FromPrimaryKey, KindOf(t.Name), column, "primary key ("+strings.Join(pk, ", ")+")")
	if len(pk) > 1 && rel.Placement == Sharded {
		rel.warn(compositeWarning(t.Name, pk, column))
	}
	return true
}

func firstKeyColumn(t *TableSchema, columns []string) string {
	for _, name := range columns {
		if c := t.column(name); c != nil && c.KeyType != 0 && !c.Generated {
			return name
		}
	}
	return columns[0]
}

func compositeWarning(t TableName, pk []string, column string) string {
	return fmt.Sprintf("the table is placed by %q, one column of its primary key (%s); statements that name only other columns go to all nodes; to choose another: tables: {%s: {column: ...}}",
		column, strings.Join(pk, ", "), t)
}
