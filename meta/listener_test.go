package meta_test

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"shardproxy/meta"
	"shardproxy/meta/topology"
)

func TestMutualTLS(t *testing.T) {
	t.Parallel()
	ours := newAuthority(t)
	c := emptyCluster(t)
	c.tls = func(name string) *meta.TLSFiles { return ours.files(name) }
	c.bootstrap()
	c.join(c.start(c.newPeer()))
	c.join(c.start(c.newPeer()))
	c.converge(c.propose(c.peers[2], user("ada")))

	address := c.peers[0].Self().Raft
	refusals := map[string]*tls.Config{
		"no certificate":        {InsecureSkipVerify: true},
		"another authority's":   client(t, newAuthority(t).files("stranger")),
		"an old version of TLS": {InsecureSkipVerify: true, MaxVersion: tls.VersionTLS12},
	}
	for name, config := range refusals {
		t.Run(name, func(t *testing.T) {
			if answer, err := ask(address, config); err == nil {
				t.Errorf("answered %q", answer)
			}
		})
	}
	t.Run("no TLS", func(t *testing.T) {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if answer := talk(t, conn, request); strings.HasPrefix(answer, "HTTP/") {
			t.Errorf("answered %q", answer)
		}
	})
	if answer, err := ask(address, client(t, ours.files("friend"))); err != nil || !strings.HasPrefix(answer, "HTTP/1.1 404") {
		t.Errorf("a friend gets %q, %v", answer, err)
	}
}

const request = "GET /nothing HTTP/1.1\r\nHost: x\r\nShardproxy-Peer: x\r\nConnection: close\r\n\r\n"

// ask sends a request over TLS.
func ask(address string, config *tls.Config) (string, error) {
	conn, err := tls.Dial("tcp", address, config)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return "", err
	}
	if _, err := io.WriteString(conn, request); err != nil {
		return "", err
	}
	answer, err := io.ReadAll(conn)
	return string(answer), err
}

// talk sends something and reads until the other side closes.
func talk(t *testing.T, conn net.Conn, what string) string {
	t.Helper()
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(conn, what) // it may be closed already
	answer, err := io.ReadAll(conn)
	if timeout := net.Error(nil); errors.As(err, &timeout) && timeout.Timeout() {
		t.Errorf("the connection was not closed after %q", what)
	}
	return string(answer)
}

// TestServerIsVerified: a peer joins nobody whose certificate is another
// authority's or for another host.
func TestServerIsVerified(t *testing.T) {
	t.Parallel()
	ours, theirs := newAuthority(t), newAuthority(t)
	for name, files := range map[string]*meta.TLSFiles{
		"another authority": theirs.files("p2"),
		"another host":      ours.files("p2", "db.example"),
	} {
		t.Run(name, func(t *testing.T) {
			c := emptyCluster(t)
			c.tls = func(name string) *meta.TLSFiles { return ours.files(name) }
			c.bootstrap()
			c.tls = func(string) *meta.TLSFiles { return files }
			second := c.start(c.newPeer())
			if _, err := c.peers[0].Join(c.ctx(), meta.JoinRequest{Peer: second.Self(), New: true, Nonvoter: true}); err != nil {
				t.Fatal(err)
			}
			response, err := (&http.Client{Transport: c.peers[0].RoundTripper("p2"), Timeout: patience}).Get("http://p2/")
			if err == nil {
				response.Body.Close()
				t.Error("it was called")
			}
			if second.Current() != nil {
				t.Error("it got the topology")
			}
		})
	}
}

