package admin

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shardproxy/meta/topology"
)

// two are a leader p1 and a follower p2, and a client of the follower.
func two(t *testing.T) (*group, *peer, *Client) {
	t.Helper()
	g := newGroup(t)
	_, leader := g.join("p1")
	g.start(t, "p1", leader)
	follower, o := g.join("p2")
	return g, follower, client(t, ClientOptions{Addr: "http://" + g.start(t, "p2", o)})
}

func TestChangesAreForwarded(t *testing.T) {
	g, _, c := two(t)
	odd := "a/b ü%2F..?#&"
	for _, name := range []string{"ann", "..", ".", odd} {
		changed, err := c.SetUser(t.Context(), name, UserSettings{Password: secret("geheim")})
		if err != nil {
			t.Fatalf("%q: %v", name, err)
		}
		if g.current().Users[name] == nil || changed.Epoch != uint64(g.current().Epoch) {
			t.Errorf("%q: epoch %d: %v", name, changed.Epoch, g.current().Users)
		}
	}
	if _, err := c.RemoveUser(t.Context(), odd); err != nil || g.current().Users[odd] != nil {
		t.Error(err)
	}
	logs := g.logged()
	for _, want := range []string{
		" result=ok epoch=8",
		`msg="admin change" what="set user ann; + user ann" caller=local remote=127.0.0.1:`,
		" via=127.0.0.1:",
		`msg="admin request forwarded" what="PUT /v1/users/ann" caller=local`,
	} {
		if !strings.Contains(logs, want) {
			t.Errorf("the log lacks %s:\n%s", want, logs)
		}
	}
}

func secret(text string) *Secret { s := Secret(text); return &s }

// TestProblemsOfTheLeader: what the leader says comes through as it is.
func TestProblemsOfTheLeader(t *testing.T) {
	g, _, c := two(t)
	var problem *Problem
	if _, err := c.RemoveUser(t.Context(), "nobody"); !errors.As(err, &problem) || problem.Code != CodeUnknownName || problem.Peer != "p1" {
		t.Errorf("got %+v", problem)
	}
	if !strings.Contains(g.logged(), "result=unknown_name") {
		t.Error(g.logged())
	}
}

func TestReadsAreLocal(t *testing.T) {
	g, follower, c := two(t)
	follower.forward = func(*http.Request) (*http.Response, error) { return nil, ErrNoLeader }
	status, err := c.Status(t.Context())
	if err != nil || status.Peer != "p2" || status.Leader != "p1" || status.RaftState != "follower" {
		t.Errorf("%+v, %v", status, err)
	}
	// The leader knows more of the peers; without one, its own view.
	peers, err := c.Peers(t.Context())
	if err != nil || peers.AnsweredBy != "p2" || len(peers.Peers) != 3 {
		t.Errorf("%+v, %v", peers, err)
	}
	follower.forward = nil
	peers, err = c.Peers(t.Context())
	if err != nil || peers.AnsweredBy != "p1" || *peers.Peers[1].HeardMS != 1500 {
		t.Errorf("%+v, %v", peers, err)
	}
	if len(g.commands) > 0 {
		t.Error(g.commands)
	}
}

// TestNoLeader: a request is forwarded once at most, and says that nothing was
// changed.
func TestNoLeader(t *testing.T) {
	for name, leader := range map[string]topology.PeerID{
		"nobody leads":                   "",
		"each takes another for it":      "p2",
		"it does not lead when it comes": "p1",
	} {
		t.Run(name, func(t *testing.T) {
			g := newGroup(t)
			_, o := g.join("p1")
			g.start(t, "p1", o)
			follower, o := g.join("p3")
			addr := g.start(t, "p3", o)
			g.lead(leader)
			var hops atomic.Int32
			if leader != "" {
				follower.forward = func(r *http.Request) (*http.Response, error) {
					hops.Add(1)
					g.lead("p2") // who has no door, and p1 does not lead
					return g.call(r.Context(), "p1", r)
				}
			}
			response, body := do(t, "DELETE", "http://"+addr+"/v1/users/app", "", nil)
			if response.StatusCode != 503 || !strings.Contains(body, `"code":"no_leader"`) || !strings.Contains(body, "Nothing was changed") {
				t.Errorf("%s: %s", response.Status, body)
			}
			if hops.Load() > 1 || len(g.commands) > 0 {
				t.Errorf("%d hops, %v", hops.Load(), g.commands)
			}
		})
	}
}

