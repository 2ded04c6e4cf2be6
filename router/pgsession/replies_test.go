package pgsession

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"shardproxy/protocol/sqlerr"
)

// server is PostgreSQL as far as the order of its answers goes: it answers
// message by message, and skips to the next Sync after an error.
type server struct {
	answers []byte // message types
	owner   []int  // index of the message that each answer belongs to
	skip    bool
}

func (s *server) say(owner int, types ...byte) {
	for _, typ := range types {
		s.answers = append(s.answers, typ)
		s.owner = append(s.owner, owner)
	}
}

// run answers message i of some kind; fails says that it causes an error.
func (s *server) run(i int, kind replyKind, rows int, fails bool) {
	switch {
	case kind == replySync:
		s.skip = false
		s.say(i, 'Z')
		return
	case kind == replyQuery:
		s.query(i, rows, fails)
		return
	case s.skip:
		return
	case fails:
		s.say(i, 'E')
		s.skip = true
		return
	}
	switch kind {
	case replyParse:
		s.say(i, '1')
	case replyBind:
		s.say(i, '2')
	case replyClose:
		s.say(i, '3')
	case replyDescribe:
		s.say(i, 't', 'T')
	case replyExecute:
		for range rows {
			s.say(i, 'D')
		}
		s.say(i, 'C')
	}
}

func (s *server) query(i, rows int, fails bool) {
	s.say(i, 'N', 'T')
	for range rows {
		s.say(i, 'D')
	}
	if fails {
		s.say(i, 'E', 'Z')
	} else {
		s.say(i, 'C', 'Z')
	}
}

// TestRepliesFollowTheServer feeds the answers of random conversations and checks
// that each message is attributed to what caused it, that the client sees
// exactly the answers to its own messages, and that nothing is owed at the end.
func TestRepliesFollowTheServer(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q replies
		var srv server
		n := rapid.IntRange(1, 30).Draw(t, "messages")
		quiet := make([]bool, 0, n+1)
		extended := false
		for i := range n {
			kind := rapid.SampledFrom([]replyKind{
				replyParse, replyBind, replyDescribe, replyExecute, replyClose, replySync, replyQuery,
			}).Draw(t, "kind")
			if kind == replyQuery && extended {
				kind = replySync // a client ends its batch before a Query
			}
			extended = kind != replySync && kind != replyQuery
			isQuiet := rapid.Bool().Draw(t, "quiet")
			fails := rapid.IntRange(0, 5).Draw(t, "fails") == 0
			quiet = append(quiet, isQuiet)
			q.push(reply{kind: kind, quiet: isQuiet, seq: int32(i)})
			srv.run(i, kind, rapid.IntRange(0, 3).Draw(t, "rows"), fails)
		}
		q.push(reply{kind: replySync, seq: int32(n)})
		quiet = append(quiet, false)
		srv.run(n, replySync, 0, false)

		for i, typ := range srv.answers {
			v, due := q.receive(typ)
			if v == desync {
				t.Fatalf("answer %d (%c) of %s: out of step", i, typ, srv.answers)
			}
			owner := srv.owner[i]
			if typ != 'N' && int(due.seq) != owner {
				t.Fatalf("answer %d (%c) was attributed to message %d, not %d", i, typ, due.seq, owner)
			}
			if want := verdictOf(typ, quiet[owner], due.kind); v != want {
				t.Fatalf("answer %d (%c) to a message with quiet=%v: verdict %d, want %d", i, typ, quiet[owner], v, want)
			}
		}
		if !q.empty() || q.skipping {
			t.Fatalf("after the last answer: %d owed, skipping=%v", len(q.queue)-q.head, q.skipping)
		}
	})
}

func verdictOf(typ byte, quiet bool, kind replyKind) verdict {
	switch {
	case typ == 'Z':
		return ready
	case typ == 'E' && quiet && kind == replyQuery:
		return quietly
	case typ == 'E':
		return failed // also of an injected Parse: it is the client's statement that fails
	case quiet:
		return drop
	}
	return pass
}

func TestRepliesOutOfStep(t *testing.T) {
	tests := []struct {
		name  string
		queue []replyKind
		typ   byte
	}{
		{"nothing owed", nil, 'C'},
		{"ready too early", []replyKind{replyParse, replySync}, 'Z'},
		{"bind before parse", []replyKind{replyParse, replyBind}, '2'},
		{"rows of a describe", []replyKind{replyDescribe}, 'D'},
		{"parse complete in a query", []replyKind{replyQuery}, '1'},
		{"authentication", []replyKind{replyQuery}, 'R'},
		{"unknown type", []replyKind{replySync}, '?'},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var q replies
			for _, kind := range tt.queue {
				q.push(reply{kind: kind})
			}
			if v, _ := q.receive(tt.typ); v != desync {
				t.Errorf("verdict %d, want out of step", v)
			}
		})
	}
}

func TestRepliesReplaceAnError(t *testing.T) {
	var q replies
	refusal := sqlerr.NotSupported("this")
	q.push(reply{kind: replyBind})
	q.push(reply{kind: replyExecute, err: refusal, seq: 1})
	q.push(reply{kind: replySync})
	var got []verdict
	for _, typ := range []byte{'2', 'E', 'Z'} {
		v, _ := q.receive(typ)
		got = append(got, v)
	}
	if diff := cmp.Diff([]verdict{pass, replace, ready}, got); diff != "" {
		t.Errorf("verdicts (-want +got):\n%s", diff)
	}
}

func TestRepliesSkipWithoutSync(t *testing.T) {
	var q replies
	q.push(reply{kind: replyParse})
	q.push(reply{kind: replyBind})
	if v, _ := q.receive('E'); v != failed {
		t.Fatalf("verdict %d, want failed", v)
	}
	if !q.empty() || !q.skipping {
		t.Fatal("an error must void what was sent behind it, up to the Sync to come")
	}
	q.push(reply{kind: replySync})
	if v, _ := q.receive('Z'); v != ready || q.skipping {
		t.Fatal("the Sync must end the skipping")
	}
}

func TestRepliesVoidedStatements(t *testing.T) {
	var q replies
	a, b := keyOf("SELECT 1"), keyOf("SELECT 2")
	q.push(reply{kind: replyParse, prepares: preparation{key: a}})
	q.push(reply{kind: replyBind})
	q.push(reply{kind: replyParse, prepares: preparation{key: b}})
	q.push(reply{kind: replySync})
	q.receive('1')
	q.receive('E')
	if diff := cmp.Diff([]string{"SELECT 2"}, texts(q.takeVoided())); diff != "" {
		t.Errorf("voided (-want +got):\n%s", diff)
	}
	if len(q.takeVoided()) != 0 {
		t.Error("voided statements are taken once")
	}
}

// FuzzReplies feeds arbitrary answers: the queue must never panic, and never owe
// more than was sent.
func FuzzReplies(f *testing.F) {
	f.Add([]byte{1, 2, 4, 6}, []byte("12DCZ"))
	f.Add([]byte{7}, []byte("TDCZ"))
	f.Add([]byte{1, 6, 7}, []byte("EZE"))
	f.Fuzz(func(t *testing.T, sent, answers []byte) {
		var q replies
		for i, b := range sent {
			kind := replyKind(b%7) + 1
			q.push(reply{kind: kind, quiet: b&0x80 != 0, seq: int32(i)})
		}
		for _, typ := range answers {
			before := len(q.queue) - q.head
			if v, _ := q.receive(typ); v == desync {
				return
			}
			if after := len(q.queue) - q.head; after > before {
				t.Fatalf("owed %d, then %d", before, after)
			}
		}
	})
}
