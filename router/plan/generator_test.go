package plan

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"
)

func readFile(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// generator makes random queries over the tables of testdata/differential.sql.
// It likes predicates on keys, so that many of them can be planned.
type generator struct {
	r     *rand.Rand
	depth int
	names int
	with  []table // WITH queries in scope
}

// table is something that can be read: its integer columns, the first of which
// is the key if it has one.
type table struct {
	name    string
	columns []string
}

var generatorTables = []table{
	{"users", []string{"id", "score"}},
	{"orders", []string{"user_id", "id", "product_id", "amount"}},
	{"items", []string{"user_id", "id", "order_id", "quantity"}},
	{"docs", []string{"tenant", "id", "size"}},
	{"perms", []string{"tenant", "id", "doc"}},
	{"products", []string{"id", "price"}},
	{"settings", []string{"id", "value"}},
	{"big_orders", []string{"user_id", "id", "amount"}},
	{"user_orders", []string{"id", "score", "amount"}},
}

// generatorKeys are keys of one node, of another, and of a third.
var generatorKeys = []string{"1", "1", "1", "1", "7", "9", "2", "3"}

func (g *generator) chance(percent int) bool { return g.r.IntN(100) < percent }

func pickOne[T any](g *generator, list []T) T { return list[g.r.IntN(len(list))] }

func (g *generator) name(prefix string) string {
	g.names++
	return fmt.Sprintf("%s%d", prefix, g.names)
}

// statement makes a whole statement.
func (g *generator) statement() string {
	var with []string
	if g.chance(15) {
		name := g.name("w")
		sql, width := g.query(nil)
		with = append(with, name+columnList(width)+" AS ("+sql+")")
		g.with = append(g.with, table{name, outputNames(width)})
	}
	if g.chance(5) {
		name := g.name("r")
		with = append([]string{"RECURSIVE " + name + "(c0, c1) AS (" + g.recursive(name) + ")"}, with...)
		g.with = append(g.with, table{name, outputNames(2)})
	}
	sql, _ := g.query(nil)
	if g.chance(20) {
		sql = g.write()
	}
	if len(with) > 0 {
		return "WITH " + strings.Join(with, ", ") + " " + sql
	}
	return sql
}

func outputNames(width int) []string {
	out := make([]string, width)
	for i := range out {
		out[i] = fmt.Sprintf("c%d", i)
	}
	return out
}

func columnList(width int) string { return "(" + strings.Join(outputNames(width), ", ") + ")" }

// query makes a query; outer are the columns around it.
func (g *generator) query(outer []string) (string, int) {
	g.depth++
	defer func() { g.depth-- }()
	if g.depth < 3 && g.chance(10) {
		return g.setOperation(outer)
	}
	from, columns := g.from(outer)
	return g.finish(from, columns, outer)
}

// finish adds targets, WHERE and what follows it.
func (g *generator) finish(from string, columns, outer []string) (string, int) {
	where := g.where(columns, outer)
	special := g.r.IntN(24)
	if g.depth > 1 && g.chance(25) {
		special = g.r.IntN(6) // in a derived table
	}
	switch n := special; {
	case n == 4:
		// The key goes with a column that decides which rows are there.
		return fmt.Sprintf("SELECT %s, %s FROM %s%s ORDER BY 2, 1 LIMIT %d", columns[0], pickOne(g, columns), from, where, 1+g.r.IntN(5)), 2
	case n == 5:
		c := pickOne(g, columns)
		return fmt.Sprintf("SELECT DISTINCT ON (%s) %s, %s FROM %s%s ORDER BY %s, 1, 2", c, columns[0], c, from, where, c), 2
	case n == 0:
		c := pickOne(g, columns)
		return fmt.Sprintf("SELECT %s, count(*) FROM %s%s GROUP BY %s%s", c, from, where, c, g.having()), 2
	case n == 1:
		return fmt.Sprintf("SELECT count(*), sum(%s), min(%s), max(%s) FROM %s%s",
			pickOne(g, columns), pickOne(g, columns), pickOne(g, columns), from, where), 4
	case n == 2:
		return fmt.Sprintf("SELECT max(%s) FROM %s%s", pickOne(g, columns), from, where), 1
	case n == 3:
		c := pickOne(g, columns)
		if g.chance(50) {
			c = columns[0]
		}
		return fmt.Sprintf("SELECT %s, rank() OVER (ORDER BY %s) FROM %s%s", c, pickOne(g, columns), from, where), 2
	}
	targets := []string{pickOne(g, columns)}
	for g.chance(50) && len(targets) < 3 {
		targets = append(targets, pickOne(g, columns))
	}
	if g.depth < 3 && g.chance(10) {
		targets = append(targets, g.scalar(append(columns, outer...)))
	}
	distinct := ""
	if g.chance(8) {
		distinct = "DISTINCT "
	}
	sql := "SELECT " + distinct + strings.Join(targets, ", ") + " FROM " + from + where
	if g.chance(10) {
		sql += " ORDER BY " + ordinals(len(targets))
		if g.chance(60) {
			sql += fmt.Sprintf(" LIMIT %d", 1+g.r.IntN(4))
		}
	}
	return sql, len(targets)
}

// ordinals orders by all columns, so that LIMIT has one answer.
func ordinals(n int) string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprint(i + 1)
	}
	return strings.Join(out, ", ")
}