// TestReloadTLS: new connections use the new files, broken ones change nothing.
func TestReloadTLS(t *testing.T) {
	t.Parallel()
	old, next := newAuthority(t), newAuthority(t)
	c := emptyCluster(t)
	files := old.files("p1")
	c.tls = func(string) *meta.TLSFiles { return files }
	p := c.bootstrap()
	address := p.Self().Raft
	friend := client(t, next.files("friend"))
	if _, err := ask(address, friend); err == nil {
		t.Error("the next authority's is accepted already")
	}
	if err := copyOver(t, next.files("p1"), files); err != nil {
		t.Fatal(err)
	}
	if err := p.ReloadTLS(); err != nil {
		t.Fatal(err)
	}
	if _, err := ask(address, friend); err != nil {
		t.Error(err)
	}
	if _, err := ask(address, client(t, old.files("left"))); err == nil {
		t.Error("the old authority's is still accepted")
	}
	files.CA = "/nowhere"
	if err := p.ReloadTLS(); err == nil {
		t.Error("no error for files that are not there")
	}
	if _, err := ask(address, friend); err != nil {
		t.Error(err)
	}
}

func copyOver(t *testing.T, from, to *meta.TLSFiles) error {
	copyFile(t, from.Certificate, to.Certificate)
	copyFile(t, from.Key, to.Key)
	copyFile(t, from.CA, to.CA)
	return nil
}

// TestBeyondLoopback: without TLS a peer neither listens nor dials there.
func TestBeyondLoopback(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"0.0.0.0:0", "[::]:0", ":0", "192.0.2.1:7090"} {
		_, err := meta.Open(meta.Options{ID: "a", DataDir: t.TempDir(), Listen: &meta.ListenOptions{Address: address, Advertise: "127.0.0.1:1"}})
		if !errors.Is(err, meta.ErrNoTLS) {
			t.Errorf("listen on %s: %v, want ErrNoTLS", address, err)
		}
	}
	outside := outsideAddress(t)
	c := emptyCluster(t)
	p := c.newPeer()
	p.options.Bootstrap, p.options.Listen.Dial = true, nil // relays are on loopback
	c.start(p)
	if _, err := p.Propose(c.ctx(), first(p.Self()), 0); err != nil {
		t.Fatal(err)
	}
	stranger := topology.Peer{ID: "far", Raft: outside, Incarnation: 1, Commands: topology.CommandVersion}
	if _, err := p.Join(c.ctx(), meta.JoinRequest{Peer: stranger, Nonvoter: true, New: true}); err != nil {
		t.Fatal(err)
	}
	response, err := (&http.Client{Transport: p.RoundTripper("far"), Timeout: patience}).Get("http://far/")
	if !errors.Is(err, meta.ErrNoTLS) {
		t.Errorf("call %s: %v, want ErrNoTLS", outside, err)
	}
	if err == nil {
		response.Body.Close()
	}
}

// outsideAddress listens on an address of this machine that is not loopback, and
// fails the test if anything is ever sent there. Where the machine has none, it
// is one that nobody has.
func outsideAddress(t *testing.T) string {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		network, ok := a.(*net.IPNet)
		if !ok || network.IP.IsLoopback() || network.IP.IsLinkLocalUnicast() {
			continue
		}
		listener, err := net.Listen("tcp", net.JoinHostPort(network.IP.String(), "0"))
		if err != nil {
			continue
		}
		var group sync.WaitGroup
		group.Go(func() {
			for {
				conn, err := listener.Accept()
				if err != nil {
					return
				}
				if sent, _ := io.ReadAll(conn); len(sent) > 0 {
					t.Errorf("%d bytes left the machine in the clear", len(sent))
				}
				conn.Close()
			}
		})
		t.Cleanup(func() {
			listener.Close()
			group.Wait()
		})
		return listener.Addr().String()
	}
	return "127.0.0.1:1"
}

// greetingFor begins a connection for Raft.
func greetingFor(id, lineage string) string {
	return "\x01shardproxy raft 1\n" + lineage + string(rune(len(id))) + id
}

