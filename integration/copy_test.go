package integration

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgproto3"
)

// copyCase is a COPY into documents. In its text A and B stand for keys of one
// node, X for a key of another.
type copyCase struct {
	name string
	sql  string
	data string
	fail bool // ends with CopyFail
	// refused: the plain server takes what the proxy may refuse, or refuses it
	// for another reason.
	refused bool
}

const copyRows = "COPY documents (id, user_id, title, n) FROM STDIN"

var copyCases = []copyCase{
	{name: "two rows", sql: copyRows, data: "1\tA\tone\t1\n2\tB\ttwo\t2\n"},
	{name: "one key", sql: copyRows, data: "1\tA\tone\t1\n2\tA\ttwo\t2\n3\tA\tthree\t3\n"},
	{name: "no newline at the end", sql: copyRows, data: "1\tA\tone\t1\n2\tB\ttwo\t2"},
	{name: "an end marker", sql: copyRows, data: "1\tA\tone\t1\n\\.\n"},
	{name: "rows behind the end marker", sql: copyRows, data: "1\tA\tone\t1\n\\.\n2\tB\tnever\t1\n"},
	{name: "escapes", sql: copyRows, data: `1	A	a\tb\nc\\d\x41\101\e` + "\t1\n2\tA\tline\\\nbreak\t2\n"},
	{name: "an escaped key", sql: copyRows, data: "1\tA\tone\t1\n2\t\\x41\tno number\t2\n", refused: true},
	{name: "carriage return and newline", sql: copyRows, data: "1\tA\tone\t1\r\n2\tB\ttwo\t2\r\n"},
	{name: "carriage returns", sql: copyRows, data: "1\tA\tone\t1\r2\tB\ttwo\t2\r"},
	{name: "mixed line ends", sql: copyRows, data: "1\tA\tone\t1\n2\tB\ttwo\t2\r\n"},
	{name: "NULL title", sql: copyRows, data: "1\tA\t\\N\t1\n"},
	{name: "no rows", sql: copyRows, data: ""},
	{name: "an end marker alone", sql: copyRows, data: "\\.\n"},
	{name: "an empty line", sql: copyRows, data: "1\tA\tone\t1\n\n", refused: true},
	{name: "NULL key", sql: copyRows, data: "1\tA\tone\t1\n2\t\\N\ttwo\t2\n"},
	{name: "NULL key first", sql: copyRows, data: "2\t\\N\ttwo\t2\n"},
	{name: "a key that is no number", sql: copyRows, data: "1\tA\tone\t1\n2\tx\ttwo\t2\n"},
	{name: "a key with zeros", sql: copyRows, data: "1\tA\tone\t1\n2\t00A\ttwo\t2\n", refused: true},
	{name: "a key with a space", sql: copyRows, data: "1\t A\tone\t1\n", refused: true},
	{name: "a key too large", sql: copyRows, data: "1\t99999999999999999999\tone\t1\n", refused: true},
	{name: "two nodes", sql: copyRows, data: "1\tA\tone\t1\n2\tX\ttwo\t2\n", refused: true},
	{name: "two nodes, many rows", sql: copyRows, data: manyRows("A", 200) + "9999\tX\tx\t1\n", refused: true},
	{name: "a column too few", sql: copyRows, data: "1\tA\tone\t1\n2\tB\ttwo\n"},
	{name: "a column too many", sql: copyRows, data: "1\tA\tone\t1\n2\tB\ttwo\t2\t3\n"},
	{name: "no key column in the row", sql: copyRows, data: "1\n"},
	{name: "a number that is none", sql: copyRows, data: "1\tA\tone\tx\n"},
	{name: "a row twice", sql: copyRows, data: "1\tA\tone\t1\n1\tA\tone\t1\n"},
	{name: "invalid UTF-8", sql: copyRows, data: "1\tA\t\xff\xfe\t1\n"},
	{name: "NUL", sql: copyRows, data: "1\tA\tx\x00y\t1\n"},
	{name: "CopyFail", sql: copyRows, data: "1\tA\tone\t1\n", fail: true},
	{name: "CopyFail in a row", sql: copyRows, data: "1\tA\tone\t1\n2\tB", fail: true},
	{name: "CopyFail before the first row", sql: copyRows, data: "", fail: true},
	{name: "the key last", sql: "COPY documents (n, title, id, user_id) FROM STDIN", data: "1\tone\t1\tA\n2\ttwo\t2\tB\n"},
	{name: "without a list", sql: "COPY documents FROM STDIN", data: "1\tA\tone\t1\n2\tB\ttwo\t2\n"},
	{name: "quoted names", sql: `COPY "public"."documents" ("id", "user_id", "title") FROM STDIN`, data: "1\tA\tone\n"},
	{name: "without the key", sql: "COPY documents (id, title) FROM STDIN", data: "1\tone\n", refused: true},
	{name: "an unknown column", sql: "COPY documents (id, user_id, nope) FROM STDIN", data: "1\tA\tone\n"},
	{name: "an unknown column and no rows", sql: "COPY documents (id, user_id, nope) FROM STDIN", data: ""},
	{name: "an unknown table", sql: "COPY nope (id, user_id) FROM STDIN", data: "1\tA\n"},
	{name: "an unknown option", sql: copyRows + " WITH (NOPE 1)", data: "1\tA\tone\t1\n", refused: true},
	{name: "an unknown format", sql: copyRows + " WITH (FORMAT nope)", data: "1\tA\tone\t1\n", refused: true},
	{name: "a delimiter", sql: copyRows + " WITH (DELIMITER '|')", data: "1|A|one|1\n2|B|a\\|b|2\n"},
	{name: "a delimiter in the old way", sql: copyRows + " DELIMITER '|' NULL AS 'none'", data: "1|A|one|1\n2|B|nonesuch|2\n"},
	{name: "a word for NULL", sql: copyRows + " WITH (NULL 'none')", data: "1\tA\tone\t1\n2\tnone\ttwo\t2\n"},
	{name: "a header", sql: copyRows + " WITH (HEADER)", data: "id\tuser_id\ttitle\tn\n1\tA\tone\t1\n"},
	{name: "a header that fits", sql: copyRows + " WITH (HEADER match)", data: "id\tuser_id\ttitle\tn\n1\tA\tone\t1\n"},
	{name: "a header that does not fit", sql: copyRows + " WITH (HEADER match)", data: "id\tuser_id\tn\ttitle\n1\tA\tone\t1\n"},
	{name: "a condition", sql: copyRows + " WHERE n > 1", data: "1\tA\tone\t1\n2\tB\ttwo\t2\n"},
	{name: "encoding", sql: copyRows + " WITH (ENCODING 'UTF8')", data: "1\tA\tÄ日\t1\n"},
	{name: "csv", sql: copyRows + " WITH (FORMAT csv)", data: "1,A,one,1\n2,B,two,2\n"},
	{name: "csv in the old way", sql: copyRows + " CSV HEADER", data: "a,b,c,d\n1,A,one,1\n2,B,two,2\n"},
	{name: "csv with quotes", sql: copyRows + " WITH (FORMAT csv)", data: "1,A,\"one, \"\"two\"\"\nthree\r\nfour\",1\n\"2\",\"B\",\"\",\"2\"\n"},
	{name: "csv with quotes inside", sql: copyRows + " WITH (FORMAT csv)", data: "1,A,on\"e, x\"y,1\n"},
	{name: "csv with a header of two lines", sql: copyRows + " WITH (FORMAT csv, HEADER)", data: "id,user_id,\"ti\ntle\",n\n1,A,one,1\n"},
	{name: "csv with other characters", sql: copyRows + ` WITH (FORMAT csv, QUOTE '''', ESCAPE '\', DELIMITER ';', NULL '-')`, data: "1;'A';'it\\'s; x';1\n2;B;-;2\n"},
	{name: "csv with NULL", sql: copyRows + " WITH (FORMAT csv)", data: "1,A,,1\n"},
	{name: "csv with a quoted NULL", sql: copyRows + " WITH (FORMAT csv, NULL 'x', FORCE_NULL (title))", data: "1,A,\"x\",1\n"},
	{name: "csv with NULL forced not to be", sql: copyRows + " WITH (FORMAT csv, FORCE_NOT_NULL (title))", data: "1,A,,1\n"},
	{name: "csv with a NULL key", sql: copyRows + " WITH (FORMAT csv)", data: "1,A,one,1\n2,,two,2\n"},
	{name: "csv with an open quote", sql: copyRows + " WITH (FORMAT csv)", data: "1,A,\"one,1\n2,B,two,2\n"},
	{name: "csv with an end marker", sql: copyRows + " WITH (FORMAT csv)", data: "1,A,one,1\n\\.\n2,B,never,1\n"},
	{name: "csv with the marker as data", sql: copyRows + " WITH (FORMAT csv)", data: "1,A,\\.,1\n2,A,\"\\.\",2\n"},
	{name: "csv with two nodes", sql: copyRows + " WITH (FORMAT csv)", data: "1,A,\"a\nX\",1\n2,X,two,2\n", refused: true},
	{name: "behind another statement", sql: "SELECT 1; " + copyRows, data: "1\tA\tone\t1\n"},
	{name: "between others", sql: "SELECT 1 AS a; " + copyRows + "; SELECT 2 AS b", data: "1\tA\tone\t1\n"},
	{name: "undone by what follows", sql: copyRows + "; SELECT 1/0", data: "1\tA\tone\t1\n"},
	{name: "twice", sql: copyRows + "; " + copyRows, data: "1\tA\tone\t1\n"},
	{name: "from a file", sql: "COPY documents FROM '/nowhere/at/all'", refused: true},
	{name: "from a program", sql: "COPY documents FROM PROGRAM 'true'", refused: true},
}

