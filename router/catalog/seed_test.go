package catalog_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"shardproxy/meta/topology"
	"shardproxy/ring"
	"shardproxy/router/catalog"
)

const shop = `
CREATE TABLE users(id bigserial PRIMARY KEY, name text);
CREATE TABLE docs(id bigserial PRIMARY KEY, user_id bigint, body text);
CREATE TABLE settings(name text);
CREATE TABLE countries(code text PRIMARY KEY, name text);
`

var shopRules = topology.Rules{Reference: []string{"countries"}}

// ownerOf is the node that owns a key.
func (f *fleet) ownerOf(t ring.KeyType, key string) int {
	f.t.Helper()
	canonical, ok := ring.AppendText(nil, t, []byte(key))
	if !ok {
		f.t.Fatalf("%q is no key", key)
	}
	return int(f.db.Owner(ring.PartitionOf(canonical, f.db.PartitionCount())))
}

// unload forgets what was loaded, as a restart of the proxy does.
func (f *fleet) unload() {
	f.db = &topology.Database{Name: f.db.Name, Engine: f.db.Engine, Nodes: f.db.Nodes, Rules: f.db.Rules}
}

func (f *fleet) owned() []int {
	counts := make([]int, len(f.db.Nodes))
	for _, n := range f.db.Owners[:partitions] {
		counts[n]++
	}
	return counts
}

func seedEmptyThenRestarts(t *testing.T, dsns []string) {
	f := newFleet(t, dsns, shopRules)
	f.everywhere(shop)
	report := f.load()
	if report.Seeding.Basis != catalog.SeedEmpty || f.db.Home() != 0 || f.db.SchemaEpoch != 1 {
		t.Fatalf("basis %v, home %d", report.Seeding.Basis, f.db.Home())
	}
	for node, count := range f.owned() {
		if count < partitions/3 || count > partitions/3+1 {
			t.Errorf("node %d owns %d of %d partitions", node, count, partitions)
		}
	}
	owners := fmt.Sprint(f.db.Owners)

	// One row only, on its owner: a restart must not take its node for an
	// adopted one.
	first := f.ownerOf(ring.KeyInt, "1")
	f.exec(first, `INSERT INTO users(id) VALUES (1)`)
	f.unload()
	if report := f.load(); report.Seeding.Basis != catalog.SeedRing || fmt.Sprint(f.db.Owners) != owners {
		t.Fatalf("one row: basis %v", report.Seeding.Basis)
	}

	// Many rows, on their owners.
	for id := 2; id < 40; id++ {
		f.exec(f.ownerOf(ring.KeyInt, fmt.Sprint(id)), fmt.Sprintf(`INSERT INTO users(id) VALUES (%d); INSERT INTO docs(user_id) VALUES (%[1]d)`, id))
	}
	f.exec(0, `INSERT INTO settings VALUES ('a')`)
	f.everywhere(`INSERT INTO countries VALUES ('NZ', 'x'), ('AU', 'y')`)
	f.unload()
	if report := f.load(); report.Seeding.Basis != catalog.SeedRing || fmt.Sprint(f.db.Owners) != owners || len(report.Seeding.Refused) != 0 {
		t.Fatalf("many rows: basis %v, refused %v", report.Seeding.Basis, report.Seeding.Refused)
	}

	// Global rows decide about home when the first node has none.
	f.exec(0, `DELETE FROM settings`)
	f.exec(2, `INSERT INTO settings VALUES ('a')`)
	f.unload()
	if f.load(); f.db.Home() != 2 {
		t.Errorf("home is %d", f.db.Home())
	}
	f.exec(0, `INSERT INTO settings VALUES ('a')`)

	// Reference rows that differ refuse the table, nothing else.
	f.exec(1, `UPDATE countries SET name = 'z' WHERE code = 'AU'`)
	f.exec(2, `DELETE FROM settings`)
	f.unload()
	f.load()
	rel := f.relation("countries")
	if rel.Placement != topology.Refused || !rel.CopiesDiffer || !strings.Contains(rel.Reason, `on node "pg-2"`) {
		t.Errorf("countries: %v: %s", rel.Placement, rel.Reason)
	}
	if f.relation("users").Placement != topology.Sharded {
		t.Error("users is refused too")
	}
	// It stays refused until the rows are equal.
	if f.reload(); f.relation("countries").Placement != topology.Refused {
		t.Error("a reload forgets that the copies differ")
	}
	f.exec(1, `UPDATE countries SET name = 'y' WHERE code = 'AU'`)
	if f.reload(); f.relation("countries").Placement != topology.Reference {
		t.Errorf("countries stays refused: %s", f.relation("countries").Reason)
	}
}

