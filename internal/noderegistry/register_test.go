package noderegistry

import (
	"context"
	"math"
	"net"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

func TestRegister(t *testing.T) {
	dsn, admin := registryOf(t)
	if err := Adopt(t.Context(), admin, one); err != nil { // and again
		t.Fatal(err)
	}
	pg := registered(t, dsn, as("p-1", 7, 3))
	rows, err := admin.Query(t.Context(), `
SELECT s.peer, s.incarnation, s.epoch, a.usename::text, s.backend_start = a.backend_start
  FROM shardproxy.session s JOIN pg_stat_activity a USING (pid) WHERE pid = $1`, pg.PID())
	if err != nil {
		t.Fatal(err)
	}
	type row struct {
		Peer               string
		Incarnation, Epoch int64
		User               string
		Exact              bool
	}
	got, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByPos[row])
	if err != nil {
		t.Fatal(err)
	}
	if want := (row{"p-1", 7, 3, userOf(t, dsn), true}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if pg.TxStatus() != 'I' || text(t, pg, "SHOW synchronous_commit") != "on" || text(t, pg, "SHOW search_path") != `"$user", public` {
		t.Error("the registration has left something behind")
	}
}

// The defaults of the role decide nothing.
func TestRegisterUnderAnyDefaults(t *testing.T) {
	dsn, admin := registryOf(t)
	for _, set := range []string{
		"default_transaction_read_only = on",
		"default_transaction_isolation = 'serializable'",
		"default_transaction_isolation = 'repeatable read'",
		"search_path = ''",
		"standard_conforming_strings = off",
		"client_encoding = 'LATIN1'",
		"row_security = off",
		"synchronous_commit = remote_apply",
	} {
		execSQL(t, admin, "ALTER ROLE "+userOf(t, dsn)+" IN DATABASE "+databaseOf(t, dsn)+" SET "+set)
		r := as(`p'\-ü`, 1, 1)
		registered(t, dsn, r)
		if n := value[int](t, admin, "SELECT count(*) FROM shardproxy.session WHERE peer = $1", r.Peer.ID); n != 1 {
			t.Errorf("%s: %d rows", set, n)
		}
		execSQL(t, admin, "ALTER ROLE "+userOf(t, dsn)+" IN DATABASE "+databaseOf(t, dsn)+" RESET ALL; TRUNCATE shardproxy.session")
	}
}

// A registration does not wait for the disk.
func TestRegisterCommitsAsynchronously(t *testing.T) {
	dsn, _ := registryOf(t)
	conn := connect(t, dsn)
	tx, err := conn.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), registerSQL, []byte("c-1"), []byte("app"), []byte("pg-1"), []byte("p"), 1, 1, int64(conn.PgConn().PID())); err != nil {
		t.Fatal(err)
	}
	if got := value[string](t, conn, "SHOW synchronous_commit"); got != "off" {
		t.Errorf("synchronous_commit is %s at the commit", got)
	}
	if err := tx.Commit(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func TestRefusals(t *testing.T) {
	dsn, admin := registryOf(t)
	if _, err := CutOff(t.Context(), admin, one, 5, nil); err != nil {
		t.Fatal(err)
	}
	tests := map[string]struct {
		change func(*Registration)
		reason Reason
		words  []string
	}{
		"other cluster": {func(r *Registration) { r.Node.Cluster = "c-2" }, OtherNode, []string{`"c-1"`, `"c-2"`}},
		"other database": {
			func(r *Registration) { r.Node.Database = "crm" }, OtherNode,
			[]string{`node "pg-1" of database "app"`, `node "pg-1" of database "crm"`, "swapped"},
		},
		"swapped":  {func(r *Registration) { r.Node.ID = "pg-2" }, OtherNode, []string{`this is node "pg-1"`, `not node "pg-2"`}},
		"stale":    {func(r *Registration) { r.Epoch = 4 }, StaleEpoch, []string{`peer "p-1"`, "epoch 4", "accepts 5", "other"}},
		"no epoch": {func(r *Registration) { r.Epoch = 0 }, StaleEpoch, []string{"epoch 0"}},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			r := as("p-1", 1, 5)
			test.change(&r)
			err := Register(t.Context(), login(t, dsn), r)
			refused(t, err, test.reason, test.words...)
			if !strings.HasPrefix(sqlstate(err), "SP") {
				t.Errorf("SQLSTATE %q", sqlstate(err))
			}
		})
	}
	if n := value[int](t, admin, "SELECT count(*) FROM shardproxy.session"); n != 0 {
		t.Errorf("%d sessions after refusals only", n)
	}
	registered(t, dsn, as("p-1", 1, 5))
}

