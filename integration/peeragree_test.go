package integration

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"shardproxy/admin"
)

// TestPeersAgree is what three peers do that nothing happens to.
func TestPeersAgree(t *testing.T) {
	t.Parallel()
	all := startPeers(t, 3, options{pool: 6})
	for _, c := range []struct {
		name string
		run  func(*testing.T, peers)
	}{
		{"conflicts", testConflicts},
		{"tables of one peer are there at the next", testTablesAreThere},
		{"keys route alike while schemas change", testAlikeUnderDDL},
		{"an empty table is placed anew under inserts", testPlacedAnew},
		{"cancel at another peer", testCancelElsewhere},
		{"pause", testPause},
		{"DDL and pauses", testDDLAndPauses},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(t, all.within(t)) })
	}
}

// within are the same peers in a subtest.
func (all peers) within(t testing.TB) peers {
	var of peers
	for _, p := range all {
		mine := *p //nolint:govet // nothing in it is a lock
		mine.t = t
		of = append(of, &mine)
	}
	return of
}

// Of two changes that were decided on the same epoch at two peers one is made.
func testConflicts(t *testing.T, all peers) {
	ctx := t.Context()
	document := func(limit int) admin.Document {
		return admin.Document{Databases: map[string]admin.DatabaseDocument{"app": {Pool: &admin.PoolDocument{Max: &limit}}}}
	}
	for round := range 10 {
		shown, err := all[0].api().Apply(ctx, admin.ApplyRequest{Document: document(7 + round%2), DryRun: true})
		if err != nil {
			t.Fatal(err)
		}
		all.epochs(t, shown.Epoch)
		errs := make([]error, len(all))
		made := make([]*admin.Differences, len(all))
		var group sync.WaitGroup
		for i, p := range all {
			group.Go(func() {
				made[i], errs[i] = p.api().Apply(ctx, admin.ApplyRequest{Document: document(10 + 3*round + i), Epoch: shown.Epoch})
			})
		}
		group.Wait()
		won := uint64(0)
		for i, err := range errs {
			switch refused := problem(err); {
			case err == nil && won == 0:
				won = made[i].Epoch
			case err == nil:
				t.Errorf("round %d: two of the changes decided on epoch %d were made", round, shown.Epoch)
			case refused == nil || refused.Code != admin.CodeConflict || refused.Status != 409:
				t.Errorf("round %d: %v", round, err)
			case refused.Decided != shown.Epoch || refused.Current <= shown.Epoch || !strings.Contains(refused.Detail, fmt.Sprint(refused.Current)):
				t.Errorf("the conflict does not name the epochs %d and its successor: %+v", shown.Epoch, refused)
			}
		}
		if won <= shown.Epoch {
			t.Fatalf("round %d: none of the changes was made: %v", round, errs)
		}
	}
	all.converged(t)
}

// What DDL at one peer has made is there at the others when it is answered.
func testTablesAreThere(t *testing.T, all peers) {
	const tables = 25
	type step struct {
		at  *pgx.Conn
		sql string
	}
	var group sync.WaitGroup
	for worker := range 2 {
		here, there, third := all[worker].connect(), all[(worker+1)%3].connect(), all[(worker+2)%3].connect()
		steps := []step{
			{here, "CREATE TABLE %s (user_id int PRIMARY KEY, a text)"},
			{there, "INSERT INTO %s VALUES (1, 'x')"},
			{third, "SELECT a FROM %s WHERE user_id = 1"},
		}
		further := []step{
			{here, "ALTER TABLE %s ADD COLUMN b int DEFAULT 5"},
			{there, "INSERT INTO %s VALUES (2, 'y', 6)"}, // the list of columns is the new one
			{third, "SELECT b FROM %s WHERE user_id = 2"},
			{there, "DROP TABLE %s"},
		}
		group.Go(func() {
			for i := range tables {
				name, todo := fmt.Sprintf("seen_%d_%d", worker, i), steps
				if i%5 == 0 {
					todo = slices.Concat(steps, further)
				}
				for _, s := range todo {
					if _, err := s.at.Exec(t.Context(), fmt.Sprintf(s.sql, name)); err != nil {
						t.Errorf("%s: %v", fmt.Sprintf(s.sql, name), err)
						return
					}
				}
				if i%5 != 0 {
					continue
				}
				for _, conn := range []*pgx.Conn{third, here} {
					if state := stateOf(conn, t, "SELECT FROM "+name); state != "42P01" {
						t.Errorf("a dropped table: SQLSTATE %q", state)
					}
				}
			}
		})
	}
	group.Wait()
	all.converged(t)
}

