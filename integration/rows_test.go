package integration

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

// placedTable is a table whose rows are looked for on the nodes.
type placedTable struct {
	name string
	key  string // column of the shard key; empty for the other kinds
	// copied: each node has all rows. Otherwise, without a key, one node has.
	copied bool
}

var differentialTables = []placedTable{
	{name: "users", key: "id"},
	{name: "documents", key: "user_id"},
	{name: "comments", key: "user_id"},
	{name: "logins", key: "user_id"},
	{name: "projects", key: "id"},
	{name: "files", key: "project_id"},
	{name: "collections", key: "id"},
	{name: "items", key: "collection_id"},
	{name: "notes", key: "collection_id"},
	{name: "events", key: "code"},
	{name: "countries", copied: true},
	{name: "plans", copied: true},
	{name: "settings"},
}

// compareRows looks at the nodes themselves: together they have the rows of the
// plain server, each once, on the node that the proxy asks for its key.
func (d *differential) compareRows(t testing.TB) {
	t.Helper()
	plain := connect(t, d.plainDB)
	defer closeNow(plain)
	for _, table := range differentialTables {
		d.proxy.compareTable(table, plain, table.name)
	}
}

// compareTable compares one table with that of a plain server.
func (p *proxy) compareTable(table placedTable, plain *pgx.Conn, plainName string) {
	p.t.Helper()
	want := tableRows(p.t, plain, plainName)
	var all []string
	filled := 0
	for i := range p.nodes {
		node := p.node(i)
		rows := tableRows(p.t, node, table.name)
		if table.copied {
			if diff := cmp.Diff(want, rows); diff != "" {
				p.t.Errorf("%s on node %d (-plain +node):\n%s", table.name, i+1, diff)
			}
		}
		if len(rows) > 0 {
			filled++
		}
		all = append(all, rows...)
		if table.key != "" {
			p.checkOwner(i, node, table)
		}
		closeNow(node)
	}
	if table.copied {
		return
	}
	slices.Sort(all)
	if diff := cmp.Diff(want, all); diff != "" {
		p.t.Errorf("%s on all nodes (-plain +nodes):\n%s", table.name, diff)
	}
	if table.key == "" && filled > 1 {
		p.t.Errorf("%s has rows on %d nodes, want one", table.name, filled)
	}
}

func tableRows(t testing.TB, conn *pgx.Conn, name string) []string {
	t.Helper()
	rows := query(t, conn, "SELECT x::text FROM "+name+" x")
	slices.Sort(rows)
	return rows
}

// checkOwner asks the proxy for each key that node i has rows of: it must ask
// that node, and find as many.
func (p *proxy) checkOwner(i int, node *pgx.Conn, table placedTable) {
	p.t.Helper()
	keys := query(p.t, node, fmt.Sprintf("SELECT count(*), %[1]s::text FROM %[2]s GROUP BY 2", table.key, table.name))
	w := p.wire()
	defer w.conn.Close()
	w.simple("SET shardproxy.notice = on")
	for _, row := range keys {
		count, key, _ := strings.Cut(row, "|")
		got := w.simple(fmt.Sprintf("SELECT count(*) FROM %s WHERE %s = '%s'", table.name, table.key, strings.ReplaceAll(key, "'", "''")))
		if !strings.HasPrefix(got[0], fmt.Sprintf("N node=pg-%d ", i+1)) || len(got) < 3 || got[2] != "D "+count {
			p.t.Errorf("%s of key %q on node %d has %s rows; asked through the proxy: %q", table.name, key, i+1, count, got)
		}
	}
}
