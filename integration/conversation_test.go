//go:build soak

// Random conversations take minutes to say something: go test -tags soak -run
// RandomConversations ./integration -rapid.checks=400

package integration

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5/pgproto3"
	"pgregory.net/rapid"
)

// conversationRows are the rows that each conversation begins with.
const conversationRows = "INSERT INTO documents (id, user_id, title, n) VALUES (1, {a}, 'one', 1), (2, {a}, 'two', 2), (3, {a}, 'three', 3), (1, {b}, 'uno', 1)"

// conversationTexts are what clients say, about keys of one node. $1 is a key or
// a number, $2 a number.
var conversationTexts = []string{
	"SELECT title FROM documents WHERE user_id = {a} ORDER BY id",
	"SELECT title FROM documents WHERE user_id = {a} ORDER BY id",
	"SELECT id, title, n FROM documents WHERE user_id = $1 ORDER BY id",
	"SELECT id, title, n FROM documents WHERE user_id = $1 ORDER BY id",
	"SELECT count(*) FROM documents WHERE user_id = $1 AND n > $2",
	"SELECT $1::int8 + 1 AS next",
	"SELECT 1 AS one",
	"VALUES (1, 'a'), (2, 'b'), (3, NULL)",
	"INSERT INTO documents (id, user_id, title) VALUES ($2, $1, 'made')",
	"INSERT INTO documents (id, user_id, title) VALUES (9, {a}, 'nine') ON CONFLICT DO NOTHING",
	"INSERT INTO documents (id, user_id, title) VALUES (1, {b}, 'taken')",
	"UPDATE documents SET n = n + $2 WHERE user_id = $1 AND id = 1 RETURNING id, n",
	"UPDATE documents SET n = n + 1 WHERE user_id = {b}",
	"DELETE FROM documents WHERE user_id = $1 AND id = $2",
	"SELECT 1/0",
	"SELECT 1/n - n FROM documents WHERE user_id = {a} ORDER BY id",
	"UPDATE documents SET n = n / 0 WHERE user_id = {a}",
	"SELEC 1",
	"SELECT nope FROM documents WHERE user_id = {a}",
	"SELECT 1 FROM nowhere",
	"",
	"BEGIN", "BEGIN", "START TRANSACTION READ ONLY", "COMMIT", "COMMIT", "ROLLBACK", "END", "ABORT",
	"SAVEPOINT s", "ROLLBACK TO s", "RELEASE s", "SAVEPOINT t", "ROLLBACK TO SAVEPOINT t",
	"SET work_mem = '2MB'", "SET LOCAL work_mem = '3MB'", "RESET work_mem", "SHOW work_mem", "SET work_mem = 'nonsense'",
	"SET statement_timeout = '9s'", "SHOW statement_timeout", "SET LOCAL statement_timeout = '8s'", "RESET ALL",
	"DECLARE c CURSOR FOR SELECT title FROM documents WHERE user_id = {a} ORDER BY id", "FETCH 2 FROM c", "MOVE 1 FROM c", "CLOSE c",
	"SHOW transaction_read_only", "SET TRANSACTION ISOLATION LEVEL SERIALIZABLE", "SHOW transaction_isolation",
	"BEGIN READ ONLY", "BEGIN ISOLATION LEVEL REPEATABLE READ", "SET application_name = 'mine'", "SHOW application_name", "RESET application_name",
}

// conversationQueries are texts of several statements, for Query only.
var conversationQueries = []string{
	"SELECT 1; SELECT title FROM documents WHERE user_id = {a} ORDER BY id",
	"UPDATE documents SET n = 7 WHERE user_id = {a}; SELECT 1/0; SELECT 2",
	"BEGIN; UPDATE documents SET n = 8 WHERE user_id = {b}; COMMIT; SELECT 3",
	"INSERT INTO documents (id, user_id, title) VALUES (20, {a}, 'x'); SELECT count(*) FROM documents WHERE user_id = {a}",
	"SELECT 1; SELEC 2",
	"SAVEPOINT s; SELECT 1",
	"BEGIN; SELECT 1/0; ROLLBACK; SELECT 4",
	"SET work_mem = '5MB'; SHOW work_mem; SELECT count(*) FROM documents WHERE user_id = {a}",
	" ; ",
}

