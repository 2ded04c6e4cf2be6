package catalog_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shardproxy/meta/topology"
	"shardproxy/ring"
)

func (f *fleet) table(node int, schema, name string) *topology.TableSchema {
	f.t.Helper()
	t := f.snapshot(node).Table(topology.TableName{Schema: schema, Name: name})
	if t == nil {
		f.t.Fatalf("no table %s.%s", schema, name)
	}
	return t
}

func readColumns(t *testing.T, dsns []string) {
	f := newFleet(t, dsns[:1], topology.Rules{})
	f.exec(0, `
CREATE DOMAIN account AS int CHECK (VALUE > 0);
CREATE DOMAIN short AS varchar(8);
CREATE DOMAIN shorter AS short;
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE c(
  a int2 NOT NULL, dropped int, b int4 DEFAULT 7, c int8 GENERATED ALWAYS AS IDENTITY, d bigserial,
  e uuid DEFAULT gen_random_uuid(), f text, g varchar(10), h text COLLATE ci, i char(3), j bytea,
  k account, l shorter, m mood, n numeric(10,2), o int[], p int GENERATED ALWAYS AS (b * 2) STORED,
  q varchar(5) DEFAULT NULL, r smallserial, s timestamptz DEFAULT now());
ALTER TABLE c DROP COLUMN dropped`)
	type column struct {
		Name, Type, Declared, Problem string
		Key                           ring.KeyType
		MaxLength                     int
		NotNull, Default, Generated   bool
		Draw                          topology.DrawKind
		Sequence                      string
	}
	want := []column{
		{Name: "a", Type: "int2", Declared: "smallint", Key: ring.KeyInt, NotNull: true},
		{Name: "b", Type: "int4", Declared: "integer", Key: ring.KeyInt, Default: true, Draw: topology.DrawExpression},
		{Name: "c", Type: "int8", Declared: "bigint", Key: ring.KeyInt, NotNull: true, Default: true, Draw: topology.DrawSequence, Sequence: "c_c_seq"},
		{Name: "d", Type: "int8", Declared: "bigint", Key: ring.KeyInt, NotNull: true, Default: true, Draw: topology.DrawSequence, Sequence: "c_d_seq"},
		{Name: "e", Type: "uuid", Declared: "uuid", Key: ring.KeyUUID, Default: true, Draw: topology.DrawUUID},
		{Name: "f", Type: "text", Declared: "text", Key: ring.KeyText},
		{Name: "g", Type: "varchar", Declared: "character varying(10)", Key: ring.KeyText, MaxLength: 10},
		{Name: "h", Type: "text", Declared: "text", Problem: "its collation takes different texts for equal"},
		{Name: "i", Type: "bpchar", Declared: "character(3)", Problem: "it has type character(3), which ignores trailing spaces"},
		{Name: "j", Type: "bytea", Declared: "bytea", Key: ring.KeyBytes},
		{Name: "k", Type: "public.account", Declared: "public.account", Key: ring.KeyInt},
		{Name: "l", Type: "public.shorter", Declared: "public.shorter", Key: ring.KeyText, MaxLength: 8},
		{Name: "m", Type: "public.mood", Declared: "public.mood", Problem: "it has type public.mood"},
		{Name: "n", Type: "numeric", Declared: "numeric(10,2)", Problem: "it has type numeric(10,2)"},
		{Name: "o", Type: "_int4", Declared: "integer[]", Problem: "it has type integer[]"},
		{Name: "p", Type: "int4", Declared: "integer", Key: ring.KeyInt, Generated: true},
		{Name: "q", Type: "varchar", Declared: "character varying(5)", Key: ring.KeyText, MaxLength: 5},
		{Name: "r", Type: "int2", Declared: "smallint", Key: ring.KeyInt, NotNull: true, Default: true, Draw: topology.DrawSequence, Sequence: "c_r_seq"},
		{Name: "s", Type: "timestamptz", Declared: "timestamp with time zone", Problem: "it has type timestamp with time zone", Default: true, Draw: topology.DrawExpression},
	}
	var got []column
	for _, c := range f.table(0, "public", "c").Columns {
		got = append(got, column{
			Name: c.Name, Type: c.Type, Declared: c.Declared, Problem: c.KeyProblem, Key: c.KeyType, MaxLength: c.MaxLength,
			NotNull: c.NotNull, Default: c.HasDefault, Generated: c.Generated, Draw: c.Draw.Kind, Sequence: c.Sequence.Name,
		})
		if c.TypeOID == 0 {
			t.Errorf("%s has no type OID", c.Name)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Names that need quotes, and a search_path that must not matter.
func readWeirdNames(t *testing.T, dsns []string) {
	f := newFleet(t, dsns, topology.Rules{})
	f.exec(0, `
CREATE SCHEMA "we ird";
CREATE TABLE "we ird"."ta""b'le"("Na me" serial, "select" text, "user_id" int, UNIQUE ("Na me", "user_id"));
CREATE VIEW "we ird"."v; DROP" AS SELECT "Na me" AS "x""y" FROM "we ird"."ta""b'le";
CREATE FUNCTION "we ird"."F u"() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE TYPE "we ird"."T'y" AS ENUM ('a');
ALTER DATABASE `+f.ident(0)+` SET search_path = "we ird"`)
	name := topology.TableName{Schema: "we ird", Name: `ta"b'le`}
	s := f.snapshot(0)
	table := s.Table(name)
	if table == nil {
		t.Fatal("the table is not there")
	}
	if got := table.Columns[0].Draw.Sequence; got != `"we ird"."ta""b'le_Na me_seq"` {
		t.Errorf("sequence %s", got)
	}
	if seq := s.Sequences[table.Columns[0].Sequence]; seq == nil || seq.Last != 1 || seq.Called || seq.Type != "int4" {
		t.Errorf("sequence %+v", seq)
	}
	want := []topology.IndexSchema{{
		Name:    `ta"b'le_Na me_user_id_key`,
		Columns: []topology.IndexColumn{{Name: "Na me", Exact: true}, {Name: "user_id", Exact: true}},
	}}
	if diff := cmp.Diff(want, table.Uniques); diff != "" {
		t.Errorf("indexes (-want +got):\n%s", diff)
	}
	view := s.Table(topology.TableName{Schema: "we ird", Name: "v; DROP"})
	if view == nil || view.Kind != topology.PlainView {
		t.Fatalf("view %+v", view)
	}
	// Versions differ in how they qualify columns, not in how tables.
	if !strings.Contains(view.ViewText, `"Na me" AS "x""y"`) || !strings.HasSuffix(view.ViewText, `FROM "we ird"."ta""b'le"`) {
		t.Errorf("view text: %s", view.ViewText)
	}
	if !slices.Contains(s.Functions, "f u") {
		t.Errorf("functions %q", s.Functions)
	}
	if !slices.ContainsFunc(s.Types, func(x catalogType) bool { return x.Name == "we ird.T'y" && len(x.Labels) == 1 }) {
		t.Errorf("types %v", s.Types)
	}

	f.exec(1, `CREATE SCHEMA "we ird"; CREATE TABLE "we ird"."ta""b'le"("Na me" serial, "select" text, "user_id" int, UNIQUE ("Na me", "user_id"))`)
	f.exec(2, `CREATE SCHEMA "we ird"; CREATE TABLE "we ird"."ta""b'le"("Na me" serial, "select" text, "user_id" int, UNIQUE ("Na me", "user_id"))`)
	f.load()
	rel := f.db.Relations[name]
	if rel.Placement != topology.Sharded || rel.Key.Column != "user_id" {
		t.Errorf("placed %v %s: %s", rel.Placement, rel.Key.Column, rel.Reason)
	}
	for node, want := range []int64{64, 1, 2} {
		if got := f.ints(node, `SELECT nextval('"we ird"."ta""b''le_Na me_seq"')`); got[0] != want {
			t.Errorf("node %d draws %d, want %d", node, got[0], want)
		}
	}
}

func readConstraints(t *testing.T, dsns []string) {
	f := newFleet(t, dsns[:1], topology.Rules{})
	f.exec(0, `
CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE p(id int PRIMARY KEY, a text, b int, UNIQUE (b, id));
CREATE UNIQUE INDEX p_lower ON p (lower(a), b);
CREATE UNIQUE INDEX p_part ON p (a) INCLUDE (b) WHERE b > 0;
CREATE UNIQUE INDEX p_ci ON p (a COLLATE ci);
CREATE INDEX p_plain ON p (a);
CREATE TABLE r(room int, during int4range, EXCLUDE USING gist (during WITH &&));
CREATE TABLE k(x int, y int REFERENCES p ON DELETE SET NULL ON UPDATE CASCADE,
  FOREIGN KEY (x, y) REFERENCES p (b, id) ON DELETE CASCADE);`)
	col := func(name string) topology.IndexColumn { return topology.IndexColumn{Name: name, Exact: true} }
	p := f.table(0, "public", "p")
	want := []topology.IndexSchema{
		{Name: "p_pkey", Primary: true, Columns: []topology.IndexColumn{col("id")}},
		{Name: "p_b_id_key", Columns: []topology.IndexColumn{col("b"), col("id")}},
		{Name: "p_ci", Columns: []topology.IndexColumn{{Name: "a"}}},
		{Name: "p_lower", Columns: []topology.IndexColumn{col(""), col("b")}},
		{Name: "p_part", Partial: true, Columns: []topology.IndexColumn{col("a")}},
	}
	if diff := cmp.Diff(want, p.Uniques); diff != "" {
		t.Errorf("indexes (-want +got):\n%s", diff)
	}
	exclusion := []topology.IndexSchema{{Name: "r_during_excl", Columns: []topology.IndexColumn{{Name: "during"}}}}
	if diff := cmp.Diff(exclusion, f.table(0, "public", "r").Uniques); diff != "" {
		t.Errorf("exclusion (-want +got):\n%s", diff)
	}
	keys := []topology.ForeignKey{
		{Name: "k_x_y_fkey", Columns: []string{"x", "y"}, Parent: p.Name, ParentColumns: []string{"b", "id"}, OnDelete: topology.Cascade},
		{Name: "k_y_fkey", Columns: []string{"y"}, Parent: p.Name, ParentColumns: []string{"id"}, OnDelete: topology.SetNull, OnUpdate: topology.Cascade},
	}
	if diff := cmp.Diff(keys, f.table(0, "public", "k").ForeignKeys); diff != "" {
		t.Errorf("foreign keys (-want +got):\n%s", diff)
	}
}

func readKindsAndCode(t *testing.T, dsns []string) {
	f := newFleet(t, dsns[:1], topology.Rules{})
	f.exec(0, `
CREATE FUNCTION audit() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION odd(int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 % 2 = 1';
CREATE FUNCTION next() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE TABLE plain(id int, v tsvector, d int DEFAULT next(), CHECK (odd(id)));
CREATE TRIGGER t1 BEFORE INSERT ON plain FOR EACH ROW EXECUTE FUNCTION audit();
CREATE TRIGGER t2 BEFORE INSERT ON plain FOR EACH ROW EXECUTE FUNCTION tsvector_update_trigger(v, 'pg_catalog.english', v);
CREATE TRIGGER t3 BEFORE INSERT ON plain FOR EACH ROW EXECUTE FUNCTION audit();
ALTER TABLE plain DISABLE TRIGGER t3;
CREATE RULE r AS ON DELETE TO plain DO ALSO NOTIFY x;
CREATE TABLE other(id int);
ALTER TABLE plain ENABLE ROW LEVEL SECURITY;
CREATE POLICY mine ON plain USING (id IN (SELECT id FROM other));
CREATE POLICY simple ON plain USING (id > 0);
CREATE TABLE events(user_id int, day date, id int GENERATED ALWAYS AS IDENTITY, PRIMARY KEY (user_id, day)) PARTITION BY RANGE (day);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
CREATE TABLE parent(id int);
CREATE TABLE kid(extra int) INHERITS (parent);
CREATE VIEW v AS SELECT 1 AS one;
CREATE MATERIALIZED VIEW m AS SELECT 1 AS one;
CREATE SCHEMA shardproxy; CREATE TABLE shardproxy.node(a int);
CREATE TEMP TABLE scratch(a int);
CREATE EXTENSION postgres_fdw;
CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw;
CREATE FOREIGN TABLE ft(a int) SERVER far;
CREATE SEQUENCE alone;`, asSuperuser)
	s := f.snapshot(0)
	kinds := map[string]topology.TableKind{
		"plain": topology.OrdinaryTable, "events": topology.PartitionedTable, "events_1": topology.TablePartition,
		"parent": topology.InheritanceParent, "kid": topology.InheritanceChild, "v": topology.PlainView,
		"m": topology.MaterializedView, "ft": topology.ForeignTable, "alone": topology.SystemRelation,
	}
	for name, want := range kinds {
		table := s.Table(topology.TableName{Schema: "public", Name: name})
		if table == nil || table.Kind != want {
			t.Errorf("%s: %+v, want kind %d", name, table, want)
		}
	}
	if s.Table(topology.TableName{Schema: "shardproxy", Name: "node"}).Kind != topology.SystemRelation {
		t.Error("the proxy's own table is like a user's")
	}
	pgClass := s.Table(topology.TableName{Schema: "pg_catalog", Name: "pg_class"})
	if pgClass == nil || pgClass.Kind != topology.SystemRelation || pgClass.Columns[1].Name != "relname" {
		t.Errorf("pg_class: %+v", pgClass)
	}
	if s.Table(topology.TableName{Schema: "information_schema", Name: "tables"}) == nil {
		t.Error("information_schema.tables is missing")
	}
	for i := range s.Tables {
		if s.Tables[i].Name.Name == "scratch" {
			t.Error("a temporary table is there")
		}
	}
	plain := s.Table(topology.TableName{Schema: "public", Name: "plain"})
	triggers := []topology.Trigger{{Name: "t1", Function: "public.audit"}, {Name: "t2"}}
	if diff := cmp.Diff(triggers, plain.Triggers); diff != "" {
		t.Errorf("triggers (-want +got):\n%s", diff)
	}
	policies := []topology.Policy{{Name: "mine", Reads: []topology.TableName{{Schema: "public", Name: "other"}}}}
	if diff := cmp.Diff(policies, plain.Policies); diff != "" {
		t.Errorf("policies (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([][]string{{"r"}, {"public.odd"}, {"public.next"}}, [][]string{plain.RowRules, plain.CheckFunctions, plain.Columns[2].DefaultFunctions}); diff != "" {
		t.Errorf("code (-want +got):\n%s", diff)
	}
	part := s.Table(topology.TableName{Schema: "public", Name: "events_1"})
	if diff := cmp.Diff([]topology.TableName{{Schema: "public", Name: "events"}}, part.Parents); diff != "" {
		t.Errorf("parents (-want +got):\n%s", diff)
	}
	if !part.Uniques[0].Inherited {
		t.Error("the partition's primary key is its own")
	}
}

// Read must not fail when tables come and go while it works.
func readBesideDDL(t *testing.T, dsns []string) {
	f := newFleet(t, dsns[:1], topology.Rules{})
	conn, err := f.nodes.Connect(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	stop, done := make(chan struct{}), make(chan error, 1)
	go func() {
		for {
			select {
			case <-stop:
				done <- nil
				return
			default:
			}
			_, err := conn.Exec(t.Context(), `CREATE TABLE public.come(id bigserial, a int DEFAULT 1 CHECK (a > 0)); CREATE VIEW public.go AS SELECT a FROM public.come; DROP VIEW public.go; DROP TABLE public.come`, simple)
			if err != nil {
				done <- err
				return
			}
		}
	}()
	for range 4 {
		f.snapshot(0)
	}
	close(stop)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestRead(t *testing.T) {
	inTurn(t, cluster.NewDatabases(t), map[string]func(*testing.T, []string){
		"columns":        readColumns,
		"weird names":    readWeirdNames,
		"constraints":    readConstraints,
		"kinds and code": readKindsAndCode,
		"beside d d l":   readBesideDDL,
	})
}
