package noderegistry

import (
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"
)

func TestAdoptByManyAtOnce(t *testing.T) {
	dsn := cluster.NewDatabase(t, 0)
	var group sync.WaitGroup
	conns := make([]*pgx.Conn, 6)
	for i := range conns {
		conns[i] = connect(t, cluster.AdminDSN(t, 0, dsn))
		execSQL(t, conns[i], "SET default_transaction_isolation = 'serializable'")
	}
	for _, conn := range conns {
		group.Go(func() {
			if err := Adopt(t.Context(), conn, one); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	got, err := ReadIdentity(t.Context(), conns[0])
	if err != nil || *got != (Identity{Node: one}) {
		t.Errorf("%+v, %v", got, err)
	}
}

// Of two clusters that want a database one gets it.
func TestAdoptByTwoClusters(t *testing.T) {
	dsn := cluster.NewDatabase(t, 0)
	errs := make([]error, 2)
	var group sync.WaitGroup
	for i, id := range []string{"c-1", "c-2"} {
		conn := connect(t, cluster.AdminDSN(t, 0, dsn))
		group.Go(func() { errs[i] = Adopt(t.Context(), conn, Node{Cluster: id, Database: "app", ID: "pg-1"}) })
	}
	group.Wait()
	if errs[0] == nil {
		errs[0], errs[1] = errs[1], errs[0]
	}
	refused(t, errs[0], OtherNode, `"c-1"`, `"c-2"`)
	if errs[1] != nil {
		t.Error(errs[1])
	}
}

func TestTwoNamesForOneDatabase(t *testing.T) {
	_, admin := registryOf(t)
	for _, n := range []Node{{"c-1", "app", "pg-2"}, {"c-1", "crm", "pg-1"}, {"c-2", "app", "pg-1"}} {
		for what, f := range map[string]func() error{
			"check":   func() error { return Check(t.Context(), admin, n) },
			"adopt":   func() error { return Adopt(t.Context(), admin, n) },
			"readopt": func() error { return Readopt(t.Context(), admin, n, 0) },
			"release": func() error { return Release(t.Context(), admin, n) },
			"cut off": func() error { _, err := CutOff(t.Context(), admin, n, 9, nil); return err },
		} {
			if err := f(); ReasonOf(err) != OtherNode {
				t.Errorf("%s as %s: %v", what, n, err)
			}
		}
	}
	if got, err := ReadIdentity(t.Context(), admin); err != nil || *got != (Identity{Node: one}) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestCheckChangesNothing(t *testing.T) {
	dsn := cluster.NewDatabase(t, 0)
	admin := connect(t, cluster.AdminDSN(t, 0, dsn))
	if err := Check(t.Context(), admin, one, userOf(t, dsn)); err != nil {
		t.Error(err)
	}
	if n := value[int](t, admin, "SELECT count(*) FROM pg_namespace WHERE nspname = $1", Schema); n != 0 {
		t.Error("there is a schema")
	}
	if err := Adopt(t.Context(), admin, one); err != nil {
		t.Fatal(err)
	}
	if err := Check(t.Context(), admin, one, userOf(t, dsn), "no_such_role"); err != nil {
		t.Error(err)
	}
}

func TestSchemaOfOthers(t *testing.T) {
	dsn := cluster.NewDatabase(t, 0)
	admin, app := connect(t, cluster.AdminDSN(t, 0, dsn)), connect(t, dsn)
	execSQL(t, app, "CREATE SCHEMA shardproxy; CREATE VIEW shardproxy.version AS SELECT 1 AS version, 1 AS compatible")
	refused(t, Check(t.Context(), admin, one), NotOurs, "Rename")
	refused(t, Adopt(t.Context(), admin, one), NotOurs)
	execSQL(t, app, "DROP SCHEMA shardproxy CASCADE")
	if err := Adopt(t.Context(), admin, one); err != nil {
		t.Fatal(err)
	}
	refused(t, Check(t.Context(), app, one), NoRight, "belongs to", "admin_dsn")
	refused(t, Adopt(t.Context(), app, one), NoRight, "belongs to")
	execSQL(t, admin, "UPDATE shardproxy.version SET version = 3, compatible = 2")
	refused(t, Check(t.Context(), admin, one), NewerVersion, "version 2", "Upgrade")
	refused(t, Adopt(t.Context(), admin, one), NewerVersion)
	execSQL(t, admin, "UPDATE shardproxy.version SET compatible = 1")
	if err := Adopt(t.Context(), admin, one); err != nil {
		t.Errorf("a newer schema that this program can work with: %v", err)
	}
	if v := value[int](t, admin, "SELECT version FROM shardproxy.version"); v != 3 {
		t.Errorf("version %d", v)
	}
}

// A database is started without admin_dsn first: the schema is the
// application's. Later there is one.
func TestAnotherRoleTakesOver(t *testing.T) {
	dsn := cluster.NewDatabase(t, 0)
	admin, app := connect(t, cluster.AdminDSN(t, 0, dsn)), connect(t, dsn)
	if err := Adopt(t.Context(), app, one); err != nil {
		t.Fatal(err)
	}
	pg := registered(t, dsn, as("p-1", 1, 1))
	if n, err := CutOff(t.Context(), app, one, 2, nil); n != 1 || err != nil {
		t.Errorf("ended %d, %v", n, err)
	}
	if alive(pg) {
		t.Error("the session lives")
	}
	if err := Adopt(t.Context(), admin, one); err != nil {
		t.Fatal(err)
	}
	owners := value[string](t, admin, `
SELECT string_agg(DISTINCT o::regrole::text, ',') FROM (
  SELECT nspowner FROM pg_namespace WHERE nspname = 'shardproxy'
  UNION SELECT relowner FROM pg_class WHERE relnamespace = 'shardproxy'::regnamespace AND relkind IN ('r', 'i')
  UNION SELECT proowner FROM pg_proc WHERE pronamespace = 'shardproxy'::regnamespace) x (o)`)
	if owners != "postgres" {
		t.Errorf("owners: %s", owners)
	}
	if got, err := ReadIdentity(t.Context(), admin); err != nil || got.MinEpoch != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	registered(t, dsn, as("p-1", 1, 2))
	appMayNothing(t, app)
}

// What a node accepts survives a crash whatever the server's default is.
func TestChangesAreDurable(t *testing.T) {
	_, admin := registryOf(t)
	for set, want := range map[string]string{"off": "on", "local": "local", "remote_apply": "remote_apply"} {
		execSQL(t, admin, "SET synchronous_commit = "+set)
		err := within(t.Context(), admin, func(tx pgx.Tx) error {
			if got := value[string](t, tx.Conn(), "SHOW synchronous_commit"); got != want {
				t.Errorf("synchronous_commit is %s where it was %s", got, set)
			}
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	}
}

// What the application's role has on tables made later is not for these.
func TestDefaultPrivileges(t *testing.T) {
	dsn := cluster.NewDatabase(t, 0)
	admin, app := connect(t, cluster.AdminDSN(t, 0, dsn)), connect(t, dsn)
	execSQL(t, admin, `
ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO `+userOf(t, dsn)+`, PUBLIC;
ALTER DEFAULT PRIVILEGES GRANT ALL ON SCHEMAS TO `+userOf(t, dsn)+`;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC`)
	if err := Adopt(t.Context(), admin, one); err != nil {
		t.Fatal(err)
	}
	appMayNothing(t, app)
	registered(t, dsn, as("p-1", 1, 1))
}

// appMayNothing tries what the application's role must not do.
func appMayNothing(t *testing.T, app *pgx.Conn) {
	t.Helper()
	for _, sql := range []string{
		"UPDATE shardproxy.node SET min_epoch = 0",
		"DELETE FROM shardproxy.node",
		"SELECT FROM shardproxy.node FOR UPDATE",
		"SELECT * FROM shardproxy.node",
		"TRUNCATE shardproxy.session",
		"DELETE FROM shardproxy.session",
		"UPDATE shardproxy.session SET epoch = 99",
		"INSERT INTO shardproxy.session VALUES (1, now(), 'p', 1, 1)",
		"SELECT * FROM shardproxy.session",
		"DO $$ BEGIN LOCK TABLE shardproxy.node IN ACCESS SHARE MODE; END $$",
		"UPDATE shardproxy.version SET version = 9",
		"CREATE TABLE shardproxy.mine ()",
		"CREATE TRIGGER x BEFORE UPDATE ON shardproxy.node EXECUTE FUNCTION suppress_redundant_updates_trigger()",
		"ALTER FUNCTION shardproxy.register SECURITY INVOKER",
		"DROP SCHEMA shardproxy CASCADE",
	} {
		if _, err := app.Exec(t.Context(), sql); sqlstate(err) != "42501" {
			t.Errorf("%s: %v", sql, err)
		}
	}
}

// Objects of the caller do not get between register and its own.
func TestRegisterFindsItsOwnObjects(t *testing.T) {
	dsn, admin := registryOf(t)
	app := connect(t, dsn)
	execSQL(t, app, `
CREATE TEMP TABLE node (one boolean, cluster_id text, database text, node_id text, min_epoch bigint, system_identifier bigint, database_oid oid);
CREATE TEMP TABLE session (LIKE node);
CREATE TEMP TABLE pg_database (oid oid, datname name);
CREATE FUNCTION pg_temp.pg_backend_pid() RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE SCHEMA evil;
CREATE FUNCTION evil.pg_backend_pid() RETURNS integer LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION evil.same(text, text) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.same);
SET search_path = pg_temp, evil, pg_catalog`)
	refused(t, Register(t.Context(), app.PgConn(), Registration{Node: Node{"c-1", "app", "pg-2"}, Peer: Peer{"p", 1}}), OtherNode)
	app = connect(t, dsn)
	execSQL(t, app, `SET search_path = evil, pg_catalog`)
	if err := Register(t.Context(), app.PgConn(), as("p-1", 1, 1)); err != nil {
		t.Fatal(err)
	}
	if pid := value[int64](t, admin, "SELECT pid FROM shardproxy.session"); pid != int64(app.PgConn().PID()) {
		t.Errorf("process %d registered", pid)
	}
}
