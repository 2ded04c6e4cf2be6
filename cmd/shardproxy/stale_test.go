package main

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"shardproxy/meta"
	"shardproxy/meta/topology"
)

// troubled makes changes whose outcome a test spoils.
type troubled struct {
	*changer
	before, after atomic.Pointer[error] // what a change fails with ahead of it, and behind it
}

func (c *troubled) Prove(
	ctx context.Context, command topology.Command, prove func(context.Context, *topology.Topology) error,
) (topology.Epoch, error) {
	if err := c.before.Load(); err != nil {
		return 0, *err
	}
	epoch, err := c.changer.Prove(ctx, command, prove)
	if spoilt := c.after.Load(); err == nil && spoilt != nil {
		err = *spoilt
	}
	return epoch, err
}

func (n *nodes) troubled() *troubled {
	c := &troubled{changer: &changer{store: n.store}}
	n.schemas.cluster = c
	return c
}

// eventually waits until something is so.
func (n *nodes) eventually(what string, is func() bool) {
	n.t.Helper()
	for deadline := time.Now().Add(patience); !is(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			n.t.Fatal(what)
		}
	}
}

// TestChangedWaitsForArmedChange: the schema that statements have changed while
// another change is armed is read when that is over, and nobody is refused.
func TestChangedWaitsForArmedChange(t *testing.T) {
	n := newNodes(t, table("a"))
	n.start()
	proving, proceed, made := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	add := topology.AddNode{Database: "app", Node: topology.Node{ID: "pg-2", Slot: 1, Weight: 1}}
	go func() {
		_, err := n.store.Change(t.Context(), add, meta.ChangeOptions{
			Database: "app", Budget: patience, Prove: func(context.Context, *topology.Topology) error {
				close(proving)
				<-proceed
				return nil
			},
		})
		made <- err
	}()
	n.eventually("nothing is armed", func() bool {
		select {
		case err := <-made:
			t.Fatal(err)
		default:
		}
		return n.database().Armed != nil
	})
	n.store.Drained("app", n.database().Armed.ID)
	<-proving
	n.have(table("a"), table("b"))
	answered := make(chan error, 1)
	go func() {
		_, err := n.schemas.Changed(t.Context(), "app")
		answered <- err
	}()
	select {
	case err := <-answered:
		t.Fatalf("answered while another change was armed: %v", err)
	case <-time.After(50 * time.Millisecond):
	}
	close(proceed)
	if err := <-made; err != nil {
		t.Error(err)
	}
	if err := <-answered; err != nil {
		t.Error(err)
	}
	if diff := cmp.Diff([]string{"a", "b"}, n.names()); diff != "" || len(n.database().Nodes) != 2 {
		t.Errorf("%d nodes, relations: -want +got\n%s", len(n.database().Nodes), diff)
	}
}

// TestRefusesLater: where statements have changed a schema that can neither be read
// nor be refused, it is refused as soon as that is possible.
func TestRefusesLater(t *testing.T) {
	n := newNodes(t, table("a"))
	n.gate = make(chan error)
	c := n.troubled()
	noLeader := meta.ErrNoLeader
	c.before.Store(&noLeader)
	n.start()
	answered := make(chan error, 1)
	go func() {
		_, err := n.schemas.Changed(t.Context(), "app")
		answered <- err
	}()
	cause := errors.New("it is down")
	n.gate <- cause
	if err := <-answered; !errors.Is(err, cause) || !errors.Is(err, noLeader) {
		t.Errorf("error %v, want both causes", err)
	}
	c.before.Store(nil)
	n.gate <- cause // the retry
	n.eventually("tables are not refused", func() bool { return len(staleDatabases(n.store.Current())) > 0 })
	n.gate <- nil
	n.eventually("tables are refused for ever", func() bool { return len(staleDatabases(n.store.Current())) == 0 })
}

// TestUnsettledSchema: what was read is in use though a peer may not have it; to
// refuse tables would not reach that peer either.
func TestUnsettledSchema(t *testing.T) {
	n := newNodes(t, table("a"))
	c := n.troubled()
	unsettled := meta.ErrUnsettled
	c.after.Store(&unsettled)
	n.start()
	n.have(table("a"), table("b"))
	if _, err := n.schemas.Changed(t.Context(), "app"); !errors.Is(err, unsettled) {
		t.Errorf("error %v, want %v", err, unsettled)
	}
	if diff := cmp.Diff([]string{"a", "b"}, n.names()); diff != "" {
		t.Errorf("relations: -want +got\n%s", diff)
	}
	if stale := staleDatabases(n.store.Current()); len(stale) > 0 {
		t.Errorf("tables are refused: %v", stale)
	}
}
