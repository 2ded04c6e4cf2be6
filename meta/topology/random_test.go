package topology_test

import (
	"bytes"
	"errors"
	"testing"

	"pgregory.net/rapid"

	"shardproxy/meta/topology"
	"shardproxy/ring"
)

// TestApplyIsDeterministic: two peers that apply the same entries have equal
// bytes and the same refusals, though one of them is restarted from a snapshot
// now and then.
func TestApplyIsDeterministic(t *testing.T) {
	outcomes := make(map[string]int)
	rapid.Check(t, func(t *rapid.T) {
		one, two := start(t), start(t)
		for i := range rapid.IntRange(1, 120).Draw(t, "length") {
			if rapid.IntRange(0, 9).Draw(t, "restart") == 0 {
				var err error
				if two, err = topology.Decode(encodeRapid(t, two)); err != nil {
					t.Fatal(err)
				}
			}
			entry := drawEntry(t, one)
			next, err := topology.Apply(one, entry)
			nextTwo, errTwo := topology.Apply(two, entry)
			if (err == nil) != (errTwo == nil) || err != nil && err.Error() != errTwo.Error() {
				t.Fatalf("%s: %v and %v", entry, err, errTwo)
			}
			if (next == one) != (nextTwo == two) || err != nil && next != one {
				t.Fatalf("%s: one changed and the other did not", entry)
			}
			checkStep(t, one, next)
			outcomes[outcome(one, next, err)]++
			one, two = next, nextTwo
			if i%8 == 0 && !bytes.Equal(encodeRapid(t, one), encodeRapid(t, two)) {
				t.Fatalf("%s: the peers differ", entry)
			}
		}
		if !bytes.Equal(encodeRapid(t, one), encodeRapid(t, two)) {
			t.Fatal("the peers differ in the end")
		}
	})
	// The sequences are worth something only if they do something.
	for _, o := range []string{"changed", "unchanged", "conflict", "refused", "committed", "armed"} {
		if outcomes[o] < 5 {
			t.Errorf("%s: %d times only, of %v", o, outcomes[o], outcomes)
		}
	}
}

func outcome(old, next *topology.Topology, err error) string {
	var conflict *topology.Conflict
	switch db := next.Databases["app"]; {
	case errors.As(err, &conflict):
		return "conflict"
	case err != nil:
		return "refused"
	case next == old:
		return "unchanged"
	case db != nil && db.Armed != nil && db.Armed.ID == topology.ArmID(next.Epoch):
		return "armed"
	case db != nil:
		for _, m := range db.Moves {
			if m.Since == next.Epoch && m.State == topology.MoveCommitted {
				return "committed"
			}
		}
	}
	return "changed"
}

// checkStep: what was made is valid as a whole, though Apply looked only at what
// is new, and only one thing moves owners without a hold: a move.
func checkStep(t *rapid.T, old, next *topology.Topology) {
	if next == old {
		return
	}
	if err := next.Validate(); err != nil {
		t.Fatalf("an invalid topology: %v", err)
	}
	if next.Epoch <= old.Epoch {
		t.Fatalf("epoch %d after %d", next.Epoch, old.Epoch)
	}
	was, db := old.Databases["app"], next.Databases["app"]
	if was != nil && db != nil && was.SchemaEpoch > db.SchemaEpoch {
		t.Fatalf("schema epoch %d after %d", db.SchemaEpoch, was.SchemaEpoch)
	}
}

func start(t *rapid.T) *topology.Topology {
	db := database()
	db.SchemaEpoch = 1
	top := &topology.Topology{
		Epoch: 1, ClusterID: "c", Databases: map[string]*topology.Database{"app": db},
		Peers: map[topology.PeerID]*topology.Peer{"p1": {ID: "p1", Voter: true, Commands: 1}},
	}
	if err := top.Validate(); err != nil {
		t.Fatal(err)
	}
	return top
}

