package pgsession

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"shardproxy/meta/topology"
	"shardproxy/protocol/pgwire"
	"shardproxy/protocol/sqlerr"
	"shardproxy/ring"
	"shardproxy/router/gate"
	"shardproxy/router/pgparse"
	"shardproxy/router/plan"
)

// oneTable is a database with the table t, keyed by user_id, on n nodes.
func oneTable(nodes int) *topology.Topology {
	db := &topology.Database{Name: "app", Engine: topology.Postgres, SchemaEpoch: 1}
	for i := range nodes {
		db.Nodes = append(db.Nodes, topology.Node{ID: topology.NodeID(fmt.Sprint("pg-", i+1)), Slot: topology.Slot(i)})
	}
	for p := range 17 {
		db.Owners = append(db.Owners, topology.NodeIndex(p%nodes))
	}
	name := topology.TableName{Schema: "public", Name: "t"}
	db.Relations = map[topology.TableName]*topology.Relation{name: {
		Name: name, Placement: topology.Sharded,
		Key:     topology.Key{Kind: ring.KindUser, Type: ring.KeyInt, Column: "user_id"},
		Columns: []topology.Column{{Name: "user_id", Type: "int8"}, {Name: "a", Type: "int4"}, {Name: "boom", Type: "int4"}, {Name: "late", Type: "int4"}},
	}}
	drawn := topology.TableName{Schema: "public", Name: "d"}
	db.Relations[drawn] = &topology.Relation{
		Name: drawn, Placement: topology.Sharded,
		Key: topology.Key{
			Kind: ring.KindUser, Type: ring.KeyInt, Column: "user_id",
			Draw: topology.Draw{Kind: topology.DrawSequence, Sequence: "public.d_seq"},
		},
		Columns: []topology.Column{{Name: "user_id", Type: "int8"}, {Name: "a", Type: "int4"}},
	}
	return &topology.Topology{Epoch: 1, Databases: map[string]*topology.Database{"app": db}}
}

type noObserver struct{}

func (noObserver) Answered(*topology.Database, plan.Class, topology.NodeIndex, time.Duration) {}
func (noObserver) Refused(string, *sqlerr.Error)                                              {}
func (noObserver) ServerError(string, string)                                                 {}

// published is a topology that tests replace between two messages.
type published struct{ topo *topology.Topology }

func (p *published) Current() *topology.Topology                   { return p.topo }
func (p *published) Watch() (changed <-chan struct{}, stop func()) { return nil, func() {} }

func testConfig(topo *topology.Topology) *config {
	return &config{
		database: "app", user: &topology.User{Name: "u"},
		gate:     gate.New(&published{topo}),
		plans:    plan.NewCache(plan.Options{Parser: pgparse.Parser{}}),
		settings: newKnownSettings(), types: newKnownTypes(), drawer: newDrawer(),
		links: linkConfig{statements: 3}, observer: noObserver{},
		spread: func() uint32 { return 0 }, up: func(*topology.Database, topology.NodeIndex) bool { return true },
		searchPath: "public", backendUser: "u",
	}
}

// transcript is a server's side of a conversation in a comparable form.
func transcript(frames []byte) []string {
	var list []string
	for len(frames) > 0 {
		size := 1 + int(frames[1])<<24 + int(frames[2])<<16 + int(frames[3])<<8 + int(frames[4])
		frame := frames[:size]
		frames = frames[size:]
		switch frame[0] {
		case pgwire.MsgErrorResponse:
			var m pgwire.Report
			_ = m.Decode(frame)
			list = append(list, "E "+string(m.SQLState()))
		case pgwire.MsgCommandComplete:
			var m pgwire.CommandComplete
			_ = m.Decode(frame)
			list = append(list, "C "+string(m.Tag))
		case pgwire.MsgReadyForQuery:
			list = append(list, "Z "+string(frame[5]))
		case pgwire.MsgDataRow:
			var m pgwire.DataRow
			_ = m.Decode(frame)
			list = append(list, "D "+string(bytes.Join(m.Values, []byte(","))))
		default:
			list = append(list, string(frame[0]))
		}
	}
	return list
}

