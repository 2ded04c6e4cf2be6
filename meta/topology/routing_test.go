package topology_test

import (
	"testing"

	"shardproxy/meta/topology"
)

func TestRoutingAndHold(t *testing.T) {
	db := database()
	db.Relations[public("gone")] = &topology.Relation{Name: public("gone"), Placement: topology.Refused, Reason: "x"}
	db.Relations[public("kept")] = &topology.Relation{
		Name: public("kept"), Placement: topology.Refused, Reason: "x", Was: topology.Placed{Placement: topology.Global},
	}
	top := &topology.Topology{Epoch: 1, Databases: map[string]*topology.Database{"app": db}}
	schema := func(change func(rel *topology.Relation), name string) topology.SetSchema {
		rel := *db.Relations[public(name)]
		change(&rel)
		return topology.SetSchema{Database: "app", SchemaChange: topology.SchemaChange{Changed: []*topology.Relation{&rel}}}
	}
	batch := func(commands ...topology.Command) topology.Command {
		all, err := topology.Batch(commands...)
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	dsn, weight := "x", 3
	added := topology.Relation{Name: public("added"), Placement: topology.Global}
	newTable := topology.SetSchema{Database: "app", SchemaChange: topology.SchemaChange{Changed: []*topology.Relation{&added}}}
	none := func(*topology.Relation) {}

	tests := []struct {
		name          string
		c             topology.Command
		routing, hold bool
	}{
		{"user", topology.SetUser{}, false, false},
		{"flag", topology.SetFlag{}, false, false},
		{"peer", topology.PeerStarted{}, false, false},
		{"pool", topology.SetPool{Database: "app"}, false, false},
		{"pause", topology.Pause{Database: "app"}, true, true},
		{"unpause", topology.Unpause{Database: "app"}, false, false},
		{"create", topology.CreateDatabase{}, true, false},
		{"drop", topology.DropDatabase{Database: "app"}, true, true},
		{"drop what there is not", topology.DropDatabase{Database: "x"}, true, false},
		{"rules", topology.SetRules{Database: "app"}, true, true},
		{"add node", topology.AddNode{Database: "app"}, true, true},
		{"remove node", topology.RemoveNode{Database: "app"}, true, true},
		{"owners", topology.SetOwners{Database: "app"}, true, true},
		{"node's DSN", topology.SetNode{Database: "app", DSN: &dsn}, true, false},
		{"node's UID", topology.SetNode{Database: "app", UID: &dsn}, true, false},
		{"node's weight", topology.SetNode{Database: "app", Weight: &weight}, false, false},
		{"new table", newTable, true, false},
		{"table is gone", topology.SetSchema{Database: "app", SchemaChange: topology.SchemaChange{Removed: []topology.TableName{public("log")}}}, true, false},
		{"new column", schema(func(r *topology.Relation) { r.Columns = append(r.Columns, topology.Column{Name: "x"}) }, "users"), true, false},
		{"new view text", schema(func(r *topology.Relation) { r.ViewText = "SELECT 2" }, "v"), true, false},
		{"nil", topology.SetSchema{Database: "app", SchemaChange: topology.SchemaChange{Changed: []*topology.Relation{nil}}}, true, false},
		{"placement", schema(func(r *topology.Relation) { r.Placement = topology.Reference }, "log"), true, true},
		{"refused from now on", schema(func(r *topology.Relation) { r.Placement = topology.Refused }, "log"), true, false},
		{"refused before", schema(func(r *topology.Relation) { r.Placement = topology.Global }, "gone"), true, false},
		{"key column", schema(func(r *topology.Relation) { r.Key.Column = "email" }, "users"), true, true},
		{"key kind", schema(func(r *topology.Relation) { r.Key.Kind = "project" }, "users"), true, true},
		{"the same", schema(none, "users"), true, false},
		{"moves", topology.PlanMoves{Database: "app"}, false, false},
		{"a move's step", topology.AdvanceMove{Database: "app"}, true, false},
		{"arm", topology.Arm{Database: "app"}, true, false},
		{"commit", topology.CommitArmed{Database: "app"}, true, false},
		{"restore", topology.Restore{}, true, false},
		{"batch of cosmetics", batch(topology.SetUser{}, topology.SetFlag{}), false, false},
		{"batch with a table", batch(topology.SetUser{}, newTable), true, false},
		{"batch with owners", batch(newTable, topology.SetOwners{Database: "app"}), true, true},
		{"batch that cannot be read", topology.SetAll{Commands: []topology.Entry{[]byte("x")}}, false, false},
	}
	for _, tt := range tests {
		if got := topology.IsRouting(tt.c); got != tt.routing {
			t.Errorf("%s: routing %v", tt.name, got)
		}
		if got := topology.NeedsHold(top, tt.c); got != tt.hold {
			t.Errorf("%s: hold %v", tt.name, got)
		}
	}
}

func TestFlagTable(t *testing.T) {
	last := ""
	for _, f := range topology.FlagTable() {
		if f.Name <= last || f.Help == "" {
			t.Errorf("%s after %s, or without help", f.Name, last)
		}
		last = f.Name
		for _, value := range []string{f.Default, f.Min, f.Max} {
			if got, err := f.Canonical(value); err != nil || got != value {
				t.Errorf("%s: %s is %s, %v", f.Name, value, got, err)
			}
		}
		if f.Type.String() == "unknown" {
			t.Errorf("%s has type %d", f.Name, f.Type)
		}
	}
	top := &topology.Topology{Flags: map[string]string{topology.FlagMaxVoters: "3", topology.FlagHoldBudget: "2s"}}
	if top.FlagInt(topology.FlagMaxVoters) != 3 || top.FlagDuration(topology.FlagHoldBudget).Seconds() != 2 ||
		top.FlagDuration(topology.FlagReportTimeout).Seconds() != 3 || top.FlagValue("colour") != "" {
		t.Errorf("flags %v", top.Flags)
	}
}

func TestFreeSlot(t *testing.T) {
	db := database()
	if slot, ok := db.FreeSlot(); slot != 2 || !ok {
		t.Error(slot, ok)
	}
	db.Sequences[public("n")] = topology.Sequence{Name: public("n"), Mode: topology.SequenceStrided, Stride: 3}
	db.Nodes = append(db.Nodes, topology.Node{ID: "pg-9", Slot: 9})
	if slot, ok := db.FreeSlot(); slot != 2 || !ok {
		t.Error(slot, ok)
	}
	db.Nodes = append(db.Nodes, topology.Node{ID: "pg-3", Slot: 2})
	if slot, ok := db.FreeSlot(); ok {
		t.Error(slot, ok)
	}
}

func TestOwnerRuns(t *testing.T) {
	db := database() // owners 0 1 1 0 0
	runs := db.OwnerRuns([]topology.NodeIndex{1, 1, 0, 1, 1})
	top := &topology.Topology{Databases: map[string]*topology.Database{"app": db}}
	got := apply(t, top, topology.SetOwners{Database: "app", Owners: runs}, 0)
	if got.err != nil || len(runs) != 3 || runs[2] != (topology.OwnerRun{First: 3, Last: 4, Node: "pg-2"}) {
		t.Fatal(got.err, runs)
	}
	for p, want := range []topology.NodeIndex{1, 1, 0, 1, 1} {
		if now := got.top.Databases["app"].Owners[p]; now != want {
			t.Errorf("partition %d is owned by %d", p, now)
		}
	}
	if runs := db.OwnerRuns(db.Owners); runs != nil {
		t.Error(runs)
	}
}

func TestOldestCommands(t *testing.T) {
	top := &topology.Topology{}
	if top.OldestCommands() != topology.CommandVersion {
		t.Error("without peers")
	}
	top.Peers = map[topology.PeerID]*topology.Peer{"a": {Commands: 99}, "b": {Commands: 0}}
	if top.OldestCommands() != 0 {
		t.Error(top.OldestCommands())
	}
	top.Peers["b"].Commands = 98
	if top.OldestCommands() != topology.CommandVersion {
		t.Error(top.OldestCommands())
	}
}

func TestDatabaseOf(t *testing.T) {
	batch := func(commands ...topology.Command) topology.Command {
		all, err := topology.Batch(commands...)
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	for want, list := range map[string][]topology.Command{
		"app": {
			topology.DropDatabase{Database: "app"},
			topology.SetSchema{Database: "app"},
			topology.SetRules{Database: "app"},
			topology.AddNode{Database: "app"},
			topology.SetNode{Database: "app"},
			topology.RemoveNode{Database: "app"},
			topology.SetOwners{Database: "app"},
			topology.Pause{Database: "app"},
			topology.Unpause{Database: "app"},
			topology.Arm{Database: "app"},
			topology.CommitArmed{Database: "app"},
			topology.Disarm{Database: "app"},
			topology.AdvanceMove{Database: "app"},
			topology.CreateDatabase{Database: &topology.Database{Name: "app"}},
			batch(topology.SetUser{}, topology.AddNode{Database: "app"}, topology.SetFlag{}, topology.SetOwners{Database: "app"}),
		},
		"": {
			topology.SetUser{},
			topology.SetPool{Database: "app"},
			topology.CreateDatabase{},
			topology.Restore{},
			topology.PlanMoves{Database: "app"},
			batch(topology.SetUser{}),
			batch(topology.AddNode{Database: "app"}, topology.AddNode{Database: "b"}),
			topology.SetAll{Commands: []topology.Entry{[]byte("x")}},
		},
	} {
		for _, c := range list {
			if got := topology.DatabaseOf(c); got != want {
				t.Errorf("%s: %q, want %q", c, got, want)
			}
		}
	}
}