func manyRows(key string, n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "%d\t%s\ttitle %d\t%d\n", i+1, key, i, i)
	}
	return b.String()
}

// copyIn sends a COPY with its data in chunks, and returns the answer up to
// ReadyForQuery. Data goes to each CopyInResponse.
func (w *wire) copyIn(c copyCase, chunk int) []string {
	w.t.Helper()
	w.send(&pgproto3.Query{String: c.sql})
	list := w.untilAny("G", "Z")
	for strings.HasPrefix(list[len(list)-1], "G") {
		for data := []byte(c.data); len(data) > 0; {
			n := min(chunk, len(data))
			w.Send(&pgproto3.CopyData{Data: data[:n]})
			data = data[n:]
		}
		if c.fail {
			w.send(&pgproto3.CopyFail{Message: "enough"})
		} else {
			w.send(&pgproto3.CopyDone{})
		}
		list = append(list, w.untilAny("G", "Z")...)
	}
	return list
}

// untilAny reads messages up to one of the types.
func (w *wire) untilAny(types ...string) []string {
	w.t.Helper()
	var list []string
	for {
		m := w.next()
		list = append(list, m)
		if slices.Contains(types, m[:1]) {
			return list
		}
	}
}

// copySides are the proxy and a plain server, with the tables and keys.
type copySides struct {
	*proxy
	plain   string // DSN
	replace *strings.Replacer
	a, b, x int64
}

