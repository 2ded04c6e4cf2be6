package plan

import "fmt"

// write makes an UPDATE, DELETE or INSERT ... SELECT. It changes no key.
func (g *generator) write() string {
	t := pickOne(g, generatorTables[:5])
	alias := g.name("t")
	columns := qualified(alias, t.columns)
	set := t.columns[len(t.columns)-1]
	other, more := g.item(nil)
	on := " AND " + g.on(columns, more, nil)
	switch g.r.IntN(6) {
	case 0:
		return "DELETE FROM " + t.name + " " + alias + g.where(columns, nil)
	case 1:
		return "DELETE FROM " + t.name + " " + alias + " USING " + other + g.whole(g.where(columns, nil)) + on
	case 2:
		return "UPDATE " + t.name + " " + alias + " SET " + set + " = 77" + g.where(columns, nil)
	case 3:
		return "UPDATE " + t.name + " " + alias + " SET " + set + " = 77 FROM " + other + g.whole(g.where(columns, nil)) + on
	case 4:
		return g.insertSelect()
	}
	return "UPDATE " + t.name + " " + alias + " SET " + set + " = " + g.scalar(columns) + g.where(columns, nil)
}

// whole makes sure that there is a WHERE.
func (g *generator) whole(where string) string {
	if where == "" {
		return " WHERE true"
	}
	return where
}

func (g *generator) insertSelect() string {
	from, columns := g.from(nil)
	key := columns[0]
	if g.chance(30) {
		key = pickOne(g, append([]string{"1", "'7'"}, columns...))
	}
	t := pickOne(g, []table{{"docs", []string{"tenant", "id"}}, {"items", []string{"user_id", "id"}}})
	return fmt.Sprintf("INSERT INTO %s (%s, %s) SELECT %s, 500 + %s FROM %s%s", t.name,
		t.columns[0], t.columns[1], key, columns[len(columns)-1], from, g.where(columns, nil))
}

// recursive makes a recursive query that ends.
func (g *generator) recursive(name string) string {
	t := pickOne(g, generatorTables[1:3])
	first := fmt.Sprintf("SELECT %s, id FROM %s WHERE %s", t.columns[0], t.name, g.keyed(t.columns, nil))
	on := pickOne(g, []string{
		"t." + t.columns[0] + " = " + name + ".c0", "t." + t.columns[0] + " = 1", "t.id > 0",
	})
	column := pickOne(g, []string{t.columns[0], t.columns[0], t.columns[2]})
	return fmt.Sprintf("%s UNION SELECT t.%s, t.id FROM %s t JOIN %s ON %s AND t.id > %s.c1", first, column, t.name, name, on, name)
}
