package plan

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shardproxy/meta/topology"
	"shardproxy/ring"
	"shardproxy/router/pgparse"
	"shardproxy/router/sqlscan"
)

// planner plans single statements.
type planner struct {
	db    *topology.Database
	env   *Env
	cache *Cache
}

func newPlanner(t testing.TB) *planner {
	return &planner{db: goldenDatabase(t), env: testEnv(), cache: NewCache(Options{Parser: pgparse.Parser{}})}
}

func (p *planner) template(text string) (*Template, *sqlscan.Scan) {
	sc := scanned(text)
	return p.cache.Template(p.db, p.env, sc), sc
}

func TestPlanDrawn(t *testing.T) {
	p := newPlanner(t)
	for _, tt := range []struct {
		text  string
		keys  []int64
		class Class
		node  topology.NodeIndex
	}{
		{"INSERT INTO users (name) VALUES ('x')", []int64{1}, Single, 2},
		{"INSERT INTO users (name) VALUES ('x')", []int64{2}, Single, 0},
		{"INSERT INTO users (name) VALUES ('x'), ('y')", []int64{1, 7}, Single, 2},
		{"INSERT INTO users (name) VALUES ('x'), ('y')", []int64{1, 2}, Reject, 0},
		{"INSERT INTO users DEFAULT VALUES", []int64{3}, Single, 1},
		{"INSERT INTO users (id, name) VALUES (DEFAULT, 'x')", []int64{3}, Single, 1},
		{"INSERT INTO users (name) VALUES ((SELECT note FROM orders WHERE user_id = 1))", []int64{7}, Single, 2},
		{"INSERT INTO users (name) VALUES ((SELECT note FROM orders WHERE user_id = 1))", []int64{2}, Reject, 0},
		{"INSERT INTO users (name) VALUES ((SELECT note FROM orders))", []int64{1}, Reject, 0},
		{"/* shardproxy: key=user:7 */ INSERT INTO users (name) VALUES ('x')", []int64{7}, Single, 2},
		{"/* shardproxy: key=user:7 */ INSERT INTO users (name) VALUES ('x')", []int64{1}, Reject, 0},
		{"/* shardproxy: node=pg-3 */ INSERT INTO users (name) VALUES ('x')", []int64{1}, Single, 2},
		{"/* shardproxy: node=pg-2 */ INSERT INTO users (name) VALUES ('x')", []int64{1}, Reject, 0},
	} {
		template, sc := p.template(tt.text)
		var out Plan
		if template.Plan(p.db, p.env, sc, nil, &out); out.Class != Draw || out.Rewrite == nil || out.Rewrite.Column != "id" {
			t.Errorf("%s: %v %+v", tt.text, out.Class, out.Rewrite)
			continue
		}
		var drawn [][]byte
		for _, k := range tt.keys {
			drawn = append(drawn, ring.AppendInt(nil, k))
		}
		template.PlanDrawn(p.db, p.env, sc, nil, drawn, &out)
		if out.Class != tt.class || out.Class == Single && (out.Node != tt.node || ring.FormatKey(out.KeyType, out.Key) == "") {
			t.Errorf("%s %v: %v node %d: %v", tt.text, tt.keys, out.Class, out.Node, out.Err)
		}
	}
}

func TestNeedsParams(t *testing.T) {
	p := newPlanner(t)
	for text, want := range map[string]bool{
		"SELECT * FROM orders WHERE user_id = $1":                                 true,
		"SELECT * FROM orders WHERE user_id = 1 AND id = $1":                      false,
		"SELECT * FROM orders WHERE user_id = ANY($1)":                            true,
		"SELECT * FROM orders WHERE user_id IN (1, $1)":                           true,
		"INSERT INTO orders (user_id, amount) VALUES ($1, $2)":                    true,
		"INSERT INTO orders (user_id, amount) VALUES (1, $2)":                     false,
		"UPDATE orders SET user_id = $1 WHERE user_id = 1":                        true,
		"SELECT * FROM products WHERE id = $1":                                    false,
		"SELECT * FROM nowhere WHERE id = $1":                                     false,
		"SELECT * FROM orders o JOIN users u ON u.id = o.user_id WHERE u.id = $1": true,
	} {
		if template, _ := p.template(text); template.NeedsParams() != want {
			t.Errorf("%s: %v", text, !want)
		}
	}
}