func TestNotANode(t *testing.T) {
	dsn := cluster.NewDatabase(t, 0)
	refused(t, Register(t.Context(), login(t, dsn), as("p-1", 1, 1)), NotANode, "not a node", "adopted")
	admin := connect(t, cluster.AdminDSN(t, 0, dsn))
	_, err := ReadIdentity(t.Context(), admin)
	refused(t, err, NotANode)
	_, err = CutOff(t.Context(), admin, one, 1, nil)
	refused(t, err, NotANode)
	if err := Adopt(t.Context(), admin, one); err != nil {
		t.Fatal(err)
	}
	if err := Release(t.Context(), admin, one); err != nil {
		t.Fatal(err)
	}
	refused(t, Register(t.Context(), login(t, dsn), as("p-1", 1, 1)), NotANode)
	_, err = ReadIdentity(t.Context(), admin)
	refused(t, err, NotANode)
	_, err = CutOff(t.Context(), admin, one, 1, nil)
	refused(t, err, NotANode)
	refused(t, Readopt(t.Context(), admin, one, 0), NotANode)
}

// A session registers once: whatever runs on it later cannot make it another
// peer's.
func TestRegisterTwice(t *testing.T) {
	dsn, _ := registryOf(t)
	pg := registered(t, dsn, as("p-1", 1, 1))
	refused(t, Register(t.Context(), pg, as("p-2", 9, 9)), Pooled, "already")
}

// The process number of a session that is gone is given to a new one.
func TestStaleRowOfTheSameProcess(t *testing.T) {
	dsn, admin := registryOf(t)
	pg := login(t, dsn)
	if _, err := admin.Exec(t.Context(), `INSERT INTO shardproxy.session VALUES ($1, now() - interval '1 day', 'gone', 1, 1)`, int64(pg.PID())); err != nil {
		t.Fatal(err)
	}
	if err := Register(t.Context(), pg, as("p-1", 1, 1)); err != nil {
		t.Fatal(err)
	}
	if got := value[string](t, admin, "SELECT string_agg(peer, ',') FROM shardproxy.session"); got != "p-1" {
		t.Errorf("sessions of %s", got)
	}
}

func TestInvalidRegistrations(t *testing.T) {
	dsn, _ := registryOf(t)
	for name, r := range map[string]Registration{
		"no cluster":  {Node: Node{Database: "app", ID: "pg-1"}, Peer: Peer{ID: "p"}},
		"no database": {Node: Node{Cluster: "c-1", ID: "pg-1"}, Peer: Peer{ID: "p"}},
		"no node":     {Node: Node{Cluster: "c-1", Database: "app"}, Peer: Peer{ID: "p"}},
		"no peer":     as("", 1, 1),
		"incarnation": as("p", math.MaxInt64+1, 1),
		"epoch":       as("p", 1, math.MaxInt64+1),
	} {
		if err := Register(t.Context(), login(t, dsn), r); err == nil || ReasonOf(err) != 0 || sqlstate(err) != "" {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// writes counts what is written.
type writes struct {
	net.Conn
	n atomic.Int64
}

func (w *writes) Write(b []byte) (int, error) {
	w.n.Add(1)
	return w.Conn.Write(b)
}

// A registration costs a connection one round trip.
func TestRegisterIsOneMessage(t *testing.T) {
	dsn, _ := registryOf(t)
	cfg, err := pgconn.ParseConfig(dsn)
	if err != nil {
		t.Fatal(err)
	}
	var counted *writes
	cfg.DialFunc = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := (&net.Dialer{}).DialContext(ctx, network, addr)
		counted = &writes{Conn: conn}
		return counted, err
	}
	pg, err := pgconn.ConnectConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer pg.Close(context.Background())
	before := counted.n.Load()
	if err := Register(t.Context(), pg, as("p-1", 1, 1)); err != nil {
		t.Fatal(err)
	}
	if n := counted.n.Load() - before; n != 1 {
		t.Errorf("%d writes", n)
	}
}

func BenchmarkRegister(b *testing.B) {
	dsn, _ := registryOf(b)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		pg, err := pgconn.Connect(b.Context(), dsn)
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if err := Register(b.Context(), pg, as("p-1", 1, 1)); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		_ = pg.Close(context.Background())
		b.StartTimer()
	}
}