// drawText draws a statement for one of the keys. With many keys there are some
// that a server does not see, or not as they are.
func drawText(t *rapid.T, keys []int) string {
	key := rapid.SampledFrom(keys).Draw(t, "key")
	if len(keys) > 2 && rapid.IntRange(0, 9).Draw(t, "drawn") == 0 {
		return rapid.SampledFrom([]string{
			"INSERT INTO d (a) VALUES (1)", "INSERT INTO d (a) VALUES (boom)", "SELECT count(*) FROM t", "SELECT a FROM t",
			"SET search_path TO 'public'", "SET shardproxy.key TO 'user:3'", "SET LOCAL shardproxy.key TO 'user:1'",
			"DISCARD ALL", "CREATE TEMP TABLE x (a int4)",
		}).Draw(t, "text")
	}
	return rapid.SampledFrom([]string{
		fmt.Sprintf("SELECT a FROM t WHERE user_id = %d", key),
		fmt.Sprintf("INSERT INTO t (user_id, a) VALUES (%d, %d)", key, rapid.IntRange(0, 99).Draw(t, "a")),
		fmt.Sprintf("UPDATE t SET a = boom WHERE user_id = %d", key),
		fmt.Sprintf("UPDATE t SET a = late WHERE user_id = %d", key),
		"SELECT nope nope nope",
		"BEGIN", "BEGIN", "BEGIN ISOLATION LEVEL SERIALIZABLE", "COMMIT", "ROLLBACK", "COMMIT AND CHAIN", "SAVEPOINT s", "ROLLBACK TO s",
		"SET statement_timeout TO '5s'", "SELECT 1",
		"SET work_mem TO '1'", "SET work_mem TO '2'", "SET work_mem TO 'nonsense'", "SET LOCAL work_mem TO '3'",
		"RESET work_mem", "RESET ALL", "SHOW work_mem", "SHOW statement_timeout", "DEALLOCATE a", "DEALLOCATE ALL",
	}).Draw(t, "text")
}

// drawMessages draws a conversation that keeps to the protocol: a batch ends with
// Sync before a Query.
func drawMessages(t *rapid.T, keys []int) (frames [][]byte) {
	names := []string{"", "a", "b"}
	name := func(label string) string { return rapid.SampledFrom(names).Draw(t, label) }
	// An unnamed portal is used in its own batch only: a read without keys runs
	// outside of a transaction that has no node, and its portal ends there.
	portal := func(open bool) string {
		if name := name("portal"); name != "" || open {
			return name
		}
		return "a"
	}
	open, bound := false, false
	for range rapid.IntRange(1, 25).Draw(t, "messages") {
		kind := rapid.SampledFrom([]string{"query", "group", "parse", "bind", "describe", "execute", "close", "sync", "flush"}).Draw(t, "kind")
		if kind == "query" && open {
			kind = "sync"
		}
		var f []byte
		open = kind != "query" && kind != "sync"
		bound = open && (bound || kind == "group") // the unnamed portal
		switch kind {
		case "query":
			texts := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) string { return drawText(t, keys) }), 0, 4).Draw(t, "texts")
			f = pgwire.AppendQuery(nil, strings.Join(texts, "; "))
		case "group":
			frames = append(frames, pgwire.AppendParse(nil, "", drawText(t, keys), nil),
				pgwire.AppendBind(nil, "", "", nil, nil))
			f = pgwire.AppendExecute(nil, "", 0)
		case "parse":
			f = pgwire.AppendParse(nil, name("statement"), drawText(t, keys), nil)
		case "bind":
			to := name("portal")
			bound = bound || to == ""
			f = pgwire.AppendBind(nil, to, name("statement"), nil, nil)
		case "describe":
			of := rapid.SampledFrom([]byte("SP")).Draw(t, "of")
			f = pgwire.AppendDescribe(nil, of, portal(bound || of == 'S'))
		case "execute":
			f = pgwire.AppendExecute(nil, portal(bound), 0)
		case "close":
			f = pgwire.AppendClose(nil, rapid.SampledFrom([]byte("SP")).Draw(t, "of"), name("name"))
		case "sync":
			f = pgwire.AppendSync(nil)
		case "flush":
			f = pgwire.AppendFlush(nil)
		}
		frames = append(frames, f)
	}
	return append(frames, pgwire.AppendSync(nil))
}

