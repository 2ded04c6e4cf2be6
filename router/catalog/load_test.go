package catalog_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shardproxy/meta/topology"
	"shardproxy/router/catalog"
)

// A newcomer's schema: what is placed where, and what is said of it.
func loadNewcomer(t *testing.T, dsns []string) {
	f := newFleet(t, dsns, topology.Rules{})
	f.load()
	if len(f.db.Relations) == 0 || f.db.Types != nil {
		t.Fatalf("an empty database has %d relations and types %v", len(f.db.Relations), f.db.Types)
	}
	old := f.db
	f.everywhere(`
CREATE TABLE users(id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text UNIQUE, name text);
CREATE TABLE projects(id serial PRIMARY KEY, user_id bigint REFERENCES users ON DELETE CASCADE, name text);
CREATE TABLE documents(id uuid PRIMARY KEY DEFAULT gen_random_uuid(), user_id bigint NOT NULL, body text);
CREATE VIEW names AS SELECT id, name FROM users;`)
	f.reload()
	users := f.relation("users")
	if want := (topology.Draw{Kind: topology.DrawSequence, Sequence: `"public"."users_id_seq"`, Identity: true}); users.Key.Draw != want {
		t.Errorf("users draws %+v", users.Key.Draw)
	}
	var warnings []string
	for _, c := range topology.Changes(old, f.db) {
		for _, w := range c.Warnings {
			warnings = append(warnings, c.Table.String()+": "+w[:min(len(w), 60)])
		}
	}
	want := []string{
		`public.projects: the table is placed by "user_id" (user), though "id" (projec`,
		`public.users: unique index "users_email_key" (email) lacks the shard key c`,
	}
	if diff := cmp.Diff(want, warnings); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	if v := f.relation("names"); v.Placement != topology.View || !strings.Contains(v.ViewText, "FROM public.users") {
		t.Errorf("view: %+v", v)
	}
	if f.relation("projects").Refuses(topology.WriteInsert|topology.WriteUpdate|topology.WriteDelete, nil) != nil {
		t.Error("projects refuses writes")
	}
}

// Type OIDs differ between nodes; home's are canonical.
func loadTypes(t *testing.T, dsns []string) {
	f := newFleet(t, dsns, topology.Rules{})
	f.exec(1, `CREATE TYPE filler AS ENUM ('x'); CREATE TYPE _mood AS (a int)`)
	f.everywhere(`CREATE TYPE mood AS ENUM ('sad', 'ok'); CREATE TABLE t(user_id int, m mood, ms mood[])`)
	f.exec(2, `ALTER TYPE mood ADD VALUE 'great'`)
	report := f.load()
	oid := func(node int, name string) uint32 {
		return uint32(f.ints(node, `SELECT '`+name+`'::regtype::oid::bigint`)[0])
	}
	types := f.db.Types
	if types == nil {
		t.Fatal("no type map")
	}
	for _, name := range []string{"mood", "mood[]"} {
		home, other := oid(0, name), oid(1, name)
		if home == other {
			t.Fatalf("%s has the same OID on both nodes: the test shows nothing", name)
		}
		if got := types.ToNode[1][home]; got != other {
			t.Errorf("%s: home's %d is %d on node 1, want %d", name, home, got, other)
		}
		if got := types.FromNode[1][other]; got != home {
			t.Errorf("%s: node 1's %d is %d at home, want %d", name, other, got, home)
		}
	}
	if got, ok := types.FromNode[1][oid(1, "filler")]; got != 0 || !ok {
		t.Errorf("a type that home lacks maps to %d", got)
	}
	if types.ToNode[0] != nil || types.FromNode[0] != nil {
		t.Error("home's types are mapped")
	}
	column := f.relation("t").Column("m")
	if column.Type != "public.mood" || column.TypeOID != oid(0, "mood") {
		t.Errorf("column %+v", column)
	}
	if !slices.ContainsFunc(report.Problems, func(p catalog.Problem) bool {
		return p.Node == "pg-3" && strings.Contains(p.What, "enum public.mood has the labels")
	}) {
		t.Errorf("the enum's labels are not compared: %v", report.Problems)
	}
}

