package rebalance_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"shardproxy/meta/topology"
)

// The application and the proxy log in as different roles, and the new node is so
// light that it gets no partition.
func TestAddNodeWithTwoRoles(t *testing.T) {
	for server := range 2 {
		execServer(t, server, `DO $$ BEGIN CREATE ROLE little LOGIN PASSWORD 'little'; EXCEPTION WHEN duplicate_object THEN NULL; END $$;
GRANT little TO app`)
	}
	f := newFleetOf(t, 1, plainTables)
	n := f.newcomer()
	f.exec(0, `GRANT SELECT, INSERT ON users TO little`)
	f.super(0, `ALTER DATABASE `+pgx.Identifier{f.databaseOf(0)}.Sanitize()+` SET search_path TO public, billing; ALTER DATABASE `+
		pgx.Identifier{f.databaseOf(0)}.Sanitize()+` SET work_mem TO '5MB'`)
	home := withUser(t, f.dsns[0], "little", "little")
	f.apply(topology.SetNode{Database: "app", Node: "pg-1", DSN: &home, AdminDSN: &f.dsns[0], Weight: new(1_000_000)})
	f.apply(topology.SetUser{User: topology.User{Name: "someone", Databases: []string{"app"}, BackendUser: "not_there"}})
	r := f.add()
	r.AdminDSN, r.DSN = r.DSN, withUser(t, r.DSN, "little", "little")
	r.DryRun = true
	result, err := f.operator.AddNode(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	containing(t, result.Plan.Problems, "log in to nodes as not_there", "setting of all roles: search_path is missing")
	f.apply(topology.RemoveUser{Name: "someone"})
	f.super(n, `ALTER DATABASE `+pgx.Identifier{f.databaseOf(n)}.Sanitize()+` SET search_path TO public, billing`)
	r.DryRun = false
	if result, err = f.operator.AddNode(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if len(result.Plan.Moves) != 0 || len(f.db().Nodes) != 2 || len(f.db().OwnerNodes()) != 1 {
		t.Errorf("%+v", result.Plan)
	}
	f.reload()
	text, err := json.Marshal(result)
	if err != nil || !strings.Contains(string(text), `"slot":1,"moves":[]`) || strings.Contains(string(text), "postgres://") {
		t.Errorf("%s, %v", text, err)
	}
}
