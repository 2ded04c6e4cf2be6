package pgsession

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"shardproxy/protocol/pgwire"
)

const (
	countAll  = "SELECT count(*) FROM t"
	deleteOne = "DELETE FROM t WHERE user_id = 1"
	selectOne = "SELECT a FROM t WHERE user_id = 1"
)

func parse(name, sql string) []byte { return pgwire.AppendParse(nil, name, sql, nil) }
func bind(portal, statement string) []byte {
	return pgwire.AppendBind(nil, portal, statement, nil, nil)
}
func describe(kind byte, name string) []byte { return pgwire.AppendDescribe(nil, kind, name) }
func execute(portal string) []byte           { return pgwire.AppendExecute(nil, portal, 0) }
func closing(kind byte, name string) []byte  { return pgwire.AppendClose(nil, kind, name) }

// A statement for several nodes is the only one of its batch that servers see; what
// the proxy answers itself comes in order around it.
func TestStatementForSeveralNodesIsAlone(t *testing.T) {
	tests := []struct {
		name     string
		messages [][]byte
		want     []string
	}{
		{"plain", [][]byte{group(countAll)}, []string{"1", "2", "D 2", "C SELECT 1", "Z I"}},
		{
			"described and closed",
			[][]byte{
				parse("c", countAll), describe('S', "c"), bind("", "c"), describe('P', ""), execute(""), closing('S', "c"),
				closing('S', "unknown"),
			},
			[]string{"1", "t", "T", "2", "T", "D 2", "C SELECT 1", "3", "3", "Z I"},
		},
		{"closed before", [][]byte{closing('S', "unknown"), group(countAll)}, []string{"3", "1", "2", "D 2", "C SELECT 1", "Z I"}},
		{"another parsed", [][]byte{parse("c", countAll), parse("d", deleteOne), bind("", "c"), execute("")}, []string{"E 0A000", "Z I"}},
		{"another bound", [][]byte{parse("c", countAll), bind("", "c"), group(deleteOne)}, []string{"E 0A000", "Z I"}},
		{"another parsed behind", [][]byte{group(countAll), parse("d", deleteOne)}, []string{"E 0A000", "Z I"}},
		{"an error behind", [][]byte{group(countAll), describe('S', "unknown")}, []string{"E 26000", "Z I"}},
		{"two", [][]byte{group(countAll), group(countAll)}, []string{"1", "E 0A000", "Z I"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, testConfig(oneTable(2)))
			if diff := cmp.Diff(tt.want, r.run(append(tt.messages, syncMessage())...)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{"1", "2", "D 1", "C SELECT", "Z I"}, r.run(group(selectOne), syncMessage())); diff != "" {
				t.Errorf("the next request (-want +got):\n%s", diff)
			}
			for _, n := range r.second {
				if len(n.committed) > 0 || len(n.link.out) > 0 {
					t.Errorf("node %s: ran %q, %d bytes unsent", n.link.id, n.committed, len(n.link.out))
				}
			}
		})
	}
}

