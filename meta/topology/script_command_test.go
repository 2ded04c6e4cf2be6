package topology_test

import (
	"strconv"
	"strings"
	"testing"

	"shardproxy/meta/topology"
	"shardproxy/ring"
)

// arguments are the words after a command: plain ones and key=value.
type arguments struct {
	t     *testing.T
	plain []string
	named map[string]string
}

func parse(t *testing.T, words []string) *arguments {
	a := &arguments{t: t, named: make(map[string]string)}
	for _, w := range words {
		if key, value, ok := strings.Cut(w, "="); ok {
			a.named[key] = value
		} else {
			a.plain = append(a.plain, w)
		}
	}
	return a
}

func (a *arguments) at(i int) string {
	if i >= len(a.plain) {
		return ""
	}
	return a.plain[i]
}

func (a *arguments) number(name string) int {
	if a.named[name] == "" {
		return 0
	}
	return number(a.t, a.named[name])
}

func (a *arguments) has(word string) bool {
	for _, w := range a.plain {
		if w == word {
			return true
		}
	}
	return false
}

func (a *arguments) list(name string) []string {
	if a.named[name] == "" {
		return nil
	}
	return strings.Split(a.named[name], ",")
}

// words is a text that is written with underscores.
func (a *arguments) words(name string) string { return strings.ReplaceAll(a.named[name], "_", " ") }

func optional[T any](a *arguments, name string, convert func(string) T) *T {
	value, ok := a.named[name]
	if !ok {
		return nil
	}
	v := convert(value)
	return &v
}

