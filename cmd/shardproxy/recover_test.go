package main

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// clusterPeer is the configuration of one of several peers.
type clusterPeer struct {
	settings
	id, data, raft string
}

// newClusterPeer has the first peer make a cluster of the nodes, and the others
// join it by the admin address of another.
func newClusterPeer(t *testing.T, id string, nodes []string, join *clusterPeer) *clusterPeer {
	t.Helper()
	dir := t.TempDir()
	addresses := lastingAddresses(t, 2)
	p := &clusterPeer{id: id, data: filepath.Join(dir, "data"), raft: addresses[0]}
	p.path, p.admin, p.nodes = filepath.Join(dir, "shardproxy.yaml"), addresses[1], nodes
	var b strings.Builder
	fmt.Fprintf(&b, "peer:\n  id: %s\n  data_dir: %q\n  raft: {listen: %q}\n", id, p.data, p.raft)
	if join != nil {
		fmt.Fprintf(&b, "  join: [%q]\n", join.admin)
	} else {
		fmt.Fprintf(&b, "  bootstrap: true\n")
	}
	fmt.Fprintf(&b, "admin: {listen: %q}\npostgres: {listen: \"127.0.0.1:0\"}\n", p.admin)
	if join == nil {
		fmt.Fprintf(&b, "users: [{name: app, password: secret}]\ndatabases:\n  app:\n    partitions: 64\n    pool: {min: 0, max: 4}\n    nodes:\n")
		for i, dsn := range nodes {
			fmt.Fprintf(&b, "      - {name: pg-%d, dsn: %q}\n", i+1, dsn)
		}
	}
	if err := os.WriteFile(p.path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

// lastingAddresses are free ones that no outgoing connection takes while their peer is
// down: systems draw the ports of those from 32768 on.
func lastingAddresses(t *testing.T, n int) []string {
	t.Helper()
	var addresses []string
	for range 1000 {
		l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(20_000+rand.IntN(12_000))))
		if err != nil {
			continue
		}
		defer l.Close() // when all are found
		if addresses = append(addresses, l.Addr().String()); len(addresses) == n {
			return addresses
		}
	}
	t.Fatal("no free ports")
	return nil
}

// run starts the peer and waits until it serves.
func (c *clusterPeer) run(t *testing.T) *serving {
	t.Helper()
	p := launch(t, nil, "serve", "--config", c.path)
	return &serving{process: p, address: p.await(`msg=serving postgres=(\S+)`)[1]}
}

// recover runs the command and expects an exit code and a text.
func (c *clusterPeer) recover(t *testing.T, code int, want string, args ...string) string {
	t.Helper()
	p := launch(t, nil, append([]string{"recover", "--config", c.path}, args...)...)
	if got := p.code(); got != code {
		t.Fatalf("recover %v: exit code %d, want %d\n%s", args, got, code, p.output.String())
	}
	if out := p.output.String(); !strings.Contains(out, want) {
		t.Fatalf("recover %v: no %q in\n%s", args, want, out)
	}
	return p.output.String()
}

// end kills the process, as a power failure would.
func (s *serving) end() {
	s.t.Helper()
	s.signal(syscall.SIGKILL)
	<-s.exited
}

// stop stops the process in order.
func (s *serving) stop() {
	s.t.Helper()
	s.signal(syscall.SIGTERM)
	if code := s.code(); code != exitOK {
		s.t.Fatalf("exit code %d", code)
	}
}

// eventually waits for a query of one number to give it.
func eventually(t *testing.T, s *serving, sql string, want int64) {
	t.Helper()
	conn := s.connect()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		var got int64
		err := conn.QueryRow(t.Context(), sql).Scan(&got)
		if err == nil && got == want {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s: %d, %v; want %d", sql, got, err, want)
		}
	}
}

// floors are the oldest epochs that the nodes accept.
func floors(t *testing.T, nodes []string) []int64 {
	t.Helper()
	var all []int64
	for _, dsn := range nodes {
		conn, err := pgx.Connect(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, count(t, conn, "SELECT min_epoch FROM shardproxy.node"))
		closeNow(conn)
	}
	return all
}

