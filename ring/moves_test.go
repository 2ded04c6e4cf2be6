package ring

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// mustPlace places or fails.
func mustPlace(t rapid.TB, count int, members []Member) []int {
	t.Helper()
	owners, err := Place(count, members)
	if err != nil {
		t.Fatal(err)
	}
	return owners
}

// mustPlan plans and checks what holds for every plan: moves are ordered, each
// partition moves once, from its owner to another member that stays, and the
// plan depends neither on the run nor on the order of the members.
func mustPlan(t rapid.TB, owners []int, members []Member) []Move {
	t.Helper()
	before := slices.Clone(owners)
	moves, err := PlanMoves(owners, members)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(before, owners) {
		t.Fatal("the owners were changed")
	}
	for i, m := range moves {
		if i > 0 && moves[i-1].Partition >= m.Partition {
			t.Fatalf("moves are not ordered: %v", moves)
		}
		if owners[m.Partition] != m.From || m.From == m.To || members[m.To].Weight == 0 {
			t.Fatalf("wrong move %+v of a partition owned by %d", m, owners[m.Partition])
		}
	}
	last := len(members) - 1
	reversed := slices.Clone(members)
	slices.Reverse(reversed)
	mirrored := make([]int, len(owners))
	for p, o := range owners {
		mirrored[p] = last - o
	}
	again, err := PlanMoves(mirrored, reversed)
	if err != nil {
		t.Fatal(err)
	}
	for i := range again {
		again[i].From, again[i].To = last-again[i].From, last-again[i].To
	}
	if diff := cmp.Diff(moves, again); diff != "" {
		t.Fatalf("the plan depends on the order of members:\n%s", diff)
	}
	return moves
}

// apply carries out the moves, and checks that there is nothing left to plan.
func apply(t rapid.TB, owners []int, members []Member, moves []Move) []int {
	t.Helper()
	owners = slices.Clone(owners)
	for _, m := range moves {
		owners[m.Partition] = m.To
	}
	if left := mustPlan(t, owners, members); len(left) > 0 {
		t.Fatalf("the plan is not complete: %d moves are left: %v; loads %v", len(left), left, loads(owners, len(members)))
	}
	return owners
}

func TestJoinMovesTheQuota(t *testing.T) {
	for _, n := range []int{1, 2, 3, 4, 7, 32} {
		t.Run(fmt.Sprintf("%d+1", n), func(t *testing.T) {
			members := equalMembers(n + 1)
			owners := mustPlace(t, 4096, members[:n])
			moves := mustPlan(t, owners, members)
			for _, m := range moves {
				if m.To != n {
					t.Fatalf("move to an old member: %+v", m)
				}
			}
			quotas, err := Quotas(4096, members)
			if err != nil {
				t.Fatal(err)
			}
			if len(moves) != quotas[n] {
				t.Errorf("%d moves, quota %d", len(moves), quotas[n])
			}
			load := loads(apply(t, owners, members, moves), n+1)
			if slices.Max(load)-slices.Min(load) > 1 {
				t.Errorf("uneven loads %v", load)
			}
		})
	}
}

// Most of what a new member receives is what the ring prefers on it.
func TestJoinFollowsTheRing(t *testing.T) {
	members := equalMembers(5)
	moves := mustPlan(t, mustPlace(t, 4096, members[:4]), members)
	pref := newPreference(4096, members, upTo(5))
	liked := 0
	for _, m := range moves {
		if pref.first(int(m.Partition)) == m.To {
			liked++
		}
	}
	if liked < len(moves)/2 {
		t.Errorf("the ring prefers only %d of %d moves", liked, len(moves))
	}
}

func TestLeaveMovesTheLeaversOnly(t *testing.T) {
	for _, n := range []int{2, 3, 5, 32} {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			members := equalMembers(n)
			owners := mustPlace(t, 4096, members)
			members[1].Weight = 0
			moves := mustPlan(t, owners, members)
			for _, m := range moves {
				if m.From != 1 {
					t.Fatalf("move from a member that stays: %+v", m)
				}
			}
			load := loads(apply(t, owners, members, moves), n)
			if load[1] != 0 {
				t.Fatalf("the leaver keeps %d", load[1])
			}
			load = slices.Delete(load, 1, 2)
			if slices.Max(load)-slices.Min(load) > 1 {
				t.Errorf("uneven loads %v", load)
			}
		})
	}
}

func TestWeightChange(t *testing.T) {
	members := equalMembers(3)
	owners := mustPlace(t, 4096, members)
	members[2].Weight = 2
	moves := mustPlan(t, owners, members)
	for _, m := range moves {
		if m.To != 2 {
			t.Errorf("move away from where the weight grew: %+v", m)
		}
	}
	quotas, err := Quotas(4096, members)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(quotas, loads(apply(t, owners, members, moves), 3)); diff != "" {
		t.Errorf("loads (-quotas +got):\n%s", diff)
	}
}

func TestAdoptedAndInterrupted(t *testing.T) {
	tests := []struct {
		name  string
		load  []int
		want  []int
		moves int
	}{
		{"adopted: one member owns all", []int{4096, 0, 0, 0}, []int{1024, 1024, 1024, 1024}, 3072},
		{"a join that was interrupted", []int{1800, 1800, 496}, []int{1365, 1365, 1366}, 869},
		{"interrupted, and another joins", []int{1800, 1800, 496, 0}, []int{1024, 1024, 1024, 1024}, 1552},
		{"a few moved by hand stay", []int{1344, 1386, 1366}, []int{1344, 1386, 1366}, 0},
		{"a few moved by hand stay through a join", []int{1386, 1344, 1366, 0}, []int{1024, 1024, 1024, 1024}, 1024},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var owners []int
			for m, n := range tt.load {
				owners = append(owners, slices.Repeat([]int{m}, n)...)
			}
			members := equalMembers(len(tt.load))
			moves := mustPlan(t, owners, members)
			got := loads(apply(t, owners, members, moves), len(members))
			slices.Sort(got)
			slices.Sort(tt.want)
			if diff := cmp.Diff(tt.want, got); diff != "" || len(moves) != tt.moves {
				t.Errorf("%d moves, want %d; loads (-want +got):\n%s", len(moves), tt.moves, diff)
			}
		})
	}
}

