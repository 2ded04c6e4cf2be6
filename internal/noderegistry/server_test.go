package noderegistry

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"shardproxy/internal/pgserver"
	"shardproxy/internal/pgserver/pgservertest"
)

// TestServerOfItsOwn has the tests that crash and demote a server.
func TestServerOfItsOwn(t *testing.T) {
	t.Parallel()
	server := pgservertest.Start(t, pgserver.Options{})
	admin := connect(t, server.AdminDSN())
	if err := Adopt(t.Context(), admin, one); err != nil {
		t.Fatal(err)
	}
	t.Run("crash", func(t *testing.T) { testCrash(t, server) })
	t.Run("standby", func(t *testing.T) { testStandby(t, server) })
}

// After a crash there is no session, and what the node accepts is as before.
func testCrash(t *testing.T, server *pgserver.Server) {
	admin := connect(t, server.AdminDSN())
	if _, err := CutOff(t.Context(), admin, one, 6, nil); err != nil {
		t.Fatal(err)
	}
	pg := registered(t, server.DSN(), as("p-1", 1, 6))
	process, err := os.FindProcess(int(pg.PID()))
	if err != nil {
		t.Fatal(err)
	}
	if err := process.Signal(syscall.SIGKILL); err != nil { // the server restarts by itself
		t.Fatal(err)
	}
	eventually(t, "the admin's connection is lost", func() bool { return !alive(admin.PgConn()) })
	var again error
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if again = pgserver.Exec(t.Context(), server.AdminDSN(), "SELECT 1"); again == nil {
			break
		}
	}
	if again != nil {
		t.Fatal(again)
	}
	admin = connect(t, server.AdminDSN())
	if n := value[int](t, admin, "SELECT count(*) FROM shardproxy.session"); n != 0 {
		t.Errorf("%d sessions", n)
	}
	refused(t, Register(t.Context(), login(t, server.DSN()), as("p-1", 1, 5)), StaleEpoch)
	registered(t, server.DSN(), as("p-1", 1, 6))
	if n, err := CutOff(t.Context(), admin, one, 6, nil); n != 1 || err != nil {
		t.Errorf("ended %d, %v", n, err)
	}
}

// A standby has the row of its primary.
func testStandby(t *testing.T, server *pgserver.Server) {
	if err := server.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(server.DataDir(), "standby.signal"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := server.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	refused(t, Register(t.Context(), login(t, server.DSN()), as("p-1", 1, 6)), Standby, "primary")
	admin := connect(t, server.AdminDSN())
	refused(t, Adopt(t.Context(), admin, one), Standby)
	_, err := CutOff(t.Context(), admin, one, 7, nil)
	refused(t, err, Standby)
	if got, err := ReadIdentity(t.Context(), admin); err != nil || *got != (Identity{Node: one, MinEpoch: 6}) {
		t.Errorf("%+v, %v", got, err)
	}
}
