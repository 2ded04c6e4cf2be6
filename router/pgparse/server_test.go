package pgparse_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"shardproxy/internal/pgserver"
	"shardproxy/internal/pgserver/pgservertest"
	"shardproxy/protocol/sqlerr"
	"shardproxy/router/pgparse"
	"shardproxy/router/querytree"
)

// TestServer asks a real server what is true. It starts its server itself, so
// that the other tests and the fuzzer need none.
func TestServer(t *testing.T) {
	cluster, err := pgservertest.NewCluster(t.Context(), 1, pgserver.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := cluster.Close(); err != nil {
			t.Error(err)
		}
	})
	dsn := cluster.NewDatabase(t, 0)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	conn, err := pgconn.Connect(ctx, cluster.AdminDSN(t, 0, dsn))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	s := &server{conn: conn}
	t.Run("errors", s.testErrors)
	t.Run("tags", s.testTags)
}

type server struct{ conn *pgconn.PgConn }

// run runs a text in a transaction that is rolled back.
func (s *server) run(t *testing.T, text string) (tags []string, refused *pgconn.PgError) {
	t.Helper()
	results, err := s.conn.Exec(t.Context(), text).ReadAll()
	if err != nil && !errors.As(err, &refused) {
		t.Fatalf("%s\n%v", text, err)
	}
	for _, r := range results {
		tags = append(tags, r.CommandTag.String())
	}
	return tags, refused
}

// malformed are texts that every PostgreSQL's parser refuses alike.
var malformed = []string{
	"SELEC 1",
	"SELECT 1 FRM t",
	"SELECT * FROM",
	"SELECT * FROM t WHERE",
	"SELECT (1",
	"SELECT 1)",
	"SELECT é, 'ü' FROM x y z",
	"SELECT 1; SELEC 2",
	"SELECT\n\n1\n,, 2",
	"SELECT 'abc",
	`SELECT "abc`,
	"SELECT $$abc",
	"SELECT $tag$abc$$",
	"SELECT /* abc",
	`SELECT ""`,
	`SELECT E'\u12'`,
	`SELECT E'\uD800'`,
	`SELECT U&'\00'`,
	"SELECT 123abc",
	"SELECT 1 2",
	"INSERT INTO t (a,) VALUES (1)",
	"INSERT INTO t VALUES",
	"UPDATE t SET",
	"DELETE t",
	"CREATE TABLE t (a int,)",
	"CREATE UNIQUE TABLE t (a int)",
	"CREATE ASSERTION x CHECK (true)",
	"CREATE TABLE t (a int REFERENCES u MATCH PARTIAL)",
	"CREATE TABLE t (a float(0))",
	"CREATE TABLE t (a float(99))",
	"CREATE TABLE t (a int CHECK (true) DEFERRABLE NOT VALID, CHECK (true) DEFERRABLE)",
	"CREATE ROLE public",
	"CREATE ROLE none",
	"CREATE ROLE current_user",
	"SELECT UNIQUE (SELECT 1)",
	"SELECT sum(a) OVER (ROWS UNBOUNDED FOLLOWING)",
	"SELECT sum(a) OVER (ROWS BETWEEN CURRENT ROW AND 1 PRECEDING)",
	"SELECT sum(a) OVER (ROWS BETWEEN 1 PRECEDING AND UNBOUNDED PRECEDING)",
	"SELECT sum(a) OVER (ROWS 1 FOLLOWING)",
	"SELECT a FROM t LIMIT 1, 2",
	"SELECT a FROM t FETCH FIRST 1 ROW WITH TIES",
	"SELECT a FROM t ORDER BY a LIMIT 1 LIMIT 2",
	"SELECT f(a ORDER BY b ORDER BY c)",
	"SELECT f(DISTINCT a, VARIADIC b, c)",
	"SELECT f(VARIADIC DISTINCT a)",
	"SELECT * AS x",
	"SELECT a.*.b FROM t",
	"SELECT a FROM b.c.d.e",
	"BEGIN ISOLATION LEVEL NONE",
	"SET TIME ZONE INTERVAL '1' DAY",
	"SET x",
	"SET CATALOG 'x'",
	"COPY t FROM STDOUT x",
	"COPY (SELECT 1) FROM STDIN",
	"GRANT SELECT ON",
	"DROP TABLE",
	"ALTER TABLE t ALTER 99999999 SET STATISTICS 1",
	"CREATE FUNCTION f(a int) RETURNS int AS $$x$$ LANGUAGE",
	"CREATE TRIGGER t BEFORE INSERT OR INSERT ON t EXECUTE FUNCTION f()",
	"CREATE TABLE t PARTITION OF p FOR VALUES WITH (MODULUS 1, MODULUS 2)",
	"CREATE TABLE t PARTITION OF p FOR VALUES WITH (MODULUS 1)",
	"CREATE OR REPLACE CONSTRAINT TRIGGER t AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION f()",
	"ROLLBACK TO",
	"WITH x AS (SELECT 1)",
	"VALUES",
	"SELECT 1 UNION",
	"(SELECT 1) 2",
	"END END",
	"\\d",
	"SELECT ?",
	"SELECT a ->",
	"SELECT U&'x' UESCAPE '+'",
	"SELECT 1 /* a /* b */",
}

