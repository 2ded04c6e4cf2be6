package pgsession

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"shardproxy/meta/topology"
	"shardproxy/protocol/pgwire"
	"shardproxy/protocol/sqlerr"
	"shardproxy/ring"
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
		Columns: []topology.Column{{Name: "user_id", Type: "int8"}, {Name: "a", Type: "int4"}, {Name: "boom", Type: "int4"}},
	}}
	return &topology.Topology{Epoch: 1, Databases: map[string]*topology.Database{"app": db}}
}

type noObserver struct{}

func (noObserver) Answered(*topology.Database, plan.Class, topology.NodeIndex, time.Duration) {}
func (noObserver) Refused(string, *sqlerr.Error)                                              {}
func (noObserver) ServerError(string, string)                                                 {}

func testConfig(topo *topology.Topology) *config {
	return &config{
		database: "app", user: &topology.User{Name: "u"},
		topology: func() *topology.Topology { return topo },
		plans:    plan.NewCache(plan.Options{Parser: pgparse.Parser{}}),
		settings: newKnownSettings(), types: newKnownTypes(), drawer: newDrawer(),
		links: linkConfig{statements: 3}, observer: noObserver{},
		spread: func() uint32 { return 0 }, up: func(*topology.Database, topology.NodeIndex) bool { return true },
		searchPath: "public", backendUser: "u",
	}
}

// rig drives a machine against model servers, one per node.
type rig struct {
	t        *rapid.T
	m        *machine
	backends []*model
	links    []*link
}

func newRig(t *rapid.T, cfg *config) *rig {
	r := &rig{t: t, m: newMachine(cfg, noVars(), nil)}
	for _, node := range cfg.topology().Databases["app"].Nodes {
		r.backends = append(r.backends, newModel())
		r.links = append(r.links, &link{
			id: node.ID, reader: pgwire.NewServerReader(strings.NewReader(""), pgwire.ReaderOptions{}), vars: noVars(), prepared: newPreparedSet(cfg.links.statements), status: txIdle, schema: 1,
		})
	}
	return r
}

// client gives the machine one message and lets it work until it wants the next.
func (r *rig) client(frame []byte) {
	r.m.planned = r.m.planned[:0]
	r.m.receive(frame[0], frame)
	for steps := 0; ; steps++ {
		if steps > 10000 {
			r.t.Fatalf("the machine does not come to rest, state %d", r.m.state)
		}
		switch want := r.m.next(); want {
		case wantClient, wantEnd:
			r.deliver() // what a read of the client would flush
			return
		case wantLink:
			r.m.acquired(r.links[r.m.target], nil)
		case wantReplies:
			r.replies()
		case wantRelease:
			r.release()
		default:
			r.t.Fatalf("unexpected want %d", want)
		}
	}
}

// deliver sends what was gathered for the backend.
func (r *rig) deliver() {
	if l := r.m.link; l != nil {
		r.backends[l.node].feed(l.out)
		l.out = l.out[:0]
	}
}

func (r *rig) replies() {
	r.deliver()
	backend := r.backends[r.m.link.node]
	frames := backend.out
	backend.out = nil
	if len(frames) == 0 {
		r.t.Fatal("the machine waits for a backend that has nothing to say")
	}
	for len(frames) > 0 {
		size := 1 + int(frames[1])<<24 + int(frames[2])<<16 + int(frames[3])<<8 + int(frames[4])
		r.m.fromBackend(pgwire.Part{Type: frames[0], First: true, Bytes: frames[:size:size]})
		frames = frames[size:]
	}
}

// release checks that a link which is given back is clean.
func (r *rig) release() {
	l := r.m.leaving
	backend := r.backends[l.node]
	switch {
	case l.broken:
		r.t.Fatal("a link was given up as broken")
	case len(l.out) > 0, !l.replies.empty(), l.replies.skipping:
		r.t.Fatalf("a link was released with %d bytes unsent, %d answers owed", len(l.out), len(l.replies.queue)-l.replies.head)
	case backend.status != txIdle || backend.skip || len(backend.out) > 0 || len(backend.ran) > 0:
		r.t.Fatalf("a link was released in state %c, skip=%v, open: %q", backend.status, backend.skip, backend.ran)
	}
	r.m.released()
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
		default:
			list = append(list, string(frame[0]))
		}
	}
	return list
}

// drawText draws a statement. Those of one node only, if key is not 0.
func drawText(t *rapid.T, keys []int) string {
	key := rapid.SampledFrom(keys).Draw(t, "key")
	return rapid.SampledFrom([]string{
		fmt.Sprintf("SELECT a FROM t WHERE user_id = %d", key),
		fmt.Sprintf("INSERT INTO t (user_id, a) VALUES (%d, %d)", key, rapid.IntRange(0, 99).Draw(t, "a")),
		fmt.Sprintf("UPDATE t SET a = boom WHERE user_id = %d", key),
		"SELECT nope nope nope",
		"BEGIN", "BEGIN", "COMMIT", "ROLLBACK", "SAVEPOINT s", "ROLLBACK TO s",
		"SET statement_timeout TO '5s'", "SELECT 1",
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
		if diff := cmp.Diff(plain.committed, r.backends[0].committed); diff != "" {
			t.Fatalf("after\n%s\ncommitted (-server +proxy):\n%s", strings.Join(sent, "\n"), diff)
		}
	})
}

// TestConversationsOverNodes: with keys on two nodes, every request is answered
// with one ReadyForQuery, links stay clean, and a transaction in which anything
// failed commits nothing.
func TestConversationsOverNodes(t *testing.T) {
	cfg := testConfig(oneTable(2))
	rapid.Check(t, func(t *rapid.T) {
		r := newRig(t, cfg)
		var sent []string
		for _, frame := range drawMessages(t, []int{1, 2, 3, 4}) {
			sent = append(sent, fmt.Sprintf("%c %q", frame[0], frame[5:]))
			before := len(r.backends[0].committed) + len(r.backends[1].committed)
			r.client(frame)
			if frame[0] != pgwire.MsgSync && frame[0] != pgwire.MsgQuery {
				continue
			}
			got := transcript(r.m.out)
			r.m.out = nil
			if n := count(got, "Z "); n != 1 || !strings.HasPrefix(got[len(got)-1], "Z ") {
				t.Fatalf("after\n%s\nanswer %q", strings.Join(sent, "\n"), got)
			}
			after := len(r.backends[0].committed) + len(r.backends[1].committed)
			if count(got, "E ") > 0 && count(got, "C COMMIT") == 0 && after > before {
				t.Fatalf("after\n%s\na request failed, and %d statements were committed", strings.Join(sent, "\n"), after-before)
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