// TestRecoverLostMajority: two of three peers are lost for good. The third becomes
// the cluster, the nodes refuse the lost ones, and new peers join.
func TestRecoverLostMajority(t *testing.T) {
	t.Parallel()
	nodes := cluster.NewDatabases(t)
	one := newClusterPeer(t, "proxy-1", nodes, nil)
	first := one.run(t)
	two, three := newClusterPeer(t, "proxy-2", nodes, one), newClusterPeer(t, "proxy-3", nodes, one)
	second, third := two.run(t), three.run(t)
	conn := first.connect()
	must(t, conn, "CREATE TABLE users (id bigint PRIMARY KEY, name text)")
	for id := range 30 {
		must(t, conn, "INSERT INTO users VALUES ($1, 'x')", id)
	}
	eventually(t, third, "SELECT count(*) FROM users", 30)
	first.end()
	second.end()
	if n := count(t, third.connect(), "SELECT count(*) FROM users"); n != 30 {
		t.Errorf("%d rows without a majority, want 30", n)
	}

	three.recover(t, exitFailed, "another process uses the data directory: stop the peer first", "--yes")
	third.stop()
	three.recover(t, exitFailed, "given up; nothing was changed") // from /dev/null nobody answers
	out := three.recover(t, exitOK, `Peer "proxy-3" is the whole cluster now`, "--yes")
	for _, want := range []string{"proxy-1 (" + one.raft + ", voter)", "pg-3 of database app: accepts epoch ", "served      epoch "} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	epoch, err := strconv.ParseInt(regexp.MustCompile(`cluster now, at epoch (\d+)`).FindStringSubmatch(out)[1], 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	for i, floor := range floors(t, nodes) {
		if floor != epoch {
			t.Errorf("node %d accepts epoch %d and later, want %d", i+1, floor, epoch)
		}
	}
	if left, _ := filepath.Glob(filepath.Join(three.data, rehearsalPrefix+"*")); left != nil {
		t.Errorf("left behind: %v", left)
	}

	third = three.run(t)
	conn = third.connect()
	if n := count(t, conn, "SELECT count(*) FROM users"); n != 30 {
		t.Errorf("%d rows after the recovery, want 30", n)
	}
	must(t, conn, "INSERT INTO users VALUES (100, 'y')")
	must(t, conn, "CREATE TABLE projects (id bigint PRIMARY KEY)") // needs a leader
	if _, body := three.get(t, "/metrics"); !strings.Contains(body, "\nshardproxy_raft_peers{kind=\"voter\"} 1\n") {
		t.Error("it does not say that it is alone")
	}

	// A lost peer starts again after all: no node takes it.
	stray := one.run(t)
	if _, err := stray.login("app", "secret"); sqlState(err) != "08001" {
		t.Errorf("a peer from before the recovery: %v", err)
	}
	stray.end()

	for key, id := range []string{"proxy-4", "proxy-5"} {
		joined := newClusterPeer(t, id, nodes, three).run(t)
		eventually(t, joined, "SELECT count(*) FROM users", 31)
		must(t, joined.connect(), "INSERT INTO projects VALUES ($1)", key)
	}
	if n := count(t, conn, "SELECT count(*) FROM projects"); n != 2 {
		t.Errorf("%d rows by the new peers, want 2", n)
	}
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		if _, body := three.get(t, "/metrics"); strings.Contains(body, "\nshardproxy_raft_peers{kind=\"voter\"} 3\n") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the new peers do not vote")
		}
	}
}

// TestRemovedPeerIsCutOff: what a peer that still runs has open on the nodes is
// ended before its removal is answered.
func TestRemovedPeerIsCutOff(t *testing.T) {
	t.Parallel()
	nodes := cluster.NewDatabases(t)
	one := newClusterPeer(t, "proxy-1", nodes, nil)
	first := one.run(t)
	must(t, first.connect(), "CREATE TABLE users (id bigint PRIMARY KEY)")
	second := newClusterPeer(t, "proxy-2", nodes, one).run(t)
	conn := second.connect()
	eventually(t, second, "SELECT count(*) FROM users", 0)
	request, err := http.NewRequestWithContext(t.Context(), http.MethodDelete, "http://"+one.admin+"/v1/peers/proxy-2", http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Fatal(answer.Status)
	}
	for range 5 { // its pool may offer connections that it does not know to be gone
		if _, err := conn.Exec(t.Context(), "SELECT count(*) FROM users"); err == nil {
			t.Error("a statement of a removed peer was run")
		}
	}
}

