package postgres_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"shardproxy/internal/pgserver/pgservertest"
	"shardproxy/meta/topology"
	"shardproxy/rebalance/postgres"
)

var cluster *pgservertest.Cluster

func TestMain(m *testing.M) { pgservertest.Main(m, &cluster, 1) }

// connect connects with the settings that connections of the proxy have.
func connect(t *testing.T, dsn string) *pgx.Conn {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), dsn)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.Background()) })
	exec(t, conn, `SET search_path TO pg_catalog; SET row_security TO off`)
	return conn
}

func exec(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	if _, err := conn.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatalf("%.100s: %v", sql, err)
	}
}

func objects(t *testing.T, q postgres.Querier) postgres.Objects {
	t.Helper()
	o, err := postgres.ReadObjects(t.Context(), q, "app")
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// A schema goes from one database to another, all of it or nothing.
func TestDumpAndRestore(t *testing.T) {
	home, node := cluster.NewDatabase(t, 0), cluster.NewDatabase(t, 0)
	from, to := connect(t, home), connect(t, node)
	super := connect(t, cluster.AdminDSN(t, 0, node))
	exec(t, connect(t, cluster.AdminDSN(t, 0, home)), `
CREATE EXTENSION citext SCHEMA public; CREATE PUBLICATION p; ALTER SCHEMA public OWNER TO app; COMMENT ON SCHEMA public IS 'ours'`)
	exec(t, from, `
CREATE SCHEMA shardproxy; CREATE TABLE shardproxy.node (id int);
CREATE TABLE public.t (id public.citext PRIMARY KEY);
CREATE FUNCTION public.f() RETURNS text LANGUAGE sql AS 'SELECT ''
\unrestrict x
''';
INSERT INTO public.t VALUES ('row')`)
	exec(t, super, `CREATE EXTENSION citext SCHEMA public`) // by another role: app may not comment on it
	tools, err := postgres.FindTools(t.Context(), "", 15)
	if err != nil {
		t.Fatal(err)
	}
	script, err := tools.Dump(t.Context(), home)
	if err != nil {
		t.Fatal(err)
	}
	same := func(_ context.Context, tx pgx.Tx) error {
		for _, d := range postgres.Compare(objects(t, from), objects(t, tx), true) {
			if !d.Harmless {
				return errors.New(d.String())
			}
		}
		return nil
	}
	if err := postgres.Rehearse(t.Context(), to, script, same); err != nil {
		t.Fatal(err)
	}
	if !objects(t, to).Empty() {
		t.Error("a rehearsal leaves something behind")
	}
	no := errors.New("no")
	if err := postgres.Restore(t.Context(), to, script, func(context.Context, pgx.Tx) error { return no }); !errors.Is(err, no) || !objects(t, to).Empty() {
		t.Errorf("refused: %v", err)
	}
	bad := script + "CREATE TABLE public.u (id no_such_type);\n"
	err = postgres.Restore(t.Context(), to, bad, same)
	if _, ok := errors.AsType[*postgres.RestoreError](err); !ok || !strings.Contains(err.Error(), "no_such_type") || !objects(t, to).Empty() {
		t.Errorf("half of it: %v", err)
	}
	if err := postgres.Restore(t.Context(), connect(t, node), script, same); err != nil {
		t.Fatal(err)
	}
	var left string
	err = super.QueryRow(t.Context(), `SELECT concat_ws(',', (SELECT count(*) FROM pg_publication), to_regnamespace('shardproxy'), (SELECT count(*) FROM public.t))`).Scan(&left)
	if err != nil || left != "0,0" {
		t.Errorf("publications, schema, rows: %s, %v", left, err)
	}
	// A second time there is something in the way, and all stays.
	if err := postgres.Restore(t.Context(), to, script, same); err == nil || len(postgres.Compare(objects(t, from), objects(t, to), true)) > 1 {
		t.Errorf("twice: %v", err)
	}
}

// Dump says what its programs said.
func TestDumpFails(t *testing.T) {
	home := cluster.NewDatabase(t, 0)
	exec(t, connect(t, cluster.AdminDSN(t, 0, home)), `CREATE TABLE public.theirs (id int)`)
	tools, err := postgres.FindTools(t.Context(), "", 15)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tools.Dump(t.Context(), home); err == nil || !strings.Contains(err.Error(), "permission denied for table theirs") {
		t.Errorf("%v", err)
	}
	if _, err := postgres.FindTools(t.Context(), "", 99); err == nil || !strings.Contains(err.Error(), "postgresql-client-99") || !strings.Contains(err.Error(), "version 15") {
		t.Errorf("%v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := tools.Dump(ctx, home); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// Every kind of difference is found, and named.
func TestCompare(t *testing.T) {
	conn := connect(t, cluster.NewDatabase(t, 0))
	exec(t, conn, `
CREATE SCHEMA s;
CREATE TYPE s.mood AS ENUM ('a', 'b');
CREATE DOMAIN s.short AS text CHECK (length(value) < 9);
CREATE TABLE s.t (id serial PRIMARY KEY, m s.mood, n text DEFAULT 'x', CHECK (n <> ''));
CREATE INDEX i ON s.t (n);
CREATE VIEW s.v AS SELECT id FROM s.t;
CREATE FUNCTION s.f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER g BEFORE INSERT ON s.t FOR EACH ROW EXECUTE FUNCTION s.f();
CREATE POLICY p ON s.t USING (id > 0);
CREATE RULE r AS ON DELETE TO s.t DO INSTEAD NOTHING;
CREATE STATISTICS s.st ON m, n FROM s.t`)
	before := objects(t, conn)
	if d := postgres.Compare(before, objects(t, conn), true); len(d) > 0 {
		t.Fatalf("a database differs from itself: %v", d)
	}
	tests := map[string]string{
		`ALTER TYPE s.mood ADD VALUE 'c'`:                                         `type s.mood is`,
		`ALTER DOMAIN s.short DROP CONSTRAINT short_check`:                        `constraint s.short: short_check is missing`,
		`ALTER TABLE s.t ALTER n SET DEFAULT 'y'`:                                 `column s.t.n is`,
		`ALTER TABLE s.t ALTER n SET NOT NULL`:                                    `column s.t.n is`,
		`ALTER TABLE s.t DROP CONSTRAINT t_n_check`:                               `constraint s.t: t_n_check is missing`,
		`DROP INDEX s.i; CREATE INDEX i ON s.t (n DESC)`:                          `index s.i is`,
		`CREATE OR REPLACE VIEW s.v AS SELECT id + 0 AS id FROM s.t`:              `rule s.v: "_RETURN" is`,
		`CREATE OR REPLACE FUNCTION s.f() RETURNS trigger LANGUAGE plpgsql AS ''`: `function s.f() is`,
		`ALTER TABLE s.t DISABLE TRIGGER g`:                                       `trigger s.t: g is`,
		`ALTER POLICY p ON s.t USING (id > 1)`:                                    `policy s.t: p is`,
		`ALTER TABLE s.t ENABLE ROW LEVEL SECURITY`:                               `relation s.t is`,
		`DROP RULE r ON s.t`:                                                      `rule s.t: r is missing`,
		`DROP STATISTICS s.st`:                                                    `object statistics object s.st is missing`,
		`ALTER SEQUENCE s.t_id_seq MAXVALUE 7`:                                    `sequence s.t_id_seq is`,
		`DROP VIEW s.v`:                                                           `relation s.v is missing`,
		`CREATE TABLE s.more (a int, b int UNIQUE)`:                               `relation s.more is not on the home node`,
		`REVOKE UPDATE ON s.t FROM app; GRANT SELECT ON s.t TO PUBLIC`:            `application's rights on s.t is`,
		`CREATE SCHEMA more; GRANT SELECT ON s.t TO PUBLIC`:                       ``,
		`ALTER SEQUENCE s.t_id_seq INCREMENT 64 START 3 RESTART`:                  ``,
	}
	for sql, want := range tests {
		exec(t, conn, "BEGIN; "+strings.Replace(sql, "plpgsql AS ''", "plpgsql AS 'BEGIN RETURN NULL; END'", 1))
		var told []string
		for _, d := range postgres.Compare(before, objects(t, conn), true) {
			if !d.Harmless {
				told = append(told, d.String())
			}
		}
		exec(t, conn, "ROLLBACK")
		// An index of a table that is new is told beside it.
		told = strings.Split(strings.Join(told, "\n"), "\nindex s.more_b_key")[:1]
		if !strings.HasPrefix(told[0], want) || strings.Contains(told[0], "\n") || (want == "") != (told[0] == "") {
			t.Errorf("%s: %q, want %q", sql, told, want)
		}
	}
}

func TestRolesAndExtensions(t *testing.T) {
	dsn := cluster.NewDatabase(t, 0)
	conn, super := connect(t, dsn), connect(t, cluster.AdminDSN(t, 0, dsn))
	exec(t, super, `DROP ROLE IF EXISTS "a Reader"; CREATE ROLE "a Reader"; CREATE TABLE public.theirs (id int); CREATE SCHEMA shardproxy`)
	t.Cleanup(func() {
		admin, err := pgx.Connect(context.Background(), cluster.AdminDSN(t, 0, "postgres://x/postgres"))
		if err != nil {
			t.Fatal(err)
		}
		defer admin.Close(context.Background())
		if _, err := admin.Exec(context.Background(), `DROP ROLE "a Reader"`); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() { // before the role goes
		again, err := pgx.Connect(context.Background(), cluster.AdminDSN(t, 0, dsn))
		if err != nil {
			t.Fatal(err)
		}
		defer again.Close(context.Background())
		if _, err := again.Exec(context.Background(), `DROP OWNED BY "a Reader"`); err != nil {
			t.Error(err)
		}
	})
	exec(t, conn, `CREATE TABLE public.ours (id int); GRANT SELECT ON public.ours TO "a Reader"`)
	roles, err := postgres.ReadRoles(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&postgres.Roles{Owners: []string{"app", "postgres"}, Grantees: []string{"a Reader"}}, roles); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	roles.Grantees = append(roles.Grantees, "nobody here")
	missing, foreign, err := postgres.MissingRoles(t.Context(), conn, roles)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([][]string{{"nobody here"}, {"postgres"}}, [][]string{missing, foreign}); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	facts, err := postgres.ReadFacts(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	if facts.Superuser || facts.Replication || facts.Role != "app" || facts.WALLevel == "" || facts.ReplicationSlots == 0 {
		t.Errorf("%+v", facts)
	}
	problems, notes, err := postgres.ExtensionProblems(t.Context(), conn, map[string]string{
		"plpgsql": "1.0", "no_such": "1", "pageinspect": "1.10", "citext": "1.0", "pgcrypto": "1.3",
	}, facts)
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(append(problems, notes...), "\n")
	for _, want := range []string{"no_such of the home node is not available", "pageinspect can be made by a superuser", "extension citext will have version"} {
		if strings.Count(all, want) != 1 {
			t.Errorf("%q is not in\n%s", want, all)
		}
	}
	if len(problems) != 2 || len(notes) != 1 {
		t.Errorf("%s", all)
	}
}

func TestRowsAndSizes(t *testing.T) {
	dsn := cluster.NewDatabase(t, 0)
	conn := connect(t, dsn)
	exec(t, conn, `
CREATE TABLE public.parts (id int, at int) PARTITION BY RANGE (at);
CREATE TABLE public.parts_1 PARTITION OF public.parts FOR VALUES FROM (0) TO (10);
CREATE TABLE public.parts_2 PARTITION OF public.parts FOR VALUES FROM (10) TO (20);
CREATE TABLE public.parent (id int); CREATE TABLE public.child () INHERITS (public.parent);
CREATE TABLE public.many (id int); CREATE TABLE public."No ""Rows" (id int); CREATE TEMPORARY TABLE mine (id int);
CREATE SCHEMA shardproxy; CREATE TABLE shardproxy.node AS SELECT 1 AS one;
INSERT INTO public.parts VALUES (1, 1), (1, 12), (NULL, 13); INSERT INTO public.child VALUES (5);
INSERT INTO public.many SELECT g FROM generate_series(1, 30000) AS g; INSERT INTO mine VALUES (1)`)
	found, err := postgres.Occupied(t.Context(), conn, 1000)
	if err != nil {
		t.Fatal(err)
	}
	var texts []string
	for _, r := range found {
		texts = append(texts, r.String())
	}
	if diff := cmp.Diff([]string{"public.child (1 row)", "public.many (more than 1000 rows)", "public.parts_1 (1 row)", "public.parts_2 (2 rows)"}, texts); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	size := func(name string) postgres.Size {
		s, err := postgres.ReadSize(t.Context(), conn, topology.TableName{Schema: "public", Name: name}, 10_000)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if s := size("parts"); s.Rows != 3 || !s.Exact || s.Bytes != 2*8192 {
		t.Errorf("parts: %+v", s)
	}
	if s := size("parent"); s.Rows != 1 || !s.Exact {
		t.Errorf("parent: %+v", s)
	}
	if s := size(`No "Rows`); s.Rows != 0 || !s.Exact {
		t.Errorf("no rows: %+v", s)
	}
	exec(t, conn, `ANALYZE public.many`)
	if s := size("many"); s.Exact || s.Rows != 30000 || s.Bytes < 30000*24 {
		t.Errorf("many: %+v", s)
	}
	keys := map[string]int64{}
	err = postgres.CountKeys(t.Context(), conn, topology.TableName{Schema: "public", Name: "parts"}, "id", func(key []byte, rows int64) {
		if key == nil {
			key = []byte("NULL")
		}
		keys[string(key)] += rows
	})
	if diff := cmp.Diff(map[string]int64{"1": 2, "NULL": 1}, keys); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
}