func number(t *testing.T, text string) int {
	n, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func text(s string) string { return s }

// command makes a command of a line:
//
//	bootstrap ID peer=P [user=U,...] [flag=NAME:VALUE]
//	restore SAVED
//	all: COMMAND; COMMAND ...
//	arm DATABASE [tables=T,...]: COMMAND
//
// and see below.
func (s *script) command(line string) topology.Command {
	head, inner, nested := strings.Cut(line, ":")
	words := strings.Fields(line)
	if nested && (words[0] == "arm" || words[0] == "all:") {
		return s.nested(parse(s.t, strings.Fields(head)), inner)
	}
	a := parse(s.t, words[1:])
	switch words[0] {
	case "bootstrap":
		return s.bootstrap(a)
	case "restore":
		return topology.Restore{Topology: s.saved[a.at(0)]}
	}
	for _, make := range []func(string, *arguments) topology.Command{
		clusterCommand, databaseCommand, schemaCommand, nodeCommand, changeCommand, moveCommand,
	} {
		if c := make(words[0], a); c != nil {
			return c
		}
	}
	s.t.Fatalf("no command: %s", line)
	return nil
}

func (s *script) nested(a *arguments, inner string) topology.Command {
	var commands []topology.Command
	for part := range strings.SplitSeq(inner, ";") {
		commands = append(commands, s.command(strings.TrimSpace(part)))
	}
	all, err := topology.Batch(commands...)
	if err != nil {
		s.t.Fatal(err)
	}
	if a.at(0) == "all" {
		return all
	}
	var hold topology.Hold
	for _, name := range a.list("tables") {
		hold.Tables = append(hold.Tables, public(name))
	}
	var change topology.Command = all
	if len(commands) == 1 {
		change = commands[0]
	}
	arm, err := topology.NewArm(a.at(1), change, hold)
	if err != nil {
		s.t.Fatal(err)
	}
	return arm
}

func (s *script) bootstrap(a *arguments) topology.Command {
	c := topology.BootstrapCluster{ClusterID: a.at(0)}
	for _, id := range a.list("peer") {
		c.Peers = append(c.Peers, &topology.Peer{ID: topology.PeerID(id), Voter: true, Incarnation: 1, Commands: 1})
	}
	for _, name := range a.list("user") {
		c.Users = append(c.Users, &topology.User{Name: name})
	}
	for _, name := range a.list("database") {
		c.Databases = append(c.Databases, newDatabase(parse(a.t, []string{name, "nodes=pg-1", "owners=0,0,0"})))
	}
	if name, value, ok := strings.Cut(a.named["flag"], ":"); ok {
		c.Flags = map[string]string{name: value}
	}
	return c
}

// clusterCommand makes:
//
//	put-peer ID [voter] [raft=A] [admin=A] [incarnation=N] [commands=N]
//	remove-peer ID
//	peer-started ID [raft=A] [admin=A] [incarnation=N] [commands=N]
//	set-user NAME [databases=D,...] [secret=S]
//	remove-user NAME
//	set-flag NAME VALUE
//	unset-flag NAME
func clusterCommand(name string, a *arguments) topology.Command {
	id, incarnation := topology.PeerID(a.at(0)), uint64(a.number("incarnation"))
	switch name {
	case "put-peer":
		return topology.PutPeer{Peer: topology.Peer{
			ID: id, Raft: a.named["raft"], Admin: a.named["admin"], Voter: a.has("voter"),
			Incarnation: incarnation, Commands: a.number("commands"),
		}}
	case "remove-peer":
		return topology.RemovePeer{ID: id}
	case "peer-started":
		return topology.PeerStarted{ID: id, Raft: a.named["raft"], Admin: a.named["admin"], Incarnation: incarnation, Commands: a.number("commands")}
	case "set-user":
		return topology.SetUser{User: topology.User{Name: a.at(0), Databases: a.list("databases"), Secret: a.named["secret"]}}
	case "remove-user":
		return topology.RemoveUser{Name: a.at(0)}
	case "set-flag":
		return topology.SetFlag{Name: a.at(0), Value: a.at(1)}
	case "unset-flag":
		return topology.UnsetFlag{Name: a.at(0)}
	}
	return nil
}

// databaseCommand makes:
//
//	create-database NAME nodes=N,... owners=I,... [uids=U,...] [armed]
//	drop-database NAME
//	set-pool NAME [min=N] [max=N]
//	pause NAME
//	unpause NAME
func databaseCommand(name string, a *arguments) topology.Command {
	switch name {
	case "create-database":
		return topology.CreateDatabase{Database: newDatabase(a)}
	case "drop-database":
		return topology.DropDatabase{Database: a.at(0)}
	case "set-pool":
		return topology.SetPool{Database: a.at(0), Pool: topology.Pool{Min: a.number("min"), Max: a.number("max")}}
	case "pause":
		return topology.Pause{Database: a.at(0)}
	case "unpause":
		return topology.Unpause{Database: a.at(0)}
	}
	return nil
}

func newDatabase(a *arguments) *topology.Database {
	db := &topology.Database{Name: a.at(0), Engine: topology.Postgres, SchemaEpoch: 1}
	for i, id := range a.list("nodes") {
		n := topology.Node{ID: topology.NodeID(id), Slot: topology.Slot(i), Weight: 1}
		if uids := a.list("uids"); i < len(uids) {
			n.UID = uids[i]
		}
		db.Nodes = append(db.Nodes, n)
	}
	for _, owner := range a.list("owners") {
		db.Owners = append(db.Owners, topology.NodeIndex(number(a.t, owner)))
	}
	if a.has("armed") {
		db.Armed = &topology.Armed{ID: 1}
	}
	return db
}

// schemaCommand makes:
//
//	set-schema DATABASE on=SCHEMA-EPOCH [changed=TABLE:PLACE,...] [removed=T,...]
//	    [sequences=S,...] [removed-sequences=S,...] [functions=F,...]
//	    [removed-functions=F,...] [types=OID:OID|none]
//	set-rules DATABASE [reference=T,...] and the rest of set-schema
//
// PLACE is reference, global or the column of a shard key.
func schemaCommand(name string, a *arguments) topology.Command {
	switch name {
	case "set-schema":
		return topology.SetSchema{Database: a.at(0), SchemaChange: schemaChange(a)}
	case "set-rules":
		return topology.SetRules{Database: a.at(0), Rules: topology.Rules{Reference: a.list("reference")}, Schema: schemaChange(a)}
	}
	return nil
}

func schemaChange(a *arguments) topology.SchemaChange {
	s := topology.SchemaChange{
		OnSchemaEpoch: topology.Epoch(a.number("on")),
		Functions:     a.list("functions"), RemovedFunctions: a.list("removed-functions"),
	}
	for _, spec := range a.list("changed") {
		s.Changed = append(s.Changed, relation(spec))
	}
	for _, name := range a.list("removed") {
		s.Removed = append(s.Removed, public(name))
	}
	for _, name := range a.list("sequences") {
		s.Sequences = append(s.Sequences, topology.Sequence{Name: public(name), Mode: topology.SequenceStrided, Stride: topology.NarrowStride})
	}
	for _, name := range a.list("removed-sequences") {
		s.RemovedSequences = append(s.RemovedSequences, public(name))
	}
	switch home, other, ok := strings.Cut(a.named["types"], ":"); {
	case ok:
		oid, to := uint32(number(a.t, home)), uint32(number(a.t, other))
		s.Types = &topology.TypesChange{Map: &topology.TypeMap{
			ToNode:   []map[uint32]uint32{nil, {oid: to}},
			FromNode: []map[uint32]uint32{nil, {to: oid}},
		}}
	case home == "none":
		s.Types = &topology.TypesChange{}
	}
	return s
}

func relation(spec string) *topology.Relation {
	name, place, _ := strings.Cut(spec, ":")
	rel := &topology.Relation{Name: public(name), Source: topology.FromConfig, Reason: "the script says so"}
	switch place {
	case "reference":
		rel.Placement = topology.Reference
	case "global":
		rel.Placement = topology.Global
	case "refused":
		rel.Placement = topology.Refused
	default:
		rel.Placement = topology.Sharded
		rel.Key = topology.Key{Kind: "user", Type: ring.KeyInt, Column: place}
		rel.Columns = []topology.Column{{Name: "user_id", Type: "int8"}}
	}
	return rel
}

// nodeCommand makes:
//
//	add-node DATABASE NODE [slot=N] [weight=N] [uid=U] [dsn=D]
//	set-node DATABASE NODE [dsn=D] [uid=U] [weight=N] [state=N]
//	remove-node DATABASE NODE
//	set-owners DATABASE FIRST-LAST:NODE ... [and the rest of set-schema]
func nodeCommand(name string, a *arguments) topology.Command {
	database, node := a.at(0), topology.NodeID(a.at(1))
	switch name {
	case "add-node":
		return topology.AddNode{Database: database, Schema: schemaChange(a), Node: topology.Node{
			ID: node, Slot: topology.Slot(a.number("slot")), Weight: a.number("weight"), UID: a.named["uid"], DSN: a.named["dsn"],
		}}
	case "set-node":
		return topology.SetNode{
			Database: database, Node: node,
			DSN: optional(a, "dsn", text), UID: optional(a, "uid", text),
			Weight: optional(a, "weight", func(s string) int { return number(a.t, s) }),
			State:  optional(a, "state", func(s string) topology.NodeState { return topology.NodeState(number(a.t, s)) }),
		}
	case "remove-node":
		return topology.RemoveNode{Database: database, Node: node}
	case "set-owners":
		c := topology.SetOwners{Database: database, Schema: schemaChange(a)}
		for _, spec := range a.plain[1:] {
			run, node, _ := strings.Cut(spec, ":")
			first, last := bounds(a.t, run)
			c.Owners = append(c.Owners, topology.OwnerRun{First: first, Last: last, Node: topology.NodeID(node)})
		}
		return c
	}
	return nil
}

func bounds(t *testing.T, run string) (first, last ring.Partition) {
	from, to, ok := strings.Cut(run, "-")
	if !ok {
		to = from
	}
	return ring.Partition(number(t, from)), ring.Partition(number(t, to))
}

// changeCommand makes:
//
//	commit DATABASE ID
//	disarm DATABASE ID
func changeCommand(name string, a *arguments) topology.Command {
	switch name {
	case "commit":
		return topology.CommitArmed{Database: a.at(0), ID: topology.ArmID(number(a.t, a.at(1)))}
	case "disarm":
		return topology.Disarm{Database: a.at(0), ID: topology.ArmID(number(a.t, a.at(1))), Reason: "too slow"}
	}
	return nil
}

// moveCommand makes:
//
//	plan DATABASE SOURCE>TARGET:RUN,... ...
//	advance DATABASE MOVE ATTEMPT FROM TO [since=EPOCH] [reason=R] [and of set-schema]
//	give-up-reverse DATABASE MOVE ATTEMPT [reason=R]
func moveCommand(name string, a *arguments) topology.Command {
	switch name {
	case "plan":
		c := topology.PlanMoves{Database: a.at(0)}
		for _, spec := range a.plain[1:] {
			nodes, runs, _ := strings.Cut(spec, ":")
			source, target, _ := strings.Cut(nodes, ">")
			m := topology.PlannedMove{Source: topology.NodeID(source), Target: topology.NodeID(target)}
			for run := range strings.SplitSeq(runs, ",") {
				first, last := bounds(a.t, run)
				m.Partitions = append(m.Partitions, topology.PartitionRun{First: first, Last: last})
			}
			c.Moves = append(c.Moves, m)
		}
		return c
	case "advance":
		return topology.AdvanceMove{
			Database: a.at(0), Move: topology.MoveID(number(a.t, a.at(1))), Attempt: number(a.t, a.at(2)),
			From: stateNamed(a.t, a.at(3)), To: stateNamed(a.t, a.at(4)),
			Since: topology.Epoch(a.number("since")), Reason: a.words("reason"), Schema: schemaChange(a),
		}
	case "give-up-reverse":
		return topology.GiveUpReverse{Database: a.at(0), Move: topology.MoveID(number(a.t, a.at(1))), Attempt: number(a.t, a.at(2)), Reason: a.words("reason")}
	}
	return nil
}

// moveStates returns all states in order.
func moveStates() []topology.MoveState {
	var states []topology.MoveState
	for s := topology.MovePlanned; s <= topology.MoveAborted; s++ {
		states = append(states, s)
	}
	return states
}

func stateNamed(t *testing.T, name string) topology.MoveState {
	for _, s := range moveStates() {
		if s.String() == name {
			return s
		}
	}
	t.Fatalf("no state %s", name)
	return 0
}
