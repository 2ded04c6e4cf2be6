package noderegistry

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"shardproxy/internal/pgserver"
)

func TestCutOff(t *testing.T) {
	dsn, admin := registryOf(t)
	kept := []*pgconn.PgConn{
		registered(t, dsn, as("p-1", 1, 1)), registered(t, dsn, as("p-1", 1, 2)),
		login(t, dsn), // has not registered
	}
	ended := []*pgconn.PgConn{
		registered(t, dsn, as("p-1", 2, 1)), // another start of the peer
		registered(t, dsn, as("p-2", 1, 9)), // whatever its epoch
		registered(t, dsn, as("p-3", 1, 1)),
	}
	text(t, ended[2], "BEGIN; CREATE TABLE t (n int); SELECT 1")
	n, err := CutOff(t.Context(), admin, one, 2, []Peer{{"p-1", 1}, {"p-2", 2}, {"p-4", 1}})
	if n != len(ended) || err != nil {
		t.Errorf("ended %d, %v", n, err)
	}
	for i, pg := range kept {
		if !alive(pg) {
			t.Errorf("session %d that may stay was ended", i)
		}
	}
	for i, pg := range ended {
		if alive(pg) {
			t.Errorf("session %d that may not stay lives", i)
		}
	}
	if n := value[int](t, admin, "SELECT count(*) FROM shardproxy.session"); n != 2 {
		t.Errorf("%d rows are left", n)
	}
	// It is never lowered.
	if n, err := CutOff(t.Context(), admin, one, 1, []Peer{{"p-1", 1}}); n != 0 || err != nil {
		t.Errorf("ended %d, %v", n, err)
	}
	if got, err := ReadIdentity(t.Context(), admin); err != nil || got.MinEpoch != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	// Nobody is allowed.
	if n, err := CutOff(t.Context(), admin, one, 2, nil); n != 2 || err != nil {
		t.Errorf("ended %d, %v", n, err)
	}
}

func TestCutOffInTransaction(t *testing.T) {
	_, admin := registryOf(t)
	execSQL(t, admin, "BEGIN")
	if _, err := CutOff(t.Context(), admin, one, 2, nil); err == nil {
		t.Error("no error")
	}
}

// A registration under way is waited for, and ended by the allow-list then.
func TestCutOffWaitsForRegistration(t *testing.T) {
	dsn, admin := registryOf(t)
	pg := login(t, dsn)
	text(t, pg, "BEGIN; SELECT 1")
	register(t, pg)
	var group sync.WaitGroup
	var ended int
	var err error
	group.Go(func() { ended, err = CutOff(t.Context(), admin, one, 2, nil) })
	watch := connect(t, cluster.AdminDSN(t, 0, dsn))
	eventually(t, "the raise waits", func() bool {
		return value[bool](t, watch, "SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 'shardproxy.node'::regclass AND NOT granted)")
	})
	// One that comes later waits behind the raise, and is refused.
	group.Go(func() {
		late, connectErr := pgconn.Connect(t.Context(), dsn)
		if connectErr != nil {
			t.Error(connectErr)
			return
		}
		defer late.Close(context.Background())
		refused(t, Register(t.Context(), late, as("p-2", 1, 1)), StaleEpoch)
	})
	text(t, pg, "COMMIT; SELECT 1")
	group.Wait()
	if ended != 1 || err != nil || alive(pg) {
		t.Errorf("ended %d, %v", ended, err)
	}
}

// One that hangs is ended.
func TestCutOffEndsHangingRegistration(t *testing.T) {
	t.Parallel()
	dsn, admin := registryOf(t)
	pg := login(t, dsn)
	text(t, pg, "BEGIN; SELECT 1")
	register(t, pg)
	if n, err := CutOff(t.Context(), admin, one, 2, []Peer{{"p-1", 1}}); n != 1 || err != nil {
		t.Errorf("ended %d, %v", n, err)
	}
	if alive(pg) {
		t.Error("the session lives")
	}
	if n := value[int](t, admin, "SELECT count(*) FROM shardproxy.session"); n != 0 {
		t.Errorf("%d rows", n)
	}
}