// TestRecoverDoubts: nodes that were served by a newer topology than the peer's
// stop a recovery; it ends above what they accept where it is forced.
func TestRecoverDoubts(t *testing.T) {
	t.Parallel()
	nodes := cluster.NewDatabases(t)
	peer := newClusterPeer(t, "proxy-1", nodes, nil)
	peer.run(t).end()
	node, err := pgx.Connect(t.Context(), nodes[1])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { closeNow(node) })
	must(t, node, "UPDATE shardproxy.node SET min_epoch = 3500000")
	before, err := os.ReadFile(filepath.Join(peer.data, "raft.db"))
	if err != nil {
		t.Fatal(err)
	}
	peer.recover(t, exitNodes, "node pg-2 of database app accepts epoch 3500000 and later", "--yes")
	after, err := os.ReadFile(filepath.Join(peer.data, "raft.db"))
	if err != nil || string(after) != string(before) {
		t.Errorf("something was changed, %v", err)
	}
	peer.recover(t, exitOK, "at epoch 4000", "--yes", "--force")
	s := peer.run(t) // serves nothing older, not even at first
	must(t, s.connect(), "CREATE TABLE users (id bigint PRIMARY KEY)")
	for i, floor := range floors(t, nodes) {
		if floor < 4_000_000 {
			t.Errorf("node %d accepts epoch %d", i+1, floor)
		}
	}
}

// TestRecoverSaysWhichNodesItMissed: a node that is down does not stop a recovery,
// and is named.
func TestRecoverSaysWhichNodesItMissed(t *testing.T) {
	t.Parallel()
	nodes := cluster.NewDatabases(t)
	peer := newClusterPeer(t, "proxy-1", nodes, nil)
	peer.run(t).end()
	forget := func(dsn string) {
		node, err := pgx.Connect(t.Context(), dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer closeNow(node)
		must(t, node, "DROP SCHEMA shardproxy CASCADE")
	}
	forget(nodes[0])
	out := peer.recover(t, exitNodes, `these nodes do not refuse the others yet`, "--yes")
	for _, want := range []string{"is the whole cluster now", `node "pg-1": this database is not a node of any cluster`} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	forget(nodes[1])
	forget(nodes[2])
	peer.recover(t, exitNodes, "database app: no node could be asked whether a change was made since", "--yes")
}

func TestRecoverRefuses(t *testing.T) {
	t.Parallel()
	nodes := []string{"postgres://app:app@" + freeAddress(t) + "/app"}
	good := newClusterPeer(t, "proxy-1", nodes, nil)
	tests := []struct {
		name    string
		prepare func(t *testing.T, p *clusterPeer)
		code    int
		want    string
	}{
		{"no directory", func(*testing.T, *clusterPeer) {}, exitFailed, "does not exist: nothing was ever kept there"},
		{"an empty directory", func(t *testing.T, p *clusterPeer) { mkdir(t, p.data) }, exitFailed, "holds no cluster: nothing was ever kept there"},
		{"a file", func(t *testing.T, p *clusterPeer) { write(t, p.data, "") }, exitFailed, "is not a directory"},
		{"alone", func(t *testing.T, p *clusterPeer) {
			write(t, p.path, strings.Replace(string(readFile(t, p.path)), "bootstrap: true", "bootstrap: false", 1))
		}, exitConfig, "a proxy that runs alone has nothing to recover"},
		{"another user's directory", func(t *testing.T, p *clusterPeer) {
			mkdir(t, p.data)
			if err := os.Chown(p.data, 4711, 4711); err != nil { // only root may; everybody else finds root's
				write(t, p.path, strings.ReplaceAll(string(readFile(t, p.path)), p.data, "/"))
			}
		}, exitFailed, "run recover as the user that the peer runs as"},
		{"a damaged log", func(t *testing.T, p *clusterPeer) {
			mkdir(t, p.data)
			write(t, filepath.Join(p.data, "raft.db"), "nonsense")
		}, exitFailed, "Raft's log"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			p := *good
			p.path, p.data = filepath.Join(dir, "shardproxy.yaml"), filepath.Join(dir, "data")
			write(t, p.path, strings.ReplaceAll(string(readFile(t, good.path)), good.data, p.data))
			test.prepare(t, &p)
			p.recover(t, test.code, test.want, "--yes")
		})
	}
}

func mkdir(t *testing.T, path string) {
	t.Helper()
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func readFile(t *testing.T, path string) []byte {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return content
}