// TestConversations: with all keys on one node, a client cannot tell the proxy
// from the server, and the same statements are committed.
func TestConversations(t *testing.T) {
	cfg := testConfig(oneTable(1))
	rapid.Check(t, func(t *rapid.T) {
		r := newRig(t, cfg)
		plain := newModel()
		var sent []string
		for _, frame := range drawMessages(t, []int{1, 2}) {
			sent = append(sent, fmt.Sprintf("%c %q", frame[0], frame[5:]))
			r.client(frame)
			plain.feed(frame)
			if frame[0] != pgwire.MsgSync && frame[0] != pgwire.MsgQuery {
				continue
			}
			if diff := cmp.Diff(transcript(plain.out), transcript(r.m.out)); diff != "" {
				t.Fatalf("after\n%s\n(-server +proxy):\n%s", strings.Join(sent, "\n"), diff)
			}
			plain.out, r.m.out = nil, nil
		}
		if diff := cmp.Diff(plain.committed, r.first["pg-1"].committed); diff != "" {
			t.Fatalf("after\n%s\ncommitted (-server +proxy):\n%s", strings.Join(sent, "\n"), diff)
		}
	})
}

// TestConversationsOverNodes: with keys on two nodes, which change their places in
// the topology, every request is answered with one ReadyForQuery, links stay
// clean, rows are where they belong, and a transaction in which anything failed
// commits nothing.
func TestConversationsOverNodes(t *testing.T) {
	cfg := testConfig(oneTable(2))
	cfg.links.statements = 1
	there := cfg.gate.Current()
	source := &published{there}
	cfg.gate = gate.New(source)
	back := *there
	db := *there.Databases["app"]
	db.Nodes = []topology.Node{db.Nodes[1], db.Nodes[0]}
	db.Owners = slices.Clone(db.Owners)
	for i := range db.Owners {
		db.Owners[i] = 1 - db.Owners[i]
	}
	back.Databases = map[string]*topology.Database{"app": &db}
	rapid.Check(t, func(t *rapid.T) {
		source.topo = there
		r := newRig(t, cfg)
		r.late = func() bool {
			if rapid.IntRange(0, 9).Draw(t, "late") > 0 {
				return false
			}
			source.topo = rapid.SampledFrom([]*topology.Topology{there, &back}).Draw(t, "changed to")
			return true
		}
		for _, frame := range drawMessages(t, []int{1, 2, 3, 4}) {
			if rapid.IntRange(0, 4).Draw(t, "moves") == 0 {
				now := rapid.SampledFrom([]*topology.Topology{there, &back}).Draw(t, "topology")
				source.topo = now
			}
			before := r.committed()
			r.client(frame)
			if frame[0] != pgwire.MsgSync && frame[0] != pgwire.MsgQuery {
				continue
			}
			got := transcript(r.m.out)
			r.m.out = nil
			if n := count(got, "Z "); n != 1 || !strings.HasPrefix(got[len(got)-1], "Z ") {
				t.Fatalf("after\n%s\nanswer %q", strings.Join(r.sent, "\n"), got)
			}
			after := r.committed()
			if count(got, "E ") > 0 && count(got, "C COMMIT") == 0 && after > before {
				t.Fatalf("after\n%s\na request failed, and %d statements were committed", strings.Join(r.sent, "\n"), after-before)
			}
			if text := r.misplaced(); text != "" {
				t.Fatalf("after\n%s\n%s", strings.Join(r.sent, "\n"), text)
			}
		}
	})
}

