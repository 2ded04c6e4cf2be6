package integration

import (
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"
)

// fewBuffers bounds what the proxy may need for a result many times as large. It
// runs with the race detector, for which each byte costs several.
const fewBuffers = 100 << 20

// A client that reads a result of 1 GiB slowly: the proxy keeps a few buffers of
// it, and the others do not notice.
func TestSlowReader(t *testing.T) {
	p := withSchema(t, options{})
	a := p.keys(1)[0][0]
	other := p.connect()
	do(t, other, insertTitle(a, "x"))
	quiet := latency(t, other, a, 100)

	w := p.wire()
	const rows, size = 1024, 1 << 20
	sql := fmt.Sprintf("SELECT repeat('x', %d) FROM documents, generate_series(1, %d) WHERE user_id = %d", size, rows, a)
	var busy time.Duration
	grown := p.growth(t, func() {
		w.send(&pgproto3.Query{String: sql})
		var read int64
		buf := make([]byte, 256<<10)
		for began := time.Now(); time.Since(began) < 2*time.Second; {
			n, err := w.conn.Read(buf)
			read += int64(n)
			if err != nil {
				t.Fatal(err)
			}
			busy = max(busy, latency(t, other, a, 10))
		}
		if read > rows*size/2 {
			t.Fatalf("%d bytes in two seconds: that was not slow", read)
		}
		// The rest at once: nothing was lost.
		tail := &lastBytes{n: 64}
		n, err := io.CopyN(tail, w.conn, rows*(size+11)+30-read) // T, rows of 11 bytes and the value
		if err != nil {
			t.Fatalf("after %d bytes: %v", read+n, err)
		}
		for !strings.Contains(string(tail.b), fmt.Sprintf("SELECT %d\x00", rows)) || !strings.HasSuffix(string(tail.b), "\x00\x00\x00\x05I") {
			_ = w.conn.SetReadDeadline(time.Now().Add(10 * time.Second))
			n, err := w.conn.Read(buf)
			_, _ = tail.Write(buf[:n])
			if err != nil {
				t.Fatalf("the end of the result: %v, %q", err, tail.b)
			}
		}
	})
	t.Logf("the proxy grew by %d kB; a statement of another client took %s before, at most %s meanwhile", grown>>10, quiet, busy)
	if grown > fewBuffers {
		t.Errorf("the proxy grew by %d MB", grown>>20)
	}
	if busy > quiet+time.Second {
		t.Errorf("another client waited %s", busy)
	}
}

// latency is the longest of n statements.
func latency(t testing.TB, conn *pgx.Conn, user int64, n int) time.Duration {
	t.Helper()
	var longest time.Duration
	for range n {
		began := time.Now()
		if got := query(t, conn, "SELECT title FROM documents WHERE user_id = $1", user); len(got) != 1 {
			t.Fatalf("rows %q", got)
		}
		longest = max(longest, time.Since(began))
	}
	return longest
}

// lastBytes keeps the end of what is written.
type lastBytes struct {
	n int
	b []byte
}

func (l *lastBytes) Write(p []byte) (int, error) {
	l.b = append(l.b, p[max(0, len(p)-l.n):]...)
	l.b = l.b[max(0, len(l.b)-l.n):]
	return len(p), nil
}

// One value of 200 MB passes through in parts.
func TestLargeValue(t *testing.T) {
	p := withSchema(t, options{})
	a := p.keys(1)[0][0]
	do(t, p.connect(), insertTitle(a, "x"))
	const size = 200_000_000
	w := p.wire()
	grown := p.growth(t, func() {
		w.send(&pgproto3.Query{String: fmt.Sprintf("SELECT repeat('x', %d) FROM documents WHERE user_id = %d", size, a)})
		_ = w.conn.SetReadDeadline(time.Now().Add(60 * time.Second))
		if n, err := io.CopyN(io.Discard, w.conn, size); err != nil {
			t.Fatalf("after %d bytes: %v", n, err)
		}
	})
	t.Logf("the proxy grew by %d kB", grown>>10)
	if grown > fewBuffers {
		t.Errorf("the proxy grew by %d MB", grown>>20)
	}
}