func newCopySides(t testing.TB) *copySides {
	t.Helper()
	s := &copySides{proxy: withSchema(t, options{}), plain: cluster.NewDatabase(t, 0)}
	do(t, connect(t, s.plain), schema)
	keys := s.keys(2)
	s.a, s.b, s.x = keys[0][0], keys[0][1], keys[1][0]
	s.replace = strings.NewReplacer("A", fmt.Sprint(s.a), "B", fmt.Sprint(s.b), "X", fmt.Sprint(s.x))
	return s
}

// COPY FROM STDIN: the answers and the rows of a plain server, or a refusal that
// leaves nothing.
func TestCopyIn(t *testing.T) {
	t.Parallel()
	s := newCopySides(t)
	through, plain := s.wire(), wireTo(t, s.plain)
	nodes := make([]*pgx.Conn, len(s.nodes))
	for i := range nodes {
		nodes[i] = s.node(i)
	}
	direct := connect(t, s.plain)
	rows := func(conn *pgx.Conn) []string {
		return query(t, conn, "WITH gone AS (DELETE FROM documents RETURNING *) SELECT g::text FROM gone g ORDER BY 1")
	}
	for _, c := range copyCases {
		c.data = s.replace.Replace(c.data)
		t.Run(c.name, func(t *testing.T) {
			through.t, plain.t = t, t
			want := plain.copyIn(c, 1<<20)
			wantRows := rows(direct)
			for _, chunk := range []int{1, 7, 1 << 20} {
				got := through.copyIn(c, chunk)
				var gotRows []string
				for _, node := range nodes {
					gotRows = append(gotRows, rows(node)...)
				}
				if codes := errorsIn(got); c.refused && len(codes) == 1 && slices.Contains([]string{"0A000", "22P02", "22P04"}, codes[0]) {
					if len(gotRows) > 0 {
						t.Errorf("chunks of %d: refused, and %q were written", chunk, gotRows)
					}
				} else if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("chunks of %d (-plain +proxy):\n%s", chunk, diff)
				} else if diff := cmp.Diff(wantRows, gotRows); diff != "" {
					t.Errorf("chunks of %d, rows (-plain +proxy):\n%s", chunk, diff)
				}
				if got := through.simple("SELECT 1"); !slices.Equal(got, []string{"T ?column?", "D 1", "C SELECT 1", "Z I"}) {
					t.Fatalf("chunks of %d, the next statement: %q", chunk, got)
				}
			}
		})
	}
}