// TestHostileConnections: none of them is answered with anything but an error,
// and none keeps the peers from each other.
func TestHostileConnections(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 3)
	target := c.leader()
	address, greeting := target.Self().Raft, greetingFor(target.name(), target.Lineage())
	hostile := map[string]string{
		"nothing":             "",
		"a PostgreSQL client": "\x00\x00\x00\x08\x04\xd2\x16\x2f",
		"a TLS client":        "\x16\x03\x01\x02\x00\x01\x00",
		"garbage":             string(bytes.Repeat([]byte{0xff}, 1<<16)),
		"half a greeting":     "\x01shardproxy ra",
		"another greeting":    "\x01shardproxy raft 9\n...........",
		"letters":             strings.Repeat("A", 1<<20),
		"a huge header":       "GET / HTTP/1.1\r\nX: " + strings.Repeat("a", 1<<20),
		"for another peer":    greetingFor("p9", target.Lineage()),
		"another cluster":     greetingFor(target.name(), "ABCDEFGH") + "\x00\x81\xa4Term\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
		"no cluster":          greetingFor(target.name(), strings.Repeat("\x00", 8)) + "\x00\x81\xa4Term\xcf\xff\xff\xff\xff\xff\xff\xff\xff",
		"Raft garbage":        greeting + strings.Repeat("\xff", 1000),
		// AppendEntries with a list of 2^32-1 entries, and with bytes of that length.
		"a huge list":  greeting + "\x00\x81\xa7Entries\xdd\xff\xff\xff\xff",
		"a huge value": greeting + "\x00\x81\xa6Leader\xc6\xff\xff\xff\xff",
	}
	var group sync.WaitGroup
	for name, what := range hostile {
		group.Go(func() {
			conn, err := net.Dial("tcp", address)
			if err != nil {
				t.Error(err)
				return
			}
			defer conn.Close()
			if tcp, ok := conn.(*net.TCPConn); ok {
				_, _ = io.WriteString(conn, what)
				_ = tcp.CloseWrite()
			}
			if answer := talk(t, conn, ""); strings.HasPrefix(answer, "HTTP/1.1 200") {
				t.Errorf("%s: answered %q", name, answer)
			}
		})
	}
	// More silent connections than may be silent at once.
	var silent []net.Conn
	for range 400 {
		conn, err := net.Dial("tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		silent = append(silent, conn)
	}
	defer func() {
		for _, conn := range silent {
			conn.Close()
		}
	}()
	c.links.cut(c.follower().name(), c.leader().name()) // they have to connect anew
	c.links.mend(c.follower().name(), c.leader().name())
	c.converge(c.propose(c.follower(), user("ada")))
	group.Wait()
	if answer := talk(t, silent[0], ""); answer != "" {
		t.Errorf("silence was answered with %q", answer)
	}
}

// TestHostileCalls: what is no call of a peer is refused.
func TestHostileCalls(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	base := "http://" + c.peers[0].Self().Raft + meta.PathPrefix
	epoch := c.peers[0].Current().Epoch
	client := &http.Client{Transport: new(http.Transport), Timeout: patience}
	defer client.CloseIdleConnections()
	for name, call := range map[string]struct{ path, body string }{
		"no JSON":       {"propose", "hello"},
		"nothing":       {"propose", ""},
		"two values":    {"propose", "{}{}"},
		"an empty one":  {"propose", "{}"},
		"no command":    {"propose", `{"entry":"AAAA"}`},
		"no peer":       {"join", "{}"},
		"nobody":        {"remove", `{"id":"nobody","force":true}`},
		"nobody either": {"promote", `{"id":"nobody"}`},
		"the last one":  {"remove", `{"id":"p1","force":true}`},
	} {
		t.Run(name, func(t *testing.T) {
			for peer, want := range map[string]int{"p9": http.StatusConflict, "": http.StatusForbidden} {
				r, err := http.NewRequest(http.MethodPost, base+call.path, strings.NewReader(call.body))
				if err != nil {
					t.Fatal(err)
				}
				r.Header.Set("Shardproxy-Peer", peer)
				response, err := client.Do(r)
				if err != nil {
					t.Fatal(err)
				}
				response.Body.Close()
				if response.StatusCode != want {
					t.Errorf("from %q: status %d, want %d", peer, response.StatusCode, want)
				}
			}
		})
	}
	if got := c.peers[0].Current().Epoch; got != epoch {
		t.Errorf("epoch %d, was %d", got, epoch)
	}
}
