package plan

import (
	"context"
	"flag"
	"fmt"
	"math/big"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgconn"

	"shardproxy/internal/pgserver"
	"shardproxy/internal/pgserver/pgservertest"
	"shardproxy/meta/topology"
	"shardproxy/ring"
	"shardproxy/router/pgparse"
	"shardproxy/router/sqlscan"
)

var (
	statementCount = flag.Int("statements", 1500, "random statements to compare with a server that has all rows")
	statementSeed  = flag.Uint64("seed", 1, "seed of the random statements")
)

// TestPlansAgainstOneServer runs random queries on a server with all rows, and
// where their plans say on three nodes with the rows that belong there. The
// rows must be the same, or the plan a refusal.
func TestPlansAgainstOneServer(t *testing.T) {
	cluster := newDifferential(t)
	random := rand.New(rand.NewPCG(*statementSeed, 7))
	ran := make(map[Class]int)
	for range *statementCount {
		g := &generator{r: random}
		ran[cluster.compare(t, g.statement())]++
		if t.Failed() {
			return
		}
	}
	t.Logf("%v", ran)
	for _, class := range []Class{Single, Subset, Scatter, Reject} {
		if ran[class]*150 < *statementCount {
			t.Errorf("only %d of %d statements were %s: the test shows little", ran[class], *statementCount, class)
		}
	}
}

// differential is a server whose schemas are one server with all rows ("whole")
// and three nodes.
type differential struct {
	db    *topology.Database
	cache *Cache
	env   *Env
	whole *pgconn.PgConn
	nodes []*pgconn.PgConn
}

func newDifferential(t *testing.T) *differential {
	t.Helper()
	server := pgservertest.Start(t, pgserver.Options{})
	d := &differential{
		db:    testDatabase(t, "testdata/differential.sql", differentialRules()),
		cache: NewCache(Options{Parser: pgparse.Parser{}}),
		env:   testEnv(),
	}
	d.whole = d.connect(t, server.DSN(), "whole")
	d.load(t, d.whole, -1)
	for i := range d.db.Nodes {
		conn := d.connect(t, server.DSN(), fmt.Sprintf("n%d", i))
		d.load(t, conn, i)
		d.nodes = append(d.nodes, conn)
	}
	return d
}

func differentialRules() topology.Rules {
	return topology.Rules{
		Tables: map[string]topology.TableRule{
			"docs":  {Key: ring.KindProject, Column: "tenant", NullKey: "replicated"},
			"perms": {Key: ring.KindProject, Column: "tenant", NullKey: "replicated"},
		},
		Reference: []string{"products"},
		Global:    []string{"settings"},
	}
}

func (d *differential) connect(t *testing.T, dsn, schema string) *pgconn.PgConn {
	t.Helper()
	conn, err := pgconn.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close(context.WithoutCancel(t.Context())) })
	d.exec(t, conn, "CREATE SCHEMA "+schema+"; SET search_path = "+schema+"; SET enable_memoize = off; SET jit = off; SET statement_timeout = '2s'")
	return conn
}

func (d *differential) exec(t *testing.T, conn *pgconn.PgConn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql).ReadAll(); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
}

// load makes the tables and inserts the rows that belong to a node, all of them
// for node -1.
func (d *differential) load(t *testing.T, conn *pgconn.PgConn, node int) {
	t.Helper()
	d.exec(t, conn, readFile(t, "testdata/differential.sql"))
	insert := func(key, table string, values ...any) {
		home := node == int(d.db.Home())
		switch {
		case node < 0, key == "null", key == "home" && home:
		case key == "home":
			return
		default:
			canonical, ok := ring.AppendText(nil, ring.KeyInt, []byte(key))
			if !ok {
				t.Fatal(key)
			}
			if int(d.db.Owner(ring.PartitionOf(canonical, testPartitions))) != node {
				return
			}
		}
		text := make([]string, len(values))
		for i, v := range values {
			text[i] = fmt.Sprint(v)
		}
		d.exec(t, conn, "INSERT INTO "+table+" VALUES ("+strings.Join(text, ", ")+")")
	}
	random := rand.New(rand.NewPCG(3, 4)) // the same rows on all connections
	for id := 1; id <= 9; id++ {
		insert(strconv.Itoa(id), "users", id, fmt.Sprintf("'n%d'", id%3), random.IntN(4))
		for i := range random.IntN(5) {
			insert(strconv.Itoa(id), "orders", id*10+i, id, 1+random.IntN(9), random.IntN(5), fmt.Sprintf("%d.%d", random.IntN(9), random.IntN(9)))
		}
		for i := range random.IntN(5) {
			insert(strconv.Itoa(id), "items", id*10+i, id, nullable(random, 1+random.IntN(9)), nullable(random, random.IntN(4)))
		}
	}
	for tenant := range 10 {
		key := strconv.Itoa(tenant)
		if tenant == 0 {
			key = "null"
		}
		for i := range 3 {
			insert(key, "docs", tenant*10+i, key, random.IntN(4))
			insert(key, "perms", tenant*10+i, key, tenant*10+random.IntN(4))
		}
	}
	for id := 1; id <= 6; id++ {
		insert("null", "products", id, id%3)
		insert("home", "settings", id, id%4)
	}
}