// TestLeaderLostMidway: once a request was sent, nobody claims to know.
func TestLeaderLostMidway(t *testing.T) {
	tests := map[string]func(*http.Request) (*http.Response, error){
		"before the answer": func(*http.Request) (*http.Response, error) { return nil, errors.New("connection reset") },
		"in the answer": func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(&broken{})}, nil
		},
		"no answer in time": func(r *http.Request) (*http.Response, error) {
			<-r.Context().Done()
			return nil, r.Context().Err()
		},
		"an endless answer": func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(endless{})}, nil
		},
	}
	for name, forward := range tests {
		t.Run(name, func(t *testing.T) {
			g := newGroup(t)
			follower, o := g.join("p2")
			o.ChangeTimeout = 300 * time.Millisecond
			addr := g.start(t, "p2", o)
			follower.forward = forward
			response, body := do(t, "DELETE", "http://"+addr+"/v1/users/app", "", nil)
			if response.StatusCode != 504 || !strings.Contains(body, `"code":"outcome_unknown"`) {
				t.Errorf("%s: %s", response.Status, body)
			}
		})
	}
}

// TestLeaderDiesAfterTheChange: it was made, and nobody could say so.
func TestLeaderDiesAfterTheChange(t *testing.T) {
	g := newGroup(t)
	_, o := g.join("p1")
	s, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	handler := s.PeerHandler()
	g.openDoor(t, "p1", http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		handler.ServeHTTP(newRecorder(), r)
		panic(http.ErrAbortHandler)
	}))
	_, o = g.join("p2")
	c := client(t, ClientOptions{Addr: "http://" + g.start(t, "p2", o)})
	var problem *Problem
	if _, err := c.RemoveUser(t.Context(), "app"); !errors.As(err, &problem) || problem.Code != CodeOutcomeUnknown || problem.Peer != "p2" {
		t.Errorf("got %v", err)
	}
	if g.current().Users["app"] != nil || len(g.commands) != 1 {
		t.Errorf("%v", g.commands)
	}
}

type broken struct{ read bool }

func (b *broken) Read(p []byte) (int, error) {
	if b.read {
		return 0, io.ErrUnexpectedEOF
	}
	b.read = true
	return copy(p, `{"epoch":9`), nil
}

type endless struct{}

func (endless) Read(p []byte) (int, error) { return len(p), nil }

// TestCallersAreAuthenticatedOnce: at the first peer, and nobody can pretend to
// be somebody else, or a peer.
func TestCallersAreAuthenticatedOnce(t *testing.T) {
	g := newGroup(t)
	dir := t.TempDir()
	_, o := g.join("p1")
	o.Config.TokenFile = write(t, dir, "other", "the-leaders-own-token\n")
	g.start(t, "p1", o)
	_, o = g.join("p2")
	o.Config.TokenFile = write(t, dir, "token", "0123456789abcdef\n")
	addr := g.start(t, "p2", o)
	forged := map[string]string{callerHeader: url.Values{"name": {"certificate root"}}.Encode()}
	if response, body := do(t, "DELETE", "http://"+addr+"/v1/users/app", "", forged); response.StatusCode != 401 {
		t.Errorf("%s: %s", response.Status, body)
	}
	forged["Authorization"] = "Bearer 0123456789abcdef"
	if response, body := do(t, "DELETE", "http://"+addr+"/v1/users/app", "", forged); response.StatusCode != 200 {
		t.Errorf("%s: %s", response.Status, body)
	}
	logs := g.logged()
	if !strings.Contains(logs, "caller=token") || strings.Contains(logs, "certificate root") || strings.Contains(logs, "0123456789abcdef") {
		t.Error(logs)
	}
}

