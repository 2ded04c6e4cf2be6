package integration

import (
	"fmt"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"pgregory.net/rapid"
)

// randomSchema are small tables with few values, so that any predicate has
// rows. The columns have the same names everywhere: k is the shard key.
const randomSchema = `
CREATE TABLE a (k bigint, i int, x int, s text, PRIMARY KEY (k, i));
CREATE TABLE b (k int, i int, x int, s text, PRIMARY KEY (k, i), UNIQUE (k, s));
CREATE TABLE c (k bigint PRIMARY KEY, i int, x int, s text);
CREATE VIEW v AS SELECT k, i, x, s FROM a WHERE x IS NOT NULL;
CREATE VIEW w AS SELECT c.k, b.i, b.x, c.s FROM c JOIN b ON b.k = c.k`

const (
	randomShared = `
CREATE TABLE r (k int PRIMARY KEY, i int, x int, s text);
INSERT INTO r VALUES (1, 1, 1, 'a'), (2, 1, 2, 'b'), (3, 2, NULL, 'c'), (4, 3, 3, NULL)`
	randomRules = `tables: {a: {key: user, column: k}, b: {key: user, column: k}, c: {key: user, column: k}}
reference: [r]`
)

// Statements put together at random: equal, or refused.
func TestRandomStatements(t *testing.T) {
	for _, f := range []form{forms[0], forms[1], forms[4], forms[5]} {
		t.Run(f.name, func(t *testing.T) {
			t.Parallel()
			d := newRandom(t)
			rapid.Check(t, func(rt *rapid.T) {
				d.t = rt
				d.rollback()
				g := &generator{t: rt}
				if g.chance(4) {
					d.write(g.write(), f)
				} else {
					d.read(g.read(), f)
				}
			})
			d.t = t
			t.Log(d.counts())
			if d.equal*3 < d.refused*2 || d.failed*3 > d.equal || d.filled*4 < d.equal {
				t.Error("the test says little")
			}
		})
	}
}

func newRandom(t testing.TB) *differential {
	t.Helper()
	d := &differential{t: t, plainDB: cluster.NewDatabase(t, 0)}
	direct := connect(t, d.plainDB)
	do(t, direct, randomShared)
	d.proxy = start(t, options{database: randomRules, before: func(_ int, conn *pgx.Conn) { do(t, conn, randomShared) }})
	through := d.proxy.connect()
	for _, conn := range []*pgx.Conn{direct, through} {
		do(t, conn, randomSchema)
		for k := range 8 {
			for i := range 3 {
				x, s := fmt.Sprint((k+i)%4), fmt.Sprintf("'%c'", 'a'+(k*i)%3)
				if (k+i)%5 == 0 {
					x = "NULL"
				}
				do(t, conn, fmt.Sprintf("INSERT INTO a (k, i, x, s) VALUES (%d, %d, %s, %s)", k, i, x, s))
				if k%2 == 0 {
					do(t, conn, fmt.Sprintf("INSERT INTO b (i, k, x, s) VALUES (%d, %d, %s, '%c')", i, k, x, 'a'+i))
				}
			}
			if k != 3 {
				do(t, conn, fmt.Sprintf("INSERT INTO c VALUES (%d, %d, %d, '%c')", k, k%3, k%4, 'a'+k%3))
			}
		}
	}
	d.plain, d.proxied = newClient(direct.PgConn()), newClient(through.PgConn())
	return d
}

// rollback ends what the last statement left open.
func (d *differential) rollback() {
	for _, side := range []*client{d.plain, d.proxied} {
		if side.conn.TxStatus() == 'I' {
			continue
		}
		if _, err := side.conn.Exec(d.t.Context(), "ROLLBACK").ReadAll(); err != nil {
			d.t.Fatalf("%v", err)
		}
	}
}

func (d *differential) read(sql string, f form) {
	s, err := parseStatement("random", sql)
	if err != nil {
		d.t.Fatalf("%v", err)
	}
	d.step(s, f)
}