// Equal weights, any sequence of joins and leaves: each join moves exactly the
// quota from old to new, each leave only what the leaver had, and the largest
// load stays within ceil(1.05 x average).
func TestEqualWeightsHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		count := drawCount(t)
		members := equalMembers(rapid.IntRange(1, 12).Draw(t, "members"))
		owners := mustPlace(t, count, members)
		next := len(members) + 1
		for range rapid.IntRange(1, 6).Draw(t, "steps") {
			if len(members) > 1 && rapid.Bool().Draw(t, "leave") {
				leaver := rapid.IntRange(0, len(members)-1).Draw(t, "leaver")
				members, owners = leave(t, owners, members, leaver)
			} else {
				name := fmt.Sprintf("pg-%d", next)
				if rapid.Bool().Draw(t, "early name") {
					name = fmt.Sprintf("a-%d", next)
				}
				next++
				members, owners = join(t, owners, members, Member{name, 1})
			}
			load := loads(owners, len(members))
			if most, n := slices.Max(load), len(members); most > (count*105+n*100-1)/(n*100) || most-slices.Min(load) > 1 {
				t.Fatalf("uneven loads %v of %d", load, count)
			}
		}
	})
}

// The same with weights: joins and leaves stay minimal, and every load stays
// within 5 % of its share, rounded.
func TestWeightsHistory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		count := drawCount(t)
		members := drawMembers(t, 8)
		members = slices.DeleteFunc(members, func(m Member) bool { return m.Weight == 0 })
		owners := mustPlace(t, count, members)
		for step := range rapid.IntRange(1, 5).Draw(t, "steps") {
			switch kind := rapid.IntRange(0, 2).Draw(t, "kind"); {
			case kind == 0:
				weight := rapid.IntRange(1, 10).Draw(t, "weight") * members[0].Weight
				members, owners = planned(t, owners, append(slices.Clone(members), Member{fmt.Sprint("new ", step), min(weight, MaxWeight)}))
			case kind == 1 && len(members) > 1:
				leaver := rapid.IntRange(0, len(members)-1).Draw(t, "leaver")
				leaving := slices.Clone(members)
				leaving[leaver].Weight = 0
				_, owners = planned(t, owners, leaving)
				members, owners = forget(t, owners, members, leaver)
			default:
				changed := slices.Clone(members)
				changed[0].Weight = rapid.IntRange(1, MaxWeight).Draw(t, "weight")
				members, owners = planned(t, owners, changed)
			}
			total := 0
			for _, m := range members {
				total += m.Weight
			}
			for i, l := range loads(owners, len(members)) {
				share := count * members[i].Weight
				if l < share*95/(total*100) || l > (share*105+total*100-1)/(total*100) {
					t.Fatalf("member %d has %d, its share is %d/%d", i, l, share, total)
				}
			}
		}
	})
}

// planned makes a plan, checks that it is minimal (nobody both gives and
// receives), and carries it out.
func planned(t rapid.TB, owners []int, members []Member) ([]Member, []int) {
	t.Helper()
	moves := mustPlan(t, owners, members)
	gives, receives := map[int]bool{}, map[int]bool{}
	for _, m := range moves {
		gives[m.From], receives[m.To] = true, true
	}
	for m := range gives {
		if receives[m] {
			t.Fatalf("member %d gives and receives", m)
		}
	}
	return members, apply(t, owners, members, moves)
}

func join(t rapid.TB, owners []int, members []Member, newcomer Member) ([]Member, []int) {
	t.Helper()
	members = append(slices.Clone(members), newcomer)
	moves := mustPlan(t, owners, members)
	quotas, err := Quotas(len(owners), members)
	if err != nil {
		t.Fatal(err)
	}
	if len(moves) != quotas[len(members)-1] {
		t.Fatalf("join moves %d, quota %d", len(moves), quotas[len(members)-1])
	}
	for _, m := range moves {
		if m.To != len(members)-1 {
			t.Fatalf("join moves between old members: %+v", m)
		}
	}
	return members, apply(t, owners, members, moves)
}

func leave(t rapid.TB, owners []int, members []Member, leaver int) ([]Member, []int) {
	t.Helper()
	leaving := slices.Clone(members)
	leaving[leaver].Weight = 0
	moves := mustPlan(t, owners, leaving)
	for _, m := range moves {
		if m.From != leaver {
			t.Fatalf("leave moves between members that stay: %+v", m)
		}
	}
	return forget(t, apply(t, owners, leaving, moves), members, leaver)
}

// forget drops a member that owns nothing and numbers the owners anew.
func forget(t rapid.TB, owners []int, members []Member, leaver int) ([]Member, []int) {
	t.Helper()
	owners = slices.Clone(owners)
	for p, o := range owners {
		if o == leaver {
			t.Fatalf("partition %d is still on the leaver", p)
		}
		if o > leaver {
			owners[p]--
		}
	}
	return slices.Delete(slices.Clone(members), leaver, leaver+1), owners
}