func encodeRapid(t *rapid.T, top *topology.Topology) []byte {
	data, err := top.Encode()
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// drawEntry draws a command that has some chance to fit to what is there.
func drawEntry(t *rapid.T, top *topology.Topology) []byte {
	var on topology.Epoch
	if rapid.IntRange(0, 5).Draw(t, "compare") == 0 {
		on = top.Epoch - topology.Epoch(rapid.IntRange(0, 1).Draw(t, "behind"))
	}
	entry, err := topology.EncodeCommand(drawCommand(t, top, 0), on)
	if err != nil {
		t.Fatal(err)
	}
	return entry
}

func drawCommand(t *rapid.T, top *topology.Topology, depth int) topology.Command {
	db := top.Databases["app"]
	if db == nil {
		db = database()
	}
	switch rapid.IntRange(0, 12).Draw(t, "subject") {
	case 0:
		return drawClusterCommand(t)
	case 1:
		return drawDatabaseCommand(t, top)
	case 2:
		return drawSchemaCommand(t, db)
	case 3:
		return drawNodeCommand(t, db)
	case 4:
		return drawMoveCommand(t, db)
	case 5:
		return drawChange(t, top, db, depth)
	}
	return drawMoveStep(t, top, db)
}

func drawName(t *rapid.T) string {
	return rapid.SampledFrom([]string{"ada", "bob"}).Draw(t, "name")
}

func drawClusterCommand(t *rapid.T) topology.Command {
	name := drawName(t)
	id := topology.PeerID(rapid.SampledFrom([]string{"p1", "p2"}).Draw(t, "peer"))
	incarnation := rapid.Uint64Range(0, 3).Draw(t, "incarnation")
	return rapid.SampledFrom([]topology.Command{
		topology.SetUser{User: topology.User{Name: name, NodeHints: incarnation == 1}},
		topology.SetUser{User: topology.User{Name: name, Databases: []string{"app"}}},
		topology.RemoveUser{Name: name},
		topology.SetFlag{Name: topology.FlagMaxVoters, Value: "3"},
		topology.UnsetFlag{Name: topology.FlagMaxVoters},
		topology.PutPeer{Peer: topology.Peer{ID: id, Voter: incarnation > 0, Incarnation: incarnation, Commands: 1}},
		topology.PeerStarted{ID: id, Incarnation: incarnation, Commands: 1},
		topology.RemovePeer{ID: id},
		topology.BootstrapCluster{ClusterID: "d"},
	}).Draw(t, "cluster command")
}

func drawDatabaseCommand(t *rapid.T, top *topology.Topology) topology.Command {
	return rapid.SampledFrom([]topology.Command{
		topology.CreateDatabase{Database: database()},
		topology.DropDatabase{Database: "app"},
		topology.SetPool{Database: "app", Pool: topology.Pool{Max: 3}},
		topology.Pause{Database: "app"},
		topology.Unpause{Database: "app"},
		topology.Restore{Topology: top},
	}).Draw(t, "database command")
}

func drawSchemaChange(t *rapid.T, db *topology.Database) topology.SchemaChange {
	name := rapid.SampledFrom([]string{"users", "orders", "log"}).Draw(t, "table")
	spec := rapid.SampledFrom([]string{"id int8 serial, pk id", "id int8, user_id int8", "at date"}).Draw(t, "columns")
	rel := topology.Resolve(topology.Rules{}, table(name, spec))
	s := topology.SchemaChange{
		OnSchemaEpoch: db.SchemaEpoch - topology.Epoch(rapid.IntRange(0, 5).Draw(t, "stale")/5),
		Changed:       []*topology.Relation{&rel},
	}
	if rapid.Bool().Draw(t, "remove") {
		s.Changed, s.Removed = nil, []topology.TableName{public(name)}
	}
	if rapid.Bool().Draw(t, "types") {
		s.Types = &topology.TypesChange{Map: &topology.TypeMap{
			ToNode: make([]map[uint32]uint32, len(db.Nodes)), FromNode: make([]map[uint32]uint32, len(db.Nodes)),
		}}
	}
	return s
}

func drawSchemaCommand(t *rapid.T, db *topology.Database) topology.Command {
	s := drawSchemaChange(t, db)
	return rapid.SampledFrom([]topology.Command{
		topology.SetSchema{Database: "app", SchemaChange: s},
		topology.SetRules{Database: "app", Rules: topology.Rules{Global: []string{"orders"}}, Schema: s},
		topology.SetRules{Database: "app", Rules: topology.Rules{Reference: []string{"orders"}}},
	}).Draw(t, "schema command")
}

func drawNode(t *rapid.T) topology.NodeID {
	return topology.NodeID(rapid.SampledFrom([]string{"pg-1", "pg-2", "pg-3"}).Draw(t, "node"))
}

func drawNodeCommand(t *rapid.T, db *topology.Database) topology.Command {
	node, dsn := drawNode(t), rapid.SampledFrom([]string{"here", "there"}).Draw(t, "dsn")
	slot, _ := db.FreeSlot()
	home := db.HomePartition()
	first := ring.Partition(rapid.IntRange(0, int(home)).Draw(t, "first"))
	return rapid.SampledFrom([]topology.Command{
		topology.AddNode{Database: "app", Node: topology.Node{ID: node, Slot: slot, Weight: 1}},
		topology.SetNode{Database: "app", Node: node, DSN: &dsn},
		topology.RemoveNode{Database: "app", Node: node},
		topology.SetOwners{Database: "app", Owners: []topology.OwnerRun{{First: first, Last: home, Node: node}}},
		topology.SetOwners{Database: "app", Owners: []topology.OwnerRun{{First: first, Last: first, Node: node}}},
	}).Draw(t, "node command")
}

func drawMoveCommand(t *rapid.T, db *topology.Database) topology.Command {
	p := rapid.IntRange(0, int(db.HomePartition())).Draw(t, "partition")
	return topology.PlanMoves{Database: "app", Moves: []topology.PlannedMove{{
		Source: db.Nodes[db.Owners[p]].ID, Target: drawNode(t), Partitions: topology.NewPartitionSet(ring.Partition(p)),
	}}}
}

func drawMoveStep(t *rapid.T, top *topology.Topology, db *topology.Database) topology.Command {
	moves := db.Unfinished()
	if len(moves) == 0 {
		return drawMoveCommand(t, db)
	}
	m := moves[len(moves)-1]
	next := m.State + 1 // mostly the next on the long way
	if rapid.IntRange(0, 5).Draw(t, "another state") == 0 {
		next = rapid.SampledFrom(moveStates()).Draw(t, "state")
	}
	if rapid.IntRange(0, 9).Draw(t, "give up") == 0 {
		return topology.GiveUpReverse{Database: "app", Move: m.ID, Attempt: m.Attempt, Reason: "x"}
	}
	return topology.AdvanceMove{Database: "app", Move: m.ID, Attempt: m.Attempt, From: m.State, To: next, Since: m.Since}
}

func drawChange(t *rapid.T, top *topology.Topology, db *topology.Database, depth int) topology.Command {
	if db.Armed != nil && rapid.IntRange(0, 3).Draw(t, "tend") > 0 {
		return rapid.SampledFrom([]topology.Command{
			topology.CommitArmed{Database: "app", ID: db.Armed.ID},
			topology.Disarm{Database: "app", ID: db.Armed.ID, Reason: "x"},
			topology.Disarm{Database: "app", ID: db.Armed.ID + 1, Reason: "x"},
		}).Draw(t, "outcome")
	}
	inner := drawNodeCommand(t, db)
	if depth < 2 && rapid.Bool().Draw(t, "anything") {
		inner = drawCommand(t, top, depth+1)
	}
	if rapid.Bool().Draw(t, "batch") {
		all, err := topology.Batch(inner, drawSchemaCommand(t, db))
		if err != nil {
			t.Fatal(err)
		}
		inner = all
	}
	if depth > 0 || rapid.IntRange(0, 2).Draw(t, "at once") == 0 {
		return inner
	}
	arm, err := topology.NewArm("app", inner, topology.Hold{})
	if err != nil {
		t.Fatal(err)
	}
	return arm
}
