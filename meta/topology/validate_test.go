package topology_test

import (
	"math"
	"strings"
	"testing"

	"shardproxy/meta/topology"
)

// TestValidateWhatIsUnderWay: peers, flags, moves, armed changes.
func TestValidateWhatIsUnderWay(t *testing.T) {
	readable, err := topology.EncodeCommand(topology.RemoveNode{Database: "app", Node: "pg-1"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	// move changes the move of partition 0, from pg-1 to pg-2.
	move := func(change func(*topology.Move)) func(*topology.Topology) {
		return func(top *topology.Topology) { change(top.Databases["app"].Moves[1]) }
	}
	db := func(change func(*topology.Database)) func(*topology.Topology) {
		return func(top *topology.Topology) { change(top.Databases["app"]) }
	}
	peers := func(list ...*topology.Peer) func(*topology.Topology) {
		return func(top *topology.Topology) {
			top.Peers = make(map[topology.PeerID]*topology.Peer)
			for _, p := range list {
				top.Peers[p.ID] = p
			}
		}
	}
	second := func(state topology.MoveState, partition int) func(*topology.Topology) {
		return db(func(d *topology.Database) {
			other := *d.Moves[1]
			other.ID, other.State = 2, state
			other.Partitions = topology.PartitionSet{{First: 0, Last: 0}}
			if partition > 0 {
				other.Partitions = topology.PartitionSet{{First: 3, Last: 3}}
			}
			d.Moves[2] = &other
		})
	}
	tests := []struct {
		name   string
		change func(*topology.Topology)
		want   string // part of the error; empty: valid
	}{
		{"valid", func(*topology.Topology) {}, ""},
		{"epoch", func(top *topology.Topology) { top.Epoch = math.MaxInt64 + 1 }, "too large"},
		{"largest epoch", func(top *topology.Topology) { top.Epoch = math.MaxInt64 }, ""},

		{"no voter", peers(&topology.Peer{ID: "p", Commands: 1}), "no peer votes"},
		{"voter", peers(&topology.Peer{ID: "p", Commands: 1, Voter: true, Raft: "[::1]:7090"}), ""},
		{"command version", peers(&topology.Peer{ID: "p", Voter: true}), "command version 0"},
		{"no port", peers(&topology.Peer{ID: "p", Voter: true, Commands: 1, Admin: "10.0.0.1"}), "not host:port"},
		{"no host", peers(&topology.Peer{ID: "p", Voter: true, Commands: 1, Raft: ":7090"}), "not host:port"},
		{"one address twice", peers(
			&topology.Peer{ID: "p", Voter: true, Commands: 1, Raft: "h:1"}, &topology.Peer{ID: "q", Commands: 1, Raft: "h:1"},
		), `"p" and "q" have the same address h:1`},
		{"peer without a name", peers(&topology.Peer{Voter: true, Commands: 1}), `peer "" is empty`},
		{"nil peer", func(top *topology.Topology) { top.Peers = map[topology.PeerID]*topology.Peer{"p": nil} }, `peer "p" is empty`},

		{"unknown flag", func(top *topology.Topology) { top.Flags = map[string]string{"colour": "red"} }, "colour"},
		{"flag's value", func(top *topology.Topology) { top.Flags = map[string]string{"max_voters": "x"} }, "not of type int"},
		{"flag's spelling", func(top *topology.Topology) { top.Flags = map[string]string{"hold_budget": "1000ms"} }, `"1s"`},

		{"node's state", db(func(d *topology.Database) { d.Nodes[1].State = 7 }), "state 7"},
		{"node's weight", db(func(d *topology.Database) { d.Nodes[1].Weight = 1_000_001 }), "above 1000000"},
		{"one server twice", db(func(d *topology.Database) { d.Nodes[0].UID, d.Nodes[1].UID = "u", "u" }), "the same server"},
		{"schema epoch", db(func(d *topology.Database) { d.SchemaEpoch = math.MaxUint64 }), "too large"},
		{"pool", db(func(d *topology.Database) { d.Pool = topology.Pool{QueueTimeoutMS: -1} }), "-1 ms"},
		{"sequence's mode", db(func(d *topology.Database) {
			d.Sequences[public("s")] = topology.Sequence{Name: public("s"), Mode: 9}
		}), "mode unknown"},

		{"a finished move of partitions that have gone on", move(func(m *topology.Move) {
			m.State, m.Source, m.Target = topology.MoveDone, "gone", "pg-1"
		}), ""},
		{"owner before the commit", db(func(d *topology.Database) { d.Owners[0] = 1 }), `partition 0 is not owned by node "pg-1"`},
		{"owner after the commit", move(func(m *topology.Move) { m.State = topology.MoveSoaking }), `partition 0 is not owned by node "pg-2"`},
		{"two moves of one partition", second(topology.MoveCopying, 0), "moves 1 and 2 have partition 0 in common"},
		{"two moves of one partition, one finished", second(topology.MoveAborted, 0), ""},
		{"two moves", second(topology.MoveCopying, 3), ""},
		{"move's state", move(func(m *topology.Move) { m.State = 99 }), "state 99"},
		{"move without a state", move(func(m *topology.Move) { m.State = 0 }), "state 0"},
		{"attempt", move(func(m *topology.Move) { m.Attempt = 0 }), "attempt 0"},
		{"to itself", move(func(m *topology.Move) { m.Target = "pg-1" }), "to itself"},
		{"unknown node", move(func(m *topology.Move) { m.Target = "pg-9" }), `"pg-9" is unknown`},
		{"no partitions", move(func(m *topology.Move) { m.Partitions = nil }), "no partitions"},
		{"partition beyond home", move(func(m *topology.Move) { m.Partitions = topology.PartitionSet{{First: 0, Last: 5}} }), "beyond 4"},
		{"runs that touch", move(func(m *topology.Move) {
			m.Partitions = topology.PartitionSet{{First: 0, Last: 0}, {First: 1, Last: 1}}
		}), "out of order"},
		{"move's id", move(func(m *topology.Move) { m.ID = 3 }), "another id"},
		{"nil move", db(func(d *topology.Database) { d.Moves[1] = nil }), "move 1 is nil"},
		{"after the last move", func(top *topology.Topology) { top.LastMove = 0 }, "after the last move"},
		{"after the epoch", move(func(m *topology.Move) { m.Since = 10 }), "since epoch 10"},

		{"armed", db(func(d *topology.Database) { d.Armed = &topology.Armed{ID: 9, Change: readable} }), ""},
		{"armed after the epoch", db(func(d *topology.Database) { d.Armed = &topology.Armed{ID: 10, Change: readable} }), "armed at epoch 10"},
		{"armed with nothing", db(func(d *topology.Database) { d.Armed = &topology.Armed{ID: 9} }), "armed change 9"},
		{"armed while a move is fenced", db(func(d *topology.Database) {
			d.Armed = &topology.Armed{ID: 9, Change: readable}
			d.Moves[1].State = topology.MoveFenced
		}), "while move 1 is FENCED"},
		{"database without a name", func(top *topology.Topology) { top.Databases[""] = &topology.Database{} }, `stored under the name ""`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			top := inState(t, topology.MovePlanned)
			top.LastMove = 2
			tt.change(top)
			err := top.Validate()
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("got %v", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestAddresses(t *testing.T) {
	for address, want := range map[string]bool{
		"": true, "10.0.0.1:7090": true, "proxy-1.internal:1": true, "[::1]:7090": true, "[fe80::1%eth0]:65535": true,
		"proxy": false, ":7090": false, "proxy:": false, "proxy:x": false, "proxy:0": false, "proxy:65536": false,
		"::1:7090": false, "[]:7090": false, "[::1]": false, "[::1:7090": false, ":": false, "a:b:1": false,
	} {
		top := &topology.Topology{Peers: map[topology.PeerID]*topology.Peer{"p": {ID: "p", Voter: true, Commands: 1, Admin: address}}}
		if err := top.Validate(); want != (err == nil) {
			t.Errorf("%q: %v", address, err)
		}
	}
}