// Somebody else's lock is waited for, and named when the time is up.
func TestCutOffNamesWhoHoldsTheRow(t *testing.T) {
	t.Parallel()
	dsn, admin := registryOf(t)
	other := connect(t, cluster.AdminDSN(t, 0, dsn))
	execSQL(t, other, "BEGIN; UPDATE shardproxy.node SET min_epoch = min_epoch")
	ctx, cancel := context.WithTimeout(t.Context(), 1200*time.Millisecond)
	defer cancel()
	_, err := CutOff(ctx, admin, one, 2, nil)
	if want := fmt.Sprintf("process %d has RowExclusiveLock", other.PgConn().PID()); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v lacks %q", err, want)
	}
	if !alive(other.PgConn()) {
		t.Error("it was ended")
	}
}

// Whoever may not see or end sessions says so, and takes none for gone.
func TestCutOffWithoutRights(t *testing.T) {
	dsn := cluster.NewDatabase(t, 0)
	super := connect(t, cluster.AdminDSN(t, 0, dsn))
	role, app := databaseOf(t, dsn)+"_admin", userOf(t, dsn)
	execSQL(t, super, fmt.Sprintf(`CREATE ROLE %s LOGIN PASSWORD 'weak'; GRANT CREATE ON DATABASE %s TO %[1]s; GRANT %[3]s TO %[1]s`, role, databaseOf(t, dsn), app))
	adminDSN := cluster.AdminDSN(t, 0, dsn)
	t.Cleanup(func() {
		if err := pgserver.Exec(context.Background(), adminDSN, "DROP OWNED BY "+role, "DROP ROLE "+role); err != nil {
			t.Error(err)
		}
	})
	weakDSN := *parsed(t, dsn)
	weakDSN.User = url.UserPassword(role, "weak")
	weak := connect(t, weakDSN.String())
	if err := errors.Join(Check(t.Context(), weak, one, app), Adopt(t.Context(), weak, one)); err != nil {
		t.Fatal(err)
	}
	pg := registered(t, dsn, as("p-1", 1, 1))

	execSQL(t, super, fmt.Sprintf(`REVOKE %s FROM %s`, app, role))
	refused(t, Check(t.Context(), weak, one, app), NoRight, "may not see")
	refused(t, Register(t.Context(), login(t, dsn), as("p-1", 1, 1)), NoRight, "may not see", "GRANT")
	if n, err := Sweep(t.Context(), weak); n != 0 || err != nil {
		t.Errorf("swept %d, %v", n, err)
	}
	_, err := CutOff(t.Context(), weak, one, 2, nil)
	refused(t, err, NoRight, fmt.Sprintf("process %d", pg.PID()))

	execSQL(t, super, "GRANT pg_read_all_stats TO "+role)
	refused(t, Check(t.Context(), weak, one, app), NoRight, "may not end")
	_, err = CutOff(t.Context(), weak, one, 2, nil)
	refused(t, err, NoRight)
	refused(t, Check(t.Context(), weak, one, "postgres"), NoRight, "superuser")

	execSQL(t, super, "GRANT pg_signal_backend TO "+role)
	if err := Check(t.Context(), weak, one, app); err != nil {
		t.Error(err)
	}
	if n, err := CutOff(t.Context(), weak, one, 2, nil); n != 1 || err != nil {
		t.Errorf("ended %d, %v", n, err)
	}
}

// register registers in the transaction that is open.
func register(t *testing.T, pg *pgconn.PgConn) {
	t.Helper()
	text(t, pg, "SELECT shardproxy.register('c-1', 'app', 'pg-1', 'p-1', 1, 1, pg_backend_pid())")
}

// A process that does not end is named.
func TestCutOffNamesWhoIsLeft(t *testing.T) {
	t.Parallel()
	dsn, admin := registryOf(t)
	pg := registered(t, dsn, as("p-2", 5, 3))
	gone := registered(t, dsn, as("p-3", 1, 1))
	process, err := os.FindProcess(int(pg.PID()))
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	_, err = CutOff(ctx, admin, one, 4, nil)
	if err := process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	e, ok := errors.AsType[*RemainingError](err)
	if !ok || !errors.Is(err, context.DeadlineExceeded) || len(e.Sessions) != 1 {
		t.Fatalf("error %v", err)
	}
	if s := e.Sessions[0]; s.PID != int32(pg.PID()) || s.Peer != (Peer{"p-2", 5}) || s.Epoch != 3 || s.Start.IsZero() {
		t.Errorf("%+v", s)
	}
	// Once it goes on it ends: the signal has arrived.
	if alive(pg) || alive(gone) {
		t.Error("a session lives")
	}
	again := connect(t, cluster.AdminDSN(t, 0, dsn))
	if n, err := CutOff(t.Context(), again, one, 4, nil); n != 0 || err != nil {
		t.Errorf("ended %d, %v", n, err)
	}
}

