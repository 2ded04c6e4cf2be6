package catalog_test

import (
	"context"
	"errors"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"shardproxy/internal/noderegistry"
	"shardproxy/meta/topology"
	"shardproxy/router/backend"
)

// as is a DSN for another role.
func as(t *testing.T, dsn, role, password string) string {
	t.Helper()
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(role, password)
	return u.String()
}

// documentedScript is the script of docs/privileges.md for a database, with
// names of roles that no other test has.
func documentedScript(t *testing.T, database string) (script, app, admin string) {
	t.Helper()
	content, err := os.ReadFile("../../docs/privileges.md")
	if err != nil {
		t.Fatal(err)
	}
	blocks := regexp.MustCompile("(?s)<!-- script -->\n```sql\n(.*?)```").FindStringSubmatch(string(content))
	if blocks == nil {
		t.Fatal("docs/privileges.md has no script")
	}
	app, admin = database+"_app", database+"_admin"
	script = strings.NewReplacer("shardproxy_admin", admin, "app_role", app, "app_database", database).Replace(blocks[1])
	return script, app, admin
}

// asDocumented makes the roles as docs/privileges.md says on all nodes, and has
// the proxy log in as them.
func (f *fleet) asDocumented() (app, admin string) {
	f.t.Helper()
	for i := range f.dsns {
		var script string
		script, app, admin = documentedScript(f.t, strings.Trim(f.ident(i), `"`))
		f.exec(i, script, asSuperuser)
		f.exec(i, script, asSuperuser) // it may be run again
		f.atEnd(i, `DROP OWNED BY `+app+`, `+admin+` CASCADE; DROP ROLE `+app+`; DROP ROLE `+admin)
		f.db.Nodes[i].DSN, f.db.Nodes[i].AdminDSN = as(f.t, f.dsns[i], app, "change-me"), as(f.t, f.dsns[i], admin, "change-me-too")
	}
	return app, admin
}

// connectAs opens a connection that is closed when the test ends.
func (f *fleet) connectAs(dsn string) *pgx.Conn {
	f.t.Helper()
	conn, err := pgx.Connect(f.t.Context(), dsn)
	if err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { _ = conn.Close(context.Background()) })
	return conn
}

// TestDocumentedPrivileges makes the roles as docs/privileges.md says, and with
// them a database is loaded, served, changed and cut off.
func TestDocumentedPrivileges(t *testing.T) {
	f := newFleet(t, cluster.NewDatabases(t), topology.Rules{})
	app, admin := f.asDocumented()
	// The application makes its tables.
	for _, n := range f.db.Nodes {
		_, err := f.connectAs(n.DSN).Exec(t.Context(), `
CREATE TABLE users (id bigserial PRIMARY KEY, name text);
CREATE TABLE notes (id bigserial PRIMARY KEY, user_id bigint REFERENCES users)`, simple)
		if err != nil {
			t.Fatal(err)
		}
	}
	f.adopting("c-1")
	report := f.load()
	if len(report.Strides.Failed) > 0 {
		t.Errorf("sequences not strided: %v", report.Strides.Failed)
	}
	f.wantIdentities("c-1/app/pg-1", "c-1/app/pg-2", "c-1/app/pg-3")

	node := noderegistry.Node{Cluster: "c-1", Database: "app", ID: "pg-1"}
	dial := func(epoch uint64) (*backend.Conn, error) {
		return backend.DialPostgres(t.Context(), backend.DialOptions{
			Node: "pg-1", DSN: f.db.Nodes[0].DSN,
			Registration: func() noderegistry.Registration {
				return noderegistry.Registration{Node: node, Peer: noderegistry.Peer{ID: "p-1", Incarnation: 1}, Epoch: epoch}
			},
		})
	}
	c, err := dial(1)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := backend.Exec(t.Context(), c, "INSERT INTO users (name) VALUES ('ann')"); err != nil {
		t.Error(err)
	}
	for _, sql := range []string{"UPDATE shardproxy.node SET min_epoch = 0", "DELETE FROM shardproxy.session", "SELECT * FROM shardproxy.session"} {
		_, err := backend.Exec(t.Context(), c, sql)
		if pg, ok := errors.AsType[*pgconn.PgError](err); !ok || pg.Code != "42501" {
			t.Errorf("%s: %v", sql, err)
		}
	}
	control, err := f.nodes.Connect(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	defer control.Close(context.Background())
	n, err := noderegistry.CutOff(t.Context(), control, node, 2, []noderegistry.Peer{{ID: "p-1", Incarnation: 2}})
	if n != 1 || err != nil {
		t.Errorf("ended %d, %v", n, err)
	}
	if _, err := backend.Exec(t.Context(), c, "SELECT 1"); !errors.Is(err, backend.ErrBroken) {
		t.Errorf("the session lives: %v", err)
	}
	if _, err := dial(1); noderegistry.ReasonOf(err) != noderegistry.StaleEpoch {
		t.Errorf("error %v", err)
	}
	adminIsNoSuperuser(t, f.connectAs(f.db.Nodes[0].AdminDSN), app, admin)
	f.reload()
}

// adminIsNoSuperuser: the test would show nothing otherwise.
func adminIsNoSuperuser(t *testing.T, conn *pgx.Conn, app, admin string) {
	t.Helper()
	rows, err := conn.Query(t.Context(), "SELECT rolname::text FROM pg_roles WHERE NOT rolsuper AND NOT rolcreaterole AND rolname IN ($1, $2) ORDER BY 1", admin, app)
	if err != nil {
		t.Fatal(err)
	}
	roles, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || !slices.Equal(roles, []string{admin, app}) {
		t.Errorf("roles %v, %v", roles, err)
	}
}