// write runs a statement in a transaction.
func (d *differential) write(sql string, f form) {
	for _, side := range []*client{d.plain, d.proxied} {
		if _, err := side.conn.Exec(d.t.Context(), "BEGIN").ReadAll(); err != nil {
			d.t.Fatalf("%v", err)
		}
	}
	d.read(sql, f) // rolled back ahead of the next statement
}

// generator makes statements. Values are written as templates.
type generator struct {
	t       *rapid.T
	n       int      // aliases so far
	aliases []string // in scope, outer levels first
	key     string   // the key that predicates prefer
	depth   int
	lateral bool     // a relation may see those before it
	ctes    []string // names of WITH queries
}

func (g *generator) int(n int) int { return rapid.IntRange(0, n-1).Draw(g.t, "n") }

// chance is true once in n times.
func (g *generator) chance(n int) bool { return g.int(n) == n-1 }

func (g *generator) pick(list ...string) string { return list[g.int(len(list))] }

// value is a key: mostly the preferred one, so that statements stay on a node.
func (g *generator) value() string {
	if g.key == "" {
		g.key = g.pick("1", "2", "4", "6", "0")
	}
	v := g.key
	if g.chance(6) {
		v = g.pick("0", "1", "2", "3", "4", "5", "6", "7", "-1", "99")
	}
	return "{" + g.pick("int8", "int8", "int4", "int2") + ":" + v + "}"
}

func (g *generator) small() string { return g.pick("{int4:0}", "{int4:1}", "2", "3", "NULL") }

func (g *generator) word() string { return g.pick("{text:a}", "{text:b}", "'c'", "''") }

func (g *generator) alias() string { return g.pick(g.aliases...) }

// from adds a relation to the scope and returns its text.
func (g *generator) from() string {
	g.n++
	alias := fmt.Sprintf("t%d", g.n)
	source := g.pick("a", "a", "b", "c", "v", "w", "r", "derived", "union", "formed", "lateral", "cte", "values")
	g.depth++
	defer func() { g.depth-- }()
	switch {
	case source == "derived" && g.depth < 3:
		source = "(" + g.subquery("k, i, x, s", true) + ")"
	case source == "union" && g.depth < 3:
		source = "(" + g.subquery("k, i, x, s", true) + g.pick(" UNION ALL ", " UNION ", " EXCEPT ", " INTERSECT ") + g.subquery("k, i, x, s", true) + ")"
	case source == "formed" && g.depth < 3:
		source = "(" + g.formed() + ")"
	case source == "lateral" && g.depth < 3 && len(g.aliases) > 0 && g.lateral:
		source = "LATERAL (" + g.subquery("k, i, x, s", false) + ")"
	case source == "cte" && len(g.ctes) > 0:
		source = g.pick(g.ctes...)
	case source == "values":
		source = "(VALUES (1, 1, 1, 'a'), (2, 2, NULL, 'b'))"
		g.aliases = append(g.aliases, alias)
		return source + " " + alias + " (k, i, x, s)"
	case len(source) > 1:
		source = "a"
	}
	g.aliases = append(g.aliases, alias)
	return source + " " + alias
}

// subquery is a query over one relation, which sees the outer scope.
// Invariant: the scope afterwards is that of before.
func (g *generator) subquery(columns string, derived bool) string {
	outer := g.aliases
	if derived {
		g.aliases = nil // not LATERAL
	}
	defer func() { g.aliases = outer }()
	g.depth++
	defer func() { g.depth-- }()
	source := g.from()
	alias := g.aliases[len(g.aliases)-1]
	list := strings.Split(columns, ", ")
	for i, c := range list {
		if len(c) == 1 {
			list[i] = alias + "." + c
		}
	}
	sql := "SELECT " + strings.Join(list, ", ") + " FROM " + source
	var where []string
	if g.chance(2) {
		where = append(where, alias+".k = "+g.value())
	}
	if !g.chance(4) {
		where = append(where, g.predicate())
	}
	if len(where) > 0 {
		sql += " WHERE " + strings.Join(where, " AND ")
	}
	return sql
}