// stateOf runs a statement and returns the SQLSTATE of its error.
func stateOf(conn *pgx.Conn, t testing.TB, sql string) string {
	t.Helper()
	_, err := conn.Exec(t.Context(), sql)
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		return e.Code
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// The same key goes to the same node at every peer, before DDL, while it runs at
// two peers, and after it.
func testAlikeUnderDDL(t *testing.T, all peers) {
	do(t, all[0].connect(), "CREATE TABLE alike (user_id int PRIMARY KEY, n int)")
	all.agree(t, "alike", "user_id", 300)
	var ended atomic.Bool
	var ddl, work sync.WaitGroup
	for i := range 2 {
		conn := all[i+1].connect()
		ddl.Go(func() {
			for n := range 5 {
				for _, sql := range []string{"CREATE TABLE beside_%d_%d (user_id int PRIMARY KEY)", "DROP TABLE beside_%d_%d"} {
					if _, err := conn.Exec(t.Context(), fmt.Sprintf(sql, i, n)); err != nil {
						t.Errorf("%s: %v", sql, err)
					}
				}
				if _, err := conn.Exec(t.Context(), fmt.Sprintf("ALTER TABLE alike ADD COLUMN c%d_%d int", i, n)); err != nil {
					t.Errorf("ALTER TABLE: %v", err)
				}
			}
		})
	}
	var written atomic.Int64
	for i := range all {
		writer, reader := all[i].connect(), all[(i+1)%3].connect()
		work.Go(func() {
			for n := 0; !ended.Load(); n++ {
				key := n*3 + i
				if _, err := writer.Exec(t.Context(), "INSERT INTO alike (user_id, n) VALUES ($1, $1)", key); err != nil {
					t.Errorf("INSERT at %s: %v", all[i].id, err)
					return
				}
				var got int
				if err := reader.QueryRow(t.Context(), "SELECT n FROM alike WHERE user_id = $1", key).Scan(&got); err != nil || got != key {
					t.Errorf("key %d, written at %s: %d, %v", key, all[i].id, got, err)
					return
				}
				written.Add(1)
			}
		})
	}
	ddl.Wait()
	ended.Store(true)
	work.Wait()
	all.converged(t)
	all.agree(t, "alike", "user_id", 300)
	if n := total(all[0].countOn("alike", "")); int64(n) != written.Load() {
		t.Errorf("%d rows on the nodes, %d were written", n, written.Load())
	}
}

// An empty table placed by its primary key gets a column that places it otherwise,
// while the first rows are inserted. Every row that was acknowledged is found by
// its key.
func testPlacedAnew(t *testing.T, all peers) {
	anew := 0
	for round := range 6 {
		table := fmt.Sprintf("anew_%d", round)
		do(t, all[0].connect(), "CREATE TABLE "+table+" (id int PRIMARY KEY, name text)")
		begin := make(chan struct{})
		// From the moment at which the statement begins to the one after its end.
		wait := time.Duration(round) * 60 * time.Millisecond
		if round < 5 {
			time.AfterFunc(wait, func() { close(begin) })
		}
		writers := all.write(t, table, begin)
		sql := fmt.Sprintf("ALTER TABLE %s DROP CONSTRAINT %s_pkey, ADD COLUMN user_id int NOT NULL DEFAULT 0, ADD PRIMARY KEY (user_id, id)", table, table)
		do(t, all[(round+1)%3].connect(), sql)
		if round == 5 {
			close(begin)
		}
		acknowledged := writers()
		found := all.idsOf(t, table)
		for _, id := range acknowledged {
			if found[id] != 1 {
				t.Errorf("%s: row %d was acknowledged, and is there %d times", table, id, found[id])
			}
		}
		if len(found) != len(acknowledged) {
			t.Errorf("%s: %d rows are there, %d were acknowledged", table, len(found), len(acknowledged))
		}
		all.rowsAreFound(t, table)
		plan, err := all[0].nodeOf(t.Context(), "SELECT * FROM "+table+" WHERE user_id = 1")
		if err != nil {
			t.Error(err)
		}
		t.Logf("writers that begin after %s: %d rows, %s", wait, len(found), plan)
		if strings.HasPrefix(plan, "single") {
			anew++
		}
	}
	if anew == 0 {
		t.Error("no table was placed anew")
	}
}

// write inserts rows into a table with the columns id, name and, soon, user_id
// through all peers, from when begin is closed. The function that it returns waits
// for the end and returns the ids of the rows that were acknowledged.
func (all peers) write(t testing.TB, table string, begin <-chan struct{}) (acknowledged func() []int) {
	t.Helper()
	const each = 60
	var group sync.WaitGroup
	ids := make([][]int, len(all))
	for i, p := range all {
		conn := p.connect()
		group.Go(func() {
			<-begin
			for n := range each {
				id := n*len(all) + i
				sql, args := "INSERT INTO "+table+" (id, name) VALUES ($1, 'x')", []any{id}
				if n%2 == 1 { // refused until the column is there
					sql, args = "INSERT INTO "+table+" (id, user_id, name) VALUES ($1, $2, 'x')", []any{id, id + 1000}
				}
				if _, err := conn.Exec(t.Context(), sql, args...); err == nil {
					ids[i] = append(ids[i], id)
				} else if _, ok := asPgError(err); !ok {
					t.Errorf("%s: %v", p.id, err)
					return
				}
			}
		})
	}
	return func() []int {
		group.Wait()
		return slices.Concat(ids...)
	}
}

// idsOf counts the ids in a table on all nodes.
func (all peers) idsOf(t testing.TB, table string) map[int]int {
	t.Helper()
	found := map[int]int{}
	for i := range all[0].nodes {
		conn := all[0].node(i)
		for _, text := range query(t, conn, "SELECT id::text FROM "+table) {
			id, err := strconv.Atoi(text)
			if err != nil {
				t.Fatal(err)
			}
			found[id]++
		}
		closeNow(conn)
	}
	return found
}

// rowsAreFound checks that each row of a table with the columns id and user_id is
// found through each peer by whatever places it.
func (all peers) rowsAreFound(t testing.TB, table string) {
	t.Helper()
	conns := make([]*pgx.Conn, len(all))
	for i, p := range all {
		conns[i] = p.connect()
	}
	for node := range all[0].nodes {
		for _, row := range query(t, all[0].node(node), "SELECT id, user_id FROM "+table) {
			id, user, _ := strings.Cut(row, "|")
			for i, conn := range conns {
				got := query(t, conn, fmt.Sprintf("SELECT id FROM %s WHERE id = %s AND user_id = %s", table, id, user))
				if len(got) != 1 {
					t.Errorf("%s: row %s of user %s on node %d: %s finds it %d times", table, id, user, node+1, all[i].id, len(got))
				}
			}
		}
	}
}