// TestForwardedRequest: what goes on is what is needed, and no credentials.
func TestForwardedRequest(t *testing.T) {
	g := newGroup(t)
	follower, o := g.join("p2")
	o.Config.TokenFile = write(t, t.TempDir(), "token", "0123456789abcdef\n")
	addr := g.start(t, "p2", o)
	var header http.Header
	var target, body string
	follower.forward = func(r *http.Request) (*http.Response, error) {
		content, err := io.ReadAll(r.Body)
		header, target, body = r.Header, r.Method+" "+r.URL.String(), string(content)
		return &http.Response{StatusCode: 418, Header: http.Header{"Content-Type": {"text/plain"}}, Body: io.NopCloser(strings.NewReader("teapot"))}, err
	}
	response, answer := do(t, "DELETE", "http://"+addr+"/v1/peers/p%2F3?force=true", "x", map[string]string{
		"Authorization": "Bearer 0123456789abcdef", "Cookie": "a=b", "X-Else": "c",
	})
	if response.StatusCode != 418 || answer != "teapot" || response.Header.Get("Content-Type") != "text/plain" {
		t.Errorf("%s: %s", response.Status, answer)
	}
	caller, err := url.ParseQuery(header.Get(callerHeader))
	if err != nil || caller.Get("name") != "token" || !strings.HasPrefix(caller.Get("remote"), "127.0.0.1:") {
		t.Errorf("%v, %v", caller, err)
	}
	header.Del(callerHeader)
	if diff := cmp.Diff([]any{"DELETE /v1/peers/p%2F3?force=true", "x", http.Header{}}, []any{target, body, header}); diff != "" {
		t.Error(diff)
	}
}

// TestLimitsHoldAtBothDoors: size and time.
func TestLimitsHoldAtBothDoors(t *testing.T) {
	g := newGroup(t)
	_, o := g.join("p1")
	o.MaxBody = 100
	o.ChangeTimeout = 200 * time.Millisecond
	leaderAddr := g.start(t, "p1", o)
	_, o = g.join("p2")
	o.ChangeTimeout = 5 * time.Second
	followerAddr := g.start(t, "p2", o)
	json := map[string]string{"Content-Type": "application/json"}
	large := `{"value":"` + strings.Repeat("x", 200) + `"}`
	for _, addr := range []string{leaderAddr, followerAddr} {
		if response, body := do(t, "PUT", "http://"+addr+"/v1/flags/hold_budget", large, json); response.StatusCode != 413 {
			t.Errorf("%s: %s", response.Status, body)
		}
	}
	g.before = func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }
	for _, addr := range []string{leaderAddr, followerAddr} {
		if response, body := do(t, "PUT", "http://"+addr+"/v1/flags/hold_budget", `{"value":"1s"}`, json); !strings.Contains(body, "outcome_unknown") {
			t.Errorf("%s: %s", response.Status, body)
		}
	}
}

// TestReadYourChanges: a peer answers a forwarded change when it has it itself.
func TestReadYourChanges(t *testing.T) {
	g, follower, c := two(t)
	follower.forward = func(*http.Request) (*http.Response, error) {
		time.AfterFunc(20*time.Millisecond, func() {
			g.mu.Lock()
			defer g.mu.Unlock()
			next := *g.t
			next.Epoch = 8
			g.t = &next
		})
		return &http.Response{StatusCode: 200, Header: http.Header{}, Body: io.NopCloser(strings.NewReader(`{"epoch":8}`))}, nil
	}
	changed, err := c.UnsetFlag(t.Context(), "hold_budget")
	if err != nil || changed.Epoch != 8 || follower.Current().Epoch != 8 {
		t.Errorf("%+v, %v, the peer has epoch %d", changed, err, follower.Current().Epoch)
	}
}