// COPY in transactions: it binds the node, and an error fails the transaction.
func TestCopyInTransaction(t *testing.T) {
	t.Parallel()
	s := newCopySides(t)
	w := s.wire()
	good := copyCase{sql: copyRows, data: s.replace.Replace("1\tA\tone\t1\n")}
	more := copyCase{sql: copyRows, data: s.replace.Replace("2\tB\ttwo\t1\n")}
	bad := copyCase{sql: copyRows, data: s.replace.Replace("3\tA\tthree\t1\n4\tA\tx\ty\n")}
	other := copyCase{sql: copyRows, data: s.replace.Replace("5\tX\tfive\t1\n")}
	simple := func(sql, want string) {
		t.Helper()
		if got := strings.Join(w.simple(sql), "|"); got != want {
			t.Errorf("%s: %s, want %s", sql, got, want)
		}
	}
	copied := func(c copyCase, want string) {
		t.Helper()
		if got := strings.Join(w.copyIn(c, 5), "|"); got != want {
			t.Errorf("COPY of %q: %s, want %s", c.data, got, want)
		}
	}
	simple("BEGIN", "C BEGIN|Z T")
	copied(good, "G|C COPY 1|Z T")
	simple("SAVEPOINT s", "C SAVEPOINT|Z T")
	copied(bad, "G|E 22P02|Z E")
	simple("SELECT 1", "E 25P02|Z E")
	simple("ROLLBACK TO s", "C ROLLBACK|Z T")
	copied(other, "G|E 0A000|Z E")
	simple("ROLLBACK TO s", "C ROLLBACK|Z T")
	copied(more, "G|C COPY 1|Z T")
	simple("COMMIT", "C COMMIT|Z I")
	if n := total(s.countOn("documents", "")); n != 2 {
		t.Errorf("%d rows, want 2", n)
	}
	simple("BEGIN", "C BEGIN|Z T")
	simple(insertTitle(s.x, "elsewhere"), "C INSERT 0 1|Z T")
	copied(good, "G|E 0A000|Z E")
	simple("COMMIT", "C ROLLBACK|Z I")
	simple("BEGIN READ ONLY", "C BEGIN|Z T")
	if got := errorsIn(w.copyIn(good, 100)); !slices.Equal(got, []string{"25006"}) {
		t.Errorf("COPY in a read-only transaction: %q, want 25006", got)
	}
	simple("ROLLBACK", "C ROLLBACK|Z I")
	simple("BEGIN", "C BEGIN|Z T")
	copied(copyCase{sql: copyRows}, "G|C COPY 0|Z T")
	simple(insertTitle(s.x, "after nothing"), "C INSERT 0 1|Z T")
	simple("COMMIT", "C COMMIT|Z I")
	if n := total(s.countOn("documents", "")); n != 3 {
		t.Errorf("%d rows, want 3", n)
	}
}