// Statements that draw keys may be many in a batch, behind others that the proxy
// has answered already.
func TestBatchThatDrawsKeys(t *testing.T) {
	r := newRig(t, testConfig(oneTable(1)))
	messages := [][]byte{group("BEGIN")}
	want := []string{"1", "2", "C BEGIN"}
	for range 2*drawBlock + 5 {
		messages = append(messages, group("INSERT INTO d (a) VALUES (1)"))
		want = append(want, "1", "2", "C INSERT")
	}
	messages = append(messages, group("INSERT INTO d (a) VALUES "+strings.Repeat("(1), ", drawBlock)+"(1)"), group("COMMIT"), syncMessage())
	want = append(want, "1", "2", "C INSERT", "1", "2", "C COMMIT", "Z I")
	if diff := cmp.Diff(want, r.run(messages...)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// When a key cannot be drawn, what an earlier Flush has run is not committed.
func TestDrawFailsBehindFlush(t *testing.T) {
	r := newRig(t, testConfig(oneTable(1)))
	r.run(group("INSERT INTO t (user_id, a) VALUES (1, 1)"), pgwire.AppendFlush(nil))
	r.down = true
	got := r.run(group("INSERT INTO d (a) VALUES (1)"), pgwire.AppendFlush(nil), syncMessage())
	if diff := cmp.Diff([]string{"1", "E 08001", "Z I"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if n := r.committed(); n > 0 {
		t.Errorf("%d statements were committed", n)
	}
}

// Statements that were prepared stay so when the commit at the Sync fails.
func TestErrorAtSyncKeepsStatements(t *testing.T) {
	r := newRig(t, testConfig(oneTable(1)))
	late := "UPDATE t SET a = late WHERE user_id = 1"
	if diff := cmp.Diff([]string{"1", "2", "C UPDATE", "E 23503", "Z I"}, r.run(parse("s", late), bind("", "s"), execute(""), syncMessage())); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"2", "C UPDATE", "E 23503", "Z I"}, r.run(bind("", "s"), execute(""), syncMessage())); diff != "" {
		t.Errorf("again (-want +got):\n%s", diff)
	}
}

// Drivers describe a statement before they bind it, by Flush, wherever; then the
// key says where the transaction is, with its options, and the portal stays.
func TestDescribedBeforeBound(t *testing.T) {
	for _, begin := range []string{"BEGIN", "BEGIN ISOLATION LEVEL SERIALIZABLE"} {
		for key := range 6 {
			r := newRig(t, testConfig(oneTable(2)))
			sql := strings.Replace(selectOne, "= 1", "= "+itoa(int64(key)), 1)
			got := r.run(pgwire.AppendQuery(nil, begin),
				parse("s", sql), describe('S', "s"), pgwire.AppendFlush(nil),
				bind("p", "s"), syncMessage(), execute("p"), syncMessage(), pgwire.AppendQuery(nil, "COMMIT"))
			want := []string{"C BEGIN", "Z T", "1", "t", "T", "2", "Z T", "D 1", "C SELECT", "Z T", "C COMMIT", "Z I"}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s, key %d (-want +got):\n%s", begin, key, diff)
			}
		}
	}
}

// What a server knows of statements may differ from what is known of it, once.
func TestStatementsAreRepaired(t *testing.T) {
	r := newRig(t, testConfig(oneTable(1)))
	n := r.first["pg-1"]
	use := [][]byte{bind("", "s"), execute(""), syncMessage()}
	r.run(append([][]byte{parse("s", selectOne)}, use...)...)
	clear(n.statements)
	good := []string{"2", "D 1", "C SELECT", "Z I"}
	for i, want := range [][]string{{"E 26000", "Z I"}, good} {
		if i > 0 { // the name that the server does not know is closed with the next request
			n.link.prepared.clear()
		}
		if got := runUnchecked(r, use...); !slices.Equal(got, want) {
			t.Errorf("lost, use %d: %q, want %q", i, got, want)
		}
	}
	n.link.prepared.clear()
	for i, want := range [][]string{{"E 42P05", "Z I"}, good} {
		if got := runUnchecked(r, use...); !slices.Equal(got, want) {
			t.Errorf("left over, use %d: %q, want %q", i, got, want)
		}
	}
}

// runUnchecked is run where the link and the server differ on purpose.
func runUnchecked(r *rig, messages ...[]byte) []string {
	r.unchecked = true
	defer func() { r.unchecked = false }()
	return r.run(messages...)
}

// An error of the server ends a COPY at once: the client is told, and what it
// still sends is ignored.
func TestServerEndsCopy(t *testing.T) {
	m := newMachine(testConfig(oneTable(1)), noVars(), nil)
	n := newNode(t, "pg-1", m.cfg)
	m.receive(pgwire.MsgQuery, pgwire.AppendQuery(nil, "COPY t (user_id, a) FROM STDIN"))
	m.receive(pgwire.MsgCopyData, pgwire.AppendCopyData(nil, []byte("1\t2\n")))
	m.acquired(n.link, nil)
	n.link.out = nil
	give := func(frame []byte) { m.fromBackend(pgwire.Part{Type: frame[0], First: true, Bytes: frame}) }
	give(pgwire.AppendCopyInResponse(nil, 0, 2))
	m.receive(pgwire.MsgCopyData, pgwire.AppendCopyData(nil, []byte("1\t3\n")))
	give(appendModelError(nil, "23505"))
	give(pgwire.AppendReadyForQuery(nil, txIdle))
	m.released()
	m.receive(pgwire.MsgCopyData, pgwire.AppendCopyData(nil, []byte("2\t4\n")))
	m.receive(pgwire.MsgCopyDone, pgwire.AppendCopyDone(nil))
	if diff := cmp.Diff([]string{"G", "E 23505", "Z I"}, transcript(m.out)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if want := m.next(); want != wantClient {
		t.Errorf("the machine wants %d", want)
	}
}

// AND CHAIN opens a block with the same options, those of SET TRANSACTION included.
func TestChainKeepsOptions(t *testing.T) {
	set := "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE"
	for name, texts := range map[string][]string{
		"without a node":    {"BEGIN READ ONLY", set, "COMMIT AND CHAIN"},
		"before the node":   {"BEGIN READ ONLY", set, selectOne, "ROLLBACK AND CHAIN"},
		"behind the node":   {"BEGIN READ ONLY", selectOne, set, "COMMIT AND CHAIN"},
		"twice":             {"BEGIN READ ONLY", set, selectOne, "COMMIT AND CHAIN", selectOne, "COMMIT AND CHAIN"},
		"not behind COMMIT": {"BEGIN", set, selectOne, "COMMIT", "BEGIN READ ONLY", set},
	} {
		for protocol, send := range map[string]func(string) []byte{
			"simple":   func(sql string) []byte { return pgwire.AppendQuery(nil, sql) },
			"extended": func(sql string) []byte { return append(group(sql), syncMessage()...) },
		} {
			r := newRig(t, testConfig(oneTable(1)))
			for _, sql := range texts {
				r.run(send(sql))
			}
			want := txOptions{begin: "BEGIN READ ONLY\n;" + set, snapshot: true}
			if got := r.m.tx.txOptions; got != want || r.m.tx.status != txOpen {
				t.Errorf("%s, %s: %+v in state %c, want %+v", name, protocol, got, r.m.tx.status, want)
			}
		}
	}
}

// The proxy's own settings never reach a server, wherever the session is.
func TestOwnSettingsStayHere(t *testing.T) {
	own := []string{
		"SET shardproxy.notice TO on", "SET LOCAL shardproxy.key TO 'user:1'", "RESET shardproxy.key", "SET shardproxy.notice TO DEFAULT",
		"SHOW shardproxy.notice",
	}
	for _, tied := range []bool{false, true} {
		for _, sql := range own {
			r := newRig(t, testConfig(oneTable(1)))
			r.run(pgwire.AppendQuery(nil, "BEGIN"))
			if tied {
				r.run(pgwire.AppendQuery(nil, selectOne))
			}
			for _, got := range [][]string{
				r.run(pgwire.AppendQuery(nil, sql)), r.run(group(sql), syncMessage()), r.run(group(selectOne), group(sql), syncMessage()),
			} {
				if count(got, "E ") > 0 || got[len(got)-1] != "Z T" {
					t.Errorf("%s, tied %v: %q", sql, tied, got)
				}
			}
			for _, text := range r.first["pg-1"].statements {
				if strings.Contains(text, "shardproxy") {
					t.Errorf("%s, tied %v: the server got %s", sql, tied, text)
				}
			}
			for name := range r.first["pg-1"].settings.session {
				t.Errorf("%s, tied %v: the server got %s", sql, tied, name)
			}
		}
	}
}

// A link that breaks while the client waits for nothing makes no answer.
func TestLinkBreaksWhileIdle(t *testing.T) {
	r := newRig(t, testConfig(oneTable(2)))
	other := selectOne
	for key := 2; key < 20; key++ { // one that is refused: it is of the other node
		other = strings.Replace(selectOne, "= 1", "= "+itoa(int64(key)), 1)
		got := newRig(t, testConfig(oneTable(2))).run(pgwire.AppendQuery(nil, selectOne+";"+other))
		if slices.Contains(got, "E 0A000") {
			break
		}
	}
	r.run(pgwire.AppendQuery(nil, "BEGIN"), pgwire.AppendQuery(nil, selectOne))
	r.loses = func() bool { return true } // when the failure is to be sent
	r.client(pgwire.AppendQuery(nil, other))
	r.loses = nil
	got := transcript(r.m.out)
	r.m.out = nil
	got = append(got, r.run(pgwire.AppendQuery(nil, selectOne), pgwire.AppendQuery(nil, "COMMIT"))...)
	if diff := cmp.Diff([]string{"E 0A000", "Z E", "E 25P02", "Z E", "C ROLLBACK", "Z I"}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