func TestRejects(t *testing.T) {
	p := newPlanner(t)
	for text, want := range map[string]bool{
		"SELECT * FROM orders WHERE user_id = $1":          false,
		"SELECT * FROM nowhere WHERE user_id = $1":         true,
		"UPDATE orders SET user_id = 5 + $1":               true,
		"INSERT INTO orders (user_id) VALUES (1 + $1)":     true,
		"INSERT INTO big_orders (user_id) VALUES ($1)":     true,
		"SELECT * FROM orders WHERE user_id > $1 LIMIT 10": false, // where all rows are on one node it runs
	} {
		if template, _ := p.template(text); (template.Rejects() != nil) != want {
			t.Errorf("%s: %v", text, template.Rejects())
		}
	}
}

// TestPlanIsReused: nothing of an earlier plan is left, whatever it was.
func TestPlanIsReused(t *testing.T) {
	p := newPlanner(t)
	var reused Plan
	texts := goldenStatements(t)
	for i := range texts {
		text := texts[(i*37)%len(texts)]
		template, sc := p.template(text)
		var fresh Plan
		template.Plan(p.db, p.env, sc, nil, &fresh)
		template.Plan(p.db, p.env, sc, nil, &reused)
		if diff := cmp.Diff(factsOf(&fresh), factsOf(&reused)); diff != "" {
			t.Fatalf("%s\n%s", text, diff)
		}
		if fresh.Rewrite != reused.Rewrite || fresh.Copy != reused.Copy || fresh.Statement != reused.Statement || fresh.UnknownTable != reused.UnknownTable {
			t.Fatalf("%s: %+v\n%+v", text, fresh, reused)
		}
	}
}

// TestPlanMayBeCopied: a copy keeps its values when the original is filled
// again, and can itself be filled.
func TestPlanMayBeCopied(t *testing.T) {
	p := newPlanner(t)
	template, one := p.template("SELECT * FROM orders WHERE user_id IN (1, 7)")
	_, two := p.template("SELECT * FROM orders WHERE user_id IN (3, 5)")
	var original Plan
	template.Plan(p.db, p.env, one, nil, &original)
	moved := original
	template.Plan(p.db, p.env, two, nil, &moved)
	if original.Node != 2 || moved.Node != 1 || ring.FormatKey(moved.KeyType, moved.Key) != "3" || len(moved.Partitions) != 2 {
		t.Errorf("node %d key %x, copy node %d key %x %v", original.Node, original.Key, moved.Node, moved.Key, moved.Partitions)
	}
	if ring.FormatKey(original.KeyType, original.Key) != "1" || original.Partitions[0] == moved.Partitions[0] {
		t.Errorf("the original changed: %x %v", original.Key, original.Partitions)
	}
}

func TestManyPartitionsAreTheWholeNode(t *testing.T) {
	p := newPlanner(t)
	var keys []string
	seen := make(map[ring.Partition]bool)
	for k := int64(1); len(keys) < maxPartitions+1; k++ {
		partition := ring.PartitionOf(ring.AppendInt(nil, k), testPartitions)
		if p.db.Owner(partition) == 1 && !seen[partition] {
			seen[partition] = true
			keys = append(keys, ring.FormatKey(ring.KeyInt, ring.AppendInt(nil, k)))
		}
	}
	for n, whole := range map[int]bool{2: false, maxPartitions: false, maxPartitions + 1: true} {
		template, sc := p.template("SELECT * FROM orders WHERE user_id IN (" + strings.Join(keys[:n], ", ") + ")")
		var out Plan
		template.Plan(p.db, p.env, sc, nil, &out)
		if out.Class != Single || out.Node != 1 || !out.Several || (out.Partitions == nil) != whole || !whole && len(out.Partitions) != n {
			t.Errorf("%d keys: %v node %d, %d partitions", n, out.Class, out.Node, len(out.Partitions))
		}
	}
}

