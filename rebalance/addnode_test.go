package rebalance_test

import (
	"testing"

	"shardproxy/meta/topology"
)

// rich is a schema with a bit of everything. The role "reader" has to exist.
const rich = `
CREATE EXTENSION citext;
CREATE EXTENSION pgcrypto;
CREATE SCHEMA billing;
CREATE TYPE mood AS ENUM ('sad', 'it''s ok', 'great');
CREATE DOMAIN email AS citext CHECK (value ~ '@');
CREATE TYPE address AS (street text, zip text);
CREATE TABLE users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, mail email, m mood DEFAULT 'sad', home address);
COMMENT ON TABLE users IS E'first line\n--\n-- Name: users; Type: TABLE; Schema: public; Owner: -\n--\nlast';
CREATE TABLE projects (id serial PRIMARY KEY, user_id bigint NOT NULL REFERENCES users ON DELETE CASCADE,
  name text, doubled text GENERATED ALWAYS AS (name || name) STORED, CHECK (name <> ''));
CREATE INDEX projects_of ON projects (user_id) WHERE name IS NOT NULL;
CREATE TABLE billing.invoices (id bigserial, user_id bigint NOT NULL, at date NOT NULL, PRIMARY KEY (id, user_id, at)) PARTITION BY RANGE (at);
CREATE TABLE billing.invoices_2026 PARTITION OF billing.invoices FOR VALUES FROM ('2026-01-01') TO ('2027-01-01');
CREATE TABLE billing.invoices_rest PARTITION OF billing.invoices DEFAULT;
CREATE VIEW names AS SELECT id, mail FROM users;
CREATE FUNCTION touch() RETURNS trigger LANGUAGE plpgsql AS $fn$
BEGIN
  NEW.name := NEW.name || E'\\unrestrict x';
  RETURN NEW;
END $fn$;
CREATE TRIGGER touched BEFORE UPDATE ON projects FOR EACH ROW EXECUTE FUNCTION touch();
CREATE SEQUENCE tickets START 100;
CREATE TABLE tiny (id smallserial PRIMARY KEY, user_id bigint);
GRANT USAGE ON SCHEMA billing TO reader;
GRANT SELECT ON users, billing.invoices TO reader;
ALTER TABLE projects ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON projects USING (user_id > 0);
`

// roles makes the roles that rich grants to.
func roles(t *testing.T, servers ...int) {
	for _, server := range servers {
		execServer(t, server, `DO $$ BEGIN CREATE ROLE reader; EXCEPTION WHEN duplicate_object THEN NULL; END $$`)
	}
}

func TestAddNodeWithTables(t *testing.T) {
	roles(t, 0, 1)
	f := newFleet(t, rich)
	// The sequences have counted already: serials, and shard keys at home.
	f.exec(0, `SELECT nextval('projects_id_seq'), nextval('projects_id_seq'), nextval('users_id_seq'), nextval('billing.invoices_id_seq')`)
	f.exec(1, `SELECT nextval('projects_id_seq') FROM generate_series(1, 50)`)

	request := f.add()
	request.DryRun = true
	dry, err := f.operator.AddNode(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	containing(t, dry.Plan.Problems)
	if *dry.Plan.Slot != 3 || dry.Epoch != 0 || dry.Plan.TotalRows != 0 {
		t.Errorf("plan %+v", dry.Plan)
	}
	if got := f.value(f.newcomer(), `SELECT count(*)::text FROM pg_class WHERE relname = 'users'`); got != "0" {
		t.Error("a dry run left tables behind")
	}
	before := f.db()
	request.DryRun = false
	result, err := f.operator.AddNode(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	if result.Epoch != f.peers.Current().Epoch || f.peers.changes != 1 {
		t.Errorf("epoch %d of %d, %d changes", result.Epoch, f.peers.Current().Epoch, f.peers.changes)
	}
	f.checkJoined(before)
	f.reload()
	f.checkCounters()
	for _, q := range []string{
		`SELECT string_agg(p.polname, ',') FROM pg_policy p`,
		`SELECT obj_description('users'::regclass)`,
		`SELECT prosrc FROM pg_proc WHERE proname = 'touch'`,
		`SELECT relacl::text FROM pg_class WHERE relname = 'users'`,
		`SELECT pg_get_userbyid(relowner)::text FROM pg_class WHERE relname = 'users'`,
	} {
		if home, node := f.value(0, q), f.value(f.newcomer(), q); home != node {
			t.Errorf("%s\nhome: %q\nnode: %q", q, home, node)
		}
	}
}

// checkJoined: the newcomer has its quota, taken from the others, which kept
// what they did not give.
func (f *fleet) checkJoined(before *topology.Database) {
	f.t.Helper()
	now := f.db()
	newcomer, ok := now.NodeNamed(nodeID(f.newcomer()))
	if !ok || int(newcomer) != len(before.Nodes) {
		f.t.Fatalf("the newcomer is node %d", newcomer)
	}
	got := 0
	for p, owner := range now.Owners {
		switch owner {
		case newcomer:
			got++
		case before.Owners[p]:
		default:
			f.t.Errorf("partition %d went from %d to %d", p, before.Owners[p], owner)
		}
	}
	if want := partitions / len(now.Nodes); got != want {
		f.t.Errorf("the newcomer has %d partitions, not %d", got, want)
	}
}

// checkCounters draws ids on all nodes and finds no two the same.
func (f *fleet) checkCounters() {
	f.t.Helper()
	seen := map[string]int{}
	for i := range f.dsns {
		id := f.value(i, `SELECT nextval('projects_id_seq')::text`)
		if other, ok := seen[id]; ok {
			f.t.Errorf("nodes %d and %d draw %s", other, i, id)
		}
		seen[id] = i
	}
	// In the class of slot 3, above the 50 that another node has drawn.
	if got := f.value(f.newcomer(), `SELECT (last_value % 64 = 3 AND last_value > 49 * 64 + 1)::text FROM projects_id_seq`); got != "true" {
		f.t.Errorf("the newcomer draws %s", f.value(f.newcomer(), `SELECT last_value::text FROM projects_id_seq`))
	}
}

func TestAddNodeWithoutTables(t *testing.T) {
	f := newFleetOf(t, 1, "")
	before := f.db()
	// Meanwhile somebody adds the same server under another name.
	f.peers.whileHeld = func() {
		other := f.add()
		other.Node, other.DryRun = "twice", true
		result, err := f.operator.AddNode(t.Context(), other)
		if err != nil {
			t.Error(err)
			return
		}
		containing(t, result.Plan.Problems, "it is being added at this moment")
	}
	if _, err := f.operator.AddNode(t.Context(), f.add()); err != nil {
		t.Fatal(err)
	}
	f.peers.whileHeld = nil
	f.checkJoined(before)
	f.reload()
}
