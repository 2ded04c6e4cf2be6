package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"shardproxy/admin"
)

// What the tour writes with pgx.
const (
	demoUsers     = 30
	demoProjects  = 2 // per user
	demoDocuments = 3 // per project
)

// tourTimeout bounds the tour: something that stands still has failed.
const tourTimeout = 2 * time.Minute

// tour shows what the proxy does, step by step.
type tour struct {
	*demo
	conn     *pgx.Conn   // to the proxy
	nodes    []*pgx.Conn // to the nodes themselves
	api      *admin.Client
	users    []int64 // their ids, made by the database
	psqlUser int64   // the one that psql made; 0: there is no psql
}

// run takes the steps in turn. The error names the step that failed.
func (t *tour) run(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, tourTimeout)
	defer cancel()
	defer t.disconnect()
	steps := []struct {
		title string
		run   func(context.Context) error
	}{
		{"Connect with pgx", t.connect},
		{"Create tables, through the proxy", t.createTables},
		{"Write rows with pgx: prepared statements, keys made by the database", t.write},
		{"Write and read with psql", t.psql},
		{"Read through the proxy", t.read},
		{"Ask the nodes themselves where the rows are", t.where},
		{"Rows per node", t.distribution},
		{"What the proxies agree on", t.agree},
		{"Where to connect", t.addresses},
	}
	for i, step := range steps {
		t.printf("\n%d. %s\n", i+1, step.title)
		if err := step.run(ctx); err != nil {
			return fmt.Errorf("step %d, %q: %w", i+1, step.title, explained(err))
		}
	}
	return nil
}

// explained adds detail and hint to an error of the proxy or a server.
func explained(err error) error {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	if !ok || pg.Detail+pg.Hint == "" {
		return err
	}
	return fmt.Errorf("%w\n%s", err, strings.TrimSpace(pg.Detail+" "+pg.Hint))
}

// say prints a line below the title of the step.
func (t *tour) say(format string, args ...any) { t.printf("   "+format+"\n", args...) }

func (t *tour) connect(ctx context.Context) (err error) {
	if t.api, err = admin.NewClient(admin.ClientOptions{Addr: t.adminURL()}); err != nil {
		return err
	}
	if t.conn, err = pgx.Connect(ctx, t.peers[0].plainDSN()); err != nil {
		return err
	}
	for _, s := range t.servers {
		conn, err := pgx.Connect(ctx, s.DSN())
		if err != nil {
			return err
		}
		t.nodes = append(t.nodes, conn)
	}
	var server string
	if err := t.conn.QueryRow(ctx, "SHOW server_version").Scan(&server); err != nil {
		return err
	}
	t.say("%s  (PostgreSQL %s)", t.dsn(), server)
	return nil
}

// disconnect closes all connections, also when the tour was interrupted.
func (t *tour) disconnect() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	for _, conn := range append(t.nodes, t.conn) {
		if conn != nil {
			_ = conn.Close(ctx) // the servers end in any case
		}
	}
	if t.api != nil {
		t.api.Close()
	}
}

func (t *tour) createTables(ctx context.Context) error {
	for _, statement := range []string{
		`CREATE TABLE users (
  id    bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  name  text NOT NULL)`,
		`CREATE TABLE projects (
  id       uuid DEFAULT gen_random_uuid(),
  user_id  bigint REFERENCES users,
  name     text NOT NULL,
  PRIMARY KEY (user_id, id))`,
		`CREATE TABLE documents (
  id          bigint GENERATED ALWAYS AS IDENTITY,
  user_id     bigint,
  project_id  uuid NOT NULL,
  title       text NOT NULL,
  PRIMARY KEY (user_id, id),
  FOREIGN KEY (user_id, project_id) REFERENCES projects)`,
	} {
		t.say("%s;", strings.ReplaceAll(statement, "\n", "\n   "))
		if _, err := t.conn.Exec(ctx, statement); err != nil {
			return err
		}
	}
	tables, err := t.api.Tables(ctx, demoName)
	if err != nil {
		return err
	}
	t.printf("\n")
	for _, table := range tables.Tables {
		t.say("%-17s %s by %s: %s", table.Name, table.Placement, table.Column, table.Reason)
	}
	return nil
}

