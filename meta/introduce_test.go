package meta_test

import (
	"testing"

	"shardproxy/meta"
)

// TestIntroduce: a peer that waits can be made a member though it has not asked.
func TestIntroduce(t *testing.T) {
	t.Parallel()
	c := newCluster(t, 1)
	leader, late := c.leader(), c.newPeer()
	c.start(late)
	request, err := leader.Introduce(c.ctx(), late.Self().Raft)
	if err != nil {
		t.Fatal(err)
	}
	if want := (meta.JoinRequest{Peer: late.Self(), New: true}); request != want {
		t.Fatalf("it says %+v, want %+v", request, want)
	}
	epoch, err := leader.Join(c.ctx(), request)
	if err != nil {
		t.Fatal(err)
	}
	if err := late.Wait(c.ctx(), epoch); err != nil {
		t.Fatal(err)
	}
	if _, err := leader.Introduce(c.ctx(), "127.0.0.1:1"); err == nil {
		t.Error("nobody has introduced itself")
	}
}
