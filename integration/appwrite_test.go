package integration

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

// appwriteRules place the tables of a backend with shared tables. Some of them
// have a "userId" too: the tenant comes first.
const appwriteRules = `key_order: [project]
key_columns: {project: [_tenant]}
null_key: replicated
global: ['_console_*']`

// What the data layer of a multi-tenant backend sent to a server, in order: each
// statement answers as on one plain server, or is refused because its rows are
// on several nodes. testdata holds the part of the capture that concerns a few
// of its tables; the whole is replayed where it is at hand.
func TestAppwrite(t *testing.T) {
	files := []string{"testdata/appwrite-postgres.txt"}
	whole, err := filepath.Glob("../../shared/workload/appwrite/statements-postgres-shared-tables.txt")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range append(files, whole...) {
		t.Run(filepath.Base(path), func(t *testing.T) {
			t.Parallel()
			replay(t, readCapture(t, path))
		})
	}
}

// readCapture reads the statements of a capture: one a line behind its tag.
func readCapture(t testing.TB, path string) []statement {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var list []statement
	n := 0
	for line := range strings.Lines(string(data)) {
		n++
		sql, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "S: ")
		if !ok {
			t.Fatalf("%s:%d: no statement: %s", path, n, line)
		}
		list = append(list, statement{at: fmt.Sprintf("%s:%d", filepath.Base(path), n), parts: []string{sql}})
	}
	return list
}

func replay(t *testing.T, statements []statement) {
	d := &differential{t: t, plainDB: cluster.NewDatabase(t, 0)}
	d.proxy = start(t, options{database: appwriteRules})
	d.plain, d.proxied = newClient(connect(t, d.plainDB).PgConn()), newClient(d.proxy.connect().PgConn())
	// The ids of rows are made by the servers; a size is of one server's file.
	d.plain.differs = []string{"_id", "lastval", "pg_backend_pid", "pg_relation_size", "size"}
	d.proxied.differs = d.plain.differs
	d.translate = d.withOwnIDs
	for _, s := range statements {
		d.step(s, forms[0])
	}
	t.Log(d.counts())
	reasons := make(map[string]int)
	for _, r := range d.refusals {
		_, reason, _ := strings.Cut(r, "\n\t")
		reasons[reason]++
	}
	for reason, n := range reasons {
		t.Logf("%4d refused: %s", n, reason)
		if !strings.Contains(reason, "Every node has a copy") && !strings.Contains(reason, "several nodes") {
			t.Errorf("refused, though one node is enough: %s", reason)
		}
	}
	if d.filled < 10 || d.equal < 9*d.refused {
		t.Error("the test says little")
	}
	d.compareTenants(t)
}

var rowIDs = regexp.MustCompile(`(?:FROM|UPDATE) ("appwrite"\."[^"]+").* WHERE _id IN \(([^)]*)\)`)

// withOwnIDs puts the nodes' ids of rows into a statement in which those of the
// plain server stand: of the row with the same _uid.
func (d *differential) withOwnIDs(s statement) statement {
	m := rowIDs.FindStringSubmatchIndex(s.parts[0])
	if m == nil {
		return s
	}
	t := d.proxy.t
	sql := s.parts[0]
	table, list := sql[m[2]:m[3]], sql[m[4]:m[5]]
	plain := connect(t, d.plainDB)
	defer closeNow(plain)
	var ids []string
	for _, uid := range query(t, plain, fmt.Sprintf("SELECT _uid FROM %s WHERE _id IN (%s)", table, list)) {
		for i := range d.proxy.nodes {
			node := d.proxy.node(i)
			for _, id := range query(t, node, fmt.Sprintf("SELECT _id FROM %s WHERE _uid = '%s'", table, uid)) {
				ids = append(ids, "'"+id+"'")
			}
			closeNow(node)
		}
	}
	if len(ids) == 0 {
		return s
	}
	s.parts = []string{sql[:m[4]] + strings.Join(ids, ", ") + sql[m[5]:]}
	return s
}

// compareTenants compares the rows of all tables but for the ids that servers
// make: those are different on all nodes.
func (d *differential) compareTenants(t *testing.T) {
	t.Helper()
	plain := connect(t, d.plainDB)
	names := query(t, plain, "SELECT format('%I.%I', table_schema, table_name) FROM information_schema.tables WHERE table_schema = 'appwrite' ORDER BY 1")
	if len(names) < 10 {
		t.Errorf("%d tables, want more", len(names))
	}
	nodes := make([]*pgx.Conn, len(d.proxy.nodes))
	for i := range nodes {
		nodes[i] = d.proxy.node(i)
	}
	for _, name := range names {
		withoutID := "SELECT (to_jsonb(x) - '_id')::text FROM " + name + " x"
		want := query(t, plain, withoutID)
		var rows, ids []string
		filled := 0
		for i, node := range nodes {
			got := query(t, node, withoutID)
			if len(got) > 0 {
				filled++
			}
			rows = append(rows, got...)
			ids = append(ids, query(t, node, "SELECT _id::text FROM "+name)...)
			if !strings.Contains(name, "_console_") {
				d.proxy.checkOwner(i, node, placedTable{name: name, key: "_tenant"})
			}
		}
		slices.Sort(want)
		slices.Sort(rows)
		if diff := cmp.Diff(want, rows); diff != "" {
			t.Errorf("%s (-plain +nodes):\n%s", name, diff)
		}
		slices.Sort(ids)
		if n := len(ids); len(slices.Compact(ids)) != n {
			t.Errorf("%s: an id is there twice", name)
		}
		if strings.Contains(name, "_console_") && filled > 1 {
			t.Errorf("%s has rows on %d nodes", name, filled)
		}
	}
}