// TestConversationsLosingLinks: whatever connection breaks, every request is
// answered with one ReadyForQuery and at most one error, nothing comes unasked,
// and a transaction in which anything failed commits nothing.
func TestConversationsLosingLinks(t *testing.T) {
	cfg := testConfig(oneTable(2))
	cfg.links.statements = 1
	rapid.Check(t, func(t *rapid.T) {
		r := newRig(t, cfg)
		r.loses = func() bool { return rapid.IntRange(0, 9).Draw(t, "loses") == 0 }
		failed := false
		for _, frame := range drawMessages(t, []int{1, 2, 3}) {
			before := r.committed()
			r.client(frame)
			got := transcript(r.m.out)
			failed = failed || count(got, "E ") > 0
			if frame[0] != pgwire.MsgSync && frame[0] != pgwire.MsgQuery {
				if count(got, "Z ") > 0 {
					t.Fatalf("after\n%s\nunasked %q", strings.Join(r.sent, "\n"), got)
				}
				continue
			}
			r.m.out = nil
			if count(got, "Z ") != 1 || !strings.HasPrefix(got[len(got)-1], "Z ") || count(got, "E ") > 1 {
				t.Fatalf("after\n%s\nanswer %q", strings.Join(r.sent, "\n"), got)
			}
			after := r.committed()
			if failed && count(got, "C COMMIT") == 0 && after > before {
				t.Fatalf("after\n%s\nanswer %q: a request failed, and %d statements were committed", strings.Join(r.sent, "\n"), got, after-before)
			}
			failed = false
		}
	})
}

// TestConversationsHeld: holds come and go between messages. A request that is not
// part of a transaction waits and goes on, or fails as a whole; one that is goes
// on; every request is answered with one ReadyForQuery.
func TestConversationsHeld(t *testing.T) {
	cfg := testConfig(oneTable(2))
	free := cfg.gate.Current()
	source := &published{free}
	cfg.gate = gate.New(source)
	db := *free.Databases["app"]
	db.Paused = true
	held := &topology.Topology{Epoch: free.Epoch + 1, Databases: map[string]*topology.Database{"app": &db}}
	rapid.Check(t, func(t *rapid.T) {
		source.topo = free
		r := newRig(t, cfg)
		late := false
		r.turn = func() error {
			if late = rapid.IntRange(0, 3).Draw(t, "late") == 0; late {
				return sqlerr.Held("app")
			}
			source.topo = free
			return nil
		}
		for _, frame := range drawMessages(t, []int{1, 2, 3}) {
			source.topo = rapid.SampledFrom([]*topology.Topology{free, held}).Draw(t, "topology")
			before, inside := r.committed(), r.m.tx.bound
			late = false
			r.client(frame)
			if frame[0] != pgwire.MsgSync && frame[0] != pgwire.MsgQuery {
				continue
			}
			got := transcript(r.m.out)
			r.m.out = nil
			if n := count(got, "Z "); n != 1 || !strings.HasPrefix(got[len(got)-1], "Z ") {
				t.Fatalf("after\n%s\nanswer %q", strings.Join(r.sent, "\n"), got)
			}
			if late && (count(got, "E 40001") != 1 || r.committed() != before) {
				t.Fatalf("after\n%s\nwaited too long, and was answered %q", strings.Join(r.sent, "\n"), got)
			}
			if late && inside {
				t.Fatalf("after\n%s\na transaction that was under way was held", strings.Join(r.sent, "\n"))
			}
		}
	})
}

func count(list []string, prefix string) int {
	n := 0
	for _, s := range list {
		if strings.HasPrefix(s, prefix) {
			n++
		}
	}
	return n
}
