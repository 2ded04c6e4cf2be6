package integration

import (
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgproto3"
)

// A conversation in one line per message: a letter and what belongs to it.
//
//	Q sql           Query
//	E sql           Parse, Bind and Execute without names
//	P name|sql      Parse
//	B portal|name   Bind
//	X portal|limit  Execute; the limit may be left out
//	D portal, d name, C portal, c name
//	S, H            Sync, Flush
//	G data          CopyData
//	. and !         CopyDone, CopyFail
//
// {a}, {b} and {x} are keys; the first two are on one node.

// messagesOf turns one line into messages.
func messagesOf(t testing.TB, line string) []pgproto3.FrontendMessage {
	t.Helper()
	rest := strings.TrimPrefix(line[1:], " ")
	first, second, _ := strings.Cut(rest, "|")
	one := func(m pgproto3.FrontendMessage) []pgproto3.FrontendMessage { return []pgproto3.FrontendMessage{m} }
	switch line[0] {
	case 'Q':
		return one(&pgproto3.Query{String: rest})
	case 'E':
		return []pgproto3.FrontendMessage{&pgproto3.Parse{Query: rest}, &pgproto3.Bind{}, &pgproto3.Execute{}}
	case 'P':
		return one(&pgproto3.Parse{Name: first, Query: second})
	case 'B':
		return one(&pgproto3.Bind{DestinationPortal: first, PreparedStatement: second})
	case 'X':
		limit, _ := strconv.Atoi(second) // none is 0
		return one(&pgproto3.Execute{Portal: first, MaxRows: uint32(limit)})
	case 'D':
		return one(&pgproto3.Describe{ObjectType: 'P', Name: rest})
	case 'd':
		return one(&pgproto3.Describe{ObjectType: 'S', Name: rest})
	case 'C':
		return one(&pgproto3.Close{ObjectType: 'P', Name: rest})
	case 'c':
		return one(&pgproto3.Close{ObjectType: 'S', Name: rest})
	case 'S':
		return one(&pgproto3.Sync{})
	case 'H':
		return one(&pgproto3.Flush{})
	case 'G':
		return one(&pgproto3.CopyData{Data: []byte(strings.NewReplacer(`\t`, "\t", `\n`, "\n").Replace(rest))})
	case '.':
		return one(&pgproto3.CopyDone{})
	case '!':
		return one(&pgproto3.CopyFail{Message: "enough"})
	}
	t.Fatalf("no such message: %s", line)
	return nil
}

// hold holds a conversation and returns what was said, errors with their texts.
// All messages are sent at once; a last Query tells the end.
func (w *wire) hold(lines ...string) []string {
	w.t.Helper()
	for _, line := range lines {
		w.Send(messagesOf(w.t, line)[0])
		for _, m := range messagesOf(w.t, line)[1:] {
			w.Send(m)
		}
	}
	w.send(&pgproto3.Query{String: "ROLLBACK"}, &pgproto3.Query{String: "SELECT 'the end'"})
	_ = w.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	var list []string
	for {
		m, err := w.Receive()
		if err != nil {
			w.t.Fatalf("%v, after %q", err, list)
		}
		text := short(m)
		switch m := m.(type) {
		case *pgproto3.ErrorResponse:
			text = strings.Join([]string{text, m.Message, m.Detail}, ": ")
		case *pgproto3.NoticeResponse:
			text = strings.Join([]string{"N", m.Severity, m.Code, m.Message}, " ")
		case *pgproto3.ParameterStatus:
			continue // may come before or after the end of its statement
		}
		list = append(list, text)
		if n := len(list); n > 3 && list[n-3] == "D the end" && text == "Z I" {
			return list[:n-4]
		}
	}
}

// alike holds conversations with the proxy and a plain server.
func (s *copySides) alike(t *testing.T, conversations map[string][]string) {
	keys := strings.NewReplacer("{a}", strconv.FormatInt(s.a, 10), "{b}", strconv.FormatInt(s.b, 10), "{x}", strconv.FormatInt(s.x, 10))
	for name, lines := range conversations {
		t.Run(name, func(t *testing.T) {
			said := make([]string, len(lines))
			for i, line := range lines {
				said[i] = keys.Replace(line)
			}
			plain, through := wireTo(t, s.plain), wireTo(t, s.dsn())
			defer plain.conn.Close()
			defer through.conn.Close()
			want := plain.hold(said...)
			if diff := cmp.Diff(want, through.hold(said...)); diff != "" {
				t.Errorf("%s\n(-plain +proxy):\n%s", strings.Join(said, "\n"), diff)
			}
		})
	}
}