// Peers that register as fast as they can, while min_epoch is raised again and
// again: after each CutOff nobody of an older epoch is connected.
func TestCutOffStorm(t *testing.T) {
	dsn, admin := registryOf(t)
	ctx, stop := context.WithCancel(t.Context())
	var epoch atomic.Uint64
	epoch.Store(1)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for ctx.Err() == nil {
				pg, err := pgconn.Connect(ctx, dsn)
				if err != nil {
					continue
				}
				r := as("p-1", epoch.Load(), epoch.Load()) // each epoch is a start of its own
				err = Register(ctx, pg, r)
				if err == nil && r.Epoch%2 == 0 {
					_, _ = pg.Exec(ctx, "SELECT pg_sleep(0.2)").ReadAll()
				} else if err != nil && ReasonOf(err) != StaleEpoch && ctx.Err() == nil && sqlstate(err) != "57P01" {
					t.Errorf("register: %v", err)
				}
				_ = pg.Close(context.Background())
			}
		})
	}
	watch := connect(t, cluster.AdminDSN(t, 0, dsn))
	ended := 0
	for e := uint64(2); e < 12; e++ {
		time.Sleep(50 * time.Millisecond)
		epoch.Store(e)
		n, err := CutOff(t.Context(), admin, one, e, []Peer{{"p-1", e}})
		if err != nil {
			t.Fatal(err)
		}
		ended += n
		if old := value[int](t, watch, `
SELECT count(*) FROM shardproxy.session s JOIN pg_stat_activity a USING (pid, backend_start) WHERE s.epoch < $1`, int64(e)); old != 0 {
			t.Errorf("%d sessions of epochs before %d", old, e)
		}
	}
	stop()
	group.Wait()
	if ended == 0 {
		t.Error("nothing was ended: the test shows nothing")
	}
}

func TestSweep(t *testing.T) {
	dsn, admin := registryOf(t)
	live := registered(t, dsn, as("p-1", 1, 1))
	execSQL(t, admin, `
INSERT INTO shardproxy.session SELECT 4000000 + n, now(), 'gone', 1, 1 FROM generate_series(1, 10) n;
INSERT INTO shardproxy.session SELECT pid, backend_start - interval '1 s', 'gone', 1, 1 FROM shardproxy.session WHERE peer = 'p-1'`)
	if n, err := Sweep(t.Context(), admin); n != 11 || err != nil {
		t.Errorf("removed %d, %v", n, err)
	}
	if got := value[int64](t, admin, "SELECT pid FROM shardproxy.session"); got != int64(live.PID()) {
		t.Errorf("left: %d", got)
	}
}

// Rows do not pile up although nobody calls Sweep.
func TestRegistrationsSweep(t *testing.T) {
	dsn, admin := registryOf(t)
	kept := registered(t, dsn, as("kept", 1, 1))
	execSQL(t, admin, `INSERT INTO shardproxy.session SELECT 4000000 + n, now(), 'gone', 1, 1 FROM generate_series(1, 10) n`)
	eventually(t, "a registration sweeps", func() bool {
		pg := login(t, dsn)
		if err := Register(t.Context(), pg, as("p-1", 1, 1)); err != nil {
			t.Fatal(err)
		}
		_ = pg.Close(t.Context())
		return value[int](t, admin, "SELECT count(*) FROM shardproxy.session WHERE peer = 'gone'") == 0
	})
	if value[int](t, admin, "SELECT count(*) FROM shardproxy.session WHERE pid = $1", int64(kept.PID())) != 1 {
		t.Error("the row of a live session was swept")
	}
}