// formed is a derived table that is more than a selection.
func (g *generator) formed() string {
	inner := g.subquery("k, i, x, s", true)
	switch g.int(9) {
	case 0:
		return "SELECT q.k, max(q.i) AS i, sum(q.x)::int AS x, min(q.s) AS s FROM (" + inner + ") q GROUP BY q.k"
	case 1:
		return "SELECT max(q.k) AS k, q.i, count(*)::int AS x, min(q.s) AS s FROM (" + inner + ") q GROUP BY q.i"
	case 2:
		return "SELECT q.k, q.i, (rank() OVER (PARTITION BY q.k ORDER BY q.i, q.x, q.s))::int AS x, q.s FROM (" + inner + ") q"
	case 3:
		return "SELECT q.k, q.i, (rank() OVER (ORDER BY q.i, q.x, q.s))::int AS x, q.s FROM (" + inner + ") q"
	case 4:
		return inner + " ORDER BY 1, 2, 3, 4 LIMIT 2"
	case 5:
		return "SELECT DISTINCT q.k, 1 AS i, q.x, q.s FROM (" + inner + ") q"
	case 6:
		return "SELECT DISTINCT ON (q.x) q.k, q.i, q.x, q.s FROM (" + inner + ") q ORDER BY q.x, q.k, q.i, q.s"
	case 7:
		return "SELECT q.i AS k, q.k::int AS i, q.x, q.s FROM (" + inner + ") q"
	default:
		return "SELECT q.k + 0 AS k, q.i, q.x, q.s FROM (" + inner + ") q"
	}
}

// predicate is a condition over the scope.
func (g *generator) predicate() string {
	g.depth++
	defer func() { g.depth-- }()
	if g.depth > 5 {
		return g.onKey()
	}
	switch g.int(12) {
	case 0, 1, 2, 3:
		return g.onKey()
	case 4, 5:
		return g.onOther()
	case 6, 7:
		return "(" + g.predicate() + " AND " + g.predicate() + ")"
	case 8:
		return "(" + g.predicate() + " OR " + g.predicate() + ")"
	case 9:
		return "NOT (" + g.predicate() + ")"
	case 10:
		return g.withSubquery()
	default:
		return g.alias() + ".k = " + g.alias() + ".k"
	}
}

func (g *generator) onKey() string {
	k := g.alias() + ".k"
	v := g.value()
	switch g.int(22) {
	case 0, 1, 2, 3, 4:
		return k + " = " + v
	case 5:
		return v + " = " + k
	case 6:
		return k + " IN (" + v + ", " + g.value() + ")"
	case 7:
		return k + " NOT IN (" + v + ", " + g.value() + ")"
	case 8:
		return k + " = ANY ({int8[]:" + g.pick("1", "1,2", "1,1", "", "4,NULL", "6") + "})"
	case 9:
		return k + " " + g.pick("<>", "<", ">", "<=", ">=") + " " + v
	case 10:
		return k + " BETWEEN " + v + " AND " + g.value()
	case 11:
		return k + g.pick(" IS NULL", " IS NOT NULL")
	case 12:
		return k + g.pick(" + 0", " * 1", "::text::int") + " = " + v
	case 13:
		return "(" + k + ", " + g.alias() + ".i) = (" + v + ", " + g.small() + ")"
	case 14:
		return "(" + k + ", " + g.alias() + ".i) IN ((" + v + ", 1), (" + g.value() + ", 2))"
	case 15:
		return k + g.pick(" IS NOT DISTINCT FROM ", " IS DISTINCT FROM ") + v
	case 16:
		return "(" + k + " = " + v + ")" + g.pick(" IS TRUE", " IS NOT TRUE", " IS FALSE", " IS UNKNOWN", " = true", " <> true")
	case 17:
		return "coalesce(" + k + " = " + v + ", " + g.pick("true", "false") + ")"
	case 18:
		return k + " = " + v + "::" + g.pick("int8", "int4", "numeric", "text::int8")
	case 19:
		return k + " = NULL"
	case 20:
		return "CASE WHEN " + k + " = " + v + " THEN " + g.pick("true", "false") + " ELSE " + g.onOther() + " END"
	default:
		return k + " = " + g.pick("1.0", "1.5", "'1'", "'01'", "+1", "1::int2", "(SELECT 1)", "1 + 1", "'1'::bigint", "- -1")
	}
}