func seedMisplaced(t *testing.T, dsns []string) {
	f := newFleet(t, dsns, topology.Rules{})
	f.everywhere(shop)
	f.load()
	for id := range 200 {
		node := f.ownerOf(ring.KeyInt, fmt.Sprint(id))
		f.exec(node, fmt.Sprintf(`INSERT INTO users(id) VALUES (%d)`, id))
	}
	wrong := (f.ownerOf(ring.KeyInt, "7") + 1) % 3
	f.exec(wrong, `INSERT INTO docs(user_id) VALUES (7)`)
	f.unload()
	_, err := f.tryLoad()
	misplaced, ok := errors.AsType[*catalog.MisplacedError](err)
	if !ok {
		t.Fatalf("got %v", err)
	}
	want := catalog.Misplaced{
		Table: topology.TableName{Schema: "public", Name: "docs"}, Key: `"7"`,
		Node: f.db.Nodes[wrong].ID, Should: f.db.Nodes[(wrong+2)%3].ID,
	}
	if len(misplaced.Rows) != 1 || misplaced.Rows[0] != want {
		t.Errorf("got %v, want %v", misplaced.Rows, want)
	}

	f.exec(wrong, `UPDATE docs SET user_id = NULL`)
	if _, err := f.tryLoad(); err == nil || !strings.Contains(err.Error(), `public.docs key NULL on "`+string(want.Node)+`" belongs nowhere`) {
		t.Errorf("a row without a key: %v", err)
	}

	f.exec(wrong, `DELETE FROM docs; INSERT INTO docs(user_id) SELECT generate_series(1, 100)`)
	if _, err := f.tryLoad(); err == nil || strings.Count(err.Error(), "public.docs key") != 10 {
		t.Errorf("want 10 rows named: %v", err)
	}

	f.exec(wrong, `DELETE FROM docs`)
	f.everywhere(`INSERT INTO settings VALUES ('x')`)
	_, err = f.tryLoad()
	if err == nil || !strings.Contains(err.Error(), `public.settings on "pg-2" should be on "pg-1"`) {
		t.Errorf("global rows on all nodes: %v", err)
	}
}

// A database with rows on one node, which need not be the first, beside empty
// servers that do not even have the tables.
func seedAdopted(t *testing.T, dsns []string) {
	f := newFleet(t, dsns, shopRules)
	f.exec(1, shop)
	f.exec(1, `INSERT INTO users(name) SELECT 'n' FROM generate_series(1, 500); INSERT INTO docs(user_id) SELECT id FROM users;
		INSERT INTO settings VALUES ('a'); INSERT INTO countries VALUES ('NZ')`)
	f.exec(2, `CREATE TABLE users(id text PRIMARY KEY)`)
	report := f.load()
	if report.Seeding.Basis != catalog.SeedAdopted || f.owned()[1] != partitions || f.db.Home() != 1 {
		t.Fatalf("basis %v, owners %v, home %d", report.Seeding.Basis, f.owned(), f.db.Home())
	}
	for name, want := range map[string]topology.Placement{
		"users": topology.Sharded, "docs": topology.Sharded, "settings": topology.Global, "countries": topology.Reference,
	} {
		if rel := f.relation(name); rel.Placement != want {
			t.Errorf("%s is %v: %s", name, rel.Placement, rel.Reason)
		}
	}
	problems := fmt.Sprint(report.Problems)
	for _, part := range []string{
		`node "pg-2": it is the only node with rows`,
		`node "pg-1": public.docs: it is missing; the node cannot receive partitions until that is cured`,
		`node "pg-3": public.users: it has 1 columns, not 2; "name" is missing`,
	} {
		if !strings.Contains(problems, part) {
			t.Errorf("problems lack %q:\n%s", part, problems)
		}
	}
	// The ids of docs go on in the class of slot 1, above what is there.
	if got := f.ints(1, `INSERT INTO docs(user_id) VALUES (1), (2) RETURNING id`); got[0] != 1025 || got[1] != 2049 {
		t.Errorf("docs draws %v", got)
	}
	// The keys are drawn at home, one by one.
	if got := f.ints(1, `SELECT nextval('users_id_seq')`); got[0] != 501 {
		t.Errorf("users draws %v", got)
	}
}

