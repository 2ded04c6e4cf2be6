package integration

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// send sends a change to a peer, and returns the status and the body.
func (p *proxy) send(method, path string, body any) (int, string) {
	p.t.Helper()
	content, err := json.Marshal(body)
	if err != nil {
		p.t.Fatal(err)
	}
	request, err := http.NewRequestWithContext(p.t.Context(), method, p.admin+path, bytes.NewReader(content))
	if err != nil {
		p.t.Fatal(err)
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := (&http.Client{Timeout: 90 * time.Second}).Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	return response.StatusCode, string(text)
}

// TestNodesOfAnEmptyDatabase: without rows nodes join and leave at once. An insert
// that runs at the same moment is either seen, and the change refused, or comes
// after it and goes where the new owner is. Either way each row is found by its key
// once, through every peer.
func TestNodesOfAnEmptyDatabase(t *testing.T) {
	t.Parallel()
	all := startPeers(t, 2, options{pool: 6})
	fourth := cluster.NewDatabases(t)[0]
	conn := all[0].connect()
	must(t, conn, "CREATE TABLE users (id bigserial PRIMARY KEY, name text)")
	must(t, conn, "CREATE TABLE notes (user_id bigint, id bigserial, body text, PRIMARY KEY (user_id, id))")
	add := func(p *proxy) (int, string) {
		return p.send(http.MethodPost, "/v1/nodes", map[string]any{"name": "pg-4", "dsn": fourth})
	}
	if code, text := add(all[1]); code != http.StatusOK {
		t.Fatalf("add a node through the second peer: %d %s", code, text)
	}
	if n := owned(t, all[0], "pg-4"); n != 16 {
		t.Fatalf("the new node owns %d of 64 partitions, want 16", n)
	}
	var added, refused int
	present := true
	for round := range 10 {
		for _, dsn := range append([]string{fourth}, all[0].nodes...) {
			node := connect(t, dsn)
			must(t, node, "TRUNCATE users, notes")
			closeNow(node)
		}
		w := newWriters(t, all, time.Duration(round)*150*time.Millisecond)
		within(t, 10*time.Second, "somebody connects", func() bool { return w.connected.Load() > 0 })
		var code int
		var text string
		if present {
			code, text = all[round%2].send(http.MethodDelete, "/v1/nodes/pg-4", nil)
		} else {
			code, text = add(all[round%2])
		}
		w.finish(t)
		switch {
		case code == http.StatusOK:
			added++
			present = !present
		case strings.Contains(text, "rows"):
			refused++
		default:
			t.Fatalf("round %d: %d %s", round, code, text)
		}
		w.check(t)
	}
	if added == 0 || refused == 0 {
		t.Errorf("%d changes were made and %d refused: they never met", added, refused)
	}
	t.Logf("%d changes were made, %d refused for rows", added, refused)
	all.converged(t)
}

// owned is how many partitions a node owns, as a peer sees it.
func owned(t testing.TB, p *proxy, node string) int {
	t.Helper()
	var answer struct {
		Nodes []struct {
			Name       string `json:"name"`
			Partitions int    `json:"partitions"`
		} `json:"nodes"`
	}
	if !p.ask("/v1/nodes", &answer) {
		t.Fatal("the peer does not answer")
	}
	for _, n := range answer.Nodes {
		if n.Name == node {
			return n.Partitions
		}
	}
	return 0
}

// writers insert rows through all peers until they are told to finish.
type writers struct {
	all       peers
	stop      context.CancelFunc
	group     sync.WaitGroup
	connected atomic.Int32
	mu        sync.Mutex
	written   map[int64]bool // ids of users that were acknowledged
}

func newWriters(t *testing.T, all peers, after time.Duration) *writers {
	w := &writers{all: all, written: make(map[int64]bool)}
	ctx, stop := context.WithCancel(t.Context())
	w.stop = stop
	for i, p := range all {
		for range 2 {
			w.group.Go(func() { w.write(ctx, t, p, after+time.Duration(i)*50*time.Millisecond) })
		}
	}
	return w
}

// write begins after a while, so that sometimes the change is first and sometimes
// a row.
func (w *writers) write(ctx context.Context, t *testing.T, p *proxy, after time.Duration) {
	conn, err := pgx.Connect(t.Context(), p.dsn())
	if err != nil {
		t.Error(err)
		return
	}
	defer closeNow(conn)
	w.connected.Add(1)
	select {
	case <-time.After(after):
	case <-ctx.Done():
	}
	for n := 0; ctx.Err() == nil || n == 0; n++ {
		if err := w.insert(t.Context(), conn); err != nil {
			t.Errorf("an insert failed: %v", err)
			return
		}
	}
}

// insert writes a user with a note. It may have to wait for a change, but not for
// long.
func (w *writers) insert(ctx context.Context, conn *pgx.Conn) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	var id int64
	if err := conn.QueryRow(ctx, "INSERT INTO users (name) VALUES ('x') RETURNING id").Scan(&id); err != nil {
		return err
	}
	w.mu.Lock()
	w.written[id] = true
	w.mu.Unlock()
	_, err := conn.Exec(ctx, "INSERT INTO notes (user_id, body) VALUES ($1, 'x')", id)
	return err
}

// finish lets each writer write at least one row more.
func (w *writers) finish(t *testing.T) {
	t.Helper()
	w.stop()
	w.group.Wait()
}

// check finds every row by its key, and no other.
func (w *writers) check(t *testing.T) {
	t.Helper()
	for _, p := range w.all {
		conn := p.connect()
		for id := range w.written {
			var users, notes int
			if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM users WHERE id = $1", id).Scan(&users); err != nil {
				t.Fatal(err)
			}
			if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM notes WHERE user_id = $1", id).Scan(&notes); err != nil {
				t.Fatal(err)
			}
			if users != 1 || notes != 1 {
				t.Fatalf("user %d: %d rows and %d notes by its key, want 1 each", id, users, notes)
			}
		}
		var total int
		if err := conn.QueryRow(t.Context(), "SELECT count(*) FROM users").Scan(&total); err != nil {
			t.Fatal(err)
		}
		if total != len(w.written) {
			t.Fatalf("%d rows on all nodes, %d were acknowledged", total, len(w.written))
		}
		closeNow(conn)
	}
}