func (g *generator) having() string {
	if g.chance(30) {
		return " HAVING count(*) > 1"
	}
	return ""
}

func (g *generator) setOperation(outer []string) (string, int) {
	ops := []string{"UNION ALL", "UNION", "EXCEPT", "INTERSECT"}
	arm := func() string {
		from, columns := g.from(outer)
		return "SELECT " + columns[0] + ", " + pickOne(g, columns) + " FROM " + from + g.where(columns, outer)
	}
	return arm() + " " + pickOne(g, ops) + " " + arm(), 2
}

func (g *generator) scalar(columns []string) string {
	sql, _ := g.aggregate(columns)
	return "(" + sql + ")"
}

func (g *generator) aggregate(outer []string) (string, int) {
	g.depth++
	defer func() { g.depth-- }()
	from, columns := g.from(outer)
	return "SELECT count(*) FROM " + from + g.where(columns, outer), 1
}

// from makes a FROM list and the columns it gives, keys first.
func (g *generator) from(outer []string) (string, []string) {
	sql, columns := g.item(outer)
	for g.chance(45) && g.depth < 3 && len(columns) < 12 {
		if g.chance(12) {
			alias := g.name("l")
			inner, width := g.query(append(append([]string{}, columns...), outer...))
			sql += pickOne(g, []string{" CROSS JOIN LATERAL (", " LEFT JOIN LATERAL ("}) + inner + ") " + alias + columnList(width)
			if strings.Contains(sql[strings.LastIndex(sql, "JOIN LATERAL")-5:], "LEFT JOIN LATERAL") {
				sql += " ON true"
			}
			columns = append(columns, qualified(alias, outputNames(width))...)
			continue
		}
		kind := pickOne(g, []string{"JOIN", "JOIN", "JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN", ","})
		right, more := g.item(outer)
		if g.chance(15) {
			right, more = g.nested(right, more, outer)
		}
		if kind == "," {
			sql = sql + " CROSS JOIN " + right
		} else {
			sql = sql + " " + kind + " " + right + g.joinCondition(columns, more, outer)
		}
		columns = append(columns, more...)
	}
	return sql, columns
}

// joinCondition is USING where both sides have the key under one name.
func (g *generator) joinCondition(left, right, outer []string) string {
	l, r := bare(left[0]), bare(right[0])
	ambiguous := 0
	for _, c := range left {
		if bare(c) == l {
			ambiguous++
		}
	}
	for _, c := range right[1:] {
		if bare(c) == r {
			ambiguous++
		}
	}
	if l == r && ambiguous == 1 && g.chance(50) {
		return " USING (" + l + ")"
	}
	return " ON " + g.on(left, right, outer)
}

func bare(column string) string {
	_, name, _ := strings.Cut(column, ".")
	return name
}

// nested makes a join that is the side of another one.
func (g *generator) nested(left string, columns, outer []string) (string, []string) {
	right, more := g.item(outer)
	kind := pickOne(g, []string{"JOIN", "LEFT JOIN", "RIGHT JOIN"})
	sql := "(" + left + " " + kind + " " + right + " ON " + g.on(columns, more, outer) + ")"
	return sql, append(columns, more...)
}

// on makes the condition of a join, mostly an equality of keys.
func (g *generator) on(left, right, outer []string) string {
	condition := left[0] + " = " + right[0]
	if g.chance(25) {
		condition = pickOne(g, left) + " = " + pickOne(g, right)
	}
	if g.chance(25) {
		condition += " AND " + g.condition(append(append([]string{}, left...), right...), outer, 1)
	}
	if g.chance(5) {
		condition = "NOT (" + condition + ")"
	}
	return condition
}

// item makes one item of FROM.
func (g *generator) item(outer []string) (string, []string) {
	alias := g.name("t")
	t := pickOne(g, generatorTables[:5])
	switch n := g.r.IntN(20); {
	case n < 3:
		t = generatorTables[5]
	case n == 3:
		t = generatorTables[6+g.r.IntN(3)]
	case n == 4 && len(g.with) > 0, n == 5 && len(g.with) > 0:
		t = pickOne(g, g.with)
	case n == 6:
		values := fmt.Sprintf("(VALUES (%s, 1), (%s, 2))", pickOne(g, generatorKeys), pickOne(g, []string{"1", "7", "9", "NULL"}))
		return values + " " + alias + columnList(2), qualified(alias, outputNames(2))
	case n < 9 && g.depth < 3:
		sql, width := g.query(outer)
		return "(" + sql + ") " + alias + columnList(width), qualified(alias, outputNames(width))
	}
	return t.name + " " + alias, qualified(alias, t.columns)
}