func seedNullKeys(t *testing.T, dsns []string) {
	rules := topology.Rules{NullKey: "replicated", KeyOrder: []ring.KeyKind{"project"}}
	f := newFleet(t, dsns, rules)
	f.everywhere(`CREATE TABLE t(_id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, _tenant int, a text);
		INSERT INTO t(_id, _tenant, a) VALUES (1, NULL, 'catalogue')`)
	f.load()
	for tenant := range 20 {
		f.exec(f.ownerOf(ring.KeyInt, fmt.Sprint(tenant)), fmt.Sprintf(`INSERT INTO t(_tenant) VALUES (%d)`, tenant))
	}
	f.unload()
	f.load()
	if rel := f.relation("t"); rel.Placement != topology.Sharded || !rel.Key.NullReplicated {
		t.Fatalf("t is %v: %s", rel.Placement, rel.Reason)
	}
	f.exec(2, `UPDATE t SET a = 'other' WHERE _tenant IS NULL`)
	f.unload()
	f.load()
	if rel := f.relation("t"); rel.Placement != topology.Refused || !strings.Contains(rel.Reason, "its copies differ: 1 rows") {
		t.Errorf("t is %v: %s", rel.Placement, rel.Reason)
	}
}

func seedKeysOfAllTypes(t *testing.T, dsns []string) {
	f := newFleet(t, dsns, topology.Rules{TablePattern: `^_(\d+)_`})
	f.everywhere(`CREATE TABLE a(id text PRIMARY KEY); CREATE TABLE b(id uuid PRIMARY KEY); CREATE TABLE c(id bytea PRIMARY KEY);
		CREATE TABLE d(id smallint PRIMARY KEY, p int) PARTITION BY HASH (id);
		CREATE TABLE d1 PARTITION OF d FOR VALUES WITH (MODULUS 1, REMAINDER 0);
		CREATE TABLE _5_docs(a int)`)
	f.load()
	rows := []struct {
		table, key, literal string
		kind                ring.KeyType
	}{
		{"a", "ä ''", "'ä '''''", ring.KeyText},
		{"a", "", "''", ring.KeyText},
		{"b", "8f14e45f-ceea-467f-a8d1-0b0ebc4c1a50", "'8F14E45FCEEA467FA8D10B0EBC4C1A50'", ring.KeyUUID},
		{"c", `\x00ff`, `'\x00ff'`, ring.KeyBytes},
		{"d", "-5", "-5", ring.KeyInt},
	}
	for _, r := range rows {
		f.exec(f.ownerOf(r.kind, r.key), fmt.Sprintf(`INSERT INTO %s(id) VALUES (%s)`, r.table, r.literal))
	}
	f.exec(f.ownerOf(ring.KeyInt, "5"), `INSERT INTO _5_docs VALUES (1)`)
	f.unload()
	if report := f.load(); report.Seeding.Basis != catalog.SeedRing {
		t.Errorf("basis %v", report.Seeding.Basis)
	}
	f.exec((f.ownerOf(ring.KeyInt, "5")+1)%3, `INSERT INTO _5_docs VALUES (1)`)
	if _, err := f.tryLoad(); err == nil || !strings.Contains(err.Error(), "public._5_docs key 5 on") {
		t.Errorf("got %v", err)
	}
}

func seedPartitionCount(t *testing.T, dsns []string) {
	f := newFleet(t, dsns[:1], topology.Rules{})
	_, _, err := catalog.Load(t.Context(), f.nodes, f.db, 1000)
	if !errors.Is(err, catalog.ErrPartitions) {
		t.Errorf("got %v", err)
	}
}

func TestSeed(t *testing.T) {
	inTurn(t, cluster.NewDatabases(t), map[string]func(*testing.T, []string){
		"empty then restarts": seedEmptyThenRestarts,
		"misplaced":           seedMisplaced,
		"adopted":             seedAdopted,
		"null keys":           seedNullKeys,
		"keys of all types":   seedKeysOfAllTypes,
		"partition count":     seedPartitionCount,
	})
}
