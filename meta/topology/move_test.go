package topology_test

import (
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"shardproxy/meta/topology"
	"shardproxy/ring"
)

// transitions reads testdata/transitions.txt.
func transitions(t *testing.T) map[string][]string {
	data, err := os.ReadFile("testdata/transitions.txt")
	if err != nil {
		t.Fatal(err)
	}
	allowed := make(map[string][]string)
	for line := range strings.Lines(string(data)) {
		if from, to, ok := strings.Cut(line, "->"); ok {
			allowed[strings.TrimSpace(from)] = strings.Fields(to)
		}
	}
	return allowed
}

// inState is a topology with one move of partition 0, from pg-1 to pg-2, at its
// third attempt.
func inState(t *testing.T, state topology.MoveState) *topology.Topology {
	db := database()
	m := &topology.Move{
		ID: 1, Source: "pg-1", Target: "pg-2", Partitions: topology.NewPartitionSet(0),
		State: state, Attempt: 3, Since: 5,
	}
	if state.Committed() {
		db.Owners[0] = 1
	}
	db.Moves = map[topology.MoveID]*topology.Move{1: m}
	top := &topology.Topology{Epoch: 9, LastMove: 1, Databases: map[string]*topology.Database{"app": db}}
	if err := top.Validate(); err != nil {
		t.Fatal(err)
	}
	return top
}

// TestTransitions: every pair of states, staying in a state among them, is
// allowed or refused as the table says; what is refused names both states.
func TestTransitions(t *testing.T) {
	table := transitions(t)
	if len(table) != len(moveStates()) {
		t.Fatalf("the table has %d states of %d", len(table), len(moveStates()))
	}
	for _, from := range moveStates() {
		allowed, listed := table[from.String()]
		if !listed {
			t.Fatalf("%s is not in the table", from)
		}
		for _, to := range moveStates() {
			top := inState(t, from)
			got := apply(t, top, topology.AdvanceMove{Database: "app", Move: 1, Attempt: 3, From: from, To: to, Since: 5}, 0)
			want := slices.Contains(allowed, to.String())
			switch {
			case want != (got.err == nil):
				t.Errorf("%s to %s: %v, allowed %v", from, to, got.err, want)
			case want:
				checkMoved(t, top, got.top, to)
			case !errors.Is(got.err, topology.ErrTransition),
				!strings.Contains(got.err.Error(), "from "+from.String()+" to "+to.String()):
				t.Errorf("%s to %s: %v", from, to, got.err)
			}
		}
	}
}

// checkMoved holds a transition against what it must do besides: owners change
// at COMMITTED alone, and a new attempt begins at CATCHING_UP alone, where the
// state was not reached by copying.
func checkMoved(t *testing.T, before, after *topology.Topology, to topology.MoveState) {
	t.Helper()
	old, now := before.Databases["app"], after.Databases["app"]
	was, m := old.Moves[1], now.Moves[1]
	if m.State != to || m.Since != after.Epoch {
		t.Errorf("%s to %s: %s since %d at epoch %d", was.State, to, m.State, m.Since, after.Epoch)
	}
	owner := now.Owners[0]
	if want := to == topology.MoveCommitted; (owner != old.Owners[0]) != want || want && owner != 1 {
		t.Errorf("%s to %s: the owner was %d and is %d", was.State, to, old.Owners[0], owner)
	}
	again := to == topology.MoveCatchingUp && was.State != topology.MoveCopying
	if (m.Attempt == was.Attempt+1) != again || !again && m.Attempt != was.Attempt {
		t.Errorf("%s to %s: attempt %d after %d", was.State, to, m.Attempt, was.Attempt)
	}
	reversed := was.State == topology.MoveSoaking && to == topology.MoveCatchingUp
	if m.Reversed != reversed || (m.Source == "pg-2") != reversed || (m.Target == "pg-1") != reversed {
		t.Errorf("%s to %s: from %s to %s, reversed %v", was.State, to, m.Source, m.Target, m.Reversed)
	}
}

// States that are none are refused like any other, from and to.
func TestTransitionsOfNoState(t *testing.T) {
	for _, c := range []topology.AdvanceMove{
		{From: topology.MovePlanned, To: 0}, {From: topology.MovePlanned, To: 200}, {From: 0, To: topology.MovePrepared},
	} {
		c.Database, c.Move, c.Attempt = "app", 1, 3
		if got := apply(t, inState(t, topology.MovePlanned), c, 0); !errors.Is(got.err, topology.ErrTransition) {
			t.Errorf("%s: %v", c, got.err)
		}
	}
}

// An irreversible move goes on to its end, and only that.
func TestIrreversible(t *testing.T) {
	top := inState(t, topology.MoveSoaking)
	top.Databases["app"].Moves[1].Irreversible = true
	reverse := topology.AdvanceMove{Database: "app", Move: 1, Attempt: 3, From: topology.MoveSoaking, To: topology.MoveCatchingUp}
	if got := apply(t, top, reverse, 0); !errors.Is(got.err, topology.ErrTransition) {
		t.Errorf("reversed: %v", got.err)
	}
	clean := reverse
	clean.To = topology.MoveCleaning
	if got := apply(t, top, clean, 0); got.err != nil {
		t.Error(got.err)
	}
}

// Finished moves are remembered, but not for ever.
func TestFinishedMovesAreForgotten(t *testing.T) {
	top := inState(t, topology.MoveDone)
	db := top.Databases["app"]
	done := *db.Moves[1]
	for id := topology.MoveID(2); id <= 1000; id++ {
		m := done
		m.ID = id
		db.Moves[id] = &m
	}
	db.Moves[1].State, top.LastMove = topology.MoveAborting, 1000
	db.Owners[0] = 0
	got := apply(t, top, topology.PlanMoves{Database: "app", Moves: []topology.PlannedMove{
		{Source: "pg-2", Target: "pg-1", Partitions: topology.NewPartitionSet(1)},
	}}, 0)
	if got.err != nil {
		t.Fatal(got.err)
	}
	moves := got.top.Databases["app"].Moves
	if len(moves) != 258 || moves[1] == nil || moves[744] != nil || moves[745] == nil || moves[1001] == nil {
		t.Errorf("%d moves are left", len(moves))
	}
}

func TestPartitionSet(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		draw := func(name string) ([]ring.Partition, topology.PartitionSet) {
			ps := rapid.SliceOf(rapid.Uint32Range(0, 40)).Draw(t, name)
			var partitions []ring.Partition
			for _, p := range ps {
				partitions = append(partitions, ring.Partition(p))
			}
			set := topology.NewPartitionSet(partitions...)
			slices.Sort(partitions)
			return slices.Compact(partitions), set
		}
		a, setA := draw("a")
		b, setB := draw("b")
		if got := slices.Collect(setA.All()); !slices.Equal(got, a) || setA.Len() != len(a) {
			t.Fatalf("%s has %d of %d", setA, got, a)
		}
		common := slices.ContainsFunc(a, func(p ring.Partition) bool { return slices.Contains(b, p) })
		if setA.Overlaps(setB) != common || setB.Overlaps(setA) != common {
			t.Fatalf("%s and %s", setA, setB)
		}
		for p := range ring.Partition(42) {
			if setA.Has(p) != slices.Contains(a, p) {
				t.Fatalf("%s has %d", setA, p)
			}
		}
		for i := 1; i < len(setA); i++ {
			if setA[i].First <= setA[i-1].Last+1 {
				t.Fatalf("%s is not in order", setA)
			}
		}
	})
	if got := topology.NewPartitionSet(3, 1, 2, 9, 3).String(); got != "1-3,9" {
		t.Error(got)
	}
}