// Messages that have no place in a COPY, and a COPY that has no place where it
// is: one error, and the session goes on.
func TestCopyOutOfOrder(t *testing.T) {
	t.Parallel()
	s := newCopySides(t)
	row := &pgproto3.CopyData{Data: []byte(s.replace.Replace("1\tA\tone\t1\n"))}
	for name, messages := range map[string][]pgproto3.FrontendMessage{
		"data, done and fail without a COPY": {row, &pgproto3.CopyDone{}, &pgproto3.CopyFail{}, &pgproto3.Query{String: "SELECT 1"}},
		"data behind the end":                {&pgproto3.Query{String: copyRows}, row, &pgproto3.CopyDone{}, row, row, &pgproto3.CopyDone{}},
		"Sync and Flush in a COPY":           {&pgproto3.Query{String: copyRows}, row, &pgproto3.Sync{}, &pgproto3.Flush{}, &pgproto3.CopyDone{}},
		"data behind an error": {
			&pgproto3.Query{String: copyRows}, &pgproto3.CopyData{Data: []byte(s.replace.Replace("1\tA\tone\tx\n"))},
			row, row, &pgproto3.CopyDone{},
		},
	} {
		t.Run(name, func(t *testing.T) {
			answer := func(w *wire) (list []string) {
				w.send(append(messages, &pgproto3.Query{String: "SELECT 'next'"})...)
				_ = w.conn.SetReadDeadline(time.Now().Add(20 * time.Second))
				for !slices.Contains(list, "D next") || list[len(list)-1] != "Z I" {
					m, err := w.Receive()
					if err != nil {
						return append(list, "closed")
					}
					list = append(list, short(m))
				}
				return list
			}
			want, got := answer(wireTo(t, s.plain)), answer(wireTo(t, s.dsn()))
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-plain +proxy):\n%s", diff)
			}
			do(t, connect(t, s.plain), "DELETE FROM documents")
			for i := range s.nodes {
				do(t, s.node(i), "DELETE FROM documents")
			}
		})
	}
	// Other messages end the COPY; a plain server ends the session there.
	for name, messages := range map[string][]pgproto3.FrontendMessage{
		"a Query":                      {row, &pgproto3.Query{String: "SELECT 1"}},
		"a Query before the first row": {&pgproto3.Query{String: "SELECT 1"}},
		"a Parse":                      {row, &pgproto3.Parse{Query: "SELECT 1"}},
	} {
		w := s.wire()
		w.send(append([]pgproto3.FrontendMessage{&pgproto3.Query{String: copyRows}}, messages...)...)
		if got := w.until("Z"); !slices.Equal(got, []string{"G", "E 08P01", "Z I"}) {
			t.Errorf("%s in a COPY: %q", name, got)
		}
		if got := w.simple("SELECT 1"); got[1] != "D 1" {
			t.Errorf("after %s in a COPY: %q", name, got)
		}
	}
	if n := total(s.countOn("documents", "")); n != 0 {
		t.Errorf("%d rows, want none", n)
	}
	// In the extended protocol it is refused before any data is sent.
	w := s.wire()
	w.send(append(group(copyRows), &pgproto3.Sync{})...)
	if got := w.until("Z"); !slices.Equal(errorsIn(got), []string{"0A000"}) {
		t.Errorf("COPY in the extended protocol: %q, want one refusal", got)
	}
	if got := w.simple("SELECT 1"); got[1] != "D 1" {
		t.Errorf("afterwards: %q", got)
	}
}

