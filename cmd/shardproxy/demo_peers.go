package main

import (
	"context"
	"fmt"
	"strconv"

	"github.com/jackc/pgx/v5"

	"shardproxy/admin"
)

// agree shows that all proxies route alike: what one writes the others read, from
// the same node, with one topology.
func (t *tour) agree(ctx context.Context) error {
	if len(t.peers) == 1 {
		t.say("there is one proxy; make demo PEERS=3 shows several that agree by Raft")
		return nil
	}
	table := t.table("PROXY", "ADDRESS", "EPOCH", "", "USER "+strconv.FormatInt(t.users[0], 10)+" IS ON")
	for _, p := range t.peers {
		row, err := t.seenBy(ctx, p)
		if err != nil {
			return fmt.Errorf("%s: %w", p.name, err)
		}
		table.add(row...)
	}
	return table.flush()
}

// seenBy asks one proxy, and reads through it.
func (t *tour) seenBy(ctx context.Context, p *demoPeer) ([]string, error) {
	api, err := admin.NewClient(admin.ClientOptions{Addr: p.adminURL()})
	if err != nil {
		return nil, err
	}
	defer api.Close()
	status, err := api.Status(ctx)
	if err != nil {
		return nil, err
	}
	conn, err := pgx.Connect(ctx, p.plainDSN())
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close(ctx) }()
	const sql = "SELECT count(*) FROM documents WHERE user_id = $1"
	var got int
	if err := conn.QueryRow(ctx, sql, t.users[0]).Scan(&got); err != nil {
		return nil, err
	}
	if want := demoProjects * demoDocuments; got != want {
		return nil, fmt.Errorf("%s: %d rows, want %d", sql, got, want)
	}
	plans, err := api.Explain(ctx, admin.ExplainRequest{
		Database: demoName, SQL: sql, Params: []admin.Param{{Text: strconv.FormatInt(t.users[0], 10)}},
	})
	if err != nil {
		return nil, err
	}
	role := ""
	if status.Leader == p.name {
		role = "leader"
	}
	return []string{p.name, p.proxy.address(), strconv.FormatUint(status.Epoch, 10), role, plans.Statements[0].Nodes[0]}, nil
}
