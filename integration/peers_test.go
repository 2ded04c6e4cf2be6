package integration

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// peers are proxies of one cluster, in front of the same nodes.
type peers []*proxy

// startPeers starts a cluster of n peers.
func startPeers(t testing.TB, n int, o options) peers {
	t.Helper()
	all := peers{start(t, o)}
	for i := 1; i < n; i++ {
		all = append(all, all.join(t, joining{id: fmt.Sprintf("proxy-%d", i+1), network: o.network}))
	}
	for _, p := range all {
		p.waitReady()
	}
	return all
}

// joining is how a peer joins.
type joining struct {
	id       string
	nonvoter bool
	by       *proxy   // is asked; nil: the first one
	network  *network // as options have it
}

// join starts one more peer.
func (all peers) join(t testing.TB, j joining) *proxy {
	t.Helper()
	if j.by == nil {
		j.by = all[0]
	}
	p := &proxy{t: t, id: j.id, nodes: all[0].nodes, address: freeAddress(t), log: new(lockedBuffer), exited: make(chan struct{})}
	admin := freeAddress(t)
	p.admin = "http://" + admin
	dir := t.TempDir()
	p.config = filepath.Join(dir, "shardproxy.yaml")
	var b strings.Builder
	fmt.Fprintf(&b, "peer: {id: %s, nonvoter: %t, data_dir: %q, raft: {%s}, join: [%q]}\n", j.id, j.nonvoter,
		filepath.Join(dir, "data"), raftAddresses(p, j.network), strings.TrimPrefix(j.by.admin, "http://"))
	fmt.Fprintf(&b, "admin: {listen: %q}\npostgres: {listen: %q, drain_timeout: 3s}\nlog: {level: debug}\n", admin, p.address)
	if err := os.WriteFile(p.config, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	p.run()
	return p
}

// raftAddresses are those of the section peer.raft.
func raftAddresses(p *proxy, n *network) string {
	listen := freeAddress(p.t)
	if n == nil {
		return fmt.Sprintf("listen: %q", listen)
	}
	return fmt.Sprintf("listen: %q, advertise: %q", listen, n.front(p.id, p.config, listen))
}

// kill ends a peer as a crash does.
func (p *proxy) kill() {
	p.t.Helper()
	p.killed = true
	if err := p.cmd.Process.Signal(syscall.SIGKILL); err != nil {
		p.t.Fatal(err)
	}
	<-p.exited
}

// restart starts a peer that was killed.
func (p *proxy) restart() {
	p.t.Helper()
	p.exited, p.killed = make(chan struct{}), false
	p.launch()
}

// status is the part of /v1/status that tests look at.
type status struct {
	Epoch  uint64 `json:"epoch"`
	Ready  bool   `json:"ready"`
	Peer   string `json:"peer"`
	Leader string `json:"leader"`
}

// status asks a peer; ok is false if it does not answer.
func (p *proxy) status() (s status, ok bool) {
	ok = p.ask("/v1/status", &s)
	return s, ok
}

// topology asks a peer for the topology that it serves with.
func (p *proxy) topology() (s served, ok bool) {
	ok = p.ask("/v1/backup", &s)
	return s, ok
}

// served is the part of /v1/backup that tests look at.
type served struct {
	Epoch uint64 `json:"epoch"`
	Hash  string `json:"hash"`
}

// ask asks the admin API; the answer is false if there is none.
func (p *proxy) ask(path string, into any) bool {
	client := http.Client{Timeout: 2 * time.Second}
	response, err := client.Get(p.admin + path)
	if err != nil {
		return false
	}
	defer response.Body.Close()
	return response.StatusCode == http.StatusOK && json.NewDecoder(response.Body).Decode(into) == nil
}

// within waits until a condition holds, and reports how long that took.
func within(t testing.TB, d time.Duration, what string, condition func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	for !condition() {
		if time.Since(began) > d {
			t.Fatalf("not within %s: %s", d, what)
		}
		time.Sleep(10 * time.Millisecond)
	}
	return time.Since(began)
}

// leader waits until all living peers name the same leader, and returns it.
func (all peers) leader(t testing.TB) *proxy {
	t.Helper()
	var found *proxy
	within(t, 20*time.Second, "all peers name one leader", func() bool {
		names := map[string]bool{}
		found = nil
		for _, p := range all {
			s, ok := p.status()
			if !ok {
				continue
			}
			names[s.Leader] = true
			if s.Leader == s.Peer {
				found = p
			}
		}
		return len(names) == 1 && found != nil
	})
	return found
}

// setFlag changes something, through any peer.
func (p *proxy) setFlag(name, value string) error {
	body := strings.NewReader(fmt.Sprintf(`{"value": %q}`, value))
	request, err := http.NewRequestWithContext(p.t.Context(), http.MethodPut, p.admin+"/v1/flags/"+name, body)
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := (&http.Client{Timeout: 10 * time.Second}).Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(io.LimitReader(response.Body, 1000))
		return fmt.Errorf("%s: %s", response.Status, text)
	}
	return nil
}