func qualified(alias string, columns []string) []string {
	out := make([]string, len(columns))
	for i, c := range columns {
		out[i] = alias + "." + c
	}
	return out
}

// where makes a WHERE: mostly, the first key is bound.
func (g *generator) where(columns, outer []string) string {
	var parts []string
	if g.chance(75) {
		parts = append(parts, g.keyed(columns, outer))
	}
	for g.chance(35) {
		parts = append(parts, g.condition(columns, outer, 2))
	}
	if len(parts) == 0 {
		return ""
	}
	return " WHERE " + strings.Join(parts, " AND ")
}

// keyed binds a column that may be a key.
func (g *generator) keyed(columns, outer []string) string {
	c := columns[0]
	if g.chance(25) {
		c = pickOne(g, columns)
	}
	key := pickOne(g, generatorKeys)
	switch n := g.r.IntN(16); {
	case n < 7:
		return c + " = " + key
	case n < 9:
		return fmt.Sprintf("%s IN (%s, %s)", c, key, pickOne(g, generatorKeys))
	case n == 9:
		return fmt.Sprintf("(%s = %s OR %s = %s)", c, key, c, pickOne(g, generatorKeys))
	case n == 10:
		return fmt.Sprintf("(%s = %s OR %s IS NULL)", c, key, c)
	case n == 11 && len(outer) > 0, n == 12 && len(outer) > 0:
		return c + " = " + outer[0]
	case n == 13:
		return fmt.Sprintf("%s = ANY('{%s}')", c, key)
	case n == 12:
		return fmt.Sprintf("(%s, %s) IN ((%s, 1), (%s, 2))", c, pickOne(g, columns), key, pickOne(g, generatorKeys))
	case n == 14:
		return c + " = '0" + key + "'"
	}
	return c + " = '" + key + "'"
}

// condition makes any condition.
func (g *generator) condition(columns, outer []string, deeper int) string {
	all := append(append([]string{}, columns...), outer...)
	if deeper > 0 {
		switch g.r.IntN(12) {
		case 0:
			return "(" + g.condition(columns, outer, deeper-1) + " OR " + g.condition(columns, outer, deeper-1) + ")"
		case 1:
			return "NOT (" + g.condition(columns, outer, deeper-1) + ")"
		case 2:
			return "(" + g.condition(columns, outer, deeper-1) + " AND " + g.condition(columns, outer, deeper-1) + ")"
		}
	}
	c := pickOne(g, all)
	if g.depth < 3 && g.chance(30) {
		return g.subquery(c, all)
	}
	switch g.r.IntN(10) {
	case 0:
		return c + " IS NULL"
	case 1:
		return c + " IS NOT NULL"
	case 2:
		return c + pickOne(g, []string{" > ", " < ", " <> "}) + pickOne(g, generatorKeys)
	case 3:
		return c + " NOT IN (" + pickOne(g, generatorKeys) + ", 2)"
	case 4, 5:
		return c + " = " + pickOne(g, all)
	case 6:
		return c + " BETWEEN 1 AND 7"
	case 7:
		return c + " + 0 = " + pickOne(g, generatorKeys)
	}
	return g.keyed(columns, outer)
}

func (g *generator) subquery(c string, outer []string) string {
	switch g.r.IntN(6) {
	case 0:
		sql, _ := g.query(outer)
		return "NOT EXISTS (" + sql + ")"
	case 1:
		return c + " IN (" + g.oneColumn(outer) + ")"
	case 2:
		return c + " NOT IN (" + g.oneColumn(outer) + ")"
	case 3:
		return c + " >= ANY (" + g.oneColumn(outer) + ")"
	case 4:
		return c + " < " + g.scalar(outer)
	}
	sql, _ := g.query(outer)
	return "EXISTS (" + sql + ")"
}

// oneColumn makes a query with one column, mostly the key.
func (g *generator) oneColumn(outer []string) string {
	g.depth++
	defer func() { g.depth-- }()
	from, columns := g.from(outer)
	c := columns[0]
	if g.chance(30) {
		c = pickOne(g, columns)
	}
	if g.chance(10) {
		return "SELECT max(" + c + ") FROM " + from + g.where(columns, outer)
	}
	return "SELECT " + c + " FROM " + from + g.where(columns, outer)
}