// write makes users with projects and documents, the latter in a transaction
// per user.
func (t *tour) write(ctx context.Context) error {
	began := time.Now()
	for i := range demoUsers {
		var id int64
		err := t.conn.QueryRow(ctx, "INSERT INTO users (name) VALUES ($1) RETURNING id", fmt.Sprintf("user %d", i+1)).Scan(&id)
		if err != nil {
			return err
		}
		t.users = append(t.users, id)
		if err := t.writeProjects(ctx, id); err != nil {
			return err
		}
	}
	t.say("INSERT INTO users (name) VALUES ($1) RETURNING id                -> %d, %d, %d ...", t.users[0], t.users[1], t.users[2])
	t.say("BEGIN; INSERT INTO projects ...; INSERT INTO documents ...; COMMIT   for each of them")
	t.say("%d users, %d projects, %d documents in %s", demoUsers, demoUsers*demoProjects,
		demoUsers*demoProjects*demoDocuments, time.Since(began).Round(time.Millisecond))
	return nil
}

func (t *tour) writeProjects(ctx context.Context, user int64) error {
	return pgx.BeginFunc(ctx, t.conn, func(tx pgx.Tx) error {
		for p := range demoProjects {
			var project string
			err := tx.QueryRow(ctx, "INSERT INTO projects (user_id, name) VALUES ($1, $2) RETURNING id",
				user, fmt.Sprintf("project %d", p+1)).Scan(&project)
			if err != nil {
				return err
			}
			for d := range demoDocuments {
				_, err := tx.Exec(ctx, "INSERT INTO documents (user_id, project_id, title) VALUES ($1, $2, $3)",
					user, project, fmt.Sprintf("document %d", d+1))
				if err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// psql runs the real thing, if it is installed.
func (t *tour) psql(ctx context.Context) error {
	path := t.findPSQL()
	if path == "" {
		t.say("psql is not installed; left out")
		return nil
	}
	answer, err := t.runPSQL(ctx, path, "-qAt", "INSERT INTO users (name) VALUES ('psql') RETURNING id")
	if err != nil {
		return err
	}
	if _, err := fmt.Sscan(answer, &t.psqlUser); err != nil {
		return fmt.Errorf("psql answered %q instead of an id: %w", answer, err)
	}
	t.say("INSERT INTO users (name) VALUES ('psql') RETURNING id  -> %d", t.psqlUser)
	t.users = append(t.users, t.psqlUser)
	if err := t.writeProjects(ctx, t.psqlUser); err != nil {
		return err
	}
	query := fmt.Sprintf(`SELECT u.name, p.name AS project, count(*) AS documents
  FROM users u JOIN projects p ON p.user_id = u.id
  JOIN documents d ON d.user_id = p.user_id AND d.project_id = p.id
 WHERE u.id = %d GROUP BY 1, 2 ORDER BY 2`, t.psqlUser)
	if answer, err = t.runPSQL(ctx, path, "-q", query); err != nil {
		return err
	}
	t.say("%s;", strings.ReplaceAll(query, "\n", "\n   "))
	t.say("%s", strings.ReplaceAll(strings.TrimRight(answer, "\n"), "\n", "\n   "))
	return nil
}

// findPSQL returns psql of the PATH, or the one beside the servers; "" if there
// is none.
func (t *tour) findPSQL() string {
	for _, name := range []string{"psql", filepath.Join(t.servers[0].BinDir(), "psql")} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	return ""
}

func (t *tour) runPSQL(ctx context.Context, path, flags, command string) (string, error) {
	var stderr strings.Builder
	cmd := exec.CommandContext(ctx, path, "-X", "-v", "ON_ERROR_STOP=1", flags, "-d", t.peers[0].plainDSN(), "-c", command)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("psql: %w: %s", err, strings.TrimSpace(stderr.String()))
	}
	return strings.TrimRight(string(out), "\n"), nil
}