func nullable(r *rand.Rand, n int) string {
	if r.IntN(4) == 0 {
		return "NULL"
	}
	return strconv.Itoa(n)
}

// compare runs one statement both ways and returns the class of its plan.
func (d *differential) compare(t *testing.T, sql string) Class {
	t.Helper()
	var sc sqlscan.Scan
	sc.Statement([]byte(sql), 0, 0)
	template := d.cache.Template(d.db, d.env, &sc)
	var p Plan
	template.Plan(d.db, d.env, &sc, nil, &p)
	if p.Class == Reject {
		return Reject
	}
	if p.Write {
		d.everywhere(t, "BEGIN")
		defer d.everywhere(t, "ROLLBACK")
	}
	want, err := d.rows(t, d.whole, sql)
	if err != nil {
		return 0 // the generator knows little of types
	}
	got, err := d.run(t, &p, sql)
	if err != nil {
		t.Errorf("%s\n%v: %v", sql, p.Class, err)
		return p.Class
	}
	if p.Write {
		want, got = d.contents(t, p.Statement.Query.Target.Name.Name)
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s\n%s\n%s", sql, p.Class, diff)
	}
	return p.Class
}

func (d *differential) everywhere(t *testing.T, sql string) {
	t.Helper()
	for _, conn := range append([]*pgconn.PgConn{d.whole}, d.nodes...) {
		d.exec(t, conn, sql)
	}
}

// contents returns the rows of a table on the one server, and those of all nodes
// together. Rows with a NULL key count once.
func (d *differential) contents(t *testing.T, table string) (want, got []string) {
	t.Helper()
	sql := "SELECT * FROM " + table
	want, err := d.rows(t, d.whole, sql)
	if err != nil {
		t.Fatal(err)
	}
	for i, conn := range d.nodes {
		if key := d.db.Relations[topology.TableName{Schema: "public", Name: table}].Key; i > 0 && key.NullReplicated {
			sql = "SELECT * FROM " + table + " WHERE " + key.Column + " IS NOT NULL"
		}
		rows, err := d.rows(t, conn, sql)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, rows...)
	}
	return want, got
}

// run runs a statement as its plan says.
func (d *differential) run(t *testing.T, p *Plan, sql string) ([]string, error) {
	t.Helper()
	switch p.Class {
	case Reject:
		return nil, nil
	case Single:
		return d.rows(t, d.nodes[p.Node], sql)
	case Any, Nothing:
		return d.rows(t, d.nodes[2], sql)
	case Subset, Scatter:
	default:
		return nil, fmt.Errorf("class %s", p.Class)
	}
	all := []string{}
	for n := range p.Nodes.All() {
		rows, err := d.rows(t, d.nodes[n], sql)
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
	}
	if p.Merge == nil || len(p.Merge.Columns) == 0 {
		return all, nil
	}
	return []string{mergeRows(p.Merge, all)}, nil
}

// mergeRows makes one row of the single rows of an aggregate.
func mergeRows(m *Merge, rows []string) string {
	out := make([]*big.Rat, len(m.Columns))
	texts := make([]string, len(m.Columns))
	for _, row := range rows {
		for i, field := range strings.Split(row, "|") {
			if field == "NULL" {
				continue
			}
			v, _ := new(big.Rat).SetString(field)
			switch {
			case out[i] == nil:
				out[i], texts[i] = v, field
			case m.Columns[i] == MergeMin && v.Cmp(out[i]) < 0, m.Columns[i] == MergeMax && v.Cmp(out[i]) > 0:
				out[i], texts[i] = v, field
			case m.Columns[i] == MergeSum || m.Columns[i] == MergeCount:
				out[i].Add(out[i], v)
				texts[i] = out[i].FloatString(max(scaleOf(texts[i]), scaleOf(field)))
			}
		}
	}
	for i := range texts {
		if out[i] == nil {
			texts[i] = "NULL"
		}
	}
	return strings.Join(texts, "|")
}

func scaleOf(number string) int {
	if _, fraction, ok := strings.Cut(number, "."); ok {
		return len(fraction)
	}
	return 0
}

// rows runs a query and returns its rows, fields joined by "|".
func (d *differential) rows(t *testing.T, conn *pgconn.PgConn, sql string) ([]string, error) {
	t.Helper()
	results, err := conn.Exec(t.Context(), sql).ReadAll()
	if err != nil {
		return nil, err
	}
	out := []string{}
	for _, row := range results[len(results)-1].Rows {
		fields := make([]string, len(row))
		for i, v := range row {
			fields[i] = "NULL"
			if v != nil {
				fields[i] = string(v)
			}
		}
		out = append(out, strings.Join(fields, "|"))
	}
	return out, nil
}
