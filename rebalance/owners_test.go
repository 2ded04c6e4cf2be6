package rebalance

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"pgregory.net/rapid"

	"shardproxy/meta/topology"
	"shardproxy/ring"
)

func node(id topology.NodeID, weight int) topology.Node { return topology.Node{ID: id, Weight: weight} }

func TestMovesBetween(t *testing.T) {
	db := &topology.Database{
		Nodes:  []topology.Node{node("a", 1), node("b", 1)},
		Owners: []topology.NodeIndex{0, 0, 0, 0, 1, 1, 1, 1, 0},
	}
	nodes := append(slices.Clone(db.Nodes), node("c", 1))
	moves := movesBetween(db, nodes, []topology.NodeIndex{2, 2, 0, 2, 1, 1, 1, 2, 1})
	want := []Move{
		{Source: "a", Target: "b", Ranges: []Range{}, Home: true},
		{Source: "a", Target: "c", Partitions: 3, Ranges: []Range{{0, 1}, {3, 3}}},
		{Source: "b", Target: "c", Partitions: 1, Ranges: []Range{{7, 7}}},
	}
	if diff := cmp.Diff(want, moves, cmpopts.IgnoreUnexported(Move{})); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

// A node that joins gets its quota and nothing else moves; when it leaves again
// nothing but its own does.
func TestOwnersAfter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const count = 64
		db := &topology.Database{}
		var members []ring.Member
		for i := range rapid.IntRange(1, 8).Draw(t, "nodes") {
			n := node(topology.NodeID(fmt.Sprintf("n%d", i)), rapid.IntRange(1, 3).Draw(t, "weight"))
			db.Nodes = append(db.Nodes, n)
			members = append(members, ring.Member{Name: string(n.ID), Weight: n.Weight})
		}
		placed, err := ring.Place(count, members)
		if err != nil {
			t.Fatal(err)
		}
		for _, n := range append(placed, 0) {
			db.Owners = append(db.Owners, topology.NodeIndex(n))
		}
		joined := append(slices.Clone(db.Nodes), node("new", rapid.IntRange(1, 3).Draw(t, "new weight")))
		owners, err := ownersAfter(db, joined, "")
		if err != nil {
			t.Fatal(err)
		}
		if owners[count] != 0 {
			t.Fatal("home has moved")
		}
		quotas, err := ring.Quotas(count, append(members, ring.Member{Name: "new", Weight: joined[len(joined)-1].Weight}))
		if err != nil {
			t.Fatal(err)
		}
		got := 0
		for p := range count {
			switch owners[p] {
			case db.Owners[p]:
			case topology.NodeIndex(len(db.Nodes)):
				got++
			default:
				t.Fatalf("partition %d goes from %d to %d", p, db.Owners[p], owners[p])
			}
		}
		if got != quotas[len(quotas)-1] {
			t.Fatalf("%d partitions, the quota is %d", got, quotas[len(quotas)-1])
		}
		with := &topology.Database{Nodes: joined, Owners: owners}
		leaver := topology.NodeIndex(rapid.IntRange(0, len(joined)-1).Draw(t, "leaver"))
		after, err := ownersAfter(with, joined, joined[leaver].ID)
		if err != nil {
			t.Fatal(err)
		}
		for p, owner := range after {
			if owner == leaver || owners[p] != leaver && owner != owners[p] {
				t.Fatalf("partition %d goes from %d to %d when %d leaves", p, owners[p], owner, leaver)
			}
		}
	})
}

func TestNobodyLeft(t *testing.T) {
	db := &topology.Database{Nodes: []topology.Node{node("a", 1), node("b", 0)}, Owners: make([]topology.NodeIndex, 17)}
	if _, err := ownersAfter(db, db.Nodes, "a"); !errors.Is(err, ring.ErrNoMember) {
		t.Errorf("%v", err)
	}
	leaving := slices.Clone(db.Nodes)
	leaving[1].Weight, leaving[1].State = 1, topology.NodeLeaving
	if _, err := ownersAfter(db, leaving, "a"); !errors.Is(err, ring.ErrNoMember) {
		t.Errorf("%v", err)
	}
}

// What was made counts as made, whatever went wrong behind it.
func TestChangeError(t *testing.T) {
	own := &Error{Code: CodeHasData}
	for _, test := range []struct {
		epoch topology.Epoch
		err   error
		want  Code
	}{
		{0, fmt.Errorf("given up: %w", own), CodeHasData},
		{0, fmt.Errorf("x: %w", &topology.Conflict{What: "y"}), CodeConflict},
		{0, errors.New("no leader"), CodeCluster},
		{7, errors.New("not settled"), CodeCluster},
	} {
		err := changeError("add node", test.epoch, test.err)
		if CodeOf(err) != test.want || !errors.Is(err, test.err) && test.want != CodeHasData {
			t.Errorf("%v: %v", test.err, err)
		}
		if made := test.epoch > 0; made != (err.Error() == "add node: the change was made at epoch 7, but: not settled\nDo not repeat it before the peers agree again; look at the nodes.") {
			t.Errorf("%v", err)
		}
	}
}