// Statements and parameters of 17 MiB.
func TestLargeStatements(t *testing.T) {
	t.Parallel()
	p := withSchema(t, options{})
	keys := p.keys(1)
	conn := p.connect()
	text := strings.Repeat("Größe'\\ ", (17<<20)/9)
	sum := fmt.Sprintf("%x", md5.Sum([]byte(text)))
	literal := "'" + strings.ReplaceAll(text, "'", "''") + "'"
	pg := conn.PgConn()
	for name, insert := range map[string]func(user int64) error{
		"a literal in the simple protocol": func(user int64) error {
			return pg.Exec(t.Context(), fmt.Sprintf("INSERT INTO documents (title, user_id) VALUES (%s, %d)", literal, user)).Close()
		},
		"a literal in the extended protocol": func(user int64) error {
			return pg.ExecParams(t.Context(), fmt.Sprintf("INSERT INTO documents (title, user_id) VALUES (%s, $1)", literal),
				[][]byte{fmt.Append(nil, user)}, nil, nil, nil).Read().Err
		},
		"a text parameter": func(user int64) error {
			return pg.ExecParams(t.Context(), "INSERT INTO documents (title, user_id) VALUES ($1, $2)",
				[][]byte{[]byte(text), fmt.Append(nil, user)}, nil, nil, nil).Read().Err
		},
		"a binary parameter": func(user int64) error {
			_, err := conn.Exec(t.Context(), "INSERT INTO documents (title, user_id) VALUES ($1, $2)", text, user)
			return err
		},
	} {
		for _, ids := range keys {
			if err := insert(ids[0]); err != nil {
				t.Errorf("%s: %v", name, err)
			}
			got := query(t, conn, "DELETE FROM documents WHERE user_id = $1 RETURNING md5(title)", ids[0])
			if !slices.Equal(got, []string{sum}) {
				t.Errorf("%s: %q, want %s", name, got, sum)
			}
		}
	}
	// A list of 100,000 rows.
	var values strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&values, ", (%d, 'title %d')", keys[0][0], i)
	}
	if tag := do(t, conn, "INSERT INTO documents (user_id, title) VALUES "+values.String()[2:]); tag.RowsAffected() != 100_000 {
		t.Errorf("a list of rows: %s", tag)
	}
}

// A message above the limit is refused before it is read.
func TestMessageLimit(t *testing.T) {
	t.Parallel()
	p := withSchema(t, options{postgres: "max_message: 1MiB"})
	other := p.wire()
	other.simple("BEGIN")
	for _, typ := range []byte{'Q', 'P', 'B', 'd'} {
		grown := p.growth(t, func() {
			w := p.wire()
			if _, err := w.conn.Write([]byte{typ, 0x7f, 0xff, 0xff, 0xff}); err != nil {
				t.Fatal(err)
			}
			if got := closing(t, w); !slices.Equal(got, []string{"E 08P01"}) {
				t.Errorf("%c of 2 GiB: %q", typ, got)
			}
		})
		if grown > 32<<20 {
			t.Errorf("%c of 2 GiB: the proxy grew by %d MB", typ, grown>>20)
		}
	}
	w := p.wire()
	long := "SELECT 1 -- " + strings.Repeat("x", 1<<20)
	if _, err := w.conn.Write(append([]byte{'Q', 0, 0x10, 0, 0x11}, long...)); err != nil && !errors.Is(err, net.ErrClosed) {
		t.Logf("write: %v", err) // closed by the other side, perhaps
	}
	if got := closing(t, w); len(got) > 0 && !slices.Equal(got, []string{"E 08P01"}) {
		t.Errorf("a text of 1 MiB: %q", got)
	}
	if got := strings.Join(other.simple("COMMIT"), "|"); got != "C COMMIT|Z I" {
		t.Errorf("another client: %s", got)
	}
}

// closing reads messages until the other side closes the connection.
func closing(t testing.TB, w *wire) []string {
	t.Helper()
	_ = w.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
	var list []string
	for {
		m, err := w.Receive()
		var timeout net.Error
		if errors.As(err, &timeout) && timeout.Timeout() {
			t.Fatalf("still open after %q", list)
		}
		if err != nil {
			return list
		}
		list = append(list, short(m))
	}
}

// With all connections of a node taken, clients wait; after queue_timeout they
// get an error, and their sessions go on.
func TestQueueTimeout(t *testing.T) {
	t.Parallel()
	p := withSchema(t, options{pool: 1}) // queue_timeout is 10 s
	keys := p.keys(1)
	a, b := keys[0][0], keys[1][0]
	holder := p.wire()
	holder.simple("BEGIN")
	holder.simple(insertTitle(a, "x"))
	began := time.Now()
	var waiters []*wire
	for range 5 {
		w := p.wire()
		w.send(&pgproto3.Query{String: selectTitle(a)})
		waiters = append(waiters, w)
	}
	inTransaction := p.wire()
	inTransaction.simple("BEGIN")
	inTransaction.send(&pgproto3.Query{String: selectTitle(a)})
	if got := p.wire().simple(selectTitle(b)); len(errorsIn(got)) > 0 {
		t.Errorf("another node, meanwhile: %q", got)
	}
	for i, w := range waiters {
		if got := strings.Join(w.until("Z"), "|"); got != "E 53000|Z I" {
			t.Errorf("client %d: %s", i, got)
		}
	}
	if took := time.Since(began); took < 9*time.Second {
		t.Errorf("refused after %s, want 10 s", took)
	}
	if got := strings.Join(inTransaction.until("Z"), "|"); got != "E 53000|Z E" {
		t.Errorf("in a transaction: %s", got)
	}
	if got := strings.Join(inTransaction.simple("ROLLBACK"), "|"); got != "C ROLLBACK|Z I" {
		t.Errorf("its end: %s", got)
	}
	for _, w := range waiters {
		w.send(&pgproto3.Query{String: selectTitle(a)})
	}
	time.Sleep(100 * time.Millisecond) // in the queue again by now, most likely
	holder.simple("COMMIT")
	for i, w := range waiters {
		if got := strings.Join(w.until("Z"), "|"); got != "T title|D x|C SELECT 1|Z I" {
			t.Errorf("client %d, second time: %s", i, got)
		}
	}
}