func (g *generator) onOther() string {
	t := g.alias()
	switch g.int(8) {
	case 0:
		return t + ".x = " + g.small()
	case 1:
		return t + ".x > " + g.small()
	case 2:
		return t + ".s = " + g.word()
	case 3:
		return t + ".x IN (" + g.small() + ", " + g.small() + ")"
	case 4:
		return t + "." + g.pick("x", "s") + g.pick(" IS NULL", " IS NOT NULL")
	case 5:
		return t + ".x = " + g.alias() + ".i"
	case 6:
		return t + ".i = " + g.alias() + ".k"
	default:
		return g.pick("true", "false", "NULL", "{int4:1} = 1")
	}
}

func (g *generator) withSubquery() string {
	if g.depth > 3 {
		return g.onKey()
	}
	t := g.alias()
	switch g.int(6) {
	case 0, 1:
		return "EXISTS (" + g.subquery("1 AS one", false) + ")"
	case 2:
		return "NOT EXISTS (" + g.subquery("1 AS one", false) + ")"
	case 3:
		return t + "." + g.pick("k", "i") + g.pick(" IN (", " NOT IN (", " = ANY (", " <> ALL (") + g.subquery("k", false) + ")"
	case 4:
		return t + ".x = (SELECT max(z.x) FROM (" + g.subquery("k, x", true) + ") z)"
	default:
		return "(SELECT count(*) FROM (" + g.subquery("k, x", true) + ") z) > " + g.pick("0", "1")
	}
}

// relations is a FROM list of one to three relations.
func (g *generator) relations() string {
	text := g.from()
	for range g.int(3) {
		switch g.int(6) {
		case 0:
			g.lateral = true
			text += ", " + g.from()
			g.lateral = false
		case 1:
			text += " CROSS JOIN " + g.from()
		default:
			kind := g.pick("JOIN", "JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN")
			g.lateral = kind == "JOIN" || kind == "LEFT JOIN"
			right := g.from()
			g.lateral = false
			this, before := g.aliases[len(g.aliases)-1], g.aliases[len(g.aliases)-2]
			on := this + ".k = " + before + ".k"
			switch {
			case kind == "FULL JOIN": // merge-joinable conditions only
			case g.chance(3):
				on = g.predicate()
			case g.chance(3):
				on += " AND " + g.predicate()
			}
			text += " " + kind + " " + right + " ON " + on
		}
	}
	return text
}

// read is a whole statement: a query, perhaps with others ahead of it or beside
// it.
func (g *generator) read() string {
	switch g.int(8) {
	case 0, 1:
		name := "q1"
		with := "WITH q1 AS " + g.pick("", "MATERIALIZED ", "NOT MATERIALIZED ") + "(" + g.subquery("k, i, x, s", true) + ")"
		if g.chance(2) {
			g.ctes = []string{name}
			with += ", q2 AS (" + g.formed() + ")"
			name = "q2"
		}
		g.ctes = append(g.ctes, name)
		return with + " " + g.query()
	case 2:
		first := g.subquery("k, i, x, s", true)
		return first + g.pick(" UNION ALL ", " UNION ", " EXCEPT ", " INTERSECT ALL ") + g.subquery("k, i, x, s", true)
	default:
		return g.query()
	}
}