// The types whose binary values hold OIDs are those whose bytes differ between
// nodes on which the OIDs do.
func loadContainers(t *testing.T, dsns []string) {
	f := newFleet(t, dsns, topology.Rules{})
	f.exec(1, `CREATE TYPE filler AS ENUM ('x')`)
	f.everywhere(`
CREATE TYPE mood AS ENUM ('sad', 'ok');
CREATE DOMAIN short AS text CHECK (length(value) < 9);
CREATE DOMAIN cheer AS mood;
CREATE DOMAIN moods AS mood[];
CREATE TYPE plain AS (a int, b text);
CREATE TYPE pair AS (m mood, n int);
CREATE TYPE outside AS (id int, inside pair);
CREATE TYPE shorts AS (s short);
CREATE TYPE swing AS RANGE (subtype = mood);
CREATE TYPE pairs AS RANGE (subtype = pair);
CREATE TYPE typed AS (t regtype);
CREATE TABLE dropped(user_id int, m mood);
ALTER TABLE dropped DROP COLUMN m;
CREATE TABLE t(user_id int, ms mood[])`)
	f.load()
	if f.db.Types == nil {
		t.Fatal("no type map")
	}
	tests := map[string]string{
		"mood":             `'sad'::mood`,
		"mood[]":           `'{sad}'::mood[]`,
		"short":            `'x'::short`,
		"short[]":          `'{x}'::short[]`,
		"cheer":            `'sad'::cheer`,
		"moods":            `'{sad}'::moods`,
		"moods[]":          `ARRAY['{sad}'::moods]`,
		"plain":            `'(1,x)'::plain`,
		"plain[]":          `ARRAY['(1,x)'::plain]`,
		"pair":             `'(sad,1)'::pair`,
		"outside":          `ROW(1, '(sad,1)'::pair)::outside`,
		"shorts":           `'(x)'::shorts`,
		"swing":            `'[sad,ok]'::swing`,
		"swing[]":          `ARRAY['[sad,ok]'::swing]`,
		"swing_multirange": `'{[sad,ok]}'::swing_multirange`,
		"pairs":            `'["(sad,1)","(ok,1)"]'::pairs`,
		"pairs_multirange": `'{["(sad,1)","(ok,1)"]}'::pairs_multirange`,
		"typed":            `'(mood)'::typed`,
		"dropped":          `ROW(1)::dropped`,
		"t":                `ROW(1, '{sad}')::t`,
		"regtype":          `'mood'::regtype`,
		"regtype[]":        `'{mood}'::regtype[]`,
		"record":           `ROW('sad'::mood)`,
		"record[]":         `ARRAY[ROW('sad'::mood)]`,
		"int4[]":           `'{1}'::int4[]`,
		"int4range":        `'[1,2)'::int4range`,
		"text":             `'x'::text`,
	}
	for name, value := range tests {
		oid := uint32(f.ints(0, `SELECT '`+name+`'::regtype::oid::bigint`)[0])
		differ := !bytes.Equal(f.binary(0, `SELECT `+value), f.binary(1, `SELECT `+value))
		if got := f.db.Types.Containers[oid]; got != differ {
			t.Errorf("%s: a container %v, its bytes differ %v", name, got, differ)
		}
	}
	f.exec(0, `CREATE TABLE stats(m mood); INSERT INTO stats VALUES ('sad'), ('sad'); ANALYZE stats`)
	raw := f.binary(0, `SELECT most_common_vals FROM pg_stats WHERE tablename = 'stats'`)
	mood := binary.BigEndian.AppendUint32(nil, uint32(f.ints(0, `SELECT 'mood'::regtype::oid::bigint`)[0]))
	if !bytes.Contains(raw, mood) || !f.db.Types.Containers[2277] {
		t.Errorf("anyarray holds %x", raw)
	}
}