// The binary format, as pgx sends it.
func TestCopyBinary(t *testing.T) {
	t.Parallel()
	s := newCopySides(t)
	conn := s.connect()
	columns := []string{"id", "user_id", "title", "n"}
	into := func(rows ...[]any) (int64, error) {
		return conn.CopyFrom(t.Context(), pgx.Identifier{"documents"}, columns, pgx.CopyFromRows(rows))
	}
	var many [][]any
	for i := range 5000 {
		many = append(many, []any{int64(i), []int64{s.a, s.b}[i%2], fmt.Sprint("title ", i), int32(i)})
	}
	if n, err := into(many...); n != 5000 || err != nil {
		t.Errorf("rows of one node: %d, %v", n, err)
	}
	if n := s.countOn("documents", fmt.Sprintf("user_id IN (%d, %d)", s.a, s.b)); n[0] != 5000 || total(n) != 5000 {
		t.Errorf("rows on the nodes: %v", n)
	}
	for name, tt := range map[string]struct {
		want string
		rows [][]any
	}{
		"two nodes":     {"0A000", [][]any{{int64(-1), s.a, "x", int32(1)}, {int64(-2), s.x, "x", int32(1)}}},
		"far apart":     {"0A000", append(renumbered(many), []any{int64(-2), s.x, "x", int32(1)})},
		"NULL key":      {"23502", [][]any{{int64(-1), s.a, "x", int32(1)}, {int64(-2), nil, "x", int32(1)}}},
		"a row twice":   {"23505", [][]any{{int64(1), s.a, "x", int32(1)}, {int64(1), s.a, "x", int32(1)}}},
		"NULL in a row": {"23502", [][]any{{int64(-1), s.a, "x", nil}}},
	} {
		if _, err := into(tt.rows...); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want %s", name, err, tt.want)
		}
		if n := total(s.countOn("documents", "")); n != 5000 {
			t.Errorf("%s: %d rows, want 5000 as before", name, n)
		}
		if got := query(t, conn, "SELECT 1"); got[0] != "1" {
			t.Errorf("%s: the next statement: %q", name, got)
		}
	}
	if n, err := into(); n != 0 || err != nil {
		t.Errorf("no rows: %d, %v", n, err)
	}
	// Garbage instead of the format.
	w := s.wire()
	for _, data := range []string{"", "nonsense that is long enough for a header", "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00", "PGCOPY\n\xff\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x09"} {
		c := copyCase{sql: copyRows + " WITH (FORMAT binary)", data: data}
		want, got := wireTo(t, s.plain).copyIn(c, 3), w.copyIn(c, 3)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-plain +proxy):\n%s", data, diff)
		}
	}
}

func renumbered(rows [][]any) [][]any {
	out := make([][]any, len(rows))
	for i, row := range rows {
		out[i] = append([]any{int64(100000 + i)}, row[1:]...)
	}
	return out
}

// COPY TO STDOUT on one node: the bytes of a plain server; over several nodes a
// refusal.
func TestCopyOut(t *testing.T) {
	t.Parallel()
	s := newCopySides(t)
	fill := copyCase{sql: copyRows, data: s.replace.Replace(manyRows("A", 500) + "1\tB\ta\\tb\\nc\\\\\t1\n2\tB\t\"quoted\", x\t2\n")}
	for _, w := range []*wire{s.wire(), wireTo(t, s.plain)} {
		if got := w.copyIn(fill, 1000); got[1] != "C COPY 502" {
			t.Fatalf("COPY: %q", got)
		}
	}
	where := fmt.Sprintf("WHERE user_id = %d ORDER BY id", s.a)
	for _, sql := range []string{
		"COPY (SELECT * FROM documents " + where + ") TO STDOUT",
		"COPY (SELECT title, n FROM documents " + where + ") TO STDOUT WITH (FORMAT csv, HEADER, FORCE_QUOTE *)",
		"COPY (SELECT * FROM documents " + where + ") TO STDOUT WITH (FORMAT binary)",
		fmt.Sprintf("COPY (SELECT * FROM documents WHERE user_id = %d ORDER BY id) TO STDOUT (DELIMITER '|', NULL 'x')", s.b),
		"COPY (SELECT * FROM documents WHERE user_id = 424242) TO STDOUT",
		"COPY (SELECT 1, 'x', NULL) TO STDOUT",
		"COPY (SELECT 1/0 FROM documents " + where + ") TO STDOUT",
		"COPY (SELECT nope FROM documents " + where + ") TO STDOUT",
		"COPY nope TO STDOUT",
		fmt.Sprintf("COPY (DELETE FROM documents WHERE user_id = %d AND id = 2 RETURNING title) TO STDOUT", s.b),
		"BEGIN; COPY (SELECT * FROM documents " + where + ") TO STDOUT; COMMIT",
	} {
		want, got := wireTo(t, s.plain).simple(sql), s.wire().simple(sql)
		if diff := cmp.Diff(joinData(want), joinData(got)); diff != "" {
			t.Errorf("%s (-plain +proxy):\n%s", sql, diff)
		}
	}
	w := s.wire()
	for _, sql := range []string{
		"COPY documents TO STDOUT", "COPY documents (title) TO STDOUT WITH CSV", "COPY (SELECT * FROM documents) TO STDOUT",
		"COPY (SELECT * FROM documents " + where + ") TO '/tmp/x'", "COPY (SELECT 1) TO PROGRAM 'cat'",
	} {
		got := w.simple(sql)
		if !slices.Equal(errorsIn(got), []string{"0A000"}) {
			t.Errorf("%s: %q, want one refusal", sql, got)
		}
	}
}

