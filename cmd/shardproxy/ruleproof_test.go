package main

import (
	"context"
	"errors"
	"testing"
	"time"

	"shardproxy/meta/topology"
)

// drains reports that nothing is under way for each armed change, until the test ends.
func (n *nodes) drains() {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			if db := n.database(); db.Armed != nil {
				n.store.Drained("app", db.Armed.ID)
			}
			time.Sleep(time.Millisecond)
		}
	}()
	n.t.Cleanup(func() {
		cancel()
		<-done
	})
}

// TestRulesProved: rules are set only if they mean behind the hold what they meant
// when they were resolved: a row may have come meanwhile.
func TestRulesProved(t *testing.T) {
	rules := topology.Rules{Global: []string{"a"}}
	anotherTable := func(s *topology.SetRules) { s.Schema.Changed = []*topology.Relation{table("a", "kept, it has rows")} }
	failure := errors.New("a node is down")
	tests := []struct {
		name   string
		batch  bool
		change func(*topology.SetRules)
		fails  error
		made   bool
	}{
		{"same", false, func(*topology.SetRules) {}, nil, true},
		{"same, in a batch", true, func(*topology.SetRules) {}, nil, true},
		{"rows have come", false, anotherTable, nil, false},
		{"rows have come, in a batch", true, anotherTable, nil, false},
		{"not resolved", false, func(*topology.SetRules) {}, failure, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			n := newNodes(t, table("a"))
			n.drains()
			placed := table("a")
			placed.Placement, placed.Key = topology.Global, topology.Key{}
			decided := topology.SetRules{Database: "app", Rules: rules, Schema: topology.SchemaChange{
				OnSchemaEpoch: n.database().SchemaEpoch, Changed: []*topology.Relation{placed},
			}}
			c := &changer{store: n.store, resolve: func(_ context.Context, armed *topology.Topology, database string, r topology.Rules) (topology.SetRules, error) {
				if armed.Databases[database].Armed == nil || len(r.Global) != 1 {
					t.Errorf("resolved with nothing held, or other rules: %+v", r)
				}
				now := decided
				test.change(&now)
				return now, test.fails
			}}
			var command topology.Command = decided
			if test.batch {
				var err error
				if command, err = topology.Batch(decided, topology.SetPool{Database: "app", Pool: topology.Pool{Max: 3}}); err != nil {
					t.Fatal(err)
				}
			}
			_, err := c.Change(t.Context(), n.store.Current().Epoch, command)
			var conflict *topology.Conflict
			if (err == nil) != test.made || test.fails != nil && !errors.Is(err, test.fails) || test.fails == nil && !test.made && !errors.As(err, &conflict) {
				t.Errorf("error %v", err)
			}
			db := n.database()
			if made := len(db.Rules.Global) == 1; made != test.made || db.Armed != nil {
				t.Errorf("made %v, armed %v", made, db.Armed)
			}
		})
	}
}
