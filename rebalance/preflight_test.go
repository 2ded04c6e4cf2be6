package rebalance_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"shardproxy/internal/noderegistry"
	"shardproxy/meta/topology"
	"shardproxy/rebalance"
)

const plainTables = `
CREATE TABLE users (id bigserial PRIMARY KEY, name text);
CREATE TABLE projects (id bigserial PRIMARY KEY, user_id bigint, name text);
CREATE INDEX ON projects (user_id);
`

// Each thing that keeps a server from joining, alone.
func TestPreflight(t *testing.T) {
	f := newFleet(t, plainTables)
	n := f.newcomer()
	ident := func() string { return pgx.Identifier{f.databaseOf(n)}.Sanitize() }
	tests := map[string]struct {
		prepare func()
		request func(r *rebalance.AddNode)
		want    []string
	}{
		"name taken": {request: func(r *rebalance.AddNode) { r.Node = "pg-2" }, want: []string{`has a node "pg-2" already`}},
		"request": {
			request: func(r *rebalance.AddNode) { r.Node, r.Weight, r.DSN = "a b", 0, "" },
			want:    []string{`the name "a b"`, "the weight 0", "no dsn", `node "a b": connect`},
		},
		"not there": {
			request: func(r *rebalance.AddNode) { r.DSN = "postgres://app:app@127.0.0.1:1/app" },
			want:    []string{`node "pg-4": connect`},
		},
		"application's password": {
			request: func(r *rebalance.AddNode) {
				r.AdminDSN, r.DSN = r.DSN, withUser(t, r.DSN, "app", "wrong")
			},
			want: []string{`with its dsn: node "pg-4": connect`},
		},
		"two databases": {
			request: func(r *rebalance.AddNode) { r.AdminDSN, r.DSN = r.DSN, f.dsns[0] },
			want:    []string{"its dsn and its admin_dsn lead to two databases"},
		},
		"a node already": {
			request: func(r *rebalance.AddNode) { r.DSN = f.dsns[1] },
			want:    []string{`same server as node "pg-2" of database "app"`, `this database is node "pg-2" of database "app" in cluster "c-test" already`},
		},
		"another cluster's": {
			prepare: func() { f.adopt(n, noderegistry.Node{Cluster: "c-other", Database: "app", ID: "x"}) },
			want:    []string{`node "x" of database "app" in cluster "c-other" already`},
		},
		"rows": {
			prepare: func() { f.exec(n, plainTables+`INSERT INTO users (name) VALUES ('x'), ('y')`) },
			want:    []string{"it holds rows in public.users (2 rows)"},
		},
		"another schema": {
			prepare: func() {
				f.exec(n, plainTables+`DROP INDEX projects_user_id_idx; ALTER TABLE users ALTER name TYPE varchar(9); CREATE TABLE more (id int)`)
			},
			want: []string{
				`column public.users.name is "character varying(9)`, "index public.projects_user_id_idx is missing",
				"relation public.more is not on the home node",
				"make its schema equal",
			},
		},
		"time zone": {
			prepare: func() { f.super(n, `ALTER DATABASE `+ident()+` SET timezone TO 'Asia/Tokyo'`) },
			want:    []string{`its TimeZone is "Asia/Tokyo", the home node's`},
		},
		"read only": {
			prepare: func() { f.super(n, `ALTER DATABASE `+ident()+` SET default_transaction_read_only TO on`) },
			want:    []string{"its transactions are read-only"},
		},
		"no right to create": {
			prepare: func() { f.super(n, `ALTER DATABASE `+ident()+` OWNER TO postgres`) },
			want:    []string{`role "app" may not create the schema shardproxy`, "cannot be restored: ERROR: permission denied for schema public"},
		},
		"several": {
			prepare: func() {
				f.super(n, `ALTER DATABASE `+ident()+` SET timezone TO 'Asia/Tokyo'; ALTER DATABASE `+ident()+` SET datestyle TO 'German'`)
				f.exec(n, `CREATE TABLE t (id int); INSERT INTO t VALUES (1)`)
			},
			want: []string{
				`its TimeZone is`, `its DateStyle is`, "rows in public.t (1 row)", "relation public.t is not on",
				"relation public.users is missing", "make its schema equal",
			},
			request: func(r *rebalance.AddNode) { r.Weight = 1 << 30 },
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			f.t = t
			f.empty(n)
			if test.prepare != nil {
				test.prepare()
			}
			r := f.add()
			r.DryRun = true
			if test.request != nil {
				test.request(&r)
			}
			result, err := f.operator.AddNode(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			if name == "several" {
				checkSeveral(t, result.Plan.Problems, test.want)
			} else {
				containing(t, result.Plan.Problems, test.want...)
			}
			if all := strings.Join(result.Plan.Problems, "\n"); strings.Contains(all, ":app@") || strings.Contains(all, "wrong") {
				t.Errorf("a password shows: %s", all)
			}
		})
	}
}