// joinData joins CopyData messages: a server may cut them as it likes.
func joinData(messages []string) []string {
	var out []string
	for _, m := range messages {
		if n := len(out); n > 0 && strings.HasPrefix(m, "d ") && strings.HasPrefix(out[n-1], "d ") {
			out[n-1] += m[2:]
			continue
		}
		out = append(out, m)
	}
	return out
}

// A large COPY streams through: the proxy keeps next to nothing of it.
func TestLargeCopy(t *testing.T) {
	p := withSchema(t, options{})
	a := p.keys(1)[0][0]
	conn := p.connect()
	title := strings.Repeat("x", 1000)
	grown := p.growth(t, func() {
		const rows = 50_000
		source := &rowSource{n: rows, row: func(i int) string { return fmt.Sprintf("%d\t%d\t%s\t%d\n", i, a, title, i) }}
		tag, err := conn.PgConn().CopyFrom(t.Context(), source, copyRows)
		if err != nil || tag.RowsAffected() != rows {
			t.Errorf("COPY: %v, %v", tag, err)
		}
	})
	t.Logf("50 MB in: the proxy grew by %d MB", grown>>20)
	if grown > 32<<20 {
		t.Errorf("the proxy grew by %d MB", grown>>20)
	}
	grown = p.growth(t, func() {
		sink := new(counter)
		sql := fmt.Sprintf("COPY (SELECT * FROM documents WHERE user_id = %d) TO STDOUT", a)
		if _, err := conn.PgConn().CopyTo(t.Context(), sink, sql); err != nil || sink.n < 50_000_000 {
			t.Errorf("COPY TO: %d bytes, %v", sink.n, err)
		}
	})
	t.Logf("50 MB out: the proxy grew by %d MB", grown>>20)
	if grown > 32<<20 {
		t.Errorf("the proxy grew by %d MB", grown>>20)
	}
	// One row of 20 MB in small pieces: it has to fit, once.
	w := p.wire()
	got := w.copyIn(copyCase{sql: copyRows, data: fmt.Sprintf("1000000\t%d\t%s\t1\n", a, strings.Repeat("y", 20<<20))}, 8192)
	if got[len(got)-2] != "C COPY 1" {
		t.Errorf("a row of 20 MB: %q", got)
	}
}

// rowSource is a reader of n rows.
type rowSource struct {
	n, i int
	row  func(i int) string
	rest string
}

func (r *rowSource) Read(p []byte) (int, error) {
	if r.rest == "" {
		if r.i == r.n {
			return 0, io.EOF
		}
		r.i++
		r.rest = r.row(r.i)
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

type counter struct{ n int }

func (c *counter) Write(p []byte) (int, error) { c.n += len(p); return len(p), nil }

// psql's \copy, both ways.
func TestPsqlCopy(t *testing.T) {
	t.Parallel()
	s := newCopySides(t)
	dir := t.TempDir()
	in, out := filepath.Join(dir, "in.csv"), filepath.Join(dir, "out.csv")
	content := s.replace.Replace("id,user_id,title,n\n1,A,\"one, \"\"1\"\"\",1\n2,A,\"two\nlines\",2\n")
	if err := os.WriteFile(in, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	psql := func(commands ...string) string {
		args := []string{"-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", s.dsn()}
		for _, c := range commands {
			args = append(args, "-c", c)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		output, err := exec.CommandContext(ctx, "psql", args...).CombinedOutput()
		if err != nil {
			t.Errorf("psql %q: %v\n%s", commands, err, output)
		}
		return string(output)
	}
	psql(`\copy documents (id, user_id, title, n) FROM '` + in + `' WITH (FORMAT csv, HEADER)`)
	psql(fmt.Sprintf(`\copy (SELECT id, user_id, title, n FROM documents WHERE user_id = %d ORDER BY id) TO '%s' WITH (FORMAT csv, HEADER)`, s.a, out))
	got, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(content, string(got)); diff != "" {
		t.Errorf("(-in +out):\n%s", diff)
	}
}
