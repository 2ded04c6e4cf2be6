package plan

import (
	"os"
	"strings"
	"testing"

	"shardproxy/meta/topology"
	"shardproxy/ring"
	"shardproxy/router/pgparse"
	"shardproxy/router/querytree"
)

// testPartitions is the number of partitions of the test databases.
const testPartitions = 4096

// testDatabase makes a database of three nodes out of CREATE statements.
func testDatabase(t testing.TB, path string, rules topology.Rules) *topology.Database {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	b := schemaBuilder{t: t, rules: rules, tables: make(map[topology.TableName]*topology.TableSchema)}
	b.script(string(text))
	return b.database()
}

// testRules are the rules of testdata/schema.sql.
func testRules() topology.Rules {
	return topology.Rules{
		Tables: map[string]topology.TableRule{
			"accounts":     {Key: "login", Column: "login"},
			"logins":       {Key: "login", Column: "login"},
			"docs":         {Key: ring.KindProject, Column: "_tenant", NullKey: "replicated"},
			"perms":        {Key: ring.KindProject, Column: "_tenant", NullKey: "replicated"},
			"projects":     {Key: "space", Column: "id"},
			"documents":    {Key: "space", Column: "project_id"},
			"uniq":         {Key: ring.KindUser, Column: "user_id", Unique: []string{"uniq_handle"}},
			"other.orders": {Key: ring.KindUser, Column: "user_id", Unique: []string{"orders_pkey"}},
		},
		TablePattern: `^_(\d+)_`,
		PatternKind:  "space7",
		Reference:    []string{"products", "countries"},
		Global:       []string{"settings"},
		Functions:    map[string]string{"pure_user_function": rulePure, "random_slug": rulePure},
	}
}

// goldenDatabase is the database of the golden cases.
func goldenDatabase(t testing.TB) *topology.Database {
	t.Helper()
	db := testDatabase(t, "testdata/schema.sql", testRules())
	db.Functions = map[string]bool{"user_function": true, "pure_user_function": true, "full_name": true, "substr": true}
	relation(t, db, "audited").HasTriggers = true
	return db
}

func relation(t testing.TB, db *topology.Database, name string) *topology.Relation {
	t.Helper()
	rel := db.Relations[topology.TableName{Schema: "public", Name: name}]
	if rel == nil {
		t.Fatalf("no table %s", name)
	}
	return rel
}

// schemaBuilder reads CREATE statements as a server's catalog would show them.
type schemaBuilder struct {
	t      testing.TB
	rules  topology.Rules
	tables map[topology.TableName]*topology.TableSchema
	order  []topology.TableName
}

func (b *schemaBuilder) script(text string) {
	statements, err := pgparse.Parser{}.Parse(text)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, s := range statements {
		b.statement(s, text[s.Start:s.End])
	}
}

func (b *schemaBuilder) statement(s *querytree.Statement, text string) {
	d := s.DDL
	if d == nil || d.Action != querytree.ActionCreate || len(s.Relations) == 0 {
		return
	}
	switch d.Object {
	case "table":
		table := b.add(s.Relations[0], topology.OrdinaryTable)
		for i := range d.Columns {
			table.Columns = append(table.Columns, b.column(&d.Columns[i], table.Name.Name))
		}
		for i := range d.Constraints {
			b.unique(table, &d.Constraints[i])
		}
	case "index":
		for i := range d.Constraints {
			b.unique(b.tables[tableName(s.Relations[0])], &d.Constraints[i])
		}
	case "view":
		view := b.add(s.Relations[0], topology.PlainView)
		_, view.ViewText, _ = strings.Cut(text, " AS ")
	}
}

func tableName(n querytree.RelationName) topology.TableName {
	if n.Schema == "" {
		n.Schema = "public"
	}
	return topology.TableName{Schema: n.Schema, Name: n.Name}
}

func (b *schemaBuilder) add(n querytree.RelationName, kind topology.TableKind) *topology.TableSchema {
	table := &topology.TableSchema{Name: tableName(n), Kind: kind}
	b.tables[table.Name] = table
	b.order = append(b.order, table.Name)
	return table
}

func (b *schemaBuilder) column(d *querytree.ColumnDefinition, table string) topology.ColumnSchema {
	c := topology.ColumnSchema{Column: topology.Column{
		Name: d.Name, Type: d.Type, NotNull: d.NotNull, Generated: d.Generated,
		HasDefault: d.Default != nil || d.Identity != "",
	}}
	serial := false
	switch d.Type {
	case "serial", "serial4":
		c.Type, serial = "int4", true
	case "bigserial", "serial8":
		c.Type, serial = "int8", true
	}
	if serial || d.Identity != "" {
		c.HasDefault, c.NotNull = true, true
		c.Draw = topology.Draw{
			Kind: topology.DrawSequence, Sequence: "public." + table + "_" + d.Name + "_seq",
			Identity: d.Identity == "always",
		}
		c.Sequence = topology.TableName{Schema: "public", Name: table + "_" + d.Name + "_seq"}
	}
	if f, ok := d.Default.(*querytree.Function); ok {
		switch f.Name {
		case "gen_random_uuid":
			c.Draw = topology.Draw{Kind: topology.DrawUUID}
		default:
			c.Draw = topology.Draw{Kind: topology.DrawExpression, Expression: f.Name + "()"}
		}
	}
	switch c.Type {
	case "int2", "int4", "int8":
		c.KeyType = ring.KeyInt
	case "uuid":
		c.KeyType = ring.KeyUUID
	case "text":
		c.KeyType = ring.KeyText
	case "varchar":
		c.KeyType, c.MaxLength = ring.KeyText, 8
	case "bytea":
		c.KeyType = ring.KeyBytes
	default:
		c.KeyProblem = "no key type"
	}
	return c
}

func (b *schemaBuilder) unique(table *topology.TableSchema, k *querytree.Constraint) {
	if table == nil || k.Kind != "unique" && k.Kind != "primary key" {
		return
	}
	index := topology.IndexSchema{Name: k.Name, Primary: k.Kind == "primary key", Partial: k.Predicate}
	if index.Name == "" {
		index.Name = table.Name.Name + "_pkey"
	}
	for _, name := range k.Columns {
		index.Columns = append(index.Columns, topology.IndexColumn{Name: name, Exact: true})
		for i := range table.Columns {
			if index.Primary && table.Columns[i].Name == name {
				table.Columns[i].NotNull = true
			}
		}
	}
	table.Uniques = append(table.Uniques, index)
}

func (b *schemaBuilder) database() *topology.Database {
	tables := make([]topology.TableSchema, 0, len(b.order))
	for _, name := range b.order {
		tables = append(tables, *b.tables[name])
	}
	return withNodes(&topology.Database{
		Name: "app", Engine: topology.Postgres, SchemaEpoch: 1, Rules: b.rules,
		Relations: topology.ResolveAll(b.rules, tables, nil),
	}, 3)
}

// withNodes gives a database nodes that own the partitions in turn; home is the
// first.
func withNodes(db *topology.Database, n int) *topology.Database {
	db.Nodes = nil
	for i := range n {
		db.Nodes = append(db.Nodes, topology.Node{ID: topology.NodeID("pg-" + string(rune('1'+i))), Slot: topology.Slot(i)})
	}
	db.Owners = make([]topology.NodeIndex, testPartitions+1)
	for p := range testPartitions {
		db.Owners[p] = topology.NodeIndex(p % n)
	}
	return db
}

// testEnv is the environment of a session that changed nothing.
func testEnv() *Env {
	return &Env{SearchPath: []string{"pg_catalog", "public"}, SearchPathKey: "public", NodeHints: true}
}