// What serving nodes disagree about is refused, named by node.
func loadDifferences(t *testing.T, dsns []string) {
	f := newFleet(t, dsns, topology.Rules{})
	f.everywhere(`
CREATE TABLE same(id int PRIMARY KEY, user_id int);
CREATE TABLE missing(user_id int);
CREATE TABLE columns(user_id int, a text);
CREATE TABLE types(user_id int, a varchar(10));
CREATE TABLE ordered(user_id int);
CREATE TABLE loose(user_id int, a int NOT NULL DEFAULT 1);
CREATE TABLE indexed(user_id int, a int);
CREATE TABLE triggered(user_id int);
CREATE VIEW v AS SELECT 1 AS one;
CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';`)
	f.exec(1, `
DROP TABLE missing;
ALTER TABLE columns DROP COLUMN a;
ALTER TABLE types ALTER COLUMN a TYPE varchar(20);
ALTER TABLE ordered ADD COLUMN x int, ADD COLUMN y int;
ALTER TABLE loose ALTER COLUMN a DROP NOT NULL, ALTER COLUMN a SET DEFAULT 2;
CREATE UNIQUE INDEX on_one ON indexed (a);
CREATE TRIGGER t BEFORE INSERT ON triggered FOR EACH ROW EXECUTE FUNCTION f();
DROP VIEW v; CREATE VIEW v AS SELECT 2 AS one;
CREATE TABLE extra(user_id int);
CREATE FUNCTION only_here() RETURNS int LANGUAGE sql AS 'SELECT 1'`)
	for _, node := range []int{0, 2} {
		f.exec(node, `ALTER TABLE ordered ADD COLUMN y int, ADD COLUMN x int`)
	}
	f.load()
	for name, part := range map[string]string{
		"missing": `on node "pg-2" it is missing`,
		"columns": `on node "pg-2" it has 1 columns, not 2; "a" is missing`,
		"types":   `on node "pg-2" column "a" has type character varying(20), not character varying(10)`,
		"ordered": `on node "pg-2" column 2 is "x", not "y"`,
		"v":       `on node "pg-2" the view has another definition`,
		"extra":   `it exists on node "pg-2" but not on the home node "pg-1"`,
	} {
		rel := f.relation(name)
		if rel.Placement != topology.Refused || !strings.Contains(rel.Reason, part) {
			t.Errorf("%s is %v: %s", name, rel.Placement, rel.Reason)
		}
	}
	if rel := f.relation("same"); rel.Placement != topology.Sharded || len(rel.Warnings) > 1 {
		t.Errorf("same: %v %q", rel.Placement, rel.Warnings)
	}
	loose := f.relation("loose")
	if loose.Column("a").NotNull || loose.Refuses(topology.WriteInsert, nil) == nil || loose.Refuses(topology.WriteUpdate, nil) != nil {
		t.Errorf("loose: %+v %v", loose.Column("a"), loose.Refusals)
	}
	indexed := f.relation("indexed")
	if len(indexed.Uniques) != 1 || indexed.Refuses(topology.WriteInsert, nil) == nil {
		t.Errorf("indexed: %v %v", indexed.Uniques, indexed.Refusals)
	}
	if !strings.Contains(strings.Join(indexed.Warnings, "\n"), `node "pg-2" has other unique indexes than the home node`) {
		t.Errorf("indexed: %q", indexed.Warnings)
	}
	if !f.relation("triggered").HasTriggers {
		t.Error("the trigger of one node is not seen")
	}
	if !f.db.Functions["only_here"] || !f.db.Functions["f"] {
		t.Errorf("functions %v", f.db.Functions)
	}

	// DDL through the proxy cures it.
	f.exec(1, `CREATE TABLE missing(user_id int)`)
	if f.reload(); f.relation("missing").Placement != topology.Sharded {
		t.Errorf("missing stays refused: %s", f.relation("missing").Reason)
	}
}

