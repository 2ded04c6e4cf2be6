package config

import (
	"fmt"
	"math/bits"
	"net/url"
	"regexp"
	"slices"
	"strings"
)

// maxNodes of a database: plans hold sets of nodes in 256 bits.
const maxNodes = 256

// conventionalKinds are the key kinds whose columns conventions know.
func conventionalKinds() []string { return []string{"user", "project", "collection"} }

func (r *report) database(key, name string, db *Database) {
	if name == "" {
		r.at(key, "a database needs a name")
	}
	if bits.OnesCount(uint(db.Partitions)) != 1 {
		r.at(key+".partitions", "%d is not a power of two", db.Partitions)
	}
	if db.Pool.Min > db.Pool.Max {
		r.at(key+".pool.min", "%d is more than max (%d)", db.Pool.Min, db.Pool.Max)
	}
	r.nodes(key, db)
	r.kinds(key, db)
	r.tables(key, db)
	for _, function := range sortedKeys(db.Functions) {
		if what := db.Functions[function]; what != "pure" {
			r.at(key+".functions."+function, "%s", unknown("value", what, []string{"pure"}))
		}
	}
}

func (r *report) nodes(key string, db *Database) {
	if len(db.Nodes) == 0 {
		r.at(key+".nodes", "at least one node is needed")
	}
	if most := min(db.Stride, maxNodes); len(db.Nodes) > most {
		r.at(key+".nodes", "%d nodes; at most %d are possible (the stride, and never more than %d)", len(db.Nodes), most, maxNodes)
	}
	plain := regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$`)
	names, servers := map[string]bool{}, map[string]string{}
	for i, node := range db.Nodes {
		at := fmt.Sprintf("%s.nodes[%d]", key, i)
		switch {
		case !plain.MatchString(node.Name):
			r.at(at+".name", "%q: a node's name is 1 to 63 letters, digits, - _ or .", node.Name)
		case names[node.Name]:
			r.at(at+".name", "node %q is there already", node.Name)
		}
		names[node.Name] = true
		server, problem := serverOf(db.Engine, node.DSN)
		if problem != "" {
			r.at(at+".dsn", "%s", problem)
		} else if other, found := servers[server]; found {
			r.at(at+".dsn", "%s is node %s already", server, other)
		} else {
			servers[server] = node.Name
		}
		if !node.AdminDSN.Empty() {
			adminServer, problem := serverOf(db.Engine, node.AdminDSN)
			if problem == "" && adminServer != server {
				problem = "names another server or database than dsn"
			}
			if problem != "" {
				r.at(at+".admin_dsn", "%s", problem)
			}
		}
	}
}

// serverOf returns host:port/database of a DSN. A problem never quotes it: it
// holds a password.
func serverOf(engine string, dsn DSN) (server, problem string) {
	schemes, port := []string{"postgres", "postgresql"}, "5432"
	if engine == "mysql" {
		schemes, port = []string{"mysql"}, "3306"
	}
	want := fmt.Sprintf("want a URL like %s://user:password@host:%s/database", schemes[0], port)
	if dsn.Empty() {
		return "", "is missing; " + want
	}
	u, err := url.Parse(dsn.Reveal())
	database := ""
	if err == nil {
		database = strings.TrimPrefix(u.Path, "/")
	}
	switch {
	case err != nil || !slices.Contains(schemes, u.Scheme):
		return "", want
	case u.Hostname() == "" || strings.Contains(u.Host, ","):
		return "", "names no host, or several; " + want
	case database == "":
		return "", "names no database; " + want
	case u.User.Username() == "":
		return "", "names no user; " + want
	}
	if u.Port() != "" {
		port = u.Port()
	}
	return strings.ToLower(u.Hostname()) + ":" + port + "/" + database, ""
}

// kinds checks what is said about key kinds.
func (r *report) kinds(key string, db *Database) {
	word := regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	const wordRule = "a key kind is a lower-case word like project"
	for _, kind := range sortedKeys(db.KeyColumns) {
		if !word.MatchString(kind) {
			r.at(key+".key_columns."+kind, wordRule)
		}
		for i, column := range db.KeyColumns[kind] {
			if column == "" {
				r.at(fmt.Sprintf("%s.key_columns.%s[%d]", key, kind, i), "a column needs a name")
			}
		}
	}
	known := slices.Compact(slices.Sorted(slices.Values(append(conventionalKinds(), sortedKeys(db.KeyColumns)...))))
	for i, kind := range db.KeyOrder {
		at := fmt.Sprintf("%s.key_order[%d]", key, i)
		switch {
		case !slices.Contains(known, kind):
			r.at(at, "%s", unknown("key kind (key_columns may give it columns)", kind, known))
		case slices.Contains(db.KeyOrder[:i], kind):
			r.at(at, "%s is there already", kind)
		}
	}
	if !word.MatchString(db.TablePatternKind) {
		r.at(key+".table_pattern_kind", wordRule)
	}
	for _, table := range sortedKeys(db.Tables) {
		if kind := db.Tables[table].Key; kind != "" && !word.MatchString(kind) {
			r.at(key+".tables."+table+".key", wordRule)
		}
	}
}

// tables checks the rules, and that no table has two.
func (r *report) tables(key string, db *Database) {
	if db.TablePattern != "" {
		pattern, err := regexp.Compile(db.TablePattern)
		switch {
		case err != nil:
			r.at(key+".table_pattern", "%v", err)
		case pattern.NumSubexp() != 1:
			r.at(key+".table_pattern", "has %d groups; exactly one carries the key", pattern.NumSubexp())
		}
	}
	r.tablePatterns(key+".reference", db.Reference)
	r.tablePatterns(key+".global", db.Global)
	for i, table := range db.Global {
		if slices.Contains(db.Reference, table) {
			r.at(fmt.Sprintf("%s.global[%d]", key, i), "%s is a reference table already", table)
		}
	}
	for _, name := range sortedKeys(db.Tables) {
		table, at := db.Tables[name], key+".tables."+name
		if name == "" {
			r.at(at, "a table needs a name")
		}
		if table.Column != "" && table.Key == "" {
			r.at(at+".column", "needs key: the kind of key the column holds")
		}
		if table.Key != "" && (slices.Contains(db.Reference, name) || slices.Contains(db.Global, name)) {
			r.at(at+".key", "the table is in reference or global, which have no key")
		}
	}
}
