package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"text/tabwriter"

	"shardproxy/admin"
)

// shownKeys is for how many users the tour looks where their rows are.
const shownKeys = 6

// read reads back what was written, from one node and from all.
func (t *tour) read(ctx context.Context) error {
	users := len(t.users)
	for _, q := range []struct {
		sql  string
		args []any
		want int
	}{
		{"SELECT count(*) FROM documents WHERE user_id = $1", []any{t.users[0]}, demoProjects * demoDocuments},
		{"SELECT count(*) FROM documents", nil, users * demoProjects * demoDocuments},
	} {
		var got int
		if err := t.conn.QueryRow(ctx, q.sql, q.args...).Scan(&got); err != nil {
			return err
		}
		if got != q.want {
			return fmt.Errorf("%s: %d rows, want %d", q.sql, got, q.want)
		}
		e, err := t.explain(ctx, q.sql, q.args...)
		if err != nil {
			return err
		}
		t.say("%-50s -> %3d   on %s", q.sql, got, strings.Join(e.Nodes, ", "))
	}
	return nil
}

// explain asks the proxy where a statement runs.
func (t *tour) explain(ctx context.Context, sql string, args ...any) (*admin.Explanation, error) {
	request := admin.ExplainRequest{Database: demoName, SQL: sql}
	for _, arg := range args {
		request.Params = append(request.Params, admin.Param{Text: fmt.Sprint(arg)})
	}
	plans, err := t.api.Explain(ctx, request)
	if err != nil {
		return nil, err
	}
	if len(plans.Statements) != 1 {
		return nil, fmt.Errorf("%s: %d explanations", sql, len(plans.Statements))
	}
	return &plans.Statements[0], nil
}

// where counts a user's rows on each node directly, and compares with what the
// proxy says.
func (t *tour) where(ctx context.Context) error {
	table := t.table(append([]string{"KEY", "PARTITION", "THE PROXY SAYS"}, t.onNodes("ROWS ON ")...)...)
	for _, user := range t.someUsers() {
		e, err := t.explain(ctx, "SELECT * FROM documents WHERE user_id = $1", user)
		if err != nil {
			return err
		}
		if len(e.Nodes) != 1 || len(e.Partitions) != 1 {
			return fmt.Errorf("user %d: the proxy names %d nodes", user, len(e.Nodes))
		}
		row := []string{e.Key, strconv.Itoa(int(e.Partitions[0])), e.Nodes[0]}
		for i := range t.nodes {
			n, err := t.countOn(ctx, i, `SELECT (SELECT count(*) FROM users WHERE id = $1)
				+ (SELECT count(*) FROM projects WHERE user_id = $1) + (SELECT count(*) FROM documents WHERE user_id = $1)`, user)
			if err != nil {
				return err
			}
			if here := nodeName(i) == e.Nodes[0]; here != (n > 0) {
				return fmt.Errorf("user %d: %d rows on %s, but the proxy says %s", user, n, nodeName(i), e.Nodes[0])
			}
			row = append(row, strconv.Itoa(n))
		}
		table.add(row...)
	}
	return table.flush()
}

// someUsers are the first ones and the one that psql made.
func (t *tour) someUsers() []int64 {
	some := append([]int64(nil), t.users[:min(shownKeys, len(t.users))]...)
	if t.psqlUser != 0 {
		some = append(some, t.psqlUser)
	}
	return some
}

// distribution counts all rows on each node directly.
func (t *tour) distribution(ctx context.Context) error {
	table := t.table(append([]string{"TABLE"}, t.onNodes("")...)...)
	for _, c := range []struct {
		name string
		want int
	}{
		{"users", len(t.users)},
		{"projects", len(t.users) * demoProjects},
		{"documents", len(t.users) * demoProjects * demoDocuments},
	} {
		row, sum := []string{c.name}, 0
		for i := range t.nodes {
			n, err := t.countOn(ctx, i, "SELECT count(*) FROM "+c.name)
			if err != nil {
				return err
			}
			sum += n
			row = append(row, strconv.Itoa(n))
		}
		if sum != c.want {
			return fmt.Errorf("%s: %d rows on all nodes together, want %d", c.name, sum, c.want)
		}
		table.add(row...)
	}
	nodes, err := t.api.Nodes(ctx, demoName)
	if err != nil {
		return err
	}
	row := []string{"(partitions)"}
	for _, n := range nodes.Nodes {
		row = append(row, strconv.Itoa(n.Partitions))
	}
	table.add(row...)
	return table.flush()
}

// countOn counts on a node, without the proxy.
func (t *tour) countOn(ctx context.Context, node int, sql string, args ...any) (n int, err error) {
	err = t.nodes[node].QueryRow(ctx, sql, args...).Scan(&n)
	return n, err
}

func (t *tour) onNodes(prefix string) []string {
	var columns []string
	for i := range t.nodes {
		columns = append(columns, prefix+strings.ToUpper(nodeName(i)))
	}
	return columns
}

// addresses prints the DSNs.
func (t *tour) addresses(context.Context) error {
	for _, p := range t.peers {
		t.say("%-8s %s", p.name, p.dsn())
	}
	for i, s := range t.servers {
		t.say("%-8s %s", nodeName(i), s.DSN())
	}
	t.say("admin    %s   (/metrics, /readyz, /v1/status)", t.adminURL())
	t.printf("\n")
	t.say("Try      psql %s", t.dsn())
	t.say("         SET shardproxy.notice = on;   -- each statement says where it runs")
	t.say("         SELECT * FROM documents WHERE user_id = %d;", t.users[0])
	t.say("or       shardctl --addr %s explain 'SELECT * FROM documents WHERE user_id = %d'", t.adminURL(), t.users[0])
	return nil
}

// rows is an aligned table below the title of a step.
type rows struct {
	w *tabwriter.Writer
}

func (t *tour) table(header ...string) *rows {
	r := &rows{w: tabwriter.NewWriter(t.out, 0, 0, 2, ' ', 0)}
	r.add(header...)
	return r
}

func (r *rows) add(cells ...string) { fmt.Fprintf(r.w, "   %s\n", strings.Join(cells, "\t")) }

func (r *rows) flush() error { return r.w.Flush() }
