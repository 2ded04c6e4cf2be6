package pgsession

import (
	"strings"
	"testing"

	"shardproxy/protocol/pgwire"
)

// steady drives a machine through the same request again and again.
type steady struct {
	t       testing.TB
	m       *machine
	link    *link
	request [][]byte
	answer  [][]byte
}

func newSteady(t testing.TB) *steady {
	cfg := testConfig(oneTable(3))
	return &steady{t: t, m: newMachine(cfg, noVars(), nil), link: &link{
		reader: pgwire.NewServerReader(strings.NewReader(""), pgwire.ReaderOptions{}),
		vars:   noVars(), prepared: newPreparedSet(10), status: txIdle, schema: 1,
	}}
}

// frames splits messages.
func frames(messages []byte) (list [][]byte) {
	for len(messages) > 0 {
		size := 1 + int(messages[1])<<24 + int(messages[2])<<16 + int(messages[3])<<8 + int(messages[4])
		list = append(list, messages[:size:size])
		messages = messages[size:]
	}
	return list
}

// run plays the request once.
func (s *steady) run() {
	for _, frame := range s.request {
		s.m.receive(frame[0], frame)
	}
	answered := 0
	for {
		switch want := s.m.next(); want {
		case wantClient:
			s.m.planned = s.m.planned[:0]
			s.m.out = s.m.out[:0]
			return
		case wantLink:
			s.m.acquired(s.link, nil)
		case wantReplies:
			s.link.out = s.link.out[:0]
			frame := s.answer[answered]
			answered++
			s.m.fromBackend(pgwire.Part{Type: frame[0], First: true, Bytes: frame})
		case wantRelease:
			s.m.released()
		default:
			s.t.Fatalf("unexpected want %d", want)
		}
	}
}

// appendRow appends what a server answers to the execution of a point select.
func appendRow(b []byte, describe bool) []byte {
	if describe {
		b = pgwire.AppendRowDescription(b, []pgwire.Column{{Name: []byte("a"), Type: 23, Size: 4, Modifier: -1}})
	}
	b = pgwire.AppendDataRow(b, [][]byte{[]byte("42")})
	return pgwire.AppendCommandComplete(b, "SELECT 1")
}

// appendExecution appends Bind, Describe, Execute and Sync.
func appendExecution(b []byte, statement string) []byte {
	b = pgwire.AppendBind(b, "", statement, []pgwire.Param{{Value: []byte("42")}}, nil)
	b = pgwire.AppendDescribe(b, pgwire.KindPortal, "")
	b = pgwire.AppendExecute(b, "", 0)
	return pgwire.AppendSync(b)
}

// steadyCases are the ways to send a point select, prepared to be repeated.
func steadyCases(t testing.TB) map[string]*steady {
	const query, text = "SELECT a FROM t WHERE user_id = 42", "SELECT a FROM t WHERE user_id = $1"
	bound := appendRow(pgwire.AppendBindComplete(nil), true)

	simple := newSteady(t)
	simple.request = frames(pgwire.AppendQuery(nil, []byte(query)))
	simple.answer = frames(pgwire.AppendReadyForQuery(appendRow(nil, true), txIdle))

	extended := newSteady(t)
	extended.request = frames(appendExecution(pgwire.AppendParse(nil, "", text, nil), ""))
	extended.answer = frames(pgwire.AppendReadyForQuery(append(pgwire.AppendParseComplete(nil), bound...), txIdle))

	prepared := newSteady(t)
	prepared.request = frames(pgwire.AppendSync(pgwire.AppendParse(nil, "p", text, nil)))
	prepared.answer = frames(pgwire.AppendReadyForQuery(pgwire.AppendParseComplete(nil), txIdle))
	prepared.run()
	prepared.request = frames(appendExecution(nil, "p"))
	prepared.answer = frames(pgwire.AppendReadyForQuery(bound, txIdle))

	return map[string]*steady{"simple": simple, "extended": extended, "prepared": prepared}
}

// TestSteadyStateAllocatesNothing: a client that sends the same statement again
// costs no garbage.
func TestSteadyStateAllocatesNothing(t *testing.T) {
	for name, s := range steadyCases(t) {
		t.Run(name, func(t *testing.T) {
			if allocs := testing.AllocsPerRun(100, s.run); allocs > 0 {
				t.Errorf("%v allocations for each statement", allocs)
			}
		})
	}
}

func BenchmarkMachine(b *testing.B) {
	for name, s := range steadyCases(b) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.run()
			}
		})
	}
}

// TestUnnamedStatementIsReadAgain: the same text is another statement once
// backslashes mean something else, or with other parameter types.
func TestUnnamedStatementIsReadAgain(t *testing.T) {
	s := newSteady(t)
	parse := func(oids ...uint32) *prepared {
		var msg pgwire.Parse
		frame := pgwire.AppendParse(nil, "", `SELECT a FROM t WHERE user_id = 1 AND a = $1 AND boom = '\'`, oids)
		if err := msg.Decode(frame); err != nil {
			t.Fatal(err)
		}
		o := op{message: message{pgwire.MsgParse, frame}}
		_ = s.m.planParse(&o) // with backslashes it does not parse
		return o.statement
	}
	first := parse()
	if first == nil || parse() != first {
		t.Error("the same statement was read anew")
	}
	if second := parse(23); second == first {
		t.Error("the statement was taken for one with other parameter types")
	}
	parse()
	s.m.env.Backslash = true
	if again := parse(); again != nil {
		t.Error("the statement was taken for one with other strings")
	}
}
