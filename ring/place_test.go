package ring

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestQuotas(t *testing.T) {
	tests := []struct {
		name    string
		count   int
		members []Member
		want    []int
	}{
		{"one", 4096, equalMembers(1), []int{4096}},
		{"four", 4096, equalMembers(4), []int{1024, 1024, 1024, 1024}},
		{"three: the smaller name gets the rest", 4096, []Member{{"c", 1}, {"b", 1}, {"a", 1}}, []int{1365, 1365, 1366}},
		{"weights", 4096, []Member{{"a", 2}, {"b", 1}, {"c", 1}}, []int{2048, 1024, 1024}},
		{"largest remainder", 8, []Member{{"a", 100}, {"b", 55}, {"c", 45}}, []int{4, 2, 2}},
		{"a leaving member", 4096, []Member{{"a", 1}, {"b", 0}, {"c", 1}}, []int{2048, 0, 2048}},
		{"more members than partitions", 2, equalMembers(3), []int{1, 1, 0}},
		{"a small weight", 16, []Member{{"a", MaxWeight}, {"b", 1}}, []int{16, 0}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := Quotas(tt.count, tt.members)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestBadMembers(t *testing.T) {
	tests := []struct {
		name    string
		count   int
		members []Member
		is      error
	}{
		{"no members", 4096, nil, ErrNoMember},
		{"all leaving", 4096, []Member{{"a", 0}, {"b", 0}}, ErrNoMember},
		{"no name", 4096, []Member{{"", 1}}, nil},
		{"one name twice", 4096, []Member{{"a", 1}, {"b", 1}, {"a", 2}}, nil},
		{"negative weight", 4096, []Member{{"a", 2}, {"b", -1}}, nil},
		{"weight too large", 4096, []Member{{"a", MaxWeight + 1}}, nil},
		{"too many", 4096, equalMembers(MaxMembers + 1), nil},
		{"bad count", 100, equalMembers(1), nil},
		{"no partitions", 0, equalMembers(1), nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, errQuotas := Quotas(tt.count, tt.members)
			_, errPlace := Place(tt.count, tt.members)
			_, errPlan := PlanMoves(make([]int, tt.count), tt.members)
			for _, err := range []error{errQuotas, errPlace, errPlan} {
				if err == nil || (tt.is != nil && !errors.Is(err, tt.is)) {
					t.Errorf("error %v, want %v", err, tt.is)
				}
			}
		})
	}
	for _, owner := range []int{-1, 1} {
		if _, err := PlanMoves([]int{owner}, equalMembers(1)); err == nil {
			t.Errorf("owner %d of one member is accepted", owner)
		}
	}
}

// drawMembers draws 1 to most members, at least one of them with a weight.
func drawMembers(t *rapid.T, most int) []Member {
	names := rapid.SliceOfNDistinct(rapid.OneOf(
		rapid.StringMatching(`pg-[1-9][0-9]?`), rapid.StringN(1, 8, -1)),
		1, most, rapid.ID).Draw(t, "names")
	weight := rapid.OneOf(rapid.Just(1), rapid.IntRange(0, 10), rapid.IntRange(0, MaxWeight))
	members := make([]Member, len(names))
	for i, name := range names {
		members[i] = Member{Name: name, Weight: weight.Draw(t, "weight")}
	}
	if i := rapid.IntRange(0, len(members)-1).Draw(t, "weighty"); members[i].Weight == 0 {
		members[i].Weight = 1
	}
	return members
}

// drawCount draws a number of partitions.
func drawCount(t *rapid.T) int { return 1 << rapid.IntRange(0, 11).Draw(t, "log2 count") }

func TestPlaceProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		count, members := drawCount(t), drawMembers(t, 40)
		quotas, err := Quotas(count, members)
		if err != nil {
			t.Fatal(err)
		}
		owners, err := Place(count, members)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(quotas, loads(owners, len(members))); diff != "" {
			t.Fatalf("loads are not the quotas (-quotas +loads):\n%s", diff)
		}
		total, sum := 0, 0
		for _, m := range members {
			total += m.Weight
		}
		for i, q := range quotas {
			sum += q
			if share := count * members[i].Weight; q < share/total || q > (share+total-1)/total {
				t.Fatalf("quota %d of member %d: share %d/%d", q, i, share, total)
			}
		}
		if sum != count {
			t.Fatalf("quotas add up to %d of %d", sum, count)
		}
		order := rapid.Permutation(upTo(len(members))).Draw(t, "order")
		shuffled := make([]Member, len(members))
		for i, m := range order {
			shuffled[i] = members[m]
		}
		again, err := Place(count, shuffled)
		if err != nil {
			t.Fatal(err)
		}
		for p := range again {
			again[p] = order[again[p]]
		}
		if diff := cmp.Diff(owners, again); diff != "" {
			t.Fatalf("placement depends on the order of members (-want +got):\n%s", diff)
		}
	})
}

func upTo(n int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = i
	}
	return s
}

// Most partitions are where the ring prefers them, and not all numbers next to
// each other: a table of neighbours would be a sign that the ring is not asked.
func TestPlaceFollowsTheRing(t *testing.T) {
	members := equalMembers(8)
	owners, err := Place(4096, members)
	if err != nil {
		t.Fatal(err)
	}
	pref := newPreference(4096, members, upTo(8))
	liked, neighbours := 0, 0
	for p, o := range owners {
		if pref.first(p) == o {
			liked++
		}
		if p > 0 && owners[p-1] == o {
			neighbours++
		}
	}
	if liked < 4096*3/4 {
		t.Errorf("only %d of 4096 partitions are where the ring prefers them", liked)
	}
	if neighbours > 4096/4 {
		t.Errorf("%d of 4096 partitions follow one of the same owner", neighbours)
	}
}

// The placement of a fresh database must be the same in every version: peers of
// two versions plan for one topology.
func TestPlaceIsStable(t *testing.T) {
	owners, err := Place(16, []Member{{"pg-1", 1}, {"pg-2", 1}, {"pg-3", 2}})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int{2, 2, 1, 0, 1, 0, 1, 1, 2, 0, 2, 2, 2, 2, 0, 2}, owners); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// Names that are prefixes of each other share no points on the ring.
func TestPreferenceOfSimilarNames(t *testing.T) {
	members := equalMembers(20) // pg-1 and pg-11, pg-2 and pg-20
	pref := newPreference(4096, members, upTo(20))
	liked := make([]int, 20)
	for p := range 4096 {
		liked[pref.first(p)]++
	}
	if least := slices.Min(liked); least < 4096/20/4 {
		t.Errorf("the ring prefers some member for %d partitions only: %v", least, liked)
	}
}

// Many members, more members than partitions, and the largest ring there can be.
func TestManyMembers(t *testing.T) {
	for _, size := range []struct{ count, members int }{{1, 2}, {1, 100}, {64, 200}, {4096, 200}, {512, MaxMembers}} {
		t.Run(fmt.Sprintf("%d on %d", size.count, size.members), func(t *testing.T) {
			owners := mustPlace(t, size.count, equalMembers(size.members))
			if most := slices.Max(loads(owners, size.members)); most > (size.count+size.members-1)/size.members {
				t.Errorf("one member has %d", most)
			}
		})
	}
}
