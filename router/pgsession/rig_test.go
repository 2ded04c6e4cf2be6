package pgsession

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"shardproxy/meta/topology"
	"shardproxy/protocol/pgwire"
	"shardproxy/protocol/sqlerr"
	"shardproxy/ring"
	"shardproxy/router/backend"
)

// rig drives a machine against model servers: on each node one that serves the
// session's requests, and one that serves its tasks.
type rig struct {
	t      rapidT
	m      *machine
	first  map[topology.NodeID]*node
	second map[topology.NodeID]*node
	sent   []string // what the client sent, for failures
	// loses decides whether a connection breaks now; nil: never.
	loses func() bool
	// turn ends a hold, or returns the error of who waited too long; nil: there
	// are no holds.
	turn func() error
	// late decides whether the topology has changed, behind a hold, while a request
	// waited for its connection; nil: never.
	late func() bool
	// down: tasks get no connection.
	down bool
	// unchecked: what is known of links is not compared.
	unchecked bool
}

// rapidT is what rapid.T and testing.T have in common.
type rapidT interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

var (
	_ rapidT = (*rapid.T)(nil)
	_ rapidT = (*testing.T)(nil)
)

// node is a connection to a model server.
type node struct {
	*model
	link *link
}

// newNode connects to a fresh model of a node.
func newNode(t rapidT, id topology.NodeID, cfg *config) *node {
	n := &node{model: newModel()}
	conn, err := backend.NewConn(modelConn{n.model}, backend.ConnOptions{Node: id})
	if err != nil {
		t.Fatal(err)
	}
	n.link = linkOf(conn, nil, &cfg.links)
	n.link.schema = 1
	return n
}

// modelConn is a connection to a model: what is written is answered at once.
type modelConn struct{ *model }

var errSilent = errors.New("the model has nothing to say")

func (c modelConn) Read(b []byte) (int, error) {
	if len(c.out) == 0 {
		return 0, errSilent
	}
	n := copy(b, c.out)
	c.out = c.out[n:]
	return n, nil
}

func (c modelConn) Write(b []byte) (int, error) {
	c.feed(b)
	return len(b), nil
}

func (modelConn) Close() error                     { return nil }
func (modelConn) LocalAddr() net.Addr              { return nil }
func (modelConn) RemoteAddr() net.Addr             { return nil }
func (modelConn) SetDeadline(time.Time) error      { return nil }
func (modelConn) SetReadDeadline(time.Time) error  { return nil }
func (modelConn) SetWriteDeadline(time.Time) error { return nil }

func newRig(t rapidT, cfg *config) *rig {
	r := &rig{
		t: t, m: newMachine(cfg, noVars(), nil),
		first: map[topology.NodeID]*node{}, second: map[topology.NodeID]*node{},
	}
	for _, n := range cfg.gate.Current().Databases["app"].Nodes {
		r.first[n.ID] = newNode(t, n.ID, cfg)
		r.second[n.ID] = newNode(t, n.ID, cfg)
	}
	return r
}

// rest leaves the gate as the driver does, and checks that no work is counted
// longer than it lasts.
func (r *rig) rest(want want) {
	if want == wantClient && r.m.atRest() {
		r.m.slot.Leave()
	}
	if r.m.idle() && r.m.slot.Entered() {
		r.t.Fatalf("the session is idle and counted, after\n%s", strings.Join(r.sent, "\n"))
	}
}

// client gives the machine one message and lets it work until it wants the next.
func (r *rig) client(frame []byte) {
	r.sent = append(r.sent, fmt.Sprintf("%c %q", frame[0], frame[5:]))
	r.m.planned = r.m.planned[:0]
	r.m.receive(frame[0], frame)
	for steps := 0; ; steps++ {
		if steps > 1000 {
			r.t.Fatalf("the machine does not come to rest, state %d", r.m.state)
		}
		want := r.m.next()
		if counted := r.m.slot.Entered(); !counted && (want == wantLink || want == wantReplies || want == wantTask) {
			r.t.Fatalf("the session works for a client and is not counted, state %d", r.m.state)
		}
		switch want {
		case wantTurn:
			if r.turn == nil {
				r.t.Fatal("held with no hold")
			}
			r.m.admitted(r.turn())
		case wantClient, wantEnd:
			r.rest(want)
			if l := r.m.link; l != nil && len(l.out) > 0 { // what a read of the client would flush
				if r.loses != nil && r.loses() && want == wantClient && r.m.answered() {
					r.m.abandon()
					continue
				}
				_ = l.write()
			}
			return
		case wantLink:
			if r.loses != nil && r.loses() {
				r.m.acquired(nil, errSilent)
				continue
			}
			if r.late != nil && r.late() {
				r.m.acquired(nil, errOutdated)
				continue
			}
			n := r.first[r.m.db.Nodes[r.m.target].ID]
			n.link.node = r.m.target
			r.m.acquired(n.link, nil)
		case wantReplies:
			if r.loses != nil && r.loses() {
				r.m.lost(errSilent)
				continue
			}
			r.replies()
		case wantRelease:
			r.clean(r.first, r.m.leaving)
			r.m.released()
		case wantTask:
			r.m.taskDone(r.m.task.run(context.Background(), r))
		case wantUnlock:
			r.m.unlocked()
		}
	}
}