// The rule by which rows were placed stays while there are rows.
func reloadKeepsRules(t *testing.T, dsns []string) {
	f := newFleet(t, dsns, topology.Rules{})
	f.everywhere(`CREATE TABLE full_up(id int PRIMARY KEY); CREATE TABLE empty(id int PRIMARY KEY); CREATE TABLE nokey(a int)`)
	f.load()
	f.exec(2, `INSERT INTO full_up VALUES (1)`)
	f.exec(0, `INSERT INTO nokey VALUES (1)`)
	f.everywhere(`ALTER TABLE full_up ADD COLUMN user_id int; ALTER TABLE empty ADD COLUMN user_id int; ALTER TABLE nokey ADD PRIMARY KEY (a)`)
	f.reload()
	full, empty, nokey := f.relation("full_up"), f.relation("empty"), f.relation("nokey")
	if full.Key.Column != "id" || !strings.Contains(fmt.Sprint(full.Warnings), "the rules now say sharded by user_id (user)") {
		t.Errorf("full_up is placed by %q: %q", full.Key.Column, full.Warnings)
	}
	if empty.Key.Column != "user_id" {
		t.Errorf("empty is placed by %q", empty.Key.Column)
	}
	if nokey.Placement != topology.Global {
		t.Errorf("nokey is %v", nokey.Placement)
	}
	// It stays so over further changes.
	f.everywhere(`ALTER TABLE full_up ADD COLUMN x int`)
	if f.reload(); f.relation("full_up").Key.Column != "id" {
		t.Error("a second reload forgets the rule")
	}
	f.everywhere(`ALTER TABLE full_up RENAME COLUMN id TO ident`)
	f.reload()
	if rel := f.relation("full_up"); rel.Placement != topology.Refused || !strings.Contains(rel.Reason, `column "id", which was dropped, renamed`) {
		t.Errorf("full_up is %v: %s", rel.Placement, rel.Reason)
	}
	// Refused, it is not forgotten; renamed, it is known.
	f.everywhere(`ALTER TABLE full_up RENAME COLUMN ident TO id; ALTER TABLE full_up RENAME TO renamed`)
	f.reload()
	if rel := f.relation("renamed"); rel.Placement != topology.Sharded || rel.Key.Column != "id" {
		t.Errorf("renamed is %v by %q: %s", rel.Placement, rel.Key.Column, rel.Reason)
	}
	// A node that disagrees for a while does not make it forgotten either.
	f.exec(1, `ALTER TABLE renamed ADD COLUMN z int`)
	if f.reload(); f.relation("renamed").Placement != topology.Refused {
		t.Error("a difference is not refused")
	}
	f.exec(1, `ALTER TABLE renamed DROP COLUMN z`)
	f.reload()
	if rel := f.relation("renamed"); rel.Placement != topology.Sharded || rel.Key.Column != "id" {
		t.Errorf("renamed is %v by %q: %s", rel.Placement, rel.Key.Column, rel.Reason)
	}
	f.everywhere(`ALTER TABLE renamed RENAME TO full_up`)
	f.reload()
	f.everywhere(`DELETE FROM full_up; DROP TABLE nokey`)
	f.reload()
	if rel := f.relation("full_up"); rel.Key.Column != "user_id" {
		t.Errorf("full_up, now empty, is placed by %q: %s", rel.Key.Column, rel.Reason)
	}
	if f.db.Relations[topology.TableName{Schema: "public", Name: "nokey"}] != nil {
		t.Error("nokey is still there")
	}
}

func loadBadRules(t *testing.T, dsns []string) {
	f := newFleet(t, dsns[:1], topology.Rules{TablePattern: "("})
	if _, err := f.tryLoad(); err == nil || !strings.Contains(err.Error(), `database "app": table_pattern`) {
		t.Errorf("got %v", err)
	}
}

func TestLoad(t *testing.T) {
	inTurn(t, cluster.NewDatabases(t), map[string]func(*testing.T, []string){
		"newcomer":           loadNewcomer,
		"types":              loadTypes,
		"containers":         loadContainers,
		"differences":        loadDifferences,
		"reload keeps rules": reloadKeepsRules,
		"bad rules":          loadBadRules,
	})
}
