package admin

import (
	"errors"
	"net"
	"net/http"
	"sync/atomic"
	"testing"
	"time"
)

// deaf returns an address where nobody listens.
func deaf(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return "http://" + listener.Addr().String()
}

// rude returns the address of a server that reads requests and hangs up, and
// their number.
func rude(t *testing.T) (string, *atomic.Int32) {
	t.Helper()
	var requests atomic.Int32
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		requests.Add(1)
		panic(http.ErrAbortHandler)
	})}
	served := make(chan struct{})
	go func() { _ = server.Serve(listener); close(served) }()
	t.Cleanup(func() { server.Close(); <-served })
	return "http://" + listener.Addr().String(), &requests
}

func TestAddressesInOrder(t *testing.T) {
	g := newGroup(t)
	_, o := g.join("p1")
	good := "http://" + g.start(t, "p1", o)
	bad, requests := rude(t)

	c := client(t, ClientOptions{Addr: deaf(t) + ", " + good})
	if _, err := c.Status(t.Context()); err != nil {
		t.Error(err)
	}
	if _, err := c.SetFlag(t.Context(), "max_voters", "3"); err != nil {
		t.Errorf("nobody received the change at the first address: %v", err)
	}
	c = client(t, ClientOptions{Addr: bad + "," + good})
	if _, err := c.Status(t.Context()); err != nil || requests.Load() == 0 {
		t.Errorf("%v after %d requests", err, requests.Load())
	}
}

// TestChangesAreSentOnce: one that somebody received is not sent to another.
func TestChangesAreSentOnce(t *testing.T) {
	g := newGroup(t)
	_, o := g.join("p1")
	good := "http://" + g.start(t, "p1", o)
	bad, requests := rude(t)
	c := client(t, ClientOptions{Addr: bad + "," + good})
	if _, err := c.SetFlag(t.Context(), "max_voters", "3"); !errors.Is(err, ErrOutcomeUnknown) {
		t.Errorf("got %v", err)
	}
	if requests.Load() != 1 || len(g.commands) != 0 {
		t.Errorf("%d requests, %v", requests.Load(), g.commands)
	}
}

func TestUnreachable(t *testing.T) {
	c := client(t, ClientOptions{Addr: deaf(t) + "," + deaf(t), Timeout: time.Second})
	for name, err := range map[string]error{
		"read":   func() error { _, err := c.Status(t.Context()); return err }(),
		"change": func() error { _, err := c.UnsetFlag(t.Context(), "max_voters"); return err }(),
	} {
		if !errors.Is(err, ErrUnreachable) || errors.Is(err, ErrOutcomeUnknown) {
			t.Errorf("%s: %v", name, err)
		}
	}
	// A certificate that we do not trust was not shown our request.
	g := newGroup(t)
	_, o := g.join("p1")
	cert := issue(t, t.TempDir(), "server")
	o.Config.TLS.Cert, o.Config.TLS.Key = cert+".pem", cert+".key"
	c = client(t, ClientOptions{Addr: "https://" + g.start(t, "p1", o)})
	if _, err := c.UnsetFlag(t.Context(), "max_voters"); !errors.Is(err, ErrUnreachable) {
		t.Errorf("got %v", err)
	}
}

// TestClientChanges covers the rest of the client.
func TestClientChanges(t *testing.T) {
	g, _, c := one(t)
	steps := []func() (uint64, error){
		func() (uint64, error) {
			a, err := c.JoinPeer(t.Context(), PeerJoin{ID: "p4", Raft: "h:1", Admin: "h:2", New: true, Incarnation: 1})
			return epochOf(a, err, func(a *PeerJoined) uint64 { return a.Epoch })
		},
		func() (uint64, error) {
			a, err := c.PromotePeer(t.Context(), "p3")
			return epochOf(a, err, func(a *Changed) uint64 { return a.Epoch })
		},
		func() (uint64, error) {
			a, err := c.RemovePeer(t.Context(), "p4", true)
			return epochOf(a, err, func(a *Changed) uint64 { return a.Epoch })
		},
		func() (uint64, error) {
			weight := 5
			a, err := c.SetNode(t.Context(), "pg-1", NodeSettings{Database: "app", Weight: &weight})
			return epochOf(a, err, func(a *Changed) uint64 { return a.Epoch })
		},
		func() (uint64, error) {
			a, err := c.AddNode(t.Context(), NodeAddition{Name: "pg-3", DSN: "postgres://a:b@h/d"})
			return epochOf(a, err, func(a *NodePlan) uint64 { return a.Epoch })
		},
		func() (uint64, error) {
			a, err := c.RemoveNode(t.Context(), "app", "pg-3", NodeRemoval{})
			return epochOf(a, err, func(a *NodePlan) uint64 { return a.Epoch })
		},
	}
	for i, do := range steps {
		if epoch, err := do(); err != nil || epoch != uint64(8+i) {
			t.Errorf("step %d: epoch %d, %v", i, epoch, err)
		}
	}
	if plan, err := c.RemoveNode(t.Context(), "app", "pg-2", NodeRemoval{DryRun: true}); err != nil || !plan.DryRun {
		t.Errorf("%+v, %v", plan, err)
	}
	if len(g.commands) != len(steps) {
		t.Error(g.commands)
	}
}

func epochOf[T any](answer *T, err error, of func(*T) uint64) (uint64, error) {
	if err != nil {
		return 0, err
	}
	return of(answer), nil
}