// Conversations at random, message by message: a plain server would have said
// the same.
func TestRandomConversations(t *testing.T) {
	t.Parallel()
	s := newCopySides(t)
	other := s.wire()
	parts, refused := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		for _, dsn := range append([]string{s.plain}, s.nodes...) {
			conn := connect(t, dsn)
			do(t, conn, "DELETE FROM documents")
			closeNow(conn)
		}
		talk := newConversation(rt, s)
		plain, through := wireTo(t, s.plain), wireTo(t, s.dsn())
		defer plain.conn.Close()
		defer through.conn.Close()
		want, err := talk.with(plain)
		if err != nil {
			rt.Fatalf("the plain server: %v, after %q\n%s", err, want, talk)
		}
		got, err := talk.with(through)
		if err != nil {
			rt.Fatalf("the proxy: %v, after %q\nwant %q\n%s", err, got, want, talk)
		}
		parts++
		if i := slices.Index(got, "E 0A000"); i >= 0 && !slices.Contains(want, "E 0A000") {
			refused++
			want, got = want[:min(i, len(want))], got[:i]
		}
		if diff := cmp.Diff(firstFaults(want, got), got); diff != "" {
			rt.Fatalf("-plain +proxy:\n%s\nplain: %q\nproxy: %q\n%s", diff, want, got, talk)
		}
		// What it left behind is nobody else's.
		if got := other.simple("SHOW work_mem"); got[1] != "D 4MB" {
			rt.Fatalf("another client's work_mem: %q", got)
		}
	})
	t.Logf("%d conversations, %d with a refusal", parts, refused)
	if refused*5 > parts {
		t.Error("the test says little")
	}
}

// firstFaults is want for messages with two faults. The proxy finds first that a
// name is taken or the transaction failed, a server perhaps something else. It
// has to be an error on both sides, and the state after it the same.
func firstFaults(want, got []string) []string {
	want = slices.Clone(want)
	for i := range min(len(want), len(got)) {
		first := got[i] == "E 42P05" || got[i] == "E 42P03" || got[i] == "E 25P02"
		if first && strings.HasPrefix(want[i], "E ") {
			want[i] = got[i]
		}
	}
	return want
}

// conversation is a list of messages, each with what is shown of it.
type conversation struct {
	messages []pgproto3.FrontendMessage
	chunks   []int // how many messages are sent at a time
}