// Many clients at once on a pool of two connections that does not exist yet:
// all are served.
func TestColdClients(t *testing.T) {
	t.Parallel()
	p := withSchema(t, options{pool: 2})
	keys := p.keys(2)
	const clients, each = 64, 5
	var all sync.WaitGroup
	for i := range clients {
		all.Go(func() {
			conn, err := pgx.Connect(t.Context(), p.dsn("application_name=cold"))
			if err != nil {
				t.Errorf("client %d: %v", i, err)
				return
			}
			defer closeNow(conn)
			user := keys[i%len(keys)][i%2]
			for k := range each {
				if _, err := conn.Exec(t.Context(), "INSERT INTO documents (user_id, title) VALUES ($1, $2)", user, fmt.Sprint(i, k)); err != nil {
					t.Errorf("client %d: %v", i, err)
				}
				if _, err := queryErr(t.Context(), conn, selectTitle(user)); err != nil {
					t.Errorf("client %d: %v", i, err)
				}
			}
		})
	}
	all.Wait()
	if n := total(p.countOn("documents", "")); n != clients*each {
		t.Errorf("%d rows, want %d", n, clients*each)
	}
	for i := range p.nodes {
		n := query(t, p.node(i), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name IN ('cold', 'shardproxy')")
		if n[0] > "2" {
			t.Errorf("%s connections to node %d, want at most 2", n[0], i+1)
		}
	}
}

// What a statement can have wrong: the SQLSTATE of a plain server, and the
// session goes on.
func TestBadStatements(t *testing.T) {
	t.Parallel()
	s := newCopySides(t)
	type call struct {
		sql    string
		params [][]byte
		format int16
	}
	bad := func(b ...byte) []byte { return b }
	a := fmt.Appendf(nil, "%d", s.a)
	for name, c := range map[string]call{
		"no SQL":                            {sql: "this is no SQL"},
		"half a statement":                  {sql: "SELECT * FROM documents WHERE user_id ="},
		"an open quote":                     {sql: "SELECT * FROM documents WHERE user_id = 1 AND title = 'x"},
		"an open comment":                   {sql: "SELECT * FROM documents WHERE user_id = 1 /* "},
		"an open dollar quote":              {sql: "SELECT $x$ FROM documents WHERE user_id = 1"},
		"a key that is no number":           {sql: "SELECT * FROM documents WHERE user_id = 'abc'"},
		"an inserted key that is none":      {sql: "INSERT INTO documents (user_id, title) VALUES ('abc', 'x')"},
		"a NULL key":                        {sql: "INSERT INTO documents (user_id, title) VALUES (NULL, 'x')"},
		"no key":                            {sql: "INSERT INTO documents (title) VALUES ('x')"},
		"a NULL key as parameter":           {sql: "INSERT INTO documents (user_id, title) VALUES ($1, 'x')", params: [][]byte{nil}},
		"a key of another type":             {sql: "SELECT * FROM documents WHERE user_id = true"},
		"invalid UTF-8":                     {sql: "SELECT '\xff\xfe' FROM documents WHERE user_id = 1"},
		"invalid UTF-8 in a comment":        {sql: "SELECT 1 /* \xff */"},
		"invalid UTF-8 in a name":           {sql: "SELECT \"\xc3\x28\" FROM documents WHERE user_id = 1"},
		"invalid UTF-8 in an INSERT":        {sql: fmt.Sprintf("INSERT INTO documents (user_id, title) VALUES (%d, '\xc3\x28')", s.a)},
		"invalid UTF-8 in a parameter":      {sql: "INSERT INTO documents (user_id, title) VALUES ($1, $2)", params: [][]byte{a, bad(0xff)}},
		"NUL in a parameter":                {sql: "INSERT INTO documents (user_id, title) VALUES ($1, $2)", params: [][]byte{a, []byte("x\x00y")}},
		"a parameter that is no number":     {sql: "SELECT * FROM documents WHERE user_id = $1", params: [][]byte{[]byte("abc")}},
		"an empty parameter":                {sql: "SELECT * FROM documents WHERE user_id = $1", params: [][]byte{{}}},
		"a binary parameter of 3 bytes":     {sql: "SELECT * FROM documents WHERE user_id = $1", params: [][]byte{{1, 2, 3}}, format: 1},
		"a binary parameter of 9 bytes":     {sql: "SELECT * FROM documents WHERE user_id = $1", params: [][]byte{make([]byte, 9)}, format: 1},
		"a binary parameter of 4 for 8":     {sql: "SELECT * FROM documents WHERE user_id = $1", params: [][]byte{{0, 0, 0, 1}}, format: 1},
		"an unknown format":                 {sql: "SELECT * FROM documents WHERE user_id = $1", params: [][]byte{a}, format: 7},
		"too few parameters":                {sql: "SELECT * FROM documents WHERE user_id = $1 AND title = $2", params: [][]byte{a}},
		"too many parameters":               {sql: "SELECT * FROM documents WHERE user_id = $1", params: [][]byte{a, a}},
		"two statements, extended":          {sql: "SELECT 1; SELECT 2", params: [][]byte{}},
		"a division by zero":                {sql: fmt.Sprintf("UPDATE documents SET n = 1/0 WHERE user_id = %d", s.a)},
		"a parameter in the simple one":     {sql: fmt.Sprintf("SELECT * FROM documents WHERE user_id = %d AND title = $1", s.a)},
		"$0":                                {sql: "SELECT $0", params: [][]byte{}},
		"a parameter with a high number":    {sql: "SELECT $70000", params: [][]byte{}},
		"parentheses, deep":                 {sql: "SELECT " + strings.Repeat("(", 20000) + "1" + strings.Repeat(")", 20000)}, // too much for the grammar's stack: 42601; the proxy's parser: 54001
		"parentheses":                       {sql: "SELECT " + strings.Repeat("(", 1000) + "x" + strings.Repeat(")", 1000)},
		"NUL in the text of a parse":        {sql: "SELECT 1\x00 FROM documents", params: [][]byte{}},
		"a text with a NUL inside":          {sql: "SELECT 1\x00; DROP TABLE documents"},
		"nothing but a NUL":                 {sql: "\x00"},
		"a key with a NUL":                  {sql: "SELECT * FROM users WHERE name = 'a\x00b' AND id = 1"},
		"a name that is far too long":       {sql: "SELECT " + strings.Repeat("x", 100) + " FROM documents WHERE user_id = 1"},
		"a condition with a wrong type":     {sql: fmt.Sprintf("SELECT * FROM documents WHERE user_id = %d AND n = 'x'", s.a)},
		"an aggregate out of place":         {sql: fmt.Sprintf("SELECT * FROM documents WHERE user_id = %d AND count(*) > 1", s.a)},
		"ON CONFLICT without such an index": {sql: fmt.Sprintf("INSERT INTO documents (user_id, title) VALUES (%d, 'x') ON CONFLICT (user_id, title) DO NOTHING", s.a)},
	} {
		t.Run(name, func(t *testing.T) {
			run := func(w *wire) []string {
				if c.params == nil {
					w.send(&pgproto3.Query{String: c.sql})
				} else {
					var formats []int16
					if c.format != 0 {
						formats = []int16{c.format}
					}
					w.send(&pgproto3.Parse{Query: c.sql}, &pgproto3.Bind{Parameters: c.params, ParameterFormatCodes: formats},
						&pgproto3.Execute{}, &pgproto3.Sync{})
				}
				return errorsIn(w.until("Z"))
			}
			want, got := run(wireTo(t, s.plain)), run(wireTo(t, s.dsn()))
			if name == "parentheses, deep" && slices.Equal(got, []string{"54001"}) {
				got = want
			}
			refused := len(want) <= 1 && len(got) == 1 && (got[0] == "0A000" || got[0] == "22P02" || got[0] == "23502" && len(want) == 1 && want[0] == "23502")
			if !slices.Equal(want, got) && !refused {
				t.Errorf("got %q, a plain server says %q", got, want)
			}
			w := s.wire()
			w.simple("BEGIN")
			run(w)
			if got := w.simple("ROLLBACK"); got[len(got)-1] != "Z I" {
				t.Errorf("ROLLBACK after it: %q", got)
			}
			if got := w.simple("SELECT 1"); len(got) != 4 || got[1] != "D 1" {
				t.Errorf("the next statement: %q", got)
			}
			_ = w.conn.Close()
		})
	}
	if n := total(s.countOn("documents", "")); n != 0 {
		t.Errorf("%d rows were written", n)
	}
}
