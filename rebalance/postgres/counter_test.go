package postgres

import (
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"

	"shardproxy/meta/topology"
)

func TestCounter(t *testing.T) {
	base := Counter{Name: topology.TableName{Schema: "s", Name: "q"}, Start: 1, Increment: 1, Min: 1, Max: math.MaxInt64, Limit: math.MaxInt64, Last: 1}
	with := func(f func(c *Counter)) Counter { c := base; f(&c); return c }
	tests := map[string]struct {
		counter Counter
		above   int64
		class   string
		ahead   string
		err     error
	}{
		"fresh":          {base, 0, `ALTER SEQUENCE "s"."q" INCREMENT BY 64 START WITH 3 RESTART WITH 3`, "", nil},
		"others counted": {base, 130, `ALTER SEQUENCE "s"."q" INCREMENT BY 64 START WITH 3 RESTART WITH 131`, `ALTER SEQUENCE "s"."q" RESTART WITH 131`, nil},
		"in class": {
			with(func(c *Counter) { c.Start, c.Increment, c.Last, c.Called = 3, 64, 131, true }), 131, "", "", nil,
		},
		"in class and behind": {
			with(func(c *Counter) { c.Start, c.Increment, c.Last, c.Called = 3, 64, 131, true }), 132,
			`ALTER SEQUENCE "s"."q" INCREMENT BY 64 START WITH 3 RESTART WITH 195`, `ALTER SEQUENCE "s"."q" RESTART WITH 133`, nil,
		},
		"home's class": {
			with(func(c *Counter) { c.Start, c.Increment, c.Last = 64, 64, 64 }), 63,
			`ALTER SEQUENCE "s"."q" INCREMENT BY 64 START WITH 67 RESTART WITH 67`, "", nil,
		},
		"narrow column": {with(func(c *Counter) { c.Limit = 100 }), 90, "", `ALTER SEQUENCE "s"."q" RESTART WITH 91`, ErrExhausted},
		"all used":      {base, math.MaxInt64, "", "", ErrExhausted},
	}
	for name, test := range tests {
		class, err := test.counter.IntoClass(3, 64, test.above)
		if class != test.class || !errors.Is(err, test.err) {
			t.Errorf("%s: IntoClass: %q, %v", name, class, err)
		}
		ahead, err := test.counter.Ahead(test.above)
		if ahead != test.ahead || (err != nil) != (name == "all used") {
			t.Errorf("%s: Ahead: %q, %v", name, ahead, err)
		}
	}
	if _, err := base.IntoClass(64, 64, 0); !errors.Is(err, ErrExhausted) {
		t.Errorf("a slot without a class: %v", err)
	}
}

// A counter that is left as it is counts in its class, above the number.
func TestIntoClassLeavesOnlyWhatIsRight(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		small := rapid.Int64Range(-500, 500)
		c := Counter{
			Start: small.Draw(t, "start"), Increment: rapid.SampledFrom([]int64{1, 64, 1024}).Draw(t, "increment"),
			Min: math.MinInt64, Max: math.MaxInt64, Limit: math.MaxInt64,
			Last: small.Draw(t, "last"), Called: rapid.Bool().Draw(t, "called"),
		}
		slot, above := topology.Slot(rapid.IntRange(0, 63).Draw(t, "slot")), small.Draw(t, "above")
		sql, err := c.IntoClass(slot, 64, above)
		if err != nil {
			t.Fatal(err)
		}
		next := c.Last
		if c.Called {
			next += c.Increment
		}
		if sql == "" && (c.Increment != 64 || !topology.InClass(next, slot, 64) || next <= above || !topology.InClass(c.Start, slot, 64)) {
			t.Fatalf("%+v is left, though above %d", c, above)
		}
	})
}