func newConversation(rt *rapid.T, s *copySides) *conversation {
	c := &conversation{}
	tokens := strings.NewReplacer("{a}", fmt.Sprint(s.a), "{b}", fmt.Sprint(s.b))
	// Portals that were made, whose statement may be run again.
	rows := make(map[string]bool)
	say := func(m pgproto3.FrontendMessage) {
		c.messages = append(c.messages, m)
		if _, ok := m.(*pgproto3.Query); ok {
			delete(rows, "") // a server may or may not keep the Query's own portal
		}
	}
	say(&pgproto3.Query{String: tokens.Replace(conversationRows)})
	text := func(list []string) string { return tokens.Replace(rapid.SampledFrom(list).Draw(rt, "text")) }
	name := rapid.SampledFrom([]string{"", "", "p", "q"})
	portal := rapid.SampledFrom([]string{"", "", "c1"})
	n := rapid.IntRange(0, 99)
	batch := false
	parse := func() string {
		sql := text(conversationTexts)
		p := &pgproto3.Parse{Name: name.Draw(rt, "name"), Query: sql}
		if n.Draw(rt, "types") < 30 && strings.Contains(sql, "$1") {
			p.ParameterOIDs = []uint32{20}
		}
		say(p)
		return sql
	}
	bind := func(statement, sql string) string {
		b := &pgproto3.Bind{DestinationPortal: portal.Draw(rt, "portal"), PreparedStatement: statement}
		values := []int64{rapid.SampledFrom([]int64{s.a, s.b}).Draw(rt, "key"), int64(n.Draw(rt, "number") % 12)}
		for i := range strings.Count(sql, "$1") + strings.Count(sql, "$2") {
			b.Parameters = append(b.Parameters, fmt.Append(nil, values[i%2]))
		}
		say(b)
		rows[b.DestinationPortal] = true
		return b.DestinationPortal
	}
	for range rapid.IntRange(3, 14).Draw(rt, "messages") {
		switch k := n.Draw(rt, "kind"); {
		case k < 25:
			if batch {
				say(&pgproto3.Sync{})
				batch = false
			}
			if n.Draw(rt, "several") < 15 {
				say(&pgproto3.Query{String: text(conversationQueries)})
				continue
			}
			sql := text(conversationTexts)
			sql = strings.NewReplacer("$1", fmt.Sprint(s.a), "$2", "2").Replace(sql)
			say(&pgproto3.Query{String: sql})
			continue
		case k < 65: // a whole group
			sql := parse()
			if n.Draw(rt, "describe") < 20 {
				say(&pgproto3.Describe{ObjectType: 'S', Name: c.messages[len(c.messages)-1].(*pgproto3.Parse).Name})
			}
			if n.Draw(rt, "early") < 10 {
				say(&pgproto3.Flush{})
			}
			p := bind(c.lastStatement(), sql)
			if n.Draw(rt, "describe") < 30 {
				say(&pgproto3.Describe{ObjectType: 'P', Name: p})
			}
			limit := uint32(0)
			if n.Draw(rt, "limit") < 20 {
				limit = 1
			}
			say(&pgproto3.Execute{Portal: p, MaxRows: limit})
			if limit > 0 && rows[p] && n.Draw(rt, "more") < 60 {
				if n.Draw(rt, "flush") < 50 {
					say(&pgproto3.Flush{})
				}
				say(&pgproto3.Execute{Portal: p, MaxRows: uint32(n.Draw(rt, "limit") % 3)})
			}
		case k < 70:
			parse()
		case k < 76:
			bind(name.Draw(rt, "name"), rapid.SampledFrom([]string{"", "$1", "$1 $2"}).Draw(rt, "parameters"))
		case k < 81:
			if p := portal.Draw(rt, "portal"); rows[p] {
				say(&pgproto3.Execute{Portal: p, MaxRows: uint32(n.Draw(rt, "limit") % 3)})
			}
		case k < 84:
			if p := portal.Draw(rt, "portal"); rows[p] {
				say(&pgproto3.Describe{ObjectType: 'P', Name: p})
			}
			say(&pgproto3.Describe{ObjectType: 'S', Name: name.Draw(rt, "name")})
		case k < 88:
			say(&pgproto3.Close{ObjectType: rapid.SampledFrom([]byte("SP")).Draw(rt, "what"), Name: name.Draw(rt, "name")})
		case k < 91:
			say(&pgproto3.Flush{})
		}
		batch = true
		if n.Draw(rt, "sync") < 60 {
			say(&pgproto3.Sync{})
			batch = false
		}
	}
	say(&pgproto3.Sync{})
	say(&pgproto3.Query{String: "ROLLBACK"})
	say(&pgproto3.Query{String: tokens.Replace("SELECT id, title, n FROM documents WHERE user_id IN ({a}, {b}) ORDER BY user_id, id")})
	say(&pgproto3.Query{String: "SELECT 'the end'"})
	for sent := 0; sent < len(c.messages); {
		chunk := rapid.IntRange(1, 6).Draw(rt, "chunk")
		c.chunks = append(c.chunks, chunk)
		sent += chunk
	}
	return c
}

// lastStatement is the name that the last Parse gave.
func (c *conversation) lastStatement() string {
	for _, m := range slices.Backward(c.messages) {
		if p, ok := m.(*pgproto3.Parse); ok {
			return p.Name
		}
	}
	return ""
}

// String shows the conversation when a property fails.
func (c *conversation) String() string {
	var b strings.Builder
	for _, m := range c.messages {
		fmt.Fprintf(&b, "%T %+v\n", m, m)
	}
	return b.String()
}

// with holds the conversation with a server and returns all that it says.
func (c *conversation) with(w *wire) ([]string, error) {
	_ = w.conn.SetDeadline(time.Now().Add(20 * time.Second))
	sent := 0
	for _, chunk := range c.chunks {
		for _, m := range c.messages[sent:min(sent+chunk, len(c.messages))] {
			w.Send(m)
		}
		sent += chunk
		if err := w.Flush(); err != nil {
			return nil, err
		}
	}
	var list []string
	for {
		m, err := w.Receive()
		if err != nil {
			return list, err
		}
		text := short(m)
		switch m := m.(type) {
		case *pgproto3.ParameterStatus:
			continue // may come before or after the end of its statement
		case *pgproto3.RowDescription:
			for _, f := range m.Fields {
				text += fmt.Sprintf(" %d/%d/%d", f.DataTypeOID, f.TypeModifier, f.Format)
			}
		}
		list = append(list, text)
		if n := len(list); n > 3 && strings.HasPrefix(text, "Z") && list[n-3] == "D the end" {
			return list, nil
		}
	}
}
