package integration

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The name of a connection is the client's, empty where it gives none; those that
// serve no client yet have the proxy's.
func TestApplicationName(t *testing.T) {
	t.Parallel()
	s := newCopySides(t)
	const bind = "SELECT title FROM documents WHERE user_id = {a}"
	const active = "SELECT application_name FROM pg_stat_activity WHERE pid = pg_backend_pid()"
	conversations := map[string][]string{}
	for name, lines := range map[string][]string{
		"untouched":          {},
		"set":                {"SET application_name = 'mine'"},
		"set and reset":      {"SET application_name = 'mine'", "SHOW application_name", "RESET application_name"},
		"reset":              {"RESET application_name"},
		"all reset":          {"SET application_name = 'mine'", "RESET ALL"},
		"to the default":     {"SET application_name = 'mine'", "SET application_name TO DEFAULT"},
		"to nothing":         {"SET application_name = 'mine'", "SET application_name = ''"},
		"all discarded":      {"SET application_name = 'mine'", "DISCARD ALL"},
		"locally":            {"SET LOCAL application_name = 'mine'", "SHOW application_name"},
		"locally, then not":  {"SET LOCAL application_name = 'mine'", "SET application_name = 'yours'"},
		"set and set aside":  {"SAVEPOINT s", "SET application_name = 'mine'", "ROLLBACK TO s"},
		"reset and set":      {"RESET ALL", "SET application_name = 'mine'"},
		"set, reset and set": {"SET application_name = 'mine'", "RESET application_name", "SET application_name = 'yours'"},
	} {
		queries, extended, pipeline := []string{}, []string{}, []string{}
		for _, sql := range lines {
			queries = append(queries, "Q "+sql)
			extended = append(extended, "E "+sql, "S")
			pipeline = append(pipeline, "E "+sql)
		}
		shown := []string{"Q SHOW application_name", "Q " + active}
		with := func(parts ...[]string) (all []string) {
			for _, p := range parts {
				all = append(all, p...)
			}
			return all
		}
		if name == "all discarded" { // refused behind others
			pipeline = nil
		}
		conversations[name] = with(queries, shown, []string{"Q " + bind}, shown)
		conversations[name+", extended"] = with(extended, shown)
		conversations[name+", in a pipeline"] = with([]string{"E " + bind}, pipeline, []string{"E " + bind, "S"}, shown)
		conversations[name+", in a pipeline that fails"] = with([]string{"E " + bind}, pipeline, []string{"E SELECT 1/0", "S"}, shown)
		for end, last := range map[string]string{"committed": "Q COMMIT", "rolled back": "Q ROLLBACK"} {
			conversations[name+", in a block, "+end] = with([]string{"Q BEGIN"}, queries, []string{last}, shown)
			conversations[name+", in a block on a node, "+end] = with([]string{"Q BEGIN", "Q " + bind}, queries, []string{"Q SHOW application_name", last}, shown)
			conversations[name+", in a pipeline in a block, "+end] = with([]string{"Q BEGIN", "E " + bind}, pipeline, []string{"E " + bind, "S", last}, shown)
		}
	}
	s.alike(t, conversations)
	p := start(t, options{})
	for i := range p.nodes {
		names := query(t, p.node(i), "SELECT DISTINCT application_name FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()")
		for _, name := range names {
			if name != "shardproxy" && name != "shardproxy catalog" {
				t.Errorf("a connection to node %d that serves nobody is called %q", i+1, name)
			}
		}
	}
}

// A client is told of its name whenever it changes, as by a plain server.
func TestApplicationNameIsReported(t *testing.T) {
	t.Parallel()
	s := newCopySides(t)
	for name, bound := range map[string]bool{"without a node": false, "on a node": true} {
		plain, through := wireTo(t, s.plain), s.wire()
		for _, sql := range []string{
			"SET application_name = 'mine'", "SET application_name = 'mine'", "RESET application_name", "SET application_name = 'yours'",
			"SET application_name = ''", "RESET ALL", "BEGIN", "bind", "SET application_name = 'mine'", "RESET application_name",
			"SET LOCAL application_name = 'here'", "COMMIT", "BEGIN", "bind", "SET application_name = 'mine'", "ROLLBACK",
			"SET application_name = 'mine'", "BEGIN", "bind", "RESET ALL", "COMMIT", "SHOW application_name",
		} {
			if sql == "bind" {
				if !bound {
					continue
				}
				sql = selectTitle(s.a)
			}
			if diff := cmp.Diff(sortedStatus(plain.simple(sql)), sortedStatus(through.simple(sql))); diff != "" {
				t.Errorf("%s: %s (-plain +proxy):\n%s", name, sql, diff)
			}
		}
	}
}