func (s *server) testErrors(t *testing.T) {
	for _, text := range malformed {
		_, want := s.run(t, text)
		if want == nil {
			t.Errorf("%s\nthe server takes it", text)
			continue
		}
		_, err := pgparse.Parser{}.Parse(text)
		var got *sqlerr.Error
		if !errors.As(err, &got) {
			t.Errorf("%s\ngot %v, want %v", text, err, want)
			continue
		}
		if got.SQLState != want.Code || got.Message != want.Message || got.Position != int(want.Position) {
			t.Errorf("%s\n got %s %q at %d\nwant %s %q at %d", text,
				got.SQLState, got.Message, got.Position, want.Code, want.Message, want.Position)
		}
	}
}

// schema makes what much of the corpus needs.
const schema = `
CREATE SCHEMA s; CREATE SCHEMA my;
CREATE ROLE joe; CREATE ROLE jane; CREATE ROLE staff;
CREATE TABLE t (id serial, k int PRIMARY KEY, a int, b int, c int, d int);
CREATE TABLE u (k int PRIMARY KEY, a int, b int, c int, d int);
CREATE TABLE v (x int, k int);
CREATE TABLE s.t (id int PRIMARY KEY, k int, a int, b int);
CREATE INDEX i ON t (a); CREATE INDEX j ON t (b);
CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION g(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE PROCEDURE proc() LANGUAGE sql AS '';
CREATE TYPE ty AS (a int, b text); CREATE TYPE s.ty AS ENUM ('a', 'b');
CREATE DOMAIN d AS int; CREATE DOMAIN s.d AS int;
CREATE VIEW w AS SELECT 1 AS a; CREATE MATERIALIZED VIEW mv AS SELECT 1;
`

// notByTag are kinds whose CommandComplete is that of another command.
func notByTag(k querytree.StatementKind) bool {
	return k == querytree.CreateTableAs || k == querytree.Execute
}

// testTags runs the corpus, each statement in a transaction of its own that is
// rolled back: the server's CommandComplete has our tag, and what it refuses
// in a transaction block is what we say it refuses.
func (s *server) testTags(t *testing.T) {
	if _, refused := s.run(t, schema); refused != nil {
		t.Fatal(refused)
	}
	completed, refusedInBlock := 0, 0
	for _, a := range corpus(t) {
		if a.name == "copy" || a.name == "transaction" {
			continue
		}
		for _, text := range a.statements {
			statement := parseOne(t, text)
			tags, refused := s.run(t, "BEGIN;"+text)
			s.run(t, "ROLLBACK")
			switch {
			case refused != nil && refused.Code == "25001":
				refusedInBlock++
				if statement.InTransaction {
					t.Errorf("%s\n%s", text, refused.Message)
				}
			case refused != nil:
			case strings.HasPrefix(text, "DROP SUBSCRIPTION"):
				// Whether it is refused depends on the subscription.
			case !statement.InTransaction:
				t.Errorf("%s\nthe server runs it in a transaction block", text)
			case len(tags) == 2 && !notByTag(statement.Kind):
				completed++
				if got := strings.TrimRight(tags[1], " 0123456789"); got != statement.Tag {
					t.Errorf("%s\ntag %q, the server's is %q", text, statement.Tag, got)
				}
			}
		}
	}
	if completed < 200 || refusedInBlock < 15 {
		t.Errorf("%d statements ran, %d were refused: too few to prove much", completed, refusedInBlock)
	}
}
