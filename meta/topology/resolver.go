package topology

import (
	"cmp"
	"maps"
	"slices"

	"shardproxy/ring"
)

// Resolve returns the placement of one table under the rules, as if it were
// the only one: foreign keys to other tables count as broken. Rules that are
// invalid (see Rules.Validate) give a Refused relation.
func Resolve(rules Rules, table TableSchema) Relation {
	return *ResolveAll(rules, []TableSchema{table}, nil)[table.Name]
}

// ResolveAll returns the placement of all tables of a database.
//
// The order is: the table's rule; the table-name pattern; the lists of
// reference and global tables; the conventions in the order of the key kinds;
// the primary key; else home. Partitions follow their partitioned table.
//
// kept says where the rows are of tables that have any. Such a table stays
// placed so, whatever the rules say now; where that no longer fits it is
// refused.
func ResolveAll(rules Rules, tables []TableSchema, kept map[TableName]Placed) map[TableName]*Relation {
	r := newResolver(rules, tables)
	r.kept = kept
	for _, name := range r.names {
		if t := r.tables[name]; !t.isChild() {
			r.relations[name] = r.place(t)
		}
	}
	r.shareParentKinds()
	for name, was := range kept {
		if rel := r.relations[name]; rel != nil {
			r.keep(r.tables[name], rel, was)
		}
	}
	for _, name := range r.names {
		r.placeChild(name)
	}
	for _, name := range r.names {
		r.checkTable(r.tables[name], r.relations[name])
	}
	r.checkForeignKeys()
	r.checkKinds()
	return r.relations
}

// resolver resolves the tables of one database once.
type resolver struct {
	rules   Rules
	pattern *namePattern
	invalid error
	order   []ring.KeyKind

	names     []TableName // sorted, so that warnings come in a fixed order
	tables    map[TableName]*TableSchema
	children  map[TableName][]TableName
	relations map[TableName]*Relation
	kept      map[TableName]Placed
}

func newResolver(rules Rules, tables []TableSchema) *resolver {
	r := &resolver{
		rules:     rules,
		invalid:   rules.Validate(),
		order:     rules.keyOrder(),
		tables:    make(map[TableName]*TableSchema, len(tables)),
		children:  make(map[TableName][]TableName),
		relations: make(map[TableName]*Relation, len(tables)),
	}
	if r.invalid == nil {
		r.pattern = compilePattern(rules)
	}
	for i := range tables {
		r.tables[tables[i].Name] = &tables[i]
	}
	r.names = slices.SortedFunc(maps.Keys(r.tables), compareNames)
	for _, name := range r.names {
		for _, parent := range r.tables[name].Parents {
			r.children[parent] = append(r.children[parent], name)
		}
	}
	return r
}

// isChild: the table's rows are part of another table's.
func (t *TableSchema) isChild() bool { return len(t.Parents) > 0 }

// place gives a table its placement without a look at other tables.
func (r *resolver) place(t *TableSchema) *Relation {
	rel := &Relation{Name: t.Name, OID: t.OID, ViewText: t.ViewText, Columns: plainColumns(t)}
	switch {
	case t.Kind == SystemRelation:
		rel.Placement, rel.Source, rel.Reason = System, FromDefault, "the server's own relation, read on the home node"
	case t.Kind == PlainView:
		rel.Placement, rel.Source, rel.Reason = View, FromDefault, "planned through its definition"
	case r.invalid != nil:
		rel.refuse(FromConfig, "the rules are invalid: "+r.invalid.Error())
	default:
		r.choose(t, rel)
	}
	return rel
}

// choose tries the sources of a rule in order.
func (r *resolver) choose(t *TableSchema, rel *Relation) {
	switch {
	case r.byRule(t, rel):
	case r.byPattern(t, rel):
	case r.byList(t, rel):
	case refuseUndeclared(t, rel):
	case byExtension(t, rel):
	case byMigrationTool(t, rel):
	case r.byConvention(t, rel):
	case r.byPrimaryKey(t, rel):
	default:
		rel.Placement, rel.Source = Global, FromDefault
		rel.Reason = "no rule, no column that conventions know and no primary key"
		rel.warn("the table has no shard key and no primary key: all its rows live on the home node")
	}
}

// refuse makes the relation unusable and remembers where its rows are.
func (rel *Relation) refuse(source RuleSource, reason string) {
	rel.Was = rel.Placed()
	rel.Placement, rel.Source, rel.Reason, rel.Key = Refused, source, reason, Key{}
}

func (rel *Relation) warn(sentence string) { rel.Warnings = append(rel.Warnings, sentence) }

func plainColumns(t *TableSchema) []Column {
	columns := make([]Column, len(t.Columns))
	for i := range t.Columns {
		columns[i] = t.Columns[i].Column
	}
	return columns
}

func compareNames(a, b TableName) int {
	return cmp.Or(cmp.Compare(a.Schema, b.Schema), cmp.Compare(a.Name, b.Name))
}