func TestCheckKeyHint(t *testing.T) {
	db := goldenDatabase(t)
	for value, ok := range map[string]bool{
		"": true, "user:1": true, "user: 1": true, "login:a b": true, "login:a:b": true,
		"space:00000000-0000-0000-0000-000000000001": true,
		"user:x": false, "user:01": false, "user:": false, "user": false, ":1": false, "nowhere:1": false, "space:1": false,
	} {
		if err := CheckKeyHint(db, value); (err == nil) != ok {
			t.Errorf("%q: %v", value, err)
		}
	}
}

func TestExplain(t *testing.T) {
	p := newPlanner(t)
	template, sc := p.template("SELECT * FROM users u JOIN orders o ON o.user_id = u.id JOIN products p ON p.id = o.product_id WHERE u.id = 1")
	got := template.Explain(p.db, p.env, sc, nil)
	want := Explanation{
		Class: Single, Nodes: []topology.NodeID{"pg-3"}, Partitions: []ring.Partition{2453}, Key: "user:1",
		Tables: []TableExplanation{
			{Table: "public.users u", Rule: "sharded by user (id)", Bound: "id = literal 1"},
			{Table: "public.orders o", Rule: "sharded by user (user_id)", Bound: "user_id = literal 1"},
			{Table: "public.products", Rule: "reference: a copy on every node"},
		},
		Why: []string{"All sharded tables of the statement are bound to keys of this node."},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	template, sc = p.template("SELECT * FROM orders WHERE user_id = '01' ORDER BY id")
	got = template.Explain(p.db, p.env, sc, nil)
	if got.Class != Reject || got.Would != WouldScatter || got.Hint == "" || got.Detail == "" ||
		got.Tables[0].Bound != "not bound: literal 1 is no int key in canonical spelling" {
		t.Errorf("%+v", got)
	}
}

func TestFunctionTable(t *testing.T) {
	table := readFunctions(postgresFunctions)
	for name, want := range map[string]functionClass{
		"lower": functionPure, "st_area": functionPure, "st_union": functionAggregate, "st_findextent": functionUnknown,
		"count": functionAggregate, "row_number": functionWindow, "random": functionVolatile, "nextval": functionSequence,
		"setval": functionSetval, "lastval": functionLastval, "pg_advisory_lock": functionSessionLock,
		"pg_advisory_xact_lock": functionTransactionLock, "set_config": functionSetConfig, "pg_notify": functionNotify,
		"pg_relation_size": functionSize, "pg_get_viewdef": functionCatalog, "pg_terminate_backend": functionNode,
		"pg_read_file": functionUnknown, "lo_import": functionUnknown, "dblink": functionUnknown, "setseed": functionUnknown,
		"query_to_xml": functionUnknown, "ts_stat": functionUnknown, "ts_rewrite": functionUnknown, "crosstab": functionUnknown,
		"connectby": functionUnknown, "pg_export_snapshot": functionUnknown, "pg_logical_emit_message": functionUnknown,
		"nosuchfunction": functionUnknown, "": functionUnknown,
	} {
		if got := table.class(name); got != want {
			t.Errorf("%s: class %d, want %d", name, got, want)
		}
	}
	for _, class := range []functionClass{functionPure, functionAggregate, functionWindow, functionVolatile, functionCatalog, functionSize} {
		found := false
		for _, c := range table.exact {
			found = found || c == class
		}
		if !found {
			t.Errorf("no function of class %d", class)
		}
	}
}