// checkSeveral: all that is wrong is told, the weight among it.
func checkSeveral(t *testing.T, problems, want []string) {
	t.Helper()
	all := strings.Join(problems, "\n")
	for _, w := range append(want, "the weight") {
		if !strings.Contains(all, w) {
			t.Errorf("%q is not told in\n%s", w, all)
		}
	}
}

// What home's schema needs and does not bring along.
func TestPreflightNeeds(t *testing.T) {
	name := strings.ToLower("only_home_" + t.Name())
	execServer(t, 0, `DROP ROLE IF EXISTS `+name+`; CREATE ROLE `+name)
	t.Cleanup(func() { (&fleet{t: t}).dropRole(name) })
	f := newFleet(t, plainTables)
	f.super(0, `GRANT SELECT ON users TO `+name+`; CREATE EXTENSION pageinspect; ALTER TABLE projects OWNER TO postgres; GRANT ALL ON projects TO app`)
	r := f.add()
	r.DryRun = true
	result, err := f.operator.AddNode(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	containing(t, result.Plan.Problems, `node "pg-1": sequence public.projects_id_seq: the role may not read it`,
		"do not exist there: "+name, "extension pageinspect can be made by a superuser only", `role "app" may not make objects that belong to postgres`)

	// The superuser may do all of that; then nothing is left but the role.
	f.super(0, `GRANT SELECT ON SEQUENCE projects_id_seq TO app`)
	r.AdminDSN = f.superDSN(f.newcomer())
	if result, err = f.operator.AddNode(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	containing(t, result.Plan.Problems, "do not exist there: "+name)

	// Without pg_dump there is a command to install it.
	f.super(0, `REVOKE ALL ON users FROM `+name)
	bare, err := rebalance.New(rebalance.Options{Cluster: f.peers, ToolsDir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	if result, err = bare.AddNode(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	containing(t, result.Plan.Problems, "apt-get install postgresql-client-")

	r.DryRun = false
	if _, err := f.operator.AddNode(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if owner := f.value(f.newcomer(), `SELECT pg_get_userbyid(relowner)::text FROM pg_class WHERE relname = 'projects'`); owner != "postgres" {
		t.Errorf("projects belongs to %s", owner)
	}
}

// Databases that cannot be compared by their settings alone.
func TestPreflightCollation(t *testing.T) {
	f := newFleetOf(t, 1, plainTables)
	for _, test := range []struct {
		options string
		want    []string
	}{
		{`ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'`, []string{"has the encoding SQL_ASCII"}},
		{`LC_COLLATE 'C.UTF-8' LC_CTYPE 'C.UTF-8'`, []string{`its default collation is "C.UTF-8", the home node's "C"`, "character classification"}},
	} {
		name := fmt.Sprintf("collation_%d", len(test.want))
		execServer(t, 1, `CREATE DATABASE `+name+` OWNER app TEMPLATE template0 `+test.options)
		t.Cleanup(func() {
			(&fleet{t: t}).dropDatabase(name)
		})
		u, err := url.Parse(f.dsns[f.newcomer()])
		if err != nil {
			t.Fatal(err)
		}
		u.Path = "/" + name
		r := f.add()
		r.DSN, r.DryRun = u.String(), true
		result, err := f.operator.AddNode(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		all := strings.Join(result.Plan.Problems, "\n")
		for _, w := range test.want {
			if !strings.Contains(all, w) {
				t.Errorf("%s: %q is not told in\n%s", test.options, w, all)
			}
		}
	}
}

// A node of the database that is down is told beside what is wrong with the new
// one.
func TestPreflightNodeDown(t *testing.T) {
	f := newFleetOf(t, 2, "")
	nowhere := "postgres://app:app@127.0.0.1:1/app"
	if _, err := f.peers.apply(topology.SetNode{Database: "app", Node: "pg-2", DSN: &nowhere}); err != nil {
		t.Fatal(err)
	}
	r := f.add()
	r.Weight = -1
	_, err := f.operator.AddNode(t.Context(), r)
	if rebalance.CodeOf(err) != rebalance.CodePreflight || !strings.Contains(err.Error(), `node "pg-2": connect`) || !strings.Contains(err.Error(), "weight") {
		t.Errorf("%v", err)
	}
}