// query is a SELECT with joins.
func (g *generator) query() string {
	from := g.relations()
	var where []string
	if !g.chance(4) { // keep it on a node, most often
		for _, alias := range g.aliases {
			if !g.chance(10) {
				where = append(where, alias+".k = "+g.value())
			}
		}
	}
	if !g.chance(3) {
		where = append(where, g.predicate())
	}
	tail := ""
	if len(where) > 0 {
		tail = " WHERE " + strings.Join(where, g.pick(" AND ", " AND ", " AND ", " AND ", " OR "))
	}
	last := g.aliases[len(g.aliases)-1]
	all := strings.Join(g.aliases, ".k, ") + ".k, " + last + ".i, " + last + ".x, " + last + ".s"
	switch g.int(10) {
	case 0:
		return "SELECT count(*), sum(" + last + ".x), min(" + last + ".x), max(" + last + ".k) FROM " + from + tail
	case 1:
		return "SELECT " + last + ".k, count(*) FROM " + from + tail + " GROUP BY " + last + ".k"
	case 2:
		return "SELECT DISTINCT " + last + ".x FROM " + from + tail
	case 3:
		return "SELECT " + all + " FROM " + from + tail + " ORDER BY " + all + " LIMIT 3"
	case 4:
		return "WITH q AS (SELECT " + last + ".k, " + last + ".x FROM " + from + tail + ") SELECT q.k, q.x FROM q WHERE q.k = " + g.value()
	case 5:
		return "SELECT q.k, (SELECT count(*) FROM a z WHERE z.k = q.k) FROM (SELECT " + last + ".k FROM " + from + tail + ") q"
	case 6:
		return "SELECT q.k, z.i FROM (SELECT " + last + ".k FROM " + from + tail + ") q JOIN a z ON z.k = q.k"
	default:
		return "SELECT " + all + " FROM " + from + tail
	}
}

// write is an INSERT, UPDATE or DELETE that returns what it touched.
func (g *generator) write() string {
	table := g.pick("a", "b", "c")
	if g.chance(4) {
		change := g.pick("DELETE FROM a t0", "DELETE FROM b t0", "UPDATE a t0 SET x = 9", "UPDATE b t0 SET x = t0.x + 1")
		g.ctes = []string{"q1"}
		return "WITH q1 AS (" + change + " WHERE t0.k = " + g.value() + " RETURNING t0.k, t0.i, t0.x, t0.s) " + g.query()
	}
	if g.chance(3) {
		source := g.subquery("k, x", true)
		return "INSERT INTO a AS t0 (k, i, x) SELECT DISTINCT q.k, 90, {int4:1} FROM (" + source + ") q WHERE q.k = " + g.value() + " RETURNING *"
	}
	if g.chance(3) {
		v := g.value()
		return "INSERT INTO a AS t0 (i, k, x, s) VALUES ({int4:1}, " + v + ", 1, 'n'), ({int4:91}, " + g.pick(v, g.value()) + ", 1, 'n') " +
			g.pick("ON CONFLICT (k, i) DO UPDATE SET x = EXCLUDED.x", "ON CONFLICT (i, k) DO UPDATE SET s = t0.s, k = EXCLUDED.k", "ON CONFLICT DO NOTHING") + " RETURNING *"
	}
	g.aliases = []string{"t0"}
	other := ""
	if g.chance(3) {
		other = g.from()
		g.aliases = append([]string{"t0"}, g.aliases[1:]...)
	}
	where := g.predicate()
	if !g.chance(3) {
		for _, alias := range g.aliases {
			where = alias + ".k = " + g.value() + " AND " + where
		}
	}
	if g.chance(2) {
		if other != "" {
			other = " USING " + other
		}
		return "DELETE FROM " + table + " t0" + other + " WHERE " + where + " RETURNING t0.*"
	}
	if other != "" {
		other = " FROM " + other
	}
	set := g.pick("x = 7", "x = t0.x + 1", "i = t0.i + 50", "k = "+g.value()+", x = 5", "k = t0.k", "x = (SELECT max(z.x) FROM c z)")
	return "UPDATE " + table + " t0 SET " + set + other + " WHERE " + where + " RETURNING t0.*"
}