// replies hands over what the backend has to say.
func (r *rig) replies() {
	l := r.m.link
	_ = l.write()
	if err := l.reader.Fill(); err != nil {
		r.t.Fatalf("the machine waits in state %d, %d answers owed: %v", r.m.state, len(l.replies.queue)-l.replies.head, err)
	}
	for {
		part, ok, err := l.reader.TryNext()
		if err != nil {
			r.t.Fatal(err)
		}
		if !ok {
			break
		}
		if r.m.link != l {
			r.t.Fatalf("the link was given up ahead of %c", part.Type)
		}
		r.m.fromBackend(part)
	}
	l.reader.Release()
}

// clean checks that a link which is given back is clean, and that what is known of
// it is true.
func (r *rig) clean(nodes map[topology.NodeID]*node, l *link) {
	r.t.Helper()
	n := nodes[l.id]
	if l.broken && r.loses != nil { // the server rolls back what was open
		nodes[l.id] = newNode(r.t, l.id, r.m.cfg)
		nodes[l.id].committed = n.committed
		return
	}
	switch {
	case n.link != l:
		r.t.Fatal("a link was given back where it does not belong")
	case l.broken:
		r.t.Fatal("a link was given up as broken")
	case len(l.out) > 0, !l.replies.empty(), l.replies.skipping:
		r.t.Fatalf("a link was released with %d bytes unsent, %d answers owed", len(l.out), len(l.replies.queue)-l.replies.head)
	case n.status != txIdle || n.skip || len(n.out) > 0 || len(n.ran) > 0:
		r.t.Fatalf("a link was released in state %c, skip=%v, open: %q", n.status, n.skip, n.ran)
	}
	if l.tainted || l.custom { // it is closed: the next one is new
		nodes[l.id] = newNode(r.t, l.id, r.m.cfg)
		nodes[l.id].committed = n.committed
		return
	}
	if r.unchecked {
		return
	}
	known := map[string]string{}
	for _, item := range l.vars.items {
		if !ours(item.name) {
			known[item.name] = item.value
		}
	}
	if diff := cmp.Diff(known, n.settings.session); diff != "" {
		r.t.Fatalf("after\n%s\nsettings of a link that was given back (-thought +true):\n%s", strings.Join(r.sent, "\n"), diff)
	}
	thought, prepared := map[string]string{}, maps.Clone(n.statements)
	for name, key := range l.prepared.byName {
		thought[name] = key.Value().sql
	}
	delete(prepared, "")
	for _, name := range l.stale {
		delete(prepared, name)
	}
	if diff := cmp.Diff(thought, prepared); diff != "" {
		r.t.Fatalf("after\n%s\nstatements of a link that was given back (-thought +true):\n%s", strings.Join(r.sent, "\n"), diff)
	}
	if text, ok := n.statements[""]; l.unnamed != (statementKey{}) && (!ok || text != l.unnamed.Value().sql) {
		r.t.Fatalf("after\n%s\nthe unnamed statement is thought to be %q, it is %q", strings.Join(r.sent, "\n"), l.unnamed.Value().sql, text)
	}
}

// acquire implements worker, as the methods below do.
func (r *rig) acquire(_ context.Context, node topology.NodeIndex) (*link, error) {
	if r.down || r.loses != nil && r.loses() {
		return nil, sqlerr.NodeUnavailable(string(r.m.db.Nodes[node].ID))
	}
	l := r.second[r.m.db.Nodes[node].ID].link
	l.node = node
	return l, nil
}

func (r *rig) release(l *link) { r.clean(r.second, l) }

func (r *rig) emit(b []byte) error {
	r.m.out = append(r.m.out, b...)
	return nil
}

func (r *rig) flush() error                                    { return nil }
func (r *rig) withSettings(ctx context.Context, l *link) error { return l.apply(ctx, r.m.inForce()) }
func (r *rig) session() *machine                               { return r.m }

// run sends messages and returns the answers.
func (r *rig) run(messages ...[]byte) []string {
	for _, m := range messages {
		for _, frame := range frames(m) {
			r.client(frame)
		}
	}
	answers := transcript(r.m.out)
	r.m.out = nil
	return answers
}

// group is Parse, Bind, Execute of the unnamed statement.
func group(sql string) []byte {
	b := pgwire.AppendParse(nil, "", sql, nil)
	b = pgwire.AppendBind(b, "", "", nil, nil)
	return pgwire.AppendExecute(b, "", 0)
}

func syncMessage() []byte { return pgwire.AppendSync(nil) }

// committed is how many statements were committed on all nodes.
func (r *rig) committed() int {
	n := 0
	for _, node := range r.first {
		n += len(node.committed)
	}
	return n
}

// misplaced finds a committed statement on a node that does not own its key.
func (r *rig) misplaced() string {
	db := r.m.db
	for id, node := range r.first {
		for _, text := range node.committed {
			var key int64
			switch {
			case strings.Contains(text, "$1"), strings.HasPrefix(text, "CREATE"):
				continue
			case strings.HasPrefix(text, `INSERT INTO d ("user_id", a) VALUES ('`):
				_, _ = fmt.Sscanf(text, `INSERT INTO d ("user_id", a) VALUES ('%d',`, &key)
			case strings.HasPrefix(text, "INSERT"):
				_, _ = fmt.Sscanf(text, "INSERT INTO t (user_id, a) VALUES (%d,", &key)
			default:
				_, after, _ := strings.Cut(text, "user_id = ")
				_, _ = fmt.Sscan(after, &key)
			}
			canonical, _ := ring.AppendText(nil, ring.KeyInt, fmt.Append(nil, key))
			if owner := db.Nodes[db.Owner(ring.PartitionOf(canonical, db.PartitionCount()))].ID; key == 0 || owner != id {
				return fmt.Sprintf("%s is on %s", text, id)
			}
		}
	}
	return ""
}
