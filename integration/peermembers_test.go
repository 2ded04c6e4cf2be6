package integration

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"shardproxy/admin"
)

// TestPeersComeAndGo adds, stops and removes peers under load.
func TestPeersComeAndGo(t *testing.T) {
	t.Parallel()
	all := startPeers(t, 3, options{pool: 4})
	do(t, all[0].connect(), "CREATE TABLE parts (user_id int PRIMARY KEY, n int)")
	t.Run("a backup is restored", func(t *testing.T) { testRestore(t, all) })
	t.Run("a peer that was stopped for a while", func(t *testing.T) { testStopped(t, all) })
	t.Run("peers join under load", func(t *testing.T) { all = testJoin(t, all) })
	t.Run("a running peer is removed", func(t *testing.T) { testRemoved(t, all) })
}

// testRestore takes the topology back to a backup.
func testRestore(t *testing.T, all peers) {
	ctx, api := t.Context(), all[1].api()
	setFlag(t, all[0], "max_voters", "3")
	all.converged(t)
	content, err := api.Backup(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var backup admin.Backup
	if err := json.Unmarshal(content, &backup); err != nil {
		t.Fatal(err)
	}
	setFlag(t, all[0], "max_voters", "5")
	limit := 9
	setPool(t, all[2], &admin.PoolDocument{Max: &limit})
	shown, err := api.Restore(ctx, admin.RestoreRequest{Backup: backup, DryRun: true})
	if err != nil || len(shown.Differences) == 0 || shown.Refused == "" {
		t.Fatalf("what a restore would do: %+v, %v", shown, err)
	}
	_, err = api.Restore(ctx, admin.RestoreRequest{Backup: backup, Epoch: shown.Epoch})
	if codeOf(err) != admin.CodeRefused {
		t.Errorf("a restore while clients are served: %v", err)
	}
	pause(t, all[0])
	_, err = api.Restore(ctx, admin.RestoreRequest{Backup: backup, Epoch: shown.Epoch})
	if codeOf(err) != admin.CodeConflict {
		t.Errorf("a restore decided on epoch %d: %v", shown.Epoch, err)
	}
	if shown, err = api.Restore(ctx, admin.RestoreRequest{Backup: backup, DryRun: true}); err != nil || shown.Refused != "" {
		t.Fatalf("what a restore would do: %+v, %v", shown, err)
	}
	done, err := api.Restore(ctx, admin.RestoreRequest{Backup: backup, Epoch: shown.Epoch})
	if err != nil || done.Epoch <= shown.Epoch {
		t.Fatalf("restore: %+v, %v", done, err)
	}
	all.epochs(t, done.Epoch)
	unpauseIfPaused(t, all[2])
	flags, err := all[2].api().Flags(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range flags.Flags {
		if f.Name == "max_voters" && f.Value != "3" {
			t.Errorf("after the restore max_voters is %s", f.Value)
		}
	}
	all.converged(t)
	do(t, all[2].connect(), "INSERT INTO parts VALUES (1, 1)")
	setFlag(t, all[0], "max_voters", "5")

	backup.Hash = strings.Repeat("0", len(backup.Hash))
	if _, err := api.Restore(ctx, admin.RestoreRequest{Backup: backup, DryRun: true}); codeOf(err) != admin.CodeInvalid {
		t.Errorf("a damaged backup: %v", err)
	}
}

func unpauseIfPaused(t testing.TB, p *proxy) {
	t.Helper()
	s, err := p.api().Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if s.Databases[0].Paused {
		unpause(t, p)
	}
}

// signal sends a signal to a peer's process.
func (p *proxy) signal(t testing.TB, s syscall.Signal) {
	t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		t.Fatal(err)
	}
}

// still says whether none of the peer's threads runs.
func (p *proxy) still() bool {
	threads, err := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/stat", p.cmd.Process.Pid))
	for _, path := range threads {
		content, e := os.ReadFile(path)
		_, state, _ := strings.Cut(string(content), ") ")
		if e != nil || !strings.HasPrefix(state, "T") {
			return false
		}
	}
	return err == nil && len(threads) > 0
}

// A peer does not run for a while, in which an empty table is placed anew. The
// change is made without it, and what its clients have sent meanwhile goes where
// it belongs now, or nowhere.
func testStopped(t *testing.T, all peers) {
	for round, who := range []string{"follower", "leader"} {
		table := fmt.Sprintf("stopped_%d", round)
		stopped := all.leader(t)
		if who == "follower" {
			stopped = all.others(stopped)[0]
		}
		other := all.others(stopped)[0]
		do(t, other.connect(), "CREATE TABLE "+table+" (id int PRIMARY KEY, name text)")
		const clients = 24
		conns := make([]*pgx.Conn, clients)
		for i := range conns {
			conns[i] = stopped.connect()
			// It knows the plan, and some have a statement prepared.
			query(t, conns[i], "SELECT name FROM "+table+" WHERE id = $1", i)
		}
		open := stopped.connect()
		do(t, open, "BEGIN")
		if got := query(t, open, "SELECT n FROM parts WHERE user_id = 1000"); len(got) != 0 {
			t.Fatal(got)
		}
		stopped.signal(t, syscall.SIGSTOP)
		within(t, 5*time.Second, "the process stands still", stopped.still)
		sent := make([]error, clients)
		var group sync.WaitGroup
		for i, conn := range conns {
			group.Go(func() {
				ctx, stop := context.WithTimeout(t.Context(), 60*time.Second)
				defer stop()
				_, sent[i] = conn.Exec(ctx, fmt.Sprintf("INSERT INTO %s (id, name) VALUES (%d, 'sent')", table, i))
			})
		}
		began := time.Now()
		all.others(stopped).leader(t)
		altered := other.connect()
		_, err := altered.Exec(t.Context(), fmt.Sprintf("ALTER TABLE %s DROP CONSTRAINT %s_pkey, ADD COLUMN user_id int NOT NULL DEFAULT 0, ADD PRIMARY KEY (user_id, id)", table, table))
		took := time.Since(began)
		rule, explained := other.nodeOf(t.Context(), "SELECT * FROM "+table+" WHERE user_id = 1")
		t.Logf("%s stopped: ALTER TABLE after %s: %v; %s, %v", who, took, err, rule, explained)
		if err != nil || took > time.Minute || rule != "single pg-1" && rule != "single pg-2" && rule != "single pg-3" {
			t.Errorf("a change without a peer that does not answer: %v, after %s", err, took)
		}
		do(t, other.connect(), fmt.Sprintf("INSERT INTO %s (id, user_id, name) VALUES (500, 5, 'other')", table))
		stopped.signal(t, syscall.SIGCONT)
		group.Wait()
		failed := 0
		for _, err := range sent {
			if err != nil {
				failed++
			}
		}
		t.Logf("%d of %d statements that were sent meanwhile failed, as %v", failed, clients, sent[0])
		if _, err := open.Exec(t.Context(), "INSERT INTO parts VALUES (1000, 1)"); err == nil {
			if _, err = open.Exec(t.Context(), "COMMIT"); err == nil {
				t.Error("a transaction of a peer that was cut off went on")
			}
		}
		all.converged(t)
		within(t, 10*time.Second, "the peer serves again", func() bool {
			conn, err := pgx.Connect(t.Context(), stopped.dsn())
			if err == nil {
				_, err = conn.Exec(t.Context(), "SELECT name FROM "+table+" WHERE id = 500 AND user_id = 5")
				closeNow(conn)
			}
			return err == nil
		})
		all.rowsAreFound(t, table)
		if n := all.rows(table); n != clients-failed+1 {
			t.Errorf("%d rows are there, %d were acknowledged", n, clients-failed+1)
		}
	}
}

// testJoin adds a fourth and a fifth peer, which votes never, while clients work.
func testJoin(t *testing.T, all peers) peers {
	ctx, stop := context.WithCancel(t.Context())
	var group sync.WaitGroup
	var served atomic.Int64
	for i, p := range all {
		conn := p.connect()
		group.Go(func() {
			for k := 0; ctx.Err() == nil; k++ {
				_, err := conn.Exec(ctx, "INSERT INTO parts VALUES ($1, 1) ON CONFLICT (user_id) DO UPDATE SET n = parts.n + 1", 5000+i)
				if err != nil && ctx.Err() == nil {
					t.Errorf("%s, while peers join: %v", p.id, err)
					return
				}
				served.Add(1)
			}
		})
	}
	// They outlive this subtest.
	fourth := all.join(all[0].t, joining{id: "proxy-4", by: all.others(all.leader(t))[0]})
	fifth := all.join(all[0].t, joining{id: "proxy-5", nonvoter: true})
	fourth.waitReady()
	fifth.waitReady()
	all = append(all, fourth, fifth)
	all.converged(t)
	within(t, 10*time.Second, "the fourth peer votes, and the fifth does not", func() bool {
		listed, err := fifth.api().Peers(t.Context())
		if err != nil || len(listed.Peers) != 5 {
			return false
		}
		for _, p := range listed.Peers {
			if p.Votes == nil || *p.Votes != (p.ID != "proxy-5") {
				return false
			}
		}
		return true
	})
	before := served.Load()
	within(t, 10*time.Second, "clients are served", func() bool { return served.Load() > before+10 })
	// They change things like the others do.
	do(t, fifth.connect(), "CREATE TABLE by_fifth (user_id int PRIMARY KEY)")
	do(t, fourth.connect(), "INSERT INTO by_fifth VALUES (1)")
	stop()
	group.Wait()
	all.agree(t, "parts", "user_id", 100)
	if n := all.rows("parts"); n != 4 {
		t.Errorf("%d rows, want 4", n)
	}
	// Its id is taken while it runs.
	self, err := fourth.api().Peers(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, err = all[0].api().JoinPeer(t.Context(), admin.PeerJoin{ID: "proxy-4", Raft: freeAddress(t), Incarnation: 1 << 62, Commands: 1000, New: true})
	if codeOf(err) != admin.CodeRefused {
		t.Errorf("a second proxy-4: %v", err)
	}
	after, err := fourth.api().Peers(t.Context())
	if err != nil || len(after.Peers) != len(self.Peers) {
		t.Errorf("the peers are %+v, %v", after, err)
	}
	if _, err := all[0].api().PromotePeer(t.Context(), "proxy-5"); err != nil {
		t.Errorf("promote: %v", err)
	}
	within(t, 10*time.Second, "the fifth peer votes", func() bool {
		listed, err := all[0].api().Peers(t.Context())
		if err != nil {
			return false
		}
		for _, p := range listed.Peers {
			if p.ID == "proxy-5" {
				return p.Votes != nil && *p.Votes
			}
		}
		return false
	})
	return all
}

// A peer is removed while it serves: it can do nothing on the nodes any more.
func testRemoved(t *testing.T, all peers) {
	for round, who := range []string{"follower", "leader"} {
		gone := all.leader(t)
		if who == "follower" {
			gone = all.others(gone)[0]
		}
		others := all.others(gone)
		idle, open := gone.connect(), gone.connect()
		do(t, idle, "INSERT INTO parts VALUES ($1, 1)", 7000+round)
		do(t, open, "BEGIN")
		do(t, open, "INSERT INTO parts VALUES ($1, 1)", 7010+round)
		through := gone
		if who == "follower" {
			through = others[1]
		}
		began := time.Now()
		if _, err := through.api().RemovePeer(t.Context(), gone.id, false); err != nil {
			t.Fatalf("remove %s: %v after %s", gone.id, err, time.Since(began))
		}
		if n := registered(t, gone); n != 0 {
			t.Errorf("%d connections of %s are left on the nodes", n, gone.id)
		}
		for what, conn := range map[string]*pgx.Conn{"an idle client": idle, "an open transaction": open} {
			_, err := conn.Exec(t.Context(), "UPDATE parts SET n = 9 WHERE user_id IN ($1)", 7000+round)
			t.Logf("%s of a removed %s: %v", what, who, err)
			if err == nil {
				t.Errorf("%s of a removed peer writes", what)
			}
		}
		for range 5 {
			conn, err := pgx.Connect(t.Context(), gone.dsn())
			if err == nil {
				_, err = conn.Exec(t.Context(), "SELECT n FROM parts WHERE user_id = $1", 7000+round)
				closeNow(conn)
			}
			if err == nil {
				t.Errorf("a removed %s reads", who)
			} else if e, ok := asPgError(err); !ok || e.Detail == "" {
				t.Errorf("a new client of a removed %s: %v", who, err)
			} else {
				t.Logf("a new client of a removed %s: %s: %s (%s)", who, e.Message, e.Detail, e.Hint)
			}
		}
		if got := query(t, others[0].connect(), "SELECT n FROM parts WHERE user_id IN ($1, $2)", 7000+round, 7010+round); len(got) != 1 || got[0] != "1" {
			t.Errorf("rows %q", got)
		}
		others.leader(t)
		do(t, others[0].connect(), fmt.Sprintf("CREATE TABLE without_%d (user_id int PRIMARY KEY)", round))
		others.converged(t)
		gone.kill()
		all = others
	}
}

// registered counts a peer's connections on the nodes.
func registered(t testing.TB, p *proxy) (n int) {
	t.Helper()
	for i := range p.nodes {
		conn := p.node(i)
		var count int
		err := conn.QueryRow(t.Context(), `SELECT count(*) FROM shardproxy.session s JOIN pg_stat_activity a ON a.pid = s.pid AND a.backend_start = s.backend_start
			WHERE s.peer = $1`, p.id).Scan(&count)
		if err != nil {
			t.Fatal(err)
		}
		n += count
		closeNow(conn)
	}
	return n
}
