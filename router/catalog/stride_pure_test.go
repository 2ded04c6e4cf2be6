package catalog

import (
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"

	"shardproxy/meta/topology"
)

func TestIntoClass(t *testing.T) {
	name := topology.TableName{Schema: "s", Name: "q"}
	fresh := counterState{last: 1, increment: 1, start: 1, min: 1, max: math.MaxInt64}
	with := func(change func(*counterState)) counterState {
		c := fresh
		change(&c)
		return c
	}
	tests := []struct {
		name    string
		counter counterState
		slot    topology.Slot
		stride  int64
		largest int64
		limit   int64
		want    string
		err     error
	}{
		{"fresh, slot 1", fresh, 1, 1024, 0, math.MaxInt64, `ALTER SEQUENCE "s"."q" INCREMENT BY 1024 START WITH 1 RESTART WITH 1`, nil},
		{"fresh, slot 0", fresh, 0, 1024, 0, math.MaxInt64, `ALTER SEQUENCE "s"."q" INCREMENT BY 1024 START WITH 1024 RESTART WITH 1024`, nil},
		{"above the largest id", fresh, 2, 64, 130, math.MaxInt32, `ALTER SEQUENCE "s"."q" INCREMENT BY 64 START WITH 2 RESTART WITH 194`, nil},
		{"on the largest id", fresh, 2, 64, 194, math.MaxInt32, `ALTER SEQUENCE "s"."q" INCREMENT BY 64 START WITH 2 RESTART WITH 258`, nil},
		{"negative ids only", fresh, 2, 64, -5, math.MaxInt32, `ALTER SEQUENCE "s"."q" INCREMENT BY 64 START WITH 2 RESTART WITH 2`, nil},
		{"start asked for", with(func(c *counterState) { c.start, c.last = 5000, 5000 }), 1, 1024, 4999, math.MaxInt64, `ALTER SEQUENCE "s"."q" INCREMENT BY 1024 START WITH 5121 RESTART WITH 5121`, nil},
		{"in class", with(func(c *counterState) { c.increment = 64; c.last = 66; c.start = 2 }), 2, 64, 1000, math.MaxInt32, "", nil},
		{"only its start is out", with(func(c *counterState) { c.increment = 64; c.last = 66 }), 2, 64, 1000, math.MaxInt32, `ALTER SEQUENCE "s"."q" INCREMENT BY 64 START WITH 2`, nil},
		{"counter set by hand", with(func(c *counterState) { c.increment, c.start, c.last, c.called = 64, 2, 100, true }), 2, 64, 100, math.MaxInt32, `ALTER SEQUENCE "s"."q" INCREMENT BY 64 START WITH 2 RESTART WITH 130`, nil},
		{"slot beyond the stride", fresh, 64, 64, 0, math.MaxInt64, "", errExhausted},
		{"column is full", fresh, 1, 64, math.MaxInt32 - 3, math.MaxInt32, "", errExhausted},
		{"sequence is full", with(func(c *counterState) { c.max = 100 }), 1, 64, 70, math.MaxInt32, "", errExhausted},
		{"nothing is larger", fresh, 1, 64, math.MaxInt64, math.MaxInt64, "", errExhausted},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := intoClass(name, tt.counter, tt.slot, tt.stride, tt.largest, tt.limit)
			if got != tt.want || !errors.Is(err, tt.err) {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestAhead(t *testing.T) {
	name := topology.TableName{Schema: "s", Name: "q"}
	c := counterState{last: 10, called: true, increment: 1, start: 1, min: 1, max: 1000}
	tests := []struct {
		name    string
		largest int64
		limit   int64
		want    string
		err     error
	}{
		{"is ahead", 10, 1000, "", nil},
		{"is behind", 11, 1000, `ALTER SEQUENCE "s"."q" RESTART WITH 12`, nil},
		{"exhausted", 1000, 5000, "", errExhausted},
		{"column exhausted", 100, 100, "", errExhausted},
	}
	for _, tt := range tests {
		got, err := ahead(name, c, tt.largest, tt.limit)
		if got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%s: got %q, %v", tt.name, got, err)
		}
	}
	c.increment = -1
	if got, err := ahead(name, c, 11, 1000); got != "" || err != nil {
		t.Errorf("downwards: %q, %v", got, err)
	}
}

// Numbers a sequence has given out are never below what used says.
func TestUsed(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		last := rapid.Int64().Draw(t, "last")
		s := Sequence{Last: last, Called: rapid.Bool().Draw(t, "called")}
		if used := s.used(); used > last || s.Called && used != last {
			t.Fatalf("used %d", used)
		}
	})
	if s := (Sequence{Last: math.MinInt64}); s.used() != math.MinInt64 {
		t.Errorf("used %d", s.used())
	}
}
